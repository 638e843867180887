"""Documents with their versions: every commit has a time, and every time within the last hour can be read."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

from grpc import StatusCode

from tests.firestore.server.filters import Path
from tests.firestore.server.names import Place
from tests.firestore.server.protos import Document
from tests.firestore.server.refusal import RefusedError
from tests.firestore.server.shelves import Shelf

RETENTION_US = 3_600 * 1_000_000
KEPT_VERSIONS = 256

Ids = tuple[str, ...]


class Version:
    """One state of a document: since when, its bytes (None: deleted), and the state before."""

    __slots__ = ("before", "depth", "lost", "packed", "since_us")

    def __init__(self, since_us: int, packed: bytes | None, before: Version | None) -> None:
        self.since_us = since_us
        self.packed = packed
        self.before = before
        self.lost = False  # True: there was something before, and it is forgotten
        self.depth = 0 if before is None else before.depth + 1
        if self.depth >= KEPT_VERSIONS:
            self.forget(since_us - RETENTION_US)

    def forget(self, horizon_us: int) -> None:
        """Drop the older half of the versions, or those before the horizon if these are fewer."""
        kept: Version = self
        for _ in range(KEPT_VERSIONS // 2):
            if kept.before is None or kept.since_us <= horizon_us:
                break
            kept = kept.before
        kept.lost = kept.lost or kept.before is not None
        kept.before = None
        chain = [self]
        while chain[-1].before is not None:
            chain.append(chain[-1].before)
        for depth, version in enumerate(reversed(chain)):
            version.depth = depth

    def document(self) -> Any | None:
        return None if self.packed is None else Document.FromString(self.packed)


class Database:
    """One database: collections by their ids from the root, documents by their last id."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.collections: dict[Ids, dict[str, Version]] = {}
        self.groups: dict[str, set[Ids]] = {}
        self.changed_us = 0
        self._shelves: dict[Ids, dict[Path, Shelf]] = {}

    def newest(self, ids: Ids) -> Version | None:
        return self.collections.get(ids[:-1], {}).get(ids[-1])

    def at(self, ids: Ids, time_us: int) -> Version | None:
        """The state of a document at a time; None when it was not there."""
        return seen_at(self.newest(ids), time_us)

    def put(self, ids: Ids, packed: bytes | None, time_us: int) -> None:
        collection = self.collections.get(ids[:-1])
        if collection is None:
            collection = self.collections[ids[:-1]] = {}
            self.groups.setdefault(ids[-2], set()).add(ids[:-1])
        before = collection.get(ids[-1])
        after = collection[ids[-1]] = Version(time_us, packed, before)
        for shelf in self._shelves.get(ids[:-1], {}).values():
            shelf.move(ids[-1], before, after)
        self.changed_us = time_us

    def shelf(self, collection: Ids, path: Path) -> Shelf:
        """The newest documents of a collection in the order of a field."""
        shelves = self._shelves.setdefault(collection, {})
        if path not in shelves:
            shelves[path] = Shelf(path, self.collections[collection])
        return shelves[path]

    def under(self, parent: Ids, collection_id: str, *, deep: bool) -> list[Ids]:
        """Collections of that id ("" for any) right under the parent, or anywhere below it."""
        if not deep and collection_id:
            wanted = (*parent, collection_id)
            return [wanted] if wanted in self.collections else []
        known: Iterable[Ids] = self.groups.get(collection_id, ()) if collection_id else self.collections
        depth = len(parent)
        return [each for each in known if each[:depth] == parent and (deep or len(each) == depth + 1)]

    def scan(self, collections: Iterable[Ids], time_us: int) -> Iterator[tuple[Ids, Version]]:
        """Documents that were there at the time, in no order."""
        for collection in collections:
            for last, newest in self.collections.get(collection, {}).items():
                version = newest if newest.since_us <= time_us else seen_at(newest, time_us)
                if version is not None and version.packed is not None:
                    yield (*collection, last), version

    def child_ids(self, parent: Ids, time_us: int) -> list[str]:
        """Ids of the collections under a parent that hold a document, or something below a missing one."""
        depth = len(parent)
        found = {
            each[depth]
            for each in self.collections
            if len(each) > depth and each[:depth] == parent and any(True for _ in self.scan([each], time_us))
        }
        return sorted(found)


def seen_at(version: Version | None, time_us: int) -> Version | None:
    while version is not None and version.since_us > time_us:
        if version.lost:
            raise RefusedError(StatusCode.FAILED_PRECONDITION, "The requested read time is too old.")
        version = version.before
    return None if version is None or version.packed is None else version


class Archive:
    """All databases and the one clock that orders their commits. Not thread-safe: the caller holds the lock."""

    def __init__(self) -> None:
        self.databases: dict[str, Database] = {}
        self._last_us = 0

    def database(self, name: str) -> Database:
        found = self.databases.get(name)
        if found is None:
            found = self.databases[name] = Database(name)
        return found

    def place(self, place: Place) -> tuple[Database, Ids]:
        return self.database(place.database), place.ids

    def now_us(self) -> int:
        """A time at which everything committed so far is seen, and nothing committed later."""
        self._last_us = max(time.time_ns() // 1000, self._last_us)
        return self._last_us

    def commit_us(self) -> int:
        """The time of the next commit: later than every time given so far."""
        self._last_us = max(time.time_ns() // 1000, self._last_us + 1)
        return self._last_us

    def replayed(self, time_us: int) -> None:
        self._last_us = max(self._last_us, time_us)

    def read_us(self, asked_us: int | None) -> int:
        """The time of a read: now, or the one asked for if it is not too old and not yet to come."""
        now_us = self.now_us()
        if asked_us is None:
            return now_us
        if asked_us > now_us:
            raise RefusedError(StatusCode.INVALID_ARGUMENT, "The requested read time is in the future.")
        if asked_us < now_us - RETENTION_US:
            raise RefusedError(StatusCode.FAILED_PRECONDITION, "The requested read time is too old.")
        return asked_us
