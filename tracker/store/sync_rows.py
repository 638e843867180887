"""Rows of how far sending has got, what the cloud refused for good, and what vanished after it was sent."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tracker.presence.events import time_text
from tracker.store.database import Transaction
from tracker.store.event_rows import Row, read_all, read_time
from tracker.store.schema_sync import IN_STEP


class Kind(StrEnum):
    """What is sent, each kind with a cursor of its own."""

    PEOPLE = "people"
    ALIASES = "aliases"
    EVENTS = "events"
    CORRECTIONS = "corrections"
    ZONE_STAYS = "zone_stays"
    SESSIONS = "sessions"


MADE_HERE = "up made here"
"""The note of a store that has sent events of its own, so that visits are its business too."""
_SINCE = "since"


@dataclass(frozen=True, slots=True)
class Position:
    """How far a kind has been sent: all up to the store version `changed`.

    within: the key of the last row that was sent of the next version, where one transaction wrote more than one page.
    """

    changed: int = 0
    within: tuple[str | int, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """A record that the cloud refuses for good. record_id: by which its row here is found. attempts: one or more."""

    collection: str
    record_id: str
    reason: str
    at: datetime
    attempts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """Something that was sent, or may have been, and is no more. kind: session, person or zone_stay."""

    kind: str
    site_id: str
    record_id: str
    changed: int


def begin(writing: Transaction) -> None:
    """Keep the store in step from now on: what vanishes is remembered until it has vanished in the cloud too."""
    if is_begun(writing.connection):
        return
    prepare(writing.connection)
    writing.connection.execute(
        "INSERT OR IGNORE INTO sync_cursors (name, value) VALUES (?, ?)", (_SINCE, str(writing.changed))
    )


def prepare(connection: sqlite3.Connection) -> None:
    """Make the indexes and triggers by which what is unsent is found. What is there already stays."""
    for statement in IN_STEP:
        connection.execute(statement)


def is_begun(connection: sqlite3.Connection) -> bool:
    """Whether the store is kept in step."""
    return note(connection, _SINCE) is not None


def position(connection: sqlite3.Connection, kind: Kind) -> Position:
    """How far a kind has been sent."""
    changed = note(connection, f"up {kind}")
    within = note(connection, f"within {kind}")
    return Position(int(changed or 0), None if not within else tuple(json.loads(within)))


def save_positions(writing: Transaction, positions: Mapping[Kind, Position]) -> None:
    """Write how far kinds have been sent."""
    for kind, reached in positions.items():
        save_note(writing, f"up {kind}", str(reached.changed))
        save_note(writing, f"within {kind}", "" if reached.within is None else json.dumps(reached.within))


def note(connection: sqlite3.Connection, name: str) -> str | None:
    """A note by its name."""
    row = connection.execute("SELECT value FROM sync_cursors WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


def notes(connection: sqlite3.Connection, start: str) -> dict[str, str]:
    """All notes whose names begin so, by the rest of the name."""
    rows = connection.execute(
        "SELECT name, value FROM sync_cursors WHERE name >= ?1 AND name < ?1 || char(1114111)", (start,)
    )
    return {name.removeprefix(start): value for name, value in rows}


def save_note(writing: Transaction, name: str, value: str | None) -> None:
    """Write a note, or with None take it away."""
    if value is None or (not value and name.startswith("within ")):
        writing.connection.execute("DELETE FROM sync_cursors WHERE name = ?", (name,))
    else:
        writing.connection.execute(
            "INSERT INTO sync_cursors (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE"
            " SET value = excluded.value WHERE value <> excluded.value",
            (name, value),
        )


def park(writing: Transaction, refused: Iterable[Parked]) -> None:
    """Note what is refused; again counts the attempts."""
    writing.connection.executemany(
        "INSERT INTO rejected (collection, record_id, reason, at, attempts) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET reason = excluded.reason, at = excluded.at, attempts = attempts + 1",
        [(each.collection, each.record_id, each.reason, time_text(each.at), each.attempts) for each in refused],
    )


def unpark(writing: Transaction, records: Iterable[tuple[str, str]]) -> None:
    """Strike (collection, record_id) off."""
    writing.connection.executemany("DELETE FROM rejected WHERE collection = ? AND record_id = ?", list(records))


def parked(connection: sqlite3.Connection) -> list[Parked]:
    """All that is refused, oldest first. Raises StoreError on a damaged row."""
    rows = connection.execute("SELECT collection, record_id, reason, at, attempts FROM rejected ORDER BY at, record_id")

    def read(row: Row) -> Parked:
        collection, record_id, reason, at, attempts = row
        return Parked(
            collection=collection, record_id=record_id, reason=reason, at=read_time(at), attempts=int(attempts)
        )

    return read_all(rows, read)


def gone(connection: sqlite3.Connection, *, limit: int) -> list[Gone]:
    """What vanished, oldest first."""
    rows = connection.execute(
        "SELECT kind, site_id, record_id, changed FROM deletions ORDER BY changed, kind, site_id, record_id LIMIT ?",
        (limit,),
    )
    return [
        Gone(kind=kind, site_id=site_id, record_id=record_id, changed=changed)
        for kind, site_id, record_id, changed in rows
    ]


def drop_gone(writing: Transaction, done: Iterable[Gone]) -> None:
    """Forget what has vanished in the cloud too, unless it vanished again since."""
    writing.connection.executemany(
        "DELETE FROM deletions WHERE kind = ? AND site_id = ? AND record_id = ? AND changed = ?",
        [(each.kind, each.site_id, each.record_id, each.changed) for each in done],
    )
