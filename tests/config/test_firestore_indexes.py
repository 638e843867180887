"""config/firestore.indexes.json: every query that the code and the documents make has its index."""

from __future__ import annotations

import json
import re
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from tests.config.queries_in_code import Asked, queries_in
from tests.firestore.server.indexes import Indexes
from tests.firestore.server.queries import read_query
from tests.firestore.server.refusal import RefusedError
from tracker.cloud.documents import RECEIVED_AT
from tracker.cloud.paths import EMBEDDINGS, SITES, Collection

ROOT = Path(__file__).parents[2]
FILE = ROOT / "config" / "firestore.indexes.json"
CODE = [*sorted((ROOT / "functions").rglob("*.py")), *sorted((ROOT / "tracker" / "cloud").rglob("*.py"))]
DOCUMENTS = sorted((ROOT / "docs").glob("*.md"))
CONSTANTS = {"RECEIVED_AT": RECEIVED_AT}
SNIPPET = re.compile(r"```python\n(.*?)```", re.DOTALL)
CLIENT = firestore.Client(project="demo", credentials=AnonymousCredentials())
PARENT = "projects/demo/databases/(default)/documents/sites/gym"
CONTENT: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))


def is_compound(asked: Asked) -> bool:
    """The id, last in the order, is part of every index."""
    return len({name for name, _ in (*asked.filters, *asked.orders)} - {"__name__"}) > 1


def served(asked: Asked, indexes: Indexes) -> bool:
    """Whether Firestore would answer it; a direction that the text leaves open is tried both ways."""
    assert asked.collections, f"whose documents are these? {asked}"
    ways = [("ASCENDING", "DESCENDING") if direction == "ANY" else (direction,) for _, direction in asked.orders]
    return all(
        is_answered(asked, collection, directions, indexes)
        for collection, directions in product(asked.collections, product(*ways))
    )


def is_answered(asked: Asked, collection: str, directions: tuple[str, ...], indexes: Indexes) -> bool:
    query: Any = CLIENT.collection(f"sites/gym/{collection}")
    for name, operator in asked.filters:
        query = query.where(filter=FieldFilter(name, operator, ["a", "b"] if operator == "in" else "a"))
    for (name, _), direction in zip(asked.orders, directions, strict=True):
        query = query.order_by(name, direction=direction)
    message = query._to_protobuf()
    try:
        indexes.check(read_query(PARENT, type(message).pb(message)), ())
    except RefusedError:
        return False
    return True


def asked_in(path: Path) -> set[Asked]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return {each for snippet in SNIPPET.findall(text) for each in queries_in(snippet, CONSTANTS)}
    return queries_in(text, CONSTANTS)


@pytest.mark.parametrize("path", [*CODE, *DOCUMENTS], ids=lambda path: f"{path.parent.name}-{path.name}")
def test_every_compound_query_has_an_index(path: Path) -> None:
    indexes = Indexes.read(FILE)
    assert [each for each in asked_in(path) if is_compound(each) and not served(each, indexes)] == []


def test_the_reader_sees_the_queries_that_there_are() -> None:
    compound = {each for path in CODE for each in asked_in(path) if is_compound(each)}
    assert Asked(("events",), (("at", ">="), ("person_id", "in"))) in compound
    clean = (("person_id", "=="), ("clean", "=="), ("started_at", "<"))
    assert Asked(("sessions",), clean, (("started_at", "DESCENDING"),)) in compound


SEEN = {
    "chain": (
        "client.collection('sites/gym/zone_stays').where(filter=FieldFilter('zone', '==', z)).order_by('day').get()"
    ),
    "branch": (
        "def f(late):\n"
        "    query = client.collection(path_of(s, Collection.ZONE_STAYS)).order_by('day', direction=DESCENDING)\n"
        "    if late:\n        query = query.where(filter=FieldFilter('zone', '==', z))\n"
        "    return query.get()"
    ),
    "helper": (
        "def last(q):\n    return q.order_by('day').limit(1)\n"
        "class A:\n"
        "    def __init__(self, c):\n        self._all = c.collection(path_of(s, Collection.ZONE_STAYS))\n"
        "    def go(self):\n        return self._read(last(self._all.where(filter=FieldFilter('zone', '==', z))))"
    ),
    "tuple": (
        "both = FieldFilter('zone', '==', z), FieldFilter('day', '<', d)\n"
        "client.collection('sites/gym/zone_stays').where(filter=both[0]).where(filter=both[1]).get()"
    ),
}


@pytest.mark.parametrize("source", SEEN.values(), ids=SEEN)
def test_a_query_without_an_index_is_found(source: str) -> None:
    indexes = Indexes.read(FILE)
    assert [each for each in queries_in(source) if is_compound(each) and not served(each, indexes)]


def test_indexes_are_of_collections_that_there_are_and_none_is_there_twice() -> None:
    known = {*Collection, EMBEDDINGS, SITES}
    entries = [*CONTENT["indexes"], *CONTENT["fieldOverrides"]]
    assert {each["collectionGroup"] for each in entries} <= known
    texts = [json.dumps(each, sort_keys=True) for each in CONTENT["indexes"]]
    assert len({*texts}) == len(texts)
    fields = [(each["collectionGroup"], each["fieldPath"]) for each in CONTENT["fieldOverrides"]]
    assert len({*fields}) == len(fields)


def test_every_index_is_compound_and_used() -> None:
    """One that nothing asks for costs a write and storage with every document."""
    compound = [each for path in [*CODE, *DOCUMENTS] for each in asked_in(path) if is_compound(each)]
    for index in CONTENT["indexes"]:
        assert len(index["fields"]) > 1
        others = {**CONTENT, "indexes": [each for each in CONTENT["indexes"] if each != index]}
        without = Indexes.of(others)
        assert [each for each in compound if not served(each, without)], f"nothing needs {json.dumps(index)}"


@pytest.mark.parametrize("group", ["embeddings", "sessions", "matches", "heartbeats", "sites"])
def test_fields_without_queries_are_not_indexed(group: str) -> None:
    assert [each for each in CONTENT["fieldOverrides"] if each["collectionGroup"] == group and not each["indexes"]]
