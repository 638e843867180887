"""The test server with Google's own client: documents, commits, queries, transactions, listeners."""

from __future__ import annotations

from google.cloud import firestore
from google.cloud.firestore import FieldFilter

from tests.firestore.fixtures import Firestore


def test_a_document_is_read_back_unchanged(any_firestore: Firestore) -> None:
    client = any_firestore.client()
    client.document("sites/gym/events/e1").set({"kind": "enter", "x_frac": 0.5, "inferred": False, "none": None})
    found = client.document("sites/gym/events/e1").get().to_dict()
    assert found == {"kind": "enter", "x_frac": 0.5, "inferred": False, "none": None}
    client.close()


def test_a_query_filters_orders_and_limits(any_firestore: Firestore) -> None:
    client = any_firestore.client()
    events = client.collection("sites/gym/events")
    for n in range(6):
        events.document(f"e{n}").set({"n": n, "kind": "enter" if n % 2 else "exit"})
    query = events.where(filter=FieldFilter("n", ">", 1)).order_by("n", direction="DESCENDING").limit(3)
    assert [each.id for each in query.stream()] == ["e5", "e4", "e3"]
    client.close()


def test_array_union_maximum_and_increment_within_a_merge(full_firestore: Firestore) -> None:
    client = full_firestore.client()
    place = client.document("counts/one")
    place.set({"n": 1, "tags": ["a"]})
    place.set(
        {"n": firestore.Increment(2), "tags": firestore.ArrayUnion(["a", "b"]), "top": firestore.Maximum(5)}, merge=True
    )
    assert place.get().to_dict() == {"n": 3, "tags": ["a", "b"], "top": 5}
    client.close()
