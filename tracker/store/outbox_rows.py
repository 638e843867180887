"""Rows that this machine has and Firestore has not, a page at a time and in the order in which they were written.

A row is unsent when it changed after the cursor of its kind, and not because it came down as it is now.
Only its newest state is there to be sent. A damaged row says so and holds up none of the others.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tracker.presence.coverage import CoverageSpan
from tracker.presence.events import ITSELF, Correction, Event, time_text
from tracker.presence.health import CameraHealth
from tracker.presence.people import Person, PersonKind
from tracker.presence.sessions import Session
from tracker.store import (
    camera_rows,
    correction_rows,
    door_rows,
    event_rows,
    people_rows,
    session_rows,
    site_rows,
    watch_rows,
)
from tracker.store.arrived_people import SOURCE as CAME_DOWN
from tracker.store.event_rows import Row
from tracker.store.outbox_pages import Page, Scope, Source, Unsent, rows_after, unsent_of
from tracker.store.sync_rows import Kind, Position

TURNS_WITHIN = timedelta(hours=1)
"""So long a stay that is over waits, at most, for the name of its track to be past all doubt."""
_CHANGED = -2
"""Where a row of one key has its store version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsentPerson:
    """Somebody, or with `merged_into` an id that means somebody else by now, whose fields `person` then has.

    vectors: (network, bytes of little-endian float32) of somebody enrolled who agreed to it.
    """

    person: Person
    merged_into: str | None = None
    vectors: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class UnsentCorrection:
    """What was said about an event, and whose event it is."""

    correction: Correction
    person_id: str


SOURCES: dict[Kind, Source] = {
    Kind.PEOPLE: Source(
        select="person_id, name, kind, role, access, created_at, consented_at",
        table="people",
        keys=("person_id",),
        condition="changed <> came_down",
    ),
    Kind.ALIASES: Source(
        select="person_id, into_id", table="aliases", keys=("person_id",), condition="changed <> came_down"
    ),
    Kind.EVENTS: Source(
        select="event_id, kind, site_id, camera_id, person_id, at, track_id, x_frac, y_frac, inferred, schema",
        table="events",
        keys=("event_row",),
        condition="changed <> came_down",
        of_camera="site_id = ? AND camera_id = ?",
    ),
    Kind.CORRECTIONS: Source(
        select="correction_id, event_id",
        table="corrections",
        keys=("correction_id",),
        condition="changed <> came_down",
        of_camera=f"said_by = '{ITSELF}' AND EXISTS (SELECT 1 FROM events e WHERE e.event_id = corrections.event_id"  # noqa: S608 - fixed names
        " AND e.site_id = ? AND e.camera_id = ?)",
    ),
    Kind.ZONE_STAYS: Source(
        select="stay_id, site_id, camera_id, zone, person_id, started_at, seen_at, over, schema",
        table="zone_stays",
        keys=("stay_id",),
        condition="changed <> came_down AND over = 1",
        of_camera="site_id = ? AND camera_id = ?",
    ),
}


SESSIONS = Source(
    select=session_rows.COLUMNS,
    table="sessions",
    keys=("site_id", "started_at", "session_id"),
    condition="TRUE",
)


@dataclass(frozen=True, slots=True)
class UnsentSession:
    """A session as it is now; session None: it was deleted."""

    session_id: str
    session: Session | None


def select_sessions(connection: sqlite3.Connection, position: Position, limit: int, *, now: datetime) -> Page:
    """Sessions that changed."""
    rows, reached = rows_after(connection, SESSIONS, position, None, limit)
    width = len(session_rows.SessionRow._fields)

    def read(row: Row) -> object:
        min_visit = site_rows.rules(connection, row[0]).min_visit
        return UnsentSession(row[2], session_rows.session_of_row(row, now, min_visit))

    return Page(
        tuple(unsent_of("sessions", row[0], row[2], row[:width], read) for row in rows), reached, len(rows) < limit
    )


def deleted_session(connection: sqlite3.Connection, site_id: str, session_id: str) -> list[Unsent]:
    """The deletion of a session, unless it is there again."""
    there = connection.execute(
        "SELECT 1 FROM events e JOIN sessions s ON s.session_id = e.event_id AND s.site_id = e.site_id"
        " AND s.started_at = e.at WHERE e.event_id = ?",
        (session_id,),
    ).fetchone()
    record = UnsentSession(session_id, None)
    return [] if there else [Unsent(collection="sessions", site_id=site_id, record_id=session_id, record=record)]


def select_events(connection: sqlite3.Connection, position: Position, scope: Scope | None, limit: int) -> Page:
    """Events as they are stored, each followed by the match that decided whose track it was, if none was before."""
    rows, reached = rows_after(connection, SOURCES[Kind.EVENTS], position, scope, limit)
    found: list[Unsent] = []
    for row in rows:
        unsent = unsent_of("events", row[2], row[0], row[:11], event_rows.event_of_row)
        found.append(unsent)
        if isinstance(unsent.record, Event):
            found += _deciding_match(connection, unsent.record, event_row=row[-1])
    return Page(tuple(found), reached, len(rows) < limit)


def select_corrections(connection: sqlite3.Connection, position: Position, scope: Scope | None, limit: int) -> Page:
    """Corrections with the people of their events; of one camera those that its agent made itself."""
    rows, reached = rows_after(connection, SOURCES[Kind.CORRECTIONS], position, scope, limit)
    found: list[Unsent] = []
    for correction_id, event_id, *_ in rows:
        about = connection.execute("SELECT site_id, person_id FROM events WHERE event_id = ?", (event_id,)).fetchone()

        def read(_: Row, event_id: str = event_id, wanted: str = correction_id, person_id: str = about[1]) -> object:
            said = correction_rows.select(connection, event_id)
            return UnsentCorrection(next(each for each in said if each.correction_id == wanted), person_id)

        found.append(unsent_of("corrections", about[0], correction_id, (), read))
    return Page(tuple(found), reached, len(rows) < limit)


def select_zone_stays(
    connection: sqlite3.Connection, position: Position, scope: Scope | None, limit: int, *, now: datetime
) -> Page:
    """Stays in zones that are over; those that go on are not sent.

    Of one camera, which cannot take a stay back, none is sent that may still turn out to be somebody else's: while the
    person is in sight it waits, and so do those after it, but nothing waits for longer than TURNS_WITHIN.
    """
    rows, reached = rows_after(connection, SOURCES[Kind.ZONE_STAYS], position, scope, limit)
    is_last = len(rows) < limit
    waits_from = None if scope is None else _first_that_may_turn(connection, scope, position, now)
    if waits_from is not None and (is_last or rows[-1][_CHANGED] >= waits_from):
        rows = [row for row in rows if row[_CHANGED] < waits_from]
        is_last, reached = True, max(position, Position(waits_from - 1), key=lambda each: each.changed)
    found = [unsent_of("zone_stays", row[1], row[0], row[:9], door_rows.stay_of_row) for row in rows]
    return Page(tuple(found), reached, is_last)


def _first_that_may_turn(connection: sqlite3.Connection, scope: Scope, position: Position, now: datetime) -> int | None:
    """The store version of the first stay of a camera whose person is still in sight of it."""
    (first,) = connection.execute(
        "SELECT min(z.changed) FROM zone_stays z JOIN presences p ON p.site_id = z.site_id"
        " AND p.camera_id = z.camera_id AND p.person_id = z.person_id WHERE z.site_id = ? AND z.camera_id = ?"
        " AND z.changed > ? AND z.changed <> z.came_down AND z.over = 1 AND z.seen_at > ?",
        (scope.site_id, scope.camera_id, position.changed, time_text(now - TURNS_WITHIN)),
    ).fetchone()
    return None if first is None else int(first)


def select_people(connection: sqlite3.Connection, position: Position, limit: int, *, with_vectors: bool) -> Page:
    """People, those who were merged left out; with the vectors of those who are enrolled and agreed, if wanted."""
    rows, reached = rows_after(connection, SOURCES[Kind.PEOPLE], position, None, limit)

    def read(row: Row) -> object:
        person = people_rows.person_of_row(row[:7])
        shared = with_vectors and person.kind is PersonKind.ENROLLED and person.consented_at is not None
        vectors = connection.execute(
            "SELECT model, vector FROM vectors WHERE person_id = ? AND source <> ? ORDER BY vector_id",
            (person.person_id, CAME_DOWN),
        )
        return UnsentPerson(person=person, vectors=tuple(vectors.fetchall()) if shared else ())

    return Page(tuple(unsent_of("people", "", row[0], row, read) for row in rows), reached, len(rows) < limit)


def select_aliases(connection: sqlite3.Connection, position: Position, limit: int) -> Page:
    """Ids of people who were merged, with who they are now."""
    rows, reached = rows_after(connection, SOURCES[Kind.ALIASES], position, None, limit)

    def read(row: Row) -> object:
        now = people_rows.require(connection, row[1])
        return UnsentPerson(person=replace(now, person_id=row[0]), merged_into=row[1])

    return Page(tuple(unsent_of("people", "", row[0], row, read) for row in rows), reached, len(rows) < limit)


def _deciding_match(connection: sqlite3.Connection, event: Event, *, event_row: int) -> list[Unsent]:
    """The last match before an event that gave its track this person, or the first one after it."""
    names = (event.track_id, event.person_id)
    if connection.execute(
        "SELECT 1 FROM events WHERE track_id = ? AND person_id = ? AND event_row < ? LIMIT 1", (*names, event_row)
    ).fetchone():
        return []
    rows = connection.execute(
        "SELECT match_id, site_id, camera_id, track_id, at, person_id, distance, margin, quality, authorised, reason,"
        " schema FROM matches WHERE track_id = ? AND person_id = ? AND site_id = ? AND came_down = 0 ORDER BY at",
        (*names, event.site_id),
    ).fetchall()
    if not rows:
        return []
    at = connection.execute("SELECT at FROM events WHERE event_row = ?", (event_row,)).fetchone()[0]
    row = next((each for each in reversed(rows) if each[4] <= at), rows[0])
    return [unsent_of("matches", row[1], row[0], row, event_rows.match_of_row)]


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
    """Have a record sent again, by letting its row change now. Returns whether there is one."""
    statement = _TOUCH.get(collection)
    touched = 0 if statement is None else connection.execute(statement, (changed, record_id)).rowcount
    if collection == "people":
        touched += connection.execute(
            "UPDATE aliases SET changed = ?1 WHERE person_id = ?2", (changed, record_id)
        ).rowcount
    return touched > 0


def time_of(connection: sqlite3.Connection, event_id: str) -> str | None:
    """When an event was, as text."""
    row = connection.execute("SELECT at FROM events WHERE event_id = ?", (event_id,)).fetchone()
    return None if row is None else str(row[0])


def select_cameras(connection: sqlite3.Connection, scope: Scope | None) -> list[CameraHealth]:
    """The last known state of each camera that is followed here."""
    rows = connection.execute(
        "SELECT site_id, camera_id FROM cameras WHERE changed <> came_down ORDER BY site_id, camera_id"
    ).fetchall()
    here = {tuple(row) for row in rows}
    return [
        health
        for health in camera_rows.select_health(connection, None if scope is None else scope.site_id)
        if (health.site_id, health.camera_id) in here and (scope is None or health.camera_id == scope.camera_id)
    ]


def select_watches(connection: sqlite3.Connection, scope: Scope, since: str, limit: int) -> list[CoverageSpan]:
    """When a camera watched here, from the watch that began at `since` (text) on, by start."""
    rows = connection.execute(
        "SELECT site_id, camera_id, started_at, ended_at FROM coverage_spans WHERE site_id = ? AND camera_id = ?"
        " AND started_at >= ? AND changed <> came_down ORDER BY started_at LIMIT ?",
        (scope.site_id, scope.camera_id, since, limit),
    )
    return event_rows.read_all(rows, watch_rows.span_of_row)
