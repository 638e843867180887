"""A Firestore in memory, as far as the functions derive sessions with it: no server, no network, no Google client.

The handlers run on it unchanged and ten times as fast, so that whole months of busy places can be tested. Months that
go through the server too show that it behaves like Firestore.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from operator import eq, ge, gt, le, lt
from typing import Any

from google.cloud import firestore
from google.cloud.firestore import SERVER_TIMESTAMP
from google.cloud.firestore_v1.base_query import FieldFilter

Fields = dict[str, Any]
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {"==": eq, "<": lt, "<=": le, ">": gt, ">=": ge}
_LAST = "\U0010ffff"
_TIMES = ("at", "started_at")
"""By these, where a collection has one, the documents of a person are kept in order."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a document is."""

    memory: MemoryFirestore
    path: str

    @property
    def id(self) -> str:
        return self.path.rpartition("/")[2]

    def get(self, transaction: object = None) -> Snapshot:
        del transaction
        collection, _, one_id = self.path.rpartition("/")
        return Snapshot(self, self.memory.stored(collection).documents.get(one_id))

    def set(self, fields: Fields, merge: bool = False) -> None:
        collection, _, one_id = self.path.rpartition("/")
        stored = self.memory.stored(collection)
        known = stored.documents.get(one_id, {}) if merge else {}
        stored.put(one_id, known | _stamped(fields))

    def delete(self) -> None:
        collection, _, one_id = self.path.rpartition("/")
        self.memory.stored(collection).drop(one_id)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A document as it was read; fields None: there is none."""

    reference: Reference
    fields: Fields | None

    @property
    def id(self) -> str:
        return self.reference.id

    @property
    def exists(self) -> bool:
        return self.fields is not None

    def to_dict(self) -> Fields | None:
        return None if self.fields is None else dict(self.fields)


@dataclass(slots=True)
class StoredCollection:
    """The documents of a collection, and those of each person in the order of their times."""

    documents: dict[str, Fields] = field(default_factory=dict)
    _in_order: dict[str, list[tuple[datetime, str]]] = field(default_factory=dict)

    def put(self, one_id: str, fields: Fields) -> None:
        self.drop(one_id)
        self.documents[one_id] = fields
        place = _place(fields)
        if place is not None:
            insort(self._in_order.setdefault(place[0], []), (place[1], one_id))

    def drop(self, one_id: str) -> None:
        fields = self.documents.pop(one_id, None)
        place = None if fields is None else _place(fields)
        if place is not None:
            self._in_order[place[0]].remove((place[1], one_id))

    def near(self, filters: Iterable[FieldFilter]) -> Iterable[str]:
        """Ids of all documents that the filters may let through."""
        person_id, since, until = None, None, None
        for each in filters:
            if (each.field_path, each.op_string) == ("person_id", "=="):
                person_id = each.value
            elif each.field_path in _TIMES and each.op_string in (">", ">="):
                since = each.value
            elif each.field_path in _TIMES:
                until = each.value
        if person_id is None or not any(name in fields for fields in self._samples() for name in _TIMES):
            return list(self.documents)
        own = self._in_order.get(person_id, [])
        first = 0 if since is None else bisect_left(own, (since, ""))
        last = len(own) if until is None else bisect_right(own, (until, _LAST))
        return [one_id for _, one_id in own[first:last]]

    def _samples(self) -> Iterator[Fields]:
        """One document shows the fields of its collection."""
        yield from (self.documents[each] for each in list(self.documents)[:1])


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked of a collection."""

    memory: MemoryFirestore
    collection: str
    filters: tuple[FieldFilter, ...] = ()
    order: tuple[str, bool] | None = None
    most: int | None = None

    def where(self, *, filter: FieldFilter) -> Query:  # noqa: A002 - as Google's client has it
        return replace(self, filters=(*self.filters, filter))

    def order_by(self, name: str, *, direction: str = firestore.Query.ASCENDING) -> Query:
        return replace(self, order=(name, direction == firestore.Query.DESCENDING))

    def limit(self, most: int) -> Query:
        return replace(self, most=most)

    def stream(self, transaction: object = None) -> Iterator[Snapshot]:
        del transaction
        stored = self.memory.stored(self.collection)
        found = [(each, stored.documents[each]) for each in stored.near(self.filters)]
        found = [each for each in found if all(_passes(each[1], one) for one in self.filters)]
        if self.order is not None:
            name, falls = self.order
            found = [each for each in found if name in each[1] and each[1][name] is not None]
            found.sort(key=lambda each: (each[1][name], each[0]), reverse=falls)
        for one_id, fields in found[: self.most]:
            yield Snapshot(Reference(self.memory, f"{self.collection}/{one_id}"), fields)


@dataclass(slots=True)
class Transaction:
    """Keeps what is to be written until it ends; a batch too. Nobody else writes meanwhile."""

    _max_attempts: int = 1
    _read_only: bool = False
    _id: bytes = b"t"
    _writes: list[tuple[Reference, Fields | None, bool]] = field(default_factory=list)

    def set(self, reference: Reference, fields: Fields, merge: bool = False) -> None:
        self._writes.append((reference, fields, merge))

    def delete(self, reference: Reference) -> None:
        self._writes.append((reference, None, False))

    def _begin(self, retry_id: bytes | None = None) -> None:
        del retry_id
        self._writes.clear()

    _clean_up = _rollback = _begin

    def commit(self) -> None:
        for reference, fields, merge in self._writes:
            if fields is None:
                reference.delete()
            else:
                reference.set(fields, merge)

    _commit = commit


class MemoryFirestore:
    """Replaces Google's client."""

    def __init__(self) -> None:
        self._collections: dict[str, StoredCollection] = {}

    def stored(self, collection: str) -> StoredCollection:
        return self._collections.setdefault(collection, StoredCollection())

    def document(self, path: str) -> Reference:
        return Reference(self, path)

    def collection(self, path: str) -> Query:
        return Query(self, path)

    def transaction(self, *, max_attempts: int) -> Transaction:
        return Transaction(max_attempts)

    def batch(self) -> Transaction:
        return Transaction()

    def get_all(self, references: Iterable[Reference], *_: object) -> list[Snapshot]:
        return [each.get() for each in references]


def _place(fields: Fields) -> tuple[str, datetime] | None:
    person_id = fields.get("person_id")
    at = next((fields[name] for name in _TIMES if name in fields), None)
    return (person_id, at) if isinstance(person_id, str) and isinstance(at, datetime) else None


def _passes(fields: Fields, one: FieldFilter) -> bool:
    if one.field_path not in fields:
        return False
    value = fields[one.field_path]
    if one.op_string == "in":
        return value in one.value
    same_kind = type(value) is type(one.value) or isinstance(value, type(one.value))
    return same_kind and _OPERATORS[one.op_string](value, one.value)


def _stamped(fields: Fields) -> Fields:
    now = datetime.now(UTC)
    return {name: now if value is SERVER_TIMESTAMP else value for name, value in fields.items()}
