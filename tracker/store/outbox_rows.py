"""Rows that this machine has and Firestore has not, a page at a time, in the order in which they were written.

A row is pending when it changed after the cursor of its stream, and not because it was downloaded as it is now. Only
its newest state is uploaded. A damaged row carries its problem and holds up none of the others.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from config.errors import StoreError
from tracker.presence.coverage import CoverageSpan
from tracker.presence.events import ITSELF, CameraRef, Event, time_text
from tracker.presence.health import CameraHealth
from tracker.presence.people import Person, PersonKind
from tracker.store import correction_rows, people_rows
from tracker.store.camera_rows import CAMERAS, COVERAGE, ZONE_STAYS
from tracker.store.correction_rows import PersonCorrection
from tracker.store.cursors import Cursor, Stream
from tracker.store.event_rows import EVENTS, MATCHES
from tracker.store.people_rows import PEOPLE
from tracker.store.tables import Row, Table, read_all
from tracker.store.vector_rows import DOWNLOADED

REASSIGNED_WITHIN = timedelta(hours=1)
"""A stay in a zone waits at most so long for the name of its track to be certain."""
_OF_CAMERA = "site_id = ? AND camera_id = ?"
_CHANGED = -2
"""The column of a row of one key that has its store version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One record to upload. record: None where the row is damaged; `problem` is the reason.

    collection, record_id: by which its row is found again. site_id: empty for people.
    """

    collection: str
    site_id: str
    record_id: str
    record: object | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Messages in order, and the cursor of the stream once they are uploaded. is_last: there are no more."""

    messages: tuple[Message, ...]
    cursor: Cursor
    is_last: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the rows of a stream are. keys: order the rows of one transaction; they are selected last.

    of_camera: the condition, with a site and a camera to fill in, of rows that are of one; "" where none is.
    """

    select: str
    table: str
    keys: tuple[str, ...]
    condition: str
    of_camera: str = ""

    def after(self, cursor: Cursor, scope: CameraRef | None) -> Iterator[tuple[str, list[str | int]]]:
        """Conditions of pending rows and their values: of the version that the cursor is within, then of later ones."""
        condition, past = self.condition, cursor.changed
        values: list[str | int] = []
        if scope is not None and self.of_camera:
            condition, values = f"{condition} AND {self.of_camera}", [scope.site_id, scope.camera_id]
        if cursor.within is not None:
            past += 1
            keys, marks = ", ".join(self.keys), ", ".join("?" * len(self.keys))
            yield f"{condition} AND changed = ? AND ({keys}) > ({marks})", [*values, past, *cursor.within]
        yield f"{condition} AND changed > ?", [*values, past]


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRecord:
    """A person to upload, or with `merged_into` an id that was merged into that of the person whose fields it has.

    vectors: (network, bytes of little-endian float32) of somebody enrolled who consented.
    """

    person: Person
    merged_into: str | None = None
    vectors: tuple[tuple[str, bytes], ...] = ()


SOURCES: dict[Stream, Source] = {
    Stream.PEOPLE: Source(
        select=PEOPLE.column_list, table="people", keys=("person_id",), condition="changed <> downloaded"
    ),
    Stream.ALIASES: Source(
        select="person_id, into_id", table="aliases", keys=("person_id",), condition="changed <> downloaded"
    ),
    Stream.EVENTS: Source(
        select=EVENTS.column_list,
        table="events",
        keys=("event_row",),
        condition="changed <> downloaded",
        of_camera=_OF_CAMERA,
    ),
    Stream.CORRECTIONS: Source(
        select="correction_id, event_id, (SELECT site_id FROM events e WHERE e.event_id = corrections.event_id),"
        " (SELECT person_id FROM events e WHERE e.event_id = corrections.event_id)",
        table="corrections",
        keys=("correction_id",),
        condition="changed <> downloaded",
        of_camera=f"author = '{ITSELF}' AND EXISTS (SELECT 1 FROM events e WHERE e.event_id = corrections.event_id"
        " AND e.site_id = ? AND e.camera_id = ?)",
    ),
    Stream.ZONE_STAYS: Source(
        select=ZONE_STAYS.column_list,
        table="zone_stays",
        keys=("stay_id",),
        condition="changed <> downloaded AND over = 1",
        of_camera=_OF_CAMERA,
    ),
}


def rows_after(
    connection: sqlite3.Connection, source: Source, cursor: Cursor, scope: CameraRef | None, limit: int
) -> tuple[list[Row], Cursor]:
    """Up to `limit` rows, each ended by `changed` and its keys, and the cursor after them.

    The caller holds a read transaction, so that a short page reaches up to the version that it sees.
    """
    keys = ", ".join(source.keys)
    rows: list[Row] = []
    for where, values in source.after(cursor, scope):
        query = f"SELECT {source.select}, changed, {keys} FROM {source.table} WHERE {where} ORDER BY changed, {keys}"
        rows += connection.execute(f"{query} LIMIT ?", (*values, limit - len(rows)))
    if len(rows) < limit:
        (version,) = connection.execute("SELECT version FROM state").fetchone()
        return rows, Cursor(max(int(version), cursor.changed))
    width = len(source.keys)
    return rows, Cursor(rows[-1][-width - 1] - 1, tuple(rows[-1][-width:]))


def count_after(connection: sqlite3.Connection, source: Source, cursor: Cursor, scope: CameraRef | None) -> int:
    """How many rows of a stream are pending."""
    return sum(
        int(connection.execute(f"SELECT count(*) FROM {source.table} WHERE {where}", values).fetchone()[0])
        for where, values in source.after(cursor, scope)
    )


def message_of(
    collection: str, site_id: str, record_id: str, row: Sequence[object], read: Callable[[Row], object]
) -> Message:
    """The message of a row."""
    record: object | None = None
    problem = ""
    try:
        (record,) = read_all([tuple(row)], read)
    except StoreError as error:
        problem = error.problem
    return Message(collection=collection, site_id=site_id, record_id=record_id, record=record, problem=problem)


def _record_message(table: Table[Any], id_column: str, row: Row) -> Message:
    """The message of a row that begins with the columns of a table."""
    values = dict(zip(table.columns, row, strict=False))
    return message_of(table.name, values["site_id"], values[id_column], row[: len(table.columns)], table.record)


def select_events(connection: sqlite3.Connection, cursor: Cursor, scope: CameraRef | None, limit: int) -> Page:
    """Events as they are stored, each followed by the match that named its track, unless an earlier event was."""
    rows, reached = rows_after(connection, SOURCES[Stream.EVENTS], cursor, scope, limit)
    found: list[Message] = []
    for row in rows:
        message = _record_message(EVENTS, "event_id", row)
        found.append(message)
        if isinstance(message.record, Event):
            found += _deciding_match(connection, message.record, event_row=row[-1])
    return Page(tuple(found), reached, len(rows) < limit)


def select_corrections(connection: sqlite3.Connection, cursor: Cursor, scope: CameraRef | None, limit: int) -> Page:
    """Corrections with the people of their events; of one camera only those that its agent made."""
    rows, reached = rows_after(connection, SOURCES[Stream.CORRECTIONS], cursor, scope, limit)

    def read(row: Row) -> object:
        correction_id, event_id, _, person_id, *_ = row
        of_event = correction_rows.select(connection, event_id)
        correction = next(each for each in of_event if each.correction_id == correction_id)
        return PersonCorrection(correction=correction, person_id=person_id)

    messages = tuple(message_of("corrections", row[2], row[0], row, read) for row in rows)
    return Page(messages, reached, len(rows) < limit)


def select_zone_stays(
    connection: sqlite3.Connection, cursor: Cursor, scope: CameraRef | None, limit: int, *, now: datetime
) -> Page:
    """Stays in zones that are over.

    A camera machine cannot delete a stay, so it uploads none that may still be reassigned to another person: while the
    person is in sight it waits, and so do those after it, at most REASSIGNED_WITHIN.
    """
    rows, reached = rows_after(connection, SOURCES[Stream.ZONE_STAYS], cursor, scope, limit)
    is_last = len(rows) < limit
    waits_from = None if scope is None else _first_uncertain(connection, scope, cursor, now)
    if waits_from is not None and (is_last or rows[-1][_CHANGED] >= waits_from):
        rows = [row for row in rows if row[_CHANGED] < waits_from]
        is_last, reached = True, max(cursor, Cursor(waits_from - 1), key=lambda each: each.changed)
    found = [_record_message(ZONE_STAYS, "stay_id", row) for row in rows]
    return Page(tuple(found), reached, is_last)


def _first_uncertain(connection: sqlite3.Connection, scope: CameraRef, cursor: Cursor, now: datetime) -> int | None:
    """The store version of the first stay of a camera whose person it still sees."""
    (first,) = connection.execute(
        "SELECT min(z.changed) FROM zone_stays z JOIN presences p ON p.site_id = z.site_id"
        " AND p.camera_id = z.camera_id AND p.person_id = z.person_id WHERE z.site_id = ? AND z.camera_id = ?"
        " AND z.changed > ? AND z.changed <> z.downloaded AND z.over = 1 AND z.seen_at > ?",
        (scope.site_id, scope.camera_id, cursor.changed, time_text(now - REASSIGNED_WITHIN)),
    ).fetchone()
    return None if first is None else int(first)


def select_people(connection: sqlite3.Connection, cursor: Cursor, limit: int, *, with_vectors: bool) -> Page:
    """People, without merged ones; with_vectors: with the vectors of enrolled people who consented."""
    rows, reached = rows_after(connection, SOURCES[Stream.PEOPLE], cursor, None, limit)

    def read(row: Row) -> object:
        person = PEOPLE.record(row[: len(PEOPLE.columns)])
        shared = with_vectors and person.kind is PersonKind.ENROLLED and person.consented_at is not None
        vectors = connection.execute(
            "SELECT model, vector FROM vectors WHERE person_id = ? AND source <> ? ORDER BY vector_id",
            (person.person_id, DOWNLOADED),
        )
        return PersonRecord(person=person, vectors=tuple(vectors.fetchall()) if shared else ())

    return Page(tuple(message_of("people", "", row[0], row, read) for row in rows), reached, len(rows) < limit)


def select_aliases(connection: sqlite3.Connection, cursor: Cursor, limit: int) -> Page:
    """Ids of merged people, with the people whom they were merged into."""
    rows, reached = rows_after(connection, SOURCES[Stream.ALIASES], cursor, None, limit)

    def read(row: Row) -> object:
        now = people_rows.require(connection, row[1])
        return PersonRecord(person=replace(now, person_id=row[0]), merged_into=row[1])

    return Page(tuple(message_of("people", "", row[0], row, read) for row in rows), reached, len(rows) < limit)


def _deciding_match(connection: sqlite3.Connection, event: Event, *, event_row: int) -> list[Message]:
    """The last match before an event that named its track so, or the first one after it; once a track."""
    names = (event.track_id, event.person_id)
    if connection.execute(
        "SELECT 1 FROM events WHERE track_id = ? AND person_id = ? AND event_row < ? LIMIT 1", (*names, event_row)
    ).fetchone():
        return []
    rows = connection.execute(
        f"{MATCHES.select} WHERE track_id = ? AND person_id = ? AND site_id = ? AND downloaded = 0 ORDER BY at",
        (*names, event.site_id),
    ).fetchall()
    if not rows:
        return []
    at, column = time_text(event.at), MATCHES.columns.index("at")
    row = next((each for each in reversed(rows) if each[column] <= at), rows[0])
    return [_record_message(MATCHES, "match_id", row)]


_TOUCH = {
    "events": "UPDATE events SET changed = ?1 WHERE event_id = ?2",
    "matches": "UPDATE events SET changed = ?1 WHERE event_row = (SELECT min(e.event_row) FROM matches m"
    " JOIN events e ON e.track_id = m.track_id AND e.person_id = m.person_id WHERE m.match_id = ?2)",
    "corrections": "UPDATE corrections SET changed = ?1 WHERE correction_id = ?2",
    "zone_stays": "UPDATE zone_stays SET changed = ?1 WHERE stay_id = ?2",
    "people": "UPDATE people SET changed = ?1 WHERE person_id = ?2",
    "sessions": "UPDATE sessions SET changed = ?1 WHERE session_id = ?2",
}


def touch(connection: sqlite3.Connection, collection: str, record_id: str, changed: int) -> bool:
    """Have a record uploaded again, by changing its row now. Returns whether there is one."""
    statement = _TOUCH.get(collection)
    touched = 0 if statement is None else connection.execute(statement, (changed, record_id)).rowcount
    if collection == "people":
        touched += connection.execute(
            "UPDATE aliases SET changed = ?1 WHERE person_id = ?2", (changed, record_id)
        ).rowcount
    return touched > 0


def select_cameras(connection: sqlite3.Connection, scope: CameraRef | None) -> list[CameraHealth]:
    """The last known health of each camera of this machine."""
    here, values = _of_camera(scope)
    rows = connection.execute(
        f"{CAMERAS.select} WHERE changed <> downloaded AND {here} ORDER BY site_id, camera_id", values
    )
    return CAMERAS.read(rows)


def select_coverage(connection: sqlite3.Connection, camera: CameraRef, since: str, limit: int) -> list[CoverageSpan]:
    """When a camera of this machine watched, from the span that began at `since` (text) on, by start."""
    here, values = _of_camera(camera)
    rows = connection.execute(
        f"{COVERAGE.select} WHERE changed <> downloaded AND {here} AND started_at >= ? ORDER BY started_at LIMIT ?",
        (*values, since, limit),
    )
    return COVERAGE.read(rows)


def _of_camera(camera: CameraRef | None) -> tuple[str, tuple[str, ...]]:
    return ("TRUE", ()) if camera is None else (_OF_CAMERA, (camera.site_id, camera.camera_id))
