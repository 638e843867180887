"""Rows of events and matches: written once under an id made from their content, read with aliases resolved."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeAlias, TypeVar

from config.errors import StoreError
from tracker.presence.events import Event, EventKind, Match, time_text
from tracker.store.database import Transaction

Row: TypeAlias = tuple[Any, ...]
_Record = TypeVar("_Record")

_EVENTS = (  # the person is its fifth column
    "SELECT r.event_id, r.kind, r.site_id, r.camera_id, coalesce(a.into_id, r.person_id), r.at, r.track_id,"
    " r.x_frac, r.y_frac, r.inferred, r.schema FROM events r LEFT JOIN aliases a ON a.person_id = r.person_id"
)
_MATCHES = (
    "SELECT r.match_id, r.site_id, r.camera_id, r.track_id, r.at, coalesce(a.into_id, r.person_id), r.distance,"
    " r.margin, r.quality, r.authorised, r.reason, r.schema FROM matches r"
    " LEFT JOIN aliases a ON a.person_id = r.person_id"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which events or matches to read: since <= at < until, oldest first unless `newest_first`."""

    site_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    person_id: str | None = None
    limit: int | None = None
    newest_first: bool = False

    def clauses(self, id_column: str, *conditions_before: str) -> tuple[str, list[str | int]]:
        """The WHERE, ORDER BY and LIMIT of a SELECT over rows called `r`, and their values."""
        conditions = list(conditions_before)
        values: list[str | int] = []
        for condition, value in (
            ("r.site_id = ?", self.site_id),
            ("r.at >= ?", None if self.since is None else time_text(self.since)),
            ("r.at < ?", None if self.until is None else time_text(self.until)),
        ):
            if value is not None:
                conditions.append(condition)
                values.append(value)
        if self.person_id is not None:
            conditions.append("r.person_id IN (SELECT ? UNION SELECT person_id FROM aliases WHERE into_id = ?)")
            values += [self.person_id, self.person_id]
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        order = "DESC" if self.newest_first else "ASC"
        values.append(-1 if self.limit is None else max(0, self.limit))
        return f"{where} ORDER BY r.at {order}, r.{id_column} {order} LIMIT ?", values


def insert_events(writing: Transaction, events: Iterable[Event]) -> int:
    """Add events whose ids are not there yet. Returns how many were new."""
    before = writing.connection.total_changes
    rows = [
        (
            event.event_id,
            event.kind,
            event.site_id,
            event.camera_id,
            event.person_id,
            time_text(event.at),
            event.track_id,
            event.x_frac,
            event.y_frac,
            event.inferred,
            event.schema,
            writing.changed,
        )
        for event in events
    ]
    writing.connection.executemany(
        "INSERT INTO events (event_id, kind, site_id, camera_id, person_id, at, track_id, x_frac, y_frac, inferred,"
        " schema, changed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (event_id) DO NOTHING",
        rows,
    )
    count = writing.connection.total_changes - before
    if count:
        writing.touch_events()
        for row in rows:
            writing.touch_session(row[2], row[4], row[5])
    return count


def insert_matches(writing: Transaction, matches: Iterable[Match]) -> None:
    """Add matches whose ids are not there yet."""
    writing.connection.executemany(
        "INSERT INTO matches (match_id, site_id, camera_id, track_id, at, person_id, distance, margin, quality,"
        " authorised, reason, schema, changed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (match_id) DO NOTHING",
        (
            (
                match.match_id,
                match.site_id,
                match.camera_id,
                match.track_id,
                time_text(match.at),
                match.person_id,
                match.distance,
                match.margin,
                match.quality,
                match.authorised,
                match.reason,
                match.schema,
                writing.changed,
            )
            for match in matches
        ),
    )


def select_events(connection: sqlite3.Connection, wanted: Wanted) -> list[Event]:
    """Events in order of (at, event_id), without the voided ones. Raises StoreError on a row that is no event."""
    clauses, values = wanted.clauses("event_id", "r.voided = 0")
    by_time = wanted.limit is not None and wanted.person_id is None
    query = _EVENTS.replace("events r", "events r INDEXED BY events_at") if by_time else _EVENTS
    return read_all(connection.execute(query + clauses, values), event_of_row)


def select_one(connection: sqlite3.Connection, event_id: str) -> Event | None:
    """The event of this id, voided or not."""
    found = read_all(connection.execute(f"{_EVENTS} WHERE r.event_id = ?", (event_id,)), event_of_row)
    return found[0] if found else None


def select_matches(connection: sqlite3.Connection, wanted: Wanted) -> list[Match]:
    """Matches in order of (at, match_id). Raises StoreError on a row that is no match."""
    clauses, values = wanted.clauses("match_id")
    return read_all(connection.execute(_MATCHES + clauses, values), match_of_row)


def select_of_person(
    connection: sqlite3.Connection, site_id: str, person_id: str, aliases: Iterable[str], since: str
) -> list[Event]:
    """Events of one person under all ids at one site from a time (text) on, in no order, the voided ones left out."""
    found: list[Row] = []
    for one_id in (person_id, *aliases):
        found += connection.execute(
            "SELECT event_id, kind, site_id, camera_id, ?4, at, track_id, x_frac, y_frac, inferred, schema FROM events"
            " WHERE person_id = ?1 AND at >= ?2 AND site_id = ?3 AND voided = 0",
            (one_id, since, site_id, person_id),
        )
    return read_all(found, event_of_row)


def select_history(
    connection: sqlite3.Connection, site_id: str | None = None
) -> Iterator[tuple[tuple[str, str], list[Event]]]:
    """Every event of a site, or of all, by person: (site_id, person_id) with aliases resolved, and the events."""
    rows = connection.execute(
        f"{_EVENTS} WHERE r.voided = 0 AND (?1 IS NULL OR r.site_id = ?1) ORDER BY r.site_id, 5", (site_id,)
    )
    for key, group in groupby(rows, key=itemgetter(2, 4)):
        yield key, read_all(group, event_of_row)


def delete_events(writing: Transaction, person_ids: Sequence[str]) -> None:
    """Remove every event of the given ids."""
    writing.touch_events()
    writing.touched_people.update(person_ids)
    for person_id in person_ids:
        writing.connection.execute("DELETE FROM events WHERE person_id = ?", (person_id,))


def delete_matches(writing: Transaction, person_ids: Sequence[str]) -> None:
    """Remove every match of the given ids, and the ids from the reasons of other matches."""
    for person_id in person_ids:
        writing.connection.execute("DELETE FROM matches WHERE person_id = ?", (person_id,))
        writing.connection.execute(
            "UPDATE matches SET reason = replace(reason, ?1, 'somebody'), changed = ?2 WHERE instr(reason, ?1)",
            (person_id, writing.changed),
        )


def rewrite(writing: Transaction, person_ids: Sequence[str], new_id: str) -> None:
    """Put every event of the given ids under `new_id`, with an event id made from the new content."""
    writing.touch_events()
    writing.touched_people.update((*person_ids, new_id))
    for person_id in person_ids:
        rows = writing.connection.execute(f"{_EVENTS} WHERE r.person_id = ?", (person_id,))
        for event in read_all(rows, event_of_row):
            writing.connection.execute(
                "UPDATE OR IGNORE events SET person_id = ?, event_id = ?, changed = ? WHERE event_id = ?",
                (new_id, replace(event, person_id=new_id, event_id="").event_id, writing.changed, event.event_id),
            )
        # What is left says the same as a row that was rewritten before it.
        writing.connection.execute("DELETE FROM events WHERE person_id = ?", (person_id,))


def read_all(rows: Iterable[Row], read: Callable[[Row], _Record]) -> list[_Record]:
    """The records of rows. Raises StoreError naming the row that cannot be one."""
    records: list[_Record] = []
    for row in rows:
        try:
            records.append(read(row))
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            raise StoreError(
                f"the store holds a damaged row {row!r} ({error})", fix="restore the store from a backup"
            ) from error
    return records


def read_time(text: str) -> datetime:
    """The instant of a time as `time_text` wrote it."""
    return datetime.fromisoformat(text)


def event_of_row(row: Row) -> Event:
    event_id, kind, site_id, camera_id, person_id, at, track_id, x_frac, y_frac, inferred, schema = row
    return Event(
        kind=EventKind(kind),
        site_id=site_id,
        camera_id=camera_id,
        person_id=person_id,
        at=read_time(at),
        track_id=track_id,
        x_frac=x_frac,
        y_frac=y_frac,
        inferred=bool(inferred),
        schema=schema,
        event_id=event_id,
    )


def match_of_row(row: Row) -> Match:
    match_id, site_id, camera_id, track_id, at, person_id, distance, margin, quality, authorised, reason, schema = row
    return Match(
        site_id=site_id,
        camera_id=camera_id,
        track_id=track_id,
        at=read_time(at),
        person_id=person_id,
        distance=distance,
        margin=margin,
        quality=quality,
        authorised=bool(authorised),
        reason=reason,
        schema=schema,
        match_id=match_id,
    )
