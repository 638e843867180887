"""Documented limits of Firestore."""

from __future__ import annotations

from typing import Any

import pytest
from google.api_core.exceptions import InvalidArgument
from google.cloud.firestore import ArrayUnion, Client

KIB = 1024


def deep(levels: int) -> dict[str, Any]:
    """A document with so many maps within each other."""
    fields: dict[str, Any] = {"n": 1}
    for _ in range(levels):
        fields = {"m": fields}
    return fields


def written(client: Client, *writes: dict[str, Any]) -> None:
    """Commit writes as the protocol has them, past what the client checks by itself."""
    client._firestore_api.commit({"database": client._database_string, "writes": list(writes)})


def test_five_hundred_writes_are_the_most(firestore_server: Any, own_client: Client) -> None:
    def batch(size: int) -> Any:
        batch = own_client.batch()
        for n in range(size):
            batch.set(own_client.document(f"things/{n}"), {"n": n})
        return batch

    with pytest.raises(InvalidArgument, match="maximum 500 writes"):
        batch(501).commit()
    assert len(batch(500).commit()) == 500


def test_a_document_of_one_mib_is_the_most(client: Client) -> None:
    place = client.document("things/a")
    # The name counts 16 and each id with 1 more, the field's name with 1 more, the text with 1 more, and 32 on top.
    room = 1_048_576 - (16 + len("things") + 1 + len("a") + 1) - (len("text") + 1) - 1 - 32
    place.set({"text": "x" * room})
    with pytest.raises(InvalidArgument, match="exceeds the maximum"):
        place.set({"text": "x" * (room + 1)})
    assert len(place.get().get("text")) == room


def test_a_transform_that_exceeds_the_size_limit_is_refused(client: Client) -> None:
    place = client.document("things/a")
    place.set({"list": ["x" * 600 * KIB]})
    with pytest.raises(InvalidArgument, match="exceeds the maximum"):
        place.update({"list": ArrayUnion(["y" * 600 * KIB])})


def test_a_request_of_ten_mib_is_the_most(client: Client) -> None:
    batch = client.batch()
    for n in range(11):
        batch.set(client.document(f"things/{n}"), {"text": "x" * 1000 * KIB})
    with pytest.raises(InvalidArgument):
        batch.commit()
    assert list(client.collection("things").stream()) == []


def test_maps_nest_twenty_deep(client: Client) -> None:
    client.document("things/a").set(deep(20))
    with pytest.raises(InvalidArgument, match="20 levels"):
        client.document("things/a").set(deep(21))


def test_a_list_holds_no_list(client: Client) -> None:
    with pytest.raises(InvalidArgument, match="array"):
        client.document("things/a").set({"f": [[1]]})
    client.document("things/a").set({"f": [{"g": [1]}]})


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("things/.", id="dot"),
        pytest.param("things/..", id="two-dots"),
        pytest.param("things/__a__", id="reserved"),
        pytest.param("__things__/a", id="reserved-collection"),
        pytest.param("things/" + "ä" * 751, id="1502-bytes"),
    ],
)
def test_ids_that_are_refused(client: Client, name: str) -> None:
    root = f"{client._database_string}/documents"
    with pytest.raises(InvalidArgument):
        written(client, {"update": {"name": f"{root}/{name}"}})


@pytest.mark.parametrize("name", ["things/a b", "things/ä", "things/_a_", "things/...", "things/" + "x" * 1500])
def test_valid_ids(client: Client, name: str) -> None:
    client.document(name).set({"n": 1})
    assert client.document(name).get().exists


@pytest.mark.parametrize(
    "field", [pytest.param("__f__", id="reserved"), pytest.param("", id="empty"), pytest.param("x" * 1501, id="long")]
)
def test_field_names_that_are_refused(client: Client, field: str) -> None:
    name = f"{client._database_string}/documents/things/a"
    with pytest.raises(InvalidArgument):
        written(client, {"update": {"name": name, "fields": {field: {"integer_value": 1}}}})


def test_a_write_without_an_operation_is_refused(client: Client) -> None:
    with pytest.raises(InvalidArgument):
        written(client, {})


@pytest.mark.parametrize("database", ["", "projects/p", "projects/p/databases/(default)/documents"])
def test_a_database_that_is_none_is_refused(client: Client, database: str) -> None:
    with pytest.raises(InvalidArgument):
        client._firestore_api.commit({"database": database, "writes": []})


def test_a_document_of_another_database_is_refused(client: Client) -> None:
    with pytest.raises(InvalidArgument):
        written(client, {"update": {"name": "projects/other/databases/(default)/documents/things/a"}})


def test_times_keep_microseconds(client: Client) -> None:
    name = f"{client._database_string}/documents/things/a"
    written(client, {"update": {"name": name, "fields": {"at": {"timestamp_value": "2026-01-01T00:00:00.123456789Z"}}}})
    assert client.document("things/a").get().get("at").rfc3339() == "2026-01-01T00:00:00.123456Z"
