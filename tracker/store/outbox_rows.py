"""Rows that this machine has and Firestore has not, in the order in which they were written.

A row is pending when it changed after the cursor of its stream, and not because it was downloaded as it is now.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from tracker.presence.coverage import CoverageSpan
from tracker.presence.events import ITSELF, CameraRef, time_text
from tracker.presence.health import CameraHealth
from tracker.store import session_rows
from tracker.store.camera_rows import CAMERAS, COVERAGE, ZONE_STAYS
from tracker.store.cursors import Cursor, Stream
from tracker.store.event_rows import EVENTS
from tracker.store.people_rows import PEOPLE
from tracker.store.tables import Row

REASSIGNED_WITHIN = timedelta(hours=1)
"""A stay in a zone waits at most so long for the name of its track to be certain."""
_OF_CAMERA = "site_id = ? AND camera_id = ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the rows of a stream are. keys: order the rows of one transaction; they are selected last.

    of_camera: the condition, with a site and a camera to fill in, of rows that are of one; "" where none is.
    """

    select: str
    table: str
    keys: tuple[str, ...]
    condition: str = "changed <> downloaded"
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


@dataclass(frozen=True, slots=True)
class PendingRows:
    """Rows, each ended by `changed` and its keys, and the cursor after them. is_last: there are no more."""

    rows: list[Row]
    cursor: Cursor
    is_last: bool


_SESSIONS = Source(
    select=session_rows.COLUMNS, table="sessions", keys=("site_id", "started_at", "session_id"), condition="TRUE"
)
SOURCES: dict[Stream, Source] = {
    Stream.PEOPLE: Source(select=PEOPLE.column_list, table="people", keys=("person_id",)),
    Stream.ALIASES: Source(select="person_id, into_id", table="aliases", keys=("person_id",)),
    Stream.EVENTS: Source(select=EVENTS.column_list, table="events", keys=("event_row",), of_camera=_OF_CAMERA),
    Stream.CORRECTIONS: Source(
        select="correction_id, event_id, (SELECT site_id FROM events e WHERE e.event_id = corrections.event_id),"
        " (SELECT person_id FROM events e WHERE e.event_id = corrections.event_id)",
        table="corrections",
        keys=("correction_id",),
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
    Stream.SESSIONS: _SESSIONS,
    Stream.DAYS: _SESSIONS,
}
"""The figures of days are uploaded when sessions in them, or events that count there, change."""


def pending(
    connection: sqlite3.Connection,
    stream: Stream,
    cursor: Cursor,
    *,
    scope: CameraRef | None,
    limit: int,
    now: datetime,
) -> PendingRows:
    """Up to `limit` rows of a stream.

    The caller holds a read transaction, so that a short page reaches up to the version that it sees. A camera machine
    cannot delete a stay in a zone, so it uploads none that may still be reassigned to another person: while the person
    is in sight it waits, and so do those after it, at most REASSIGNED_WITHIN.
    """
    source = SOURCES[stream]
    keys = ", ".join(source.keys)
    rows: list[Row] = []
    for where, values in source.after(cursor, scope):
        query = f"SELECT {source.select}, changed, {keys} FROM {source.table} WHERE {where} ORDER BY changed, {keys}"
        rows += connection.execute(f"{query} LIMIT ?", (*values, limit - len(rows)))
    changed = -1 - len(source.keys)  # the column with the store version
    if stream is Stream.ZONE_STAYS and scope is not None:
        waits_from = _first_uncertain(connection, scope, cursor, now)
        if waits_from is not None and (len(rows) < limit or rows[-1][changed] >= waits_from):
            certain = [row for row in rows if row[changed] < waits_from]
            return PendingRows(certain, max(cursor, Cursor(waits_from - 1), key=lambda each: each.changed), True)
    if len(rows) < limit:
        (version,) = connection.execute("SELECT version FROM state").fetchone()
        return PendingRows(rows, Cursor(max(int(version), cursor.changed)), True)
    return PendingRows(rows, Cursor(rows[-1][changed] - 1, tuple(rows[-1][changed + 1 :])), False)


def count_after(connection: sqlite3.Connection, stream: Stream, cursor: Cursor, scope: CameraRef | None) -> int:
    """How many rows of a stream are pending."""
    source = SOURCES[stream]
    return sum(
        int(connection.execute(f"SELECT count(*) FROM {source.table} WHERE {where}", values).fetchone()[0])
        for where, values in source.after(cursor, scope)
    )


def _first_uncertain(connection: sqlite3.Connection, scope: CameraRef, cursor: Cursor, now: datetime) -> int | None:
    """The store version of the first stay of a camera whose person it still sees."""
    (first,) = connection.execute(
        "SELECT min(z.changed) FROM zone_stays z JOIN presences p ON p.site_id = z.site_id"
        " AND p.camera_id = z.camera_id AND p.person_id = z.person_id WHERE z.site_id = ? AND z.camera_id = ?"
        " AND z.changed > ? AND z.changed <> z.downloaded AND z.over = 1 AND z.seen_at > ?",
        (scope.site_id, scope.camera_id, cursor.changed, time_text(now - REASSIGNED_WITHIN)),
    ).fetchone()
    return None if first is None else int(first)


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
