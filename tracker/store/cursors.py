"""Rows of replication: how far each stream is uploaded or downloaded, what was rejected, what was deleted here."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tracker.store.database import Transaction
from tracker.store.tables import Table


class Stream(StrEnum):
    """What is uploaded, each stream with a cursor of its own."""

    PEOPLE = "people"
    ALIASES = "aliases"
    EVENTS = "events"
    CORRECTIONS = "corrections"
    ZONE_STAYS = "zone_stays"
    SESSIONS = "sessions"
    DAYS = "days"


TRACKS_HERE = "upload made here"
"""The state of a store that has uploaded events of its own, so that it may derive sessions."""
DELETABLE = ("person", "zone_stay", "session")
"""The kinds of deletions."""
_SINCE = "since"
_NOW = "(SELECT version + 1 FROM state)"
"""The store version of the transaction that writes."""


def _index(table: str) -> str:
    return f"CREATE INDEX IF NOT EXISTS {table}_changed ON {table} (changed)"


def _trigger(name: str, occasion: str, statement: str) -> str:
    return f"CREATE TRIGGER IF NOT EXISTS {name} AFTER {occasion} BEGIN {statement}; END"


def _deletion(table: str, kind: str, record_id: str, *, site_id: str = "OLD.site_id", condition: str = "") -> str:
    statement = f"INSERT OR REPLACE INTO deletions VALUES ('{kind}', {site_id}, OLD.{record_id}, {_NOW})"
    return _trigger(f"{table}_deleted", f"DELETE ON {table} {condition}", statement)


def _person_change(name: str, occasion: str, row: str) -> str:
    """Vectors have no `changed`: those of somebody enrolled change the person."""
    statement = f"UPDATE people SET changed = {_NOW} WHERE person_id = {row}.person_id AND kind = 'enrolled'"
    return _trigger(name, f"{occasion} ON vectors", statement)


_TRACKING = (
    *map(_index, ("events", "sessions", "people", "aliases", "corrections", "zone_stays", "coverage_spans")),
    "CREATE INDEX IF NOT EXISTS events_track ON events (track_id)",
    _deletion("sessions", "session", "session_id"),
    _deletion("people", "person", "person_id", site_id="''"),
    _deletion("aliases", "person", "person_id", site_id="''"),
    _deletion("zone_stays", "zone_stay", "stay_id", condition="WHEN OLD.over = 1"),
    _trigger(
        "session_days_deleted",
        "DELETE ON sessions",
        "INSERT OR IGNORE INTO deleted_sessions"
        f" VALUES (OLD.site_id, OLD.started_at, coalesce(OLD.ended_at, OLD.started_at), {_NOW})",
    ),
    _person_change("vectors_added", "INSERT", "NEW"),
    _person_change("vectors_removed", "DELETE", "OLD"),
    _person_change("vectors_moved", "UPDATE OF person_id", "NEW"),
)
"""Indexes and triggers of a store that is replicated. Others are quicker to write, and remember nothing erased."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a stream is uploaded: everything up to the store version `changed`.

    within: the key of the last row uploaded of the next version, where one transaction wrote more than a page.
    """

    changed: int = 0
    within: tuple[str | int, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A dead letter: a record that Firestore refuses for good. record_id: by which its message is built again."""

    collection: str
    record_id: str
    reason: str
    at: datetime
    attempts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """Something that was uploaded, or may have been, and was deleted here. kind: session, person or zone_stay."""

    kind: str
    site_id: str
    record_id: str
    changed: int

    @property
    def collection(self) -> str:
        """The name under which it is rejected; apart from that of the record itself."""
        return f"{self.kind} deletion"


_REJECTED = Table("rejected", Rejected, versioned=False)
_DELETIONS = Table("deletions", Deletion, versioned=False)


def begin(writing: Transaction) -> None:
    """Track changes for replication from now on: deletions are remembered until they are uploaded too."""
    if is_begun(writing.connection):
        return
    prepare(writing.connection)
    writing.connection.execute(
        "INSERT OR IGNORE INTO sync_cursors (name, value) VALUES (?, ?)", (_SINCE, str(writing.changed))
    )


def prepare(connection: sqlite3.Connection) -> None:
    """Make the indexes and triggers by which pending rows are found. What is there already stays."""
    for statement in _TRACKING:
        connection.execute(statement)


def is_begun(connection: sqlite3.Connection) -> bool:
    """Whether changes are tracked for replication."""
    return select(connection, _SINCE) is not None


def uploaded_through(connection: sqlite3.Connection, stream: str) -> int:
    """The store version up to which a stream is uploaded, 0 where nothing ever was."""
    return int(select(connection, f"upload {stream}") or 0)


def cursor(connection: sqlite3.Connection, stream: Stream) -> Cursor:
    """How far a stream is uploaded."""
    within = select(connection, f"within {stream}")
    return Cursor(uploaded_through(connection, stream), None if not within else tuple(json.loads(within)))


def advance(writing: Transaction, cursors: Mapping[Stream, Cursor]) -> None:
    """Write how far streams are uploaded."""
    for stream, reached in cursors.items():
        save(writing, f"upload {stream}", str(reached.changed))
        save(writing, f"within {stream}", None if reached.within is None else json.dumps(reached.within))
        if stream is Stream.DAYS:
            writing.connection.execute("DELETE FROM deleted_sessions WHERE changed <= ?", (reached.changed,))


def advance_downloads(writing: Transaction, cursors: Mapping[str, str]) -> None:
    """Write how far collections are downloaded, by name; never back."""
    if cursors:
        begin(writing)
    writing.connection.executemany(
        "INSERT INTO sync_cursors (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE"
        " SET value = excluded.value WHERE excluded.value > value",
        list(cursors.items()),
    )


def select(connection: sqlite3.Connection, name: str) -> str | None:
    """A value of the state of replication."""
    row = connection.execute("SELECT value FROM sync_cursors WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


def select_all(connection: sqlite3.Connection, prefix: str) -> dict[str, str]:
    """All values whose names begin so, by the rest of the name."""
    rows = connection.execute(
        "SELECT name, value FROM sync_cursors WHERE name >= ?1 AND name < ?1 || char(1114111)", (prefix,)
    )
    return {name.removeprefix(prefix): value for name, value in rows}


def save(writing: Transaction, name: str, value: str | None) -> None:
    """Write a value of the state of replication, or delete it with None."""
    if value is None:
        writing.connection.execute("DELETE FROM sync_cursors WHERE name = ?", (name,))
    else:
        writing.connection.execute(
            "INSERT INTO sync_cursors (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE"
            " SET value = excluded.value WHERE value <> excluded.value",
            (name, value),
        )


def reject(writing: Transaction, rejected: Iterable[Rejected]) -> None:
    """Keep dead letters; one that is there already counts the attempt."""
    writing.connection.executemany(
        f"{_REJECTED.insert} ON CONFLICT DO UPDATE"
        " SET reason = excluded.reason, at = excluded.at, attempts = attempts + 1",
        map(_REJECTED.row, rejected),
    )


def drop_rejected(writing: Transaction, records: Iterable[tuple[str, str]]) -> None:
    """Remove dead letters by (collection, record_id)."""
    writing.connection.executemany("DELETE FROM rejected WHERE collection = ? AND record_id = ?", list(records))


def rejected(connection: sqlite3.Connection) -> list[Rejected]:
    """All dead letters, oldest first. Raises StoreError on a damaged row."""
    return _REJECTED.read(connection.execute(f"{_REJECTED.select} ORDER BY at, record_id"))


def deletions(connection: sqlite3.Connection, *, limit: int, kinds: Sequence[str]) -> list[Deletion]:
    """What was deleted here and is not in Firestore yet, oldest first; without what Firestore rejected."""
    marks = ", ".join("?" * len(kinds))
    rows = connection.execute(
        f"{_DELETIONS.select} d WHERE kind IN ({marks})"
        " AND NOT EXISTS (SELECT 1 FROM rejected WHERE collection = d.kind || ' deletion' AND record_id = d.record_id)"
        " ORDER BY changed, kind, site_id, record_id LIMIT ?",
        (*kinds, limit),
    )
    return _DELETIONS.read(rows)


def drop_deletions(writing: Transaction, done: Iterable[Deletion]) -> None:
    """Forget deletions that are uploaded, unless the same was deleted again since."""
    writing.connection.executemany(
        "DELETE FROM deletions WHERE kind = ? AND site_id = ? AND record_id = ? AND changed = ?",
        [(each.kind, each.site_id, each.record_id, each.changed) for each in done],
    )
