"""Rows of sessions: the projection of the events, kept up to date in the transaction that changes the facts.

A change affects, at the earliest, the last clean session before it: from there on the person's sessions are derived
again, the rest stays. Time is one more reason to project: `state.ticked_at` is the instant as of which the rows hold,
and every transaction first closes what became due since.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from tracker.presence.events import Event, is_unidentified, time_text
from tracker.presence.projection import Changes, Projected, changes, project
from tracker.presence.rules import Closings, Rules
from tracker.presence.sessions import PersonAtSite, Segment, Session, Sightings, session_of
from tracker.store import event_rows, people_rows, session_changes, site_rows
from tracker.store.database import Transaction
from tracker.store.session_changes import EVER, NEVER
from tracker.store.tables import Row, read_time

_BATCH = 20_000
_SET_BACK = timedelta(seconds=1)
"""A clock that is behind the last transaction by more was set back."""


class SessionRow(NamedTuple):
    """One row. Times are text; ended_at, dwell_s and gross_s are None while open. segments: JSON, None for one."""

    site_id: str
    started_at: str
    session_id: str
    person_id: str
    ended_at: str | None
    segments: str | None
    dwell_s: float | None
    gross_s: float | None
    enter_inferred: int
    exit_inferred: int
    bounce: int
    clean: int
    enter_camera_id: str | None
    exit_camera_id: str | None
    due_at: str | None


COLUMNS = ", ".join(SessionRow._fields)
_SELECT = f"SELECT {COLUMNS} FROM sessions"
_INSERT = f"INSERT OR REPLACE INTO sessions ({COLUMNS}, changed) VALUES ({', '.join('?' * len(SessionRow._fields))}, ?)"


def refresh(writing: Transaction) -> None:
    """Bring the rows up to date with what this transaction did to the facts, and with the time."""
    connection = writing.connection
    for key, at in due(connection, writing.now).items():
        writing.touch_session(*key, at)
    if not writing.touched_sessions and not writing.touched_people:
        return
    if writing.touched_people or writing.events_since is not None:
        session_changes.mark(writing, EVER if writing.touched_people else writing.events_since or EVER)
    projector = _Projector(writing)
    whole = _sites_of(connection, writing.touched_people)
    for site_id, person_id in sorted(whole):
        projector.project((site_id, person_id), EVER)
    projector.write()
    for key, at in resolved(connection, writing.touched_sessions).items():
        if key not in whole and not is_unidentified(key[1]):
            projector.project(key, at)
    projector.write()
    writing.touched_sessions.clear()
    writing.touched_people.clear()
    writing.events_since = None


def rebuild(writing: Transaction, site_id: str | None = None) -> None:
    """Derive all sessions again, of one site or of all."""
    connection = writing.connection
    if connection.execute("DELETE FROM sessions WHERE ?1 IS NULL OR site_id = ?1", (site_id,)).rowcount:
        session_changes.mark(writing, EVER)
    writing.touched_sessions.clear()
    writing.touched_people.clear()
    projector = _Projector(writing)
    for key, events in event_rows.select_history(connection, site_id):
        projector.add(key, events)
    projector.write()
    writing.touch_events()


def due(connection: sqlite3.Connection, now: datetime) -> dict[PersonAtSite, str]:
    """Whose sessions the time alone changes between the last transaction and `now`, and since when (text).

    Sessions that become due are closed; events that were later than the clock take effect. Where the clock was set
    back, both are undone.
    """
    (ticked_at,) = connection.execute("SELECT ticked_at FROM state").fetchone()
    if ticked_at is None:
        return {}
    early, late = sorted((ticked_at, time_text(now)))
    found: dict[PersonAtSite, str] = {}
    rows = connection.execute(
        "SELECT site_id, person_id, started_at FROM sessions WHERE due_at >= ?1 AND due_at < ?2"
        " UNION ALL SELECT site_id, person_id, at FROM events WHERE at > ?1 AND at <= ?2 AND voided = 0",
        (early, late),
    ).fetchall()
    if read_time(ticked_at) - now > _SET_BACK:
        rows += _possibly_open(connection, now)
    for site_id, person_id, at in rows:
        found[site_id, person_id] = min(at, found.get((site_id, person_id), at))
    return found


def _possibly_open(connection: sqlite3.Connection, now: datetime) -> list[Row]:
    """Who may be inside at `now`: sessions without proof are deleted when they are due, so none may be there."""
    longest = max((site.rules.max_visit for site in site_rows.select(connection)), default=Rules().max_visit)
    return connection.execute(
        "SELECT site_id, person_id, at FROM events WHERE at >= ? AND voided = 0"
        " UNION ALL SELECT site_id, person_id, entered_at FROM presences",
        (time_text(now - longest),),
    ).fetchall()


def events_since_clean(connection: sqlite3.Connection, key: PersonAtSite, at: str) -> tuple[str, list[Event]]:
    """The start (text) of the last clean session before `at`, and the person's events from there on."""
    row = connection.execute(
        "SELECT started_at FROM sessions WHERE site_id = ? AND person_id = ? AND started_at < ? AND clean = 1"
        " ORDER BY started_at DESC LIMIT 1",
        (*key, at),
    ).fetchone()
    cut = EVER if row is None else str(row[0])
    return cut, event_rows.select_of_person(connection, *key, cut)


def events_around(connection: sqlite3.Connection, key: PersonAtSite, at: str) -> list[Event]:
    """The person's events that decide on the session at that time: from its clean session to the next clean one."""
    (until,) = connection.execute(
        "SELECT min(started_at) FROM sessions WHERE site_id = ? AND person_id = ? AND started_at > ? AND clean = 1",
        (*key, at),
    ).fetchone()
    (since,) = connection.execute(
        "SELECT max(started_at) FROM sessions WHERE site_id = ? AND person_id = ? AND started_at <= ? AND clean = 1",
        (*key, at),
    ).fetchone()
    return event_rows.select_of_person(connection, *key, since or EVER, until or "~")


def segments_of(row: SessionRow) -> list[tuple[str, str | None]]:
    """Start and end (text) of each segment of a row."""
    if row.segments is None:
        return [(row.started_at, row.ended_at)]
    return [(start, end) for start, end in json.loads(row.segments)]


def session_of_row(row: Row, now: datetime, min_visit: timedelta) -> Session:
    """The session of a row; an open one runs to `now`."""
    known = SessionRow(*row)
    return session_of(
        known.session_id,
        (known.site_id, known.person_id),
        tuple(Segment(read_time(start), None if end is None else read_time(end)) for start, end in segments_of(known)),
        now=now,
        min_visit_s=min_visit.total_seconds(),
        enter_inferred=bool(known.enter_inferred),
        exit_inferred=bool(known.exit_inferred),
        enter_camera_id=known.enter_camera_id,
        exit_camera_id=known.exit_camera_id,
    )


class _Projector:
    """Gathers what the projection changes, for one write."""

    def __init__(self, writing: Transaction) -> None:
        self._writing = writing
        self._rules: dict[str, tuple[Rules, Closings]] = {}
        self._deleted: list[tuple[str, str, str]] = []
        self._written: list[SessionRow] = []
        self._due: list[tuple[str | None, str, str, str]] = []

    def project(self, key: PersonAtSite, at: str) -> None:
        """Derive again what a change at a time (text) may affect; EVER for everything."""
        connection = self._writing.connection
        cut, events = events_since_clean(connection, key, at)
        if at == EVER and people_rows.resolve(connection, key[1]) != key[1]:
            events = []  # merged into somebody else
        before = {
            row.session_id: row
            for row in map(
                SessionRow._make,
                connection.execute(
                    f"{_SELECT} WHERE site_id = ? AND person_id = ? AND started_at >= ? ORDER BY started_at",
                    (*key, cut),
                ),
            )
        }
        self._gather(changes(before, self._derived(key, events)), before)
        if len(self._written) >= _BATCH:
            self.write()

    def add(self, key: PersonAtSite, events: Iterable[Event]) -> None:
        """Derive the sessions of somebody who has none yet."""
        self._written += self._derived(key, events).values()
        if len(self._written) >= _BATCH:
            self.write()

    def write(self) -> None:
        connection, changed = self._writing.connection, self._writing.changed
        if self._deleted or self._written:
            since = min(*(each[1] for each in self._deleted), *(row.started_at for row in self._written), NEVER)
            session_changes.mark(self._writing, since)
        connection.executemany(
            "DELETE FROM sessions WHERE site_id = ? AND started_at = ? AND session_id = ?", self._deleted
        )
        connection.executemany(_INSERT, [(*row, changed) for row in self._written])
        connection.executemany(
            "UPDATE sessions SET due_at = ? WHERE site_id = ? AND started_at = ? AND session_id = ?", self._due
        )
        self._deleted.clear()
        self._written.clear()
        self._due.clear()

    def _derived(self, key: PersonAtSite, events: Iterable[Event]) -> dict[str, SessionRow]:
        if key[0] not in self._rules:
            rules = site_rows.rules(self._writing.connection, key[0])
            self._rules[key[0]] = (rules, Closings(rules))
        rules, closings = self._rules[key[0]]
        seen = sightings(self._writing.connection, key)
        found = project(events, key=key, rules=rules, now=self._writing.now, seen=seen, closings=closings)
        return {row.session_id: row for row in map(encode, found)}

    def _gather(self, found: Changes[SessionRow], before: Mapping[str, SessionRow]) -> None:
        for session_id in found.delete:
            self._deleted.append(before[session_id][:3])
        for session_id, row in found.write.items():
            old = before.get(session_id)
            if old is not None and old[:-1] == row[:-1]:  # only when it is due: nobody but the tick reads that
                self._due.append((row.due_at, *row[:3]))
                continue
            if old is not None and old.started_at != row.started_at:
                self._deleted.append(old[:3])
            self._written.append(row)


def sightings(connection: sqlite3.Connection, key: PersonAtSite) -> Sightings:
    """Where cameras of the site have a person in view, in order of time."""
    marks = "SELECT ?2 UNION SELECT person_id FROM aliases WHERE into_id = ?2"
    rows = connection.execute(
        f"SELECT seen_at, camera_id, track_id FROM presences WHERE site_id = ?1 AND person_id IN ({marks})"
        " ORDER BY seen_at, camera_id, track_id",
        key,
    )
    return [(read_time(seen_at), (camera_id, track_id)) for seen_at, camera_id, track_id in rows]


def encode(projected: Projected) -> SessionRow:
    session = projected.session
    ended = session.ended_at is not None
    several = None
    if len(session.segments) > 1:
        several = json.dumps([[time_text(each.started_at), _text(each.ended_at)] for each in session.segments])
    return SessionRow(
        site_id=session.site_id,
        started_at=time_text(session.started_at),
        session_id=session.session_id,
        person_id=session.person_id,
        ended_at=_text(session.ended_at),
        segments=several,
        dwell_s=session.dwell_s if ended else None,
        gross_s=session.gross_s if ended else None,
        enter_inferred=int(session.enter_inferred),
        exit_inferred=int(session.exit_inferred),
        bounce=int(session.bounce),
        clean=int(projected.clean),
        enter_camera_id=session.enter_camera_id,
        exit_camera_id=session.exit_camera_id,
        due_at=_text(projected.due_at),
    )


def _text(at: datetime | None) -> str | None:
    return None if at is None else time_text(at)


def resolved(connection: sqlite3.Connection, touched: Mapping[PersonAtSite, str]) -> dict[PersonAtSite, str]:
    """The people under the ids that their sessions have, each with the earliest time."""
    if connection.execute("SELECT 1 FROM aliases LIMIT 1").fetchone() is None:
        return dict(touched)
    found: dict[PersonAtSite, str] = {}
    for (site_id, person_id), at in touched.items():
        key = (site_id, people_rows.resolve(connection, person_id))
        found[key] = min(at, found.get(key, at))
    return found


def _sites_of(connection: sqlite3.Connection, people: Iterable[str]) -> set[PersonAtSite]:
    """Where these people have, or had, sessions: under their own ids and under those they are merged into."""
    found: set[PersonAtSite] = set()
    for person_id in people:
        now_id = people_rows.resolve(connection, person_id)
        for one_id in {person_id, *people_rows.ids_of(connection, now_id)}:
            rows = connection.execute("SELECT DISTINCT site_id FROM events WHERE person_id = ?", (one_id,))
            found |= {(site_id, now_id) for (site_id,) in rows}
        rows = connection.execute("SELECT DISTINCT site_id FROM sessions WHERE person_id = ?", (person_id,))
        found |= {(site_id, person_id) for (site_id,) in rows}
    return found
