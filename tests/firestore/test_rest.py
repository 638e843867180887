"""The REST interface of Google's emulator where it is installed, else of the test server's front."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from google.cloud.firestore import Client

from tests.firestore.fixtures import Firestore
from tests.firestore.rest import rest_of

AT = datetime(2026, 3, 2, 9, 30, 0, 250_000, tzinfo=UTC)
FIELDS: dict[str, Any] = {"n": 1, "half": 0.5, "name": "Ada", "at": AT, "no": None, "in": {"b": True}, "some": [b"x"]}


@pytest.fixture
def documents(full_firestore: Firestore) -> Iterator[str]:
    """The address of the documents of a project, which has three things."""
    if full_firestore.kind == "ours":
        full_firestore.control.indexes(None)
    with closing(full_firestore.client()) as client:
        _fill(client)
    with rest_of(full_firestore.kind, full_firestore.host) as address:
        yield f"{address}/v1/projects/{full_firestore.project}/databases/(default)/documents"


def _fill(client: Client) -> None:
    for number, one_id in enumerate(("ada", "bob%2F", "cäcilie")):
        client.document(f"things/{one_id}").set({**FIELDS, "n": number})


def get(address: str, **parameters: Any) -> tuple[int, Any]:
    answer = requests.get(address, params=parameters, headers={"Authorization": "Bearer owner"}, timeout=30)
    return answer.status_code, answer.json()


def post(address: str, content: Any) -> tuple[int, Any]:
    sent = {"data": content} if isinstance(content, bytes) else {"json": content}
    answer = requests.post(address, headers={"Authorization": "Bearer owner"}, timeout=30, **sent)
    return answer.status_code, answer.json()


def query(**more: Any) -> dict[str, Any]:
    return {"structuredQuery": {"from": [{"collectionId": "things"}], **more}}


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [each["document"]["name"].rpartition("/")[2] for each in found if "document" in each]


def test_a_document_has_typed_fields(documents: str) -> None:
    code, document = get(f"{documents}/things/ada")
    assert code == 200
    assert document["name"].endswith("/databases/(default)/documents/things/ada")
    assert document["fields"] == {
        "n": {"integerValue": "0"},
        "half": {"doubleValue": 0.5},
        "name": {"stringValue": "Ada"},
        "at": {"timestampValue": "2026-03-02T09:30:00.250Z"},
        "no": {"nullValue": None},
        "in": {"mapValue": {"fields": {"b": {"booleanValue": True}}}},
        "some": {"arrayValue": {"values": [{"bytesValue": "eA=="}]}},
    }


def test_some_fields_of_a_document_whose_id_is_quoted(documents: str) -> None:
    for path, name in (("things/bob%252F", "1"), ("things/c%C3%A4cilie", "2")):
        code, document = get(f"{documents}/{path}", **{"mask.fieldPaths": ["n", "name"]})
        assert (code, document["fields"]) == (200, {"n": {"integerValue": name}, "name": {"stringValue": "Ada"}})


def test_the_documents_of_a_collection_come_in_pages(documents: str) -> None:
    code, first = get(f"{documents}/things", pageSize=2)
    assert (code, len(first["documents"])) == (200, 2)
    _, second = get(f"{documents}/things", pageSize=2, pageToken=first["nextPageToken"])
    assert [each["name"].rpartition("/")[2] for each in second["documents"]] == ["cäcilie"]


def test_a_query_gives_a_list(documents: str) -> None:
    falling = [{"field": {"fieldPath": "n"}, "direction": "DESCENDING"}]
    code, found = post(f"{documents}:runQuery", query(orderBy=falling, limit=2))
    assert (code, ids(found)) == (200, ["cäcilie", "bob%2F"])
    code, nothing = post(f"{documents}/things/ada:runQuery", query())
    assert (code, ids(nothing), len(nothing)) == (200, [], 1)


def test_a_count_and_several_documents_at_once(documents: str) -> None:
    asked = {"structuredAggregationQuery": {**query(), "aggregations": [{"alias": "all", "count": {}}]}}
    code, counted = post(f"{documents}:runAggregationQuery", asked)
    assert (code, counted[0]["result"]["aggregateFields"]) == (200, {"all": {"integerValue": "3"}})
    place = documents.partition("/v1/")[2]
    code, found = post(f"{documents}:batchGet", {"documents": [f"{place}/things/ada", f"{place}/things/none"]})
    assert code == 200
    assert sorted(key for each in found for key in each if key != "readTime") == ["found", "missing"]


def test_errors_have_googles_form(documents: str) -> None:
    code, answer = get(f"{documents}/things/none")
    assert (code, answer["error"]["code"], answer["error"]["status"]) == (404, 404, "NOT_FOUND")
    assert answer["error"]["message"]
    code, answers = post(f"{documents}:runQuery", query(limit=-1))
    assert (code, answers[0]["error"]["code"], answers[0]["error"]["status"]) == (400, 400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"structuredQuery": {"frm": []}}', b"\xff\xfe"])
def test_a_body_that_is_no_query_is_refused(documents: str, content: bytes) -> None:
    code, answer = post(f"{documents}:runQuery", content)
    error = (answer[0] if isinstance(answer, list) else answer)["error"]
    assert (code, error["status"]) == (400, "INVALID_ARGUMENT")


def test_a_missing_index_is_reported(firestore_server: Firestore) -> None:
    firestore_server.control.indexes({"indexes": [], "fieldOverrides": []})
    both = [{"field": {"fieldPath": each}} for each in ("n", "name")]
    with rest_of("ours", firestore_server.host) as address:
        place = f"{address}/v1/projects/{firestore_server.project}/databases/(default)/documents"
        code, answer = post(f"{place}:runQuery", query(orderBy=both))
    assert (code, answer[0]["error"]["status"]) == (400, "FAILED_PRECONDITION")


@pytest.mark.parametrize(
    ("status", "code"), [("UNAVAILABLE", 503), ("RESOURCE_EXHAUSTED", 429), ("UNAUTHENTICATED", 401), ("INTERNAL", 500)]
)
def test_faults_of_the_server_are_passed_on(firestore_server: Firestore, status: str, code: int) -> None:
    firestore_server.control.fail("GetDocument", status)
    with rest_of("ours", firestore_server.host) as address:
        place = f"{address}/v1/projects/{firestore_server.project}/databases/(default)/documents"
        assert get(f"{place}/things/ada")[0] == code
        assert get(f"{address}/v2/things")[0] == 404
        assert post(f"{place}:rollback", {})[0] == 404


def test_a_commit_creates_a_document_once(documents: str) -> None:
    name = documents.partition("/v1/")[2] + "/things/new"
    fields = {"n": {"integerValue": "7"}, "at": {"timestampValue": "2026-03-02T09:30:00.250Z"}}
    write = {"update": {"name": name, "fields": fields}, "currentDocument": {"exists": False}}
    code, answer = post(f"{documents}:commit", {"writes": [write]})
    assert (code, len(answer["writeResults"])) == (200, 1)
    assert get(f"{documents}/things/new")[1]["fields"] == fields
    code, answer = post(f"{documents}:commit", {"writes": [write]})
    assert (code, answer["error"]["status"]) == (409, "ALREADY_EXISTS")
