"""Which queries need an index, as documented; on the test server only, as emulators never refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google.api_core.exceptions import FailedPrecondition
from google.cloud.firestore import Client, FieldFilter, Or, Query
from google.cloud.firestore_v1.types import ListenRequest

from tests.firestore.fixtures import Firestore

Build = Callable[[Any], Any]
DOWN = Query.DESCENDING


def where(query: Any, *filters: tuple[str, str, Any]) -> Any:
    for field, operator, value in filters:
        query = query.where(filter=FieldFilter(field, operator, value))
    return query


def index(*fields: str, group: str = "things", scope: str = "COLLECTION") -> dict[str, Any]:
    """An index of "field", "-field" (falling) and "field[]" (contains)."""
    parts = []
    for each in fields:
        if each.endswith("[]"):
            parts.append({"fieldPath": each[:-2], "arrayConfig": "CONTAINS"})
        else:
            parts.append({"fieldPath": each.lstrip("-"), "order": "DESCENDING" if each[0] == "-" else "ASCENDING"})
    return {"collectionGroup": group, "queryScope": scope, "fields": parts}


def served(
    firestore: Firestore, client: Client, build: Build, definition: dict[str, Any], *, group: bool = False
) -> bool:
    firestore.control.indexes(definition)
    base = client.collection_group("things") if group else client.collection("things")
    try:
        build(base).get()
    except FailedPrecondition:
        return False
    return True


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(lambda q: q, id="all"),
        pytest.param(lambda q: where(q, ("a", "==", 1), ("b", "==", 2), ("c", "in", [1, 2])), id="equalities"),
        pytest.param(lambda q: where(q, ("a", "==", 1), ("l", "array_contains", 2)), id="equal-and-contains"),
        pytest.param(lambda q: where(q, ("a", ">", 1), ("a", "<", 5)).order_by("a", direction=DOWN), id="one-range"),
        pytest.param(lambda q: q.order_by("a").limit(1), id="one-order"),
        pytest.param(lambda q: q.order_by("a", direction=DOWN).order_by("__name__", direction=DOWN), id="name-follows"),
        pytest.param(lambda q: where(q, ("a", "==", 1)).order_by("a"), id="order-by-what-is-fixed"),
        pytest.param(lambda q: q.where(filter=Or([FieldFilter("a", "==", 1), FieldFilter("b", "==", 2)])), id="or"),
    ],
)
def test_queries_that_need_no_index(firestore_server: Firestore, own_client: Client, build: Build) -> None:
    assert served(firestore_server, own_client, build, {})


@pytest.mark.parametrize(
    ("build", "right", "wrong"),
    [
        pytest.param(
            lambda q: q.where(filter=Or([FieldFilter("a", "==", 1), FieldFilter("b", ">", 2)])),
            index("a", "b"),
            index("b", "a"),
            id="or-with-a-range",
        ),
        pytest.param(
            lambda q: where(q, ("a", "==", 1)).order_by("b"), index("a", "b"), index("b", "a"), id="equal-then-order"
        ),
        pytest.param(
            lambda q: where(q, ("a", "==", 1)).order_by("b", direction=DOWN),
            index("a", "-b"),
            index("a", "b"),
            id="equal-then-falling-order",
        ),
        pytest.param(
            lambda q: where(q, ("a", "==", 1)).order_by("b").limit_to_last(1),
            index("a", "-b"),
            index("a", "b"),
            id="the-last-of-them",
        ),
        pytest.param(
            lambda q: where(q, ("a", "==", 1), ("b", ">", 1)), index("-a", "b"), index("a", "c"), id="equal-and-range"
        ),
        pytest.param(
            lambda q: q.order_by("a").order_by("b", direction=DOWN), index("a", "-b"), index("-a", "b"), id="two-orders"
        ),
        pytest.param(
            lambda q: where(q, ("l", "array_contains", 1)).order_by("b"),
            index("l[]", "b"),
            index("l", "b"),
            id="contains",
        ),
        pytest.param(lambda q: where(q, ("a", ">", 1), ("b", "<", 1)), index("a", "b"), index("a"), id="two-ranges"),
        pytest.param(
            lambda q: where(q, ("a", "in", [1, 2]), ("c", "==", 1)).order_by("b"),
            index("c", "a", "b"),
            index("a", "b"),
            id="in-and-equal-then-order",
        ),
        pytest.param(
            lambda q: q.order_by("a").order_by("__name__", direction=DOWN),
            index("a", "-__name__"),
            index("a"),
            id="name-against-the-field",
        ),
        pytest.param(
            lambda q: q.order_by("__name__", direction=DOWN), index("-__name__"), index("__name__"), id="falling-names"
        ),
    ],
)
def test_queries_that_need_one(
    firestore_server: Firestore, own_client: Client, build: Build, right: dict[str, Any], wrong: dict[str, Any]
) -> None:
    for definition, expected in (({}, False), ({"indexes": [wrong]}, False), ({"indexes": [wrong, right]}, True)):
        assert served(firestore_server, own_client, build, definition) is expected


def test_two_indexes_with_the_same_end_serve_together(firestore_server: Firestore, own_client: Client) -> None:
    def build(query: Any) -> Any:
        return where(query, ("a", "==", 1), ("c", "==", 1)).order_by("b")

    definition = {"indexes": [index("a", "b"), index("c", "b")]}
    assert served(firestore_server, own_client, build, definition)
    assert not served(firestore_server, own_client, build, {"indexes": [index("a", "b"), index("c", "-b", "d")]})


def test_groups_need_an_index_of_their_own_even_for_one_field(firestore_server: Firestore, own_client: Client) -> None:
    def ranged(query: Any) -> Any:
        return where(query, ("a", ">", 1))

    assert served(firestore_server, own_client, lambda q: q, {}, group=True)
    assert not served(firestore_server, own_client, ranged, {}, group=True)
    override = {"collectionGroup": "things", "fieldPath": "a"}
    kept = {"queryScope": "COLLECTION_GROUP", "order": "ASCENDING"}
    assert served(
        firestore_server, own_client, ranged, {"fieldOverrides": [{**override, "indexes": [kept]}]}, group=True
    )
    pair = index("b", "a", scope="COLLECTION_GROUP")
    assert served(
        firestore_server, own_client, lambda q: ranged(where(q, ("b", "==", 1))), {"indexes": [pair]}, group=True
    )


def test_a_field_exempted_from_indexing_is_not_queried(firestore_server: Firestore, own_client: Client) -> None:
    definition = {"fieldOverrides": [{"collectionGroup": "things", "fieldPath": "a", "indexes": []}]}
    assert not served(firestore_server, own_client, lambda q: where(q, ("a", "==", 1)), definition)
    assert not served(firestore_server, own_client, lambda q: where(q, ("a.b", "==", 1)), definition)
    assert served(firestore_server, own_client, lambda q: where(q, ("b", "==", 1)), definition)


def test_a_field_kept_one_way_is_not_ordered_by_the_other(firestore_server: Firestore, own_client: Client) -> None:
    one_way = {"collectionGroup": "things", "fieldPath": "a", "indexes": [{"order": "DESCENDING"}]}
    definition = {"fieldOverrides": [one_way]}
    assert served(firestore_server, own_client, lambda q: q.order_by("a", direction=DOWN), definition)
    assert served(firestore_server, own_client, lambda q: where(q, ("a", "==", 1)), definition)
    assert not served(firestore_server, own_client, lambda q: q.order_by("a"), definition)


def test_sums_need_their_field_in_the_index(firestore_server: Firestore, own_client: Client) -> None:
    query = where(own_client.collection("things"), ("a", "==", 1))
    firestore_server.control.indexes({})
    assert query.count().get()[0][0].value == 0
    with pytest.raises(FailedPrecondition, match="requires an index"):
        query.sum("n").get()
    firestore_server.control.indexes({"indexes": [index("a", "n")]})
    assert query.sum("n").get()[0][0].value == 0


def test_listeners_need_indexes(firestore_server: Firestore, own_client: Client) -> None:
    firestore_server.control.indexes({})
    query = where(own_client.collection("things"), ("a", "==", 1)).order_by("b")
    target = {"parent": query._parent._parent_info()[0], "structured_query": query._to_protobuf()}
    request = ListenRequest(database=own_client._database_string, add_target={"target_id": 1, "query": target})
    with pytest.raises(FailedPrecondition, match="requires an index"):
        list(own_client._firestore_api.listen(iter([request])))
