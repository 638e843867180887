"""The database: reads, commits and transactions, serialised, with notification of listeners."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tests.firestore.server.aggregates import aggregate
from tests.firestore.server.archive import Archive, Database, Ids
from tests.firestore.server.counts import Counts
from tests.firestore.server.indexes import Indexes
from tests.firestore.server.journal import Journal
from tests.firestore.server.names import Place, database_of, project_of
from tests.firestore.server.protos import CommitRequest
from tests.firestore.server.queries import Found, Query, run, size
from tests.firestore.server.refusal import RefusedError, expect
from tests.firestore.server.transactions import Transaction, Transactions
from tests.firestore.server.writes import Outcome, apply, target

MAX_WRITES = 500
MAX_REQUEST_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Change:
    """A document before and after a commit; None where it was not there."""

    place: Place
    before: Any | None
    after: Any | None


Hearer = Callable[[str, int, list[Change]], None]
"""Called under the lock with the database, the commit's time in microseconds and its changes."""


@dataclass(frozen=True, slots=True)
class View:
    """From where a request reads: a time, and the transaction that keeps the proof, if there is one.

    opened: the id of a transaction that this request began, else b"".
    """

    time_us: int
    transaction: Transaction | None
    opened: bytes


class Engine:
    """All databases of this server. Its methods take the lock; they may be called from any thread."""

    def __init__(self, *, indexes: Indexes | None = None, journal: Journal | None = None) -> None:
        self.lock = threading.RLock()
        self.archive = Archive()
        self.transactions = Transactions()
        self.indexes: dict[str, Indexes | None] = {"": indexes}
        self.observers: list[Hearer] = []
        self._counts: dict[str, Counts] = {}
        self._journal = journal
        if journal is not None:
            journal.replay(self.archive)

    def close(self) -> None:
        with self.lock:
            if self._journal is not None:
                self._journal.close()
                self._journal = None

    def counts(self, project: str) -> Counts:
        with self.lock:
            return self._counts.setdefault(project, Counts())

    def reset_counts(self, project: str) -> None:
        with self.lock:
            self._counts[project] = Counts()

    def indexes_of(self, project: str) -> Indexes | None:
        return self.indexes.get(project, self.indexes[""])

    def clear(self, project: str) -> None:
        """Delete every document of a project, unbilled; listeners are notified."""
        with self.lock:
            for name, database in list(self.archive.databases.items()):
                if project_of(name) == project:
                    now_us = self.archive.now_us()
                    gone = [ids for ids, _ in database.scan(list(database.collections), now_us)]
                    self._store(name, [Outcome(place=Place(name, ids), after=None, changed=True, result=None)
                                       for ids in gone], self.archive.commit_us())  # fmt: skip

    # Transactions and views

    def begin(self, database: str, options: Any) -> Transaction:
        with self.lock:
            return self.transactions.begin(database_of(database), options, self.archive.read_us)

    def rollback(self, database: str, key: bytes) -> None:
        with self.lock:
            self.transactions.rollback(key, database)

    def view(self, database: str, *, transaction: bytes, options: Any | None, read_us: int | None) -> View:
        """Where a request reads from: a transaction, one that it begins (options), a time, or now."""
        with self.lock:
            opened = b""
            if options is not None:
                transaction = opened = self.begin(database, options).id
            if not transaction:
                return View(self.archive.read_us(read_us), None, opened)
            found = self.transactions.find(transaction, database)
            if found.read_us is None:
                found.read_us = self.archive.now_us()
            return View(found.read_us, found, opened)

    # Reads

    def get(self, place: Place, view: View) -> Any | None:
        """One document, or None."""
        with self.lock:
            database = self.archive.database(place.database)
            version = database.at(place.ids, view.time_us)
            if view.transaction is not None:
                ids = place.ids

                def since(time_us: int) -> int:
                    seen = database.at(ids, time_us)
                    return 0 if seen is None else seen.since_us

                view.transaction.saw(("document", ids), since, since(view.time_us))
            self.counts(project_of(place.database)).reads[place.ids[-2]] += 1
            return None if version is None else version.document()

    def query(self, query: Query, view: View) -> Found:
        """The documents of a query."""
        with self.lock:
            self._check_index(query, ())
            database = self.archive.database(query.database)
            found = run(query, database, view.time_us)
            self._keep_proof(query, database, view, found)
            counts = self.counts(project_of(query.database))
            counts.query_read(query.collection_id, len(found.documents) + found.skipped)
            return found

    def aggregate(self, query: Query, asked: Any, paths: Iterable[tuple[str, ...]], view: View) -> Any:
        """The aggregation asked for, over the documents of a query."""
        with self.lock:
            summed = tuple(paths)
            self._check_index(query, summed)
            database = self.archive.database(query.database)
            counts = self.counts(project_of(query.database))
            entries = None if summed or view.transaction else size(query, database, view.time_us)
            if entries is not None:
                counts.aggregation_read(query.collection_id, entries)
                return aggregate(asked, range(max(entries - query.offset, 0)))
            found = run(query, database, view.time_us)
            self._keep_proof(query, database, view, found)
            counts.aggregation_read(query.collection_id, len(found.documents) + found.skipped)
            return aggregate(asked, found.documents)

    def _check_index(self, query: Query, aggregated: tuple[tuple[str, ...], ...]) -> None:
        indexes = self.indexes_of(project_of(query.database))
        if indexes is not None:
            indexes.check(query, aggregated)

    def _keep_proof(self, query: Query, database: Database, view: View, found: Found) -> None:
        if view.transaction is not None:

            def telling(time_us: int) -> tuple[tuple[str, int, int], ...]:
                return _tell(run(query, database, time_us))

            view.transaction.saw(("query", id(query)), telling, _tell(found))

    # Writes

    def commit(self, database: str, writes: Any, transaction: bytes) -> tuple[list[Any], int]:
        """Apply all writes or none; gives their results and the time of the commit in microseconds."""
        with self.lock:
            database_of(database)
            opened = self.transactions.end(transaction, database) if transaction else None
            expect(len(writes) <= MAX_WRITES, f"maximum {MAX_WRITES} writes allowed per request")
            places = [self._place(database, write) for write in writes]
            if opened is not None:
                self.transactions.check(opened, self.archive.now_us(), writes=bool(writes))
            time_us = self.archive.commit_us()
            outcomes: list[Outcome] = []
            current: dict[Ids, Any | None] = {}
            for write, place in zip(writes, places, strict=True):
                before = current[place.ids] if place.ids in current else self._newest(place)
                outcome = apply(write, place, before, time_us)
                current[place.ids] = outcome.after
                outcomes.append(outcome)
            self._store(database, outcomes, time_us)
            self._bill(database, outcomes)
            return [each.result for each in outcomes], time_us

    def batch_write(self, database: str, writes: Any) -> list[tuple[Any | None, RefusedError | None]]:
        """Apply each write by itself; gives its result or why it was refused."""
        with self.lock:
            database_of(database)
            expect(len(writes) <= MAX_WRITES, f"maximum {MAX_WRITES} writes allowed per request")
            names = [target(write).name for write in writes]
            expect(len({*names}) == len(names), "A BatchWrite request cannot write the same document twice.")
            answers: list[tuple[Any | None, RefusedError | None]] = []
            for write in writes:
                try:
                    results, _ = self.commit(database, [write], b"")
                except RefusedError as refused:
                    answers.append((None, refused))
                else:
                    answers.append((results[0], None))
            return answers

    def _place(self, database: str, write: Any) -> Place:
        place = target(write)
        expect(place.database == database, f"The document {place.name} lies in another database.")
        return place

    def _newest(self, place: Place) -> Any | None:
        version = self.archive.database(place.database).newest(place.ids)
        return None if version is None else version.document()

    def _store(self, name: str, outcomes: list[Outcome], time_us: int) -> None:
        """Make the outcomes the newest state: in the journal, then in memory, then known to the listeners."""
        final = {each.place.ids: each for each in outcomes}
        moved = {each.place.ids for each in outcomes if each.changed}
        if not moved:
            return
        database = self.archive.database(name)
        record = CommitRequest(database=name)
        changes = []
        for ids in moved:
            outcome = final[ids]
            changes.append(Change(outcome.place, self._newest(outcome.place), outcome.after))
            if outcome.after is None:
                record.writes.add(delete=outcome.place.name)
            else:
                record.writes.add(update=outcome.after)
        if self._journal is not None:
            self._journal.append(record, time_us)
        for change in changes:
            packed = None if change.after is None else change.after.SerializeToString()
            database.put(change.place.ids, packed, time_us)
        for hearer in list(self.observers):
            hearer(name, time_us, changes)

    def _bill(self, database: str, outcomes: list[Outcome]) -> None:
        counts = self.counts(project_of(database))
        for each in outcomes:
            billed = counts.deletes if each.after is None else counts.writes
            billed[each.place.ids[-2]] += 1


def _tell(found: Found) -> tuple[tuple[str, int, int], ...]:
    return tuple((each.name, each.update_time.seconds, each.update_time.nanos) for each in found.documents)
