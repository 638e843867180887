"""Queries of users over the wire: run, counted and listened to; the rules decide on each."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from google.cloud import firestore
from google.cloud.firestore_v1.types import (
    ListenRequest,
    RunAggregationQueryRequest,
    RunQueryRequest,
    StructuredQuery,
    TargetChange,
)

from tests.rules.expectations import COLLECTIONS, EVERYBODY, may_read, may_read_vectors
from tests.rules.samples import CAMERA, EMBEDDING, SITE
from tests.rules.test_rules_served import PEOPLE, Served, allowed, place, served

__all__ = ["served"]
PATIENCE_S = 20.0


def parent(client: firestore.Client, path: str = f"sites/{SITE}") -> str:
    return f"{client._database_string}/documents/{path}".rstrip("/")


def listens(client: firestore.Client, **target: Any) -> bool:
    """Whether the target gets documents; a denial is an error or the removal of the target."""
    stop = threading.Event()

    def asked() -> Iterator[ListenRequest]:
        yield ListenRequest(database=client._database_string, add_target={"target_id": 1, **target})
        stop.wait(PATIENCE_S)

    def runs() -> bool:
        kinds = TargetChange.TargetChangeType
        for answer in client._firestore_api.listen(asked(), timeout=PATIENCE_S, metadata=client._rpc_metadata):
            if answer.target_change.target_change_type == kinds.CURRENT:
                return True
            if answer.target_change.target_change_type == kinds.REMOVE:
                assert answer.target_change.cause.code == 7
                return False
        raise AssertionError("it ended without a word")

    try:
        results: list[bool] = []
        return allowed(lambda: results.append(runs())) and results[0]
    finally:
        stop.set()


def listens_to(query: Any) -> bool:
    client = query._client
    return listens(client, query={"parent": query._parent._parent_info()[0], "structured_query": query._to_protobuf()})


@pytest.mark.parametrize("name", PEOPLE)
def test_queries_run_counted_and_listened_to(served: Served, name: str) -> None:
    client = served.client(EVERYBODY[name])
    queries = {each: place(client, each).where(filter=firestore.FieldFilter("schema", "==", 1)) for each in COLLECTIONS}
    expected = {each: may_read(name, each) for each in COLLECTIONS}
    assert {each: allowed(query.get) for each, query in queries.items()} == expected
    assert {each: allowed(query.count().get) for each, query in queries.items()} == expected
    assert {each: listens_to(query) for each, query in queries.items()} == expected


@pytest.mark.parametrize("name", PEOPLE)
def test_documents_listened_to(served: Served, name: str) -> None:
    client = served.client(EVERYBODY[name])
    expected = {each: may_read(name, each) for each in COLLECTIONS}
    found = {
        each: listens(client, documents={"documents": [parent(client, f"sites/{SITE}/{each}/x-1")]})
        for each in COLLECTIONS
    }
    assert found == expected
    assert listens(client, documents={"documents": [parent(client, "/".join(EMBEDDING))]}) is may_read_vectors(name)


def test_one_denied_document_denies_the_whole_listener(served: Served) -> None:
    client = served.client(EVERYBODY["machine"])
    names = [parent(client, f"sites/{SITE}/{each}/x-1") for each in ("people", "sessions")]
    assert listens(client, documents={"documents": names[:1]})
    assert not listens(client, documents={"documents": names})


@pytest.mark.parametrize("name", PEOPLE)
@pytest.mark.parametrize("collection", ["events", "embeddings", "people", "sites"])
def test_a_collection_group_is_denied_to_everybody(served: Served, collection: str, name: str) -> None:
    query = served.client(EVERYBODY[name]).collection_group(collection).limit(5)
    assert not allowed(query.get)
    assert not allowed(query.count().get)
    assert not listens_to(query)


@pytest.mark.parametrize("above", ["", f"sites/{SITE}", f"sites/{SITE}/people/p-1"], ids=["root", "site", "person"])
def test_a_query_without_a_collection_is_denied_to_everybody(served: Served, above: str) -> None:
    client = served.client(EVERYBODY["admin"])
    asked = {"parent": parent(client, above), "structured_query": StructuredQuery(limit={"value": 5})}
    assert not allowed(
        lambda: list(client._firestore_api.run_query(RunQueryRequest(**asked), metadata=client._rpc_metadata))
    )
    counted = {
        "parent": asked["parent"],
        "structured_aggregation_query": {
            "structured_query": asked["structured_query"],
            "aggregations": [{"count": {}, "alias": "all"}],
        },
    }
    assert not allowed(
        lambda: list(
            client._firestore_api.run_aggregation_query(
                RunAggregationQueryRequest(**counted), metadata=client._rpc_metadata
            )
        )
    )
    assert not listens(client, query=asked)


def test_a_filter_gives_no_access(served: Served) -> None:
    """Own events of its camera are as closed to a machine as all the others: rules are no filters."""
    query = place(served.client(EVERYBODY["machine"]), "events").where(
        filter=firestore.FieldFilter("camera_id", "==", CAMERA)
    )
    assert not allowed(query.get)
    assert not listens_to(query)
