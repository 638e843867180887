"""What is uploaded of a pending row: its record in the newest state. A damaged row holds up none of the others."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from config.errors import StoreError
from tracker.presence.calendar import day_range
from tracker.presence.day import DayFigures, day_figures, days_counted, evidence_range
from tracker.presence.events import Event, time_text
from tracker.presence.occupancy import Passage, cameras_of, microseconds
from tracker.presence.people import Person, PersonKind, digest_of
from tracker.presence.rules import Rules
from tracker.store import correction_rows, people_rows, session_queries, session_rows, site_rows
from tracker.store.camera_rows import ZONE_STAYS
from tracker.store.correction_rows import PersonCorrection
from tracker.store.cursors import Cursor, Deletion, Stream
from tracker.store.event_rows import EVENTS, MATCHES
from tracker.store.outbox_rows import PendingRows
from tracker.store.people_rows import PEOPLE
from tracker.store.session_queries import Range, Snapshot
from tracker.store.session_rows import SessionRow
from tracker.store.tables import Row, read_all, read_time
from tracker.store.vector_rows import DOWNLOADED

_SESSION_EXISTS = (
    "SELECT 1 FROM events e JOIN sessions s ON s.session_id = e.event_id AND s.site_id = e.site_id"
    " AND s.started_at = e.at WHERE e.event_id = ?"
)
"""Whether there is a session of an id, which is that of its first event."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRecord:
    """A person to upload, or with `merged_into` an id that was merged into that of the person whose fields it has.

    vectors: (network, bytes of little-endian float32) of somebody enrolled who consented.
    """

    person: Person
    merged_into: str | None = None
    vectors: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """A person who was forgotten here. digest: by which every machine recognises the id. at: of the request."""

    person_id: str
    digest: str
    at: datetime
    erase_history: bool
    deletion: Deletion


def messages_of(
    connection: sqlite3.Connection, stream: Stream, row: Row, *, now: datetime, vectors: bool
) -> Iterator[Message]:
    """The messages of a row of any stream but days.

    Events are followed by the match that named their track, unless an earlier event was. vectors: people who are
    enrolled and consented have theirs. now: to which open sessions run.
    """
    match stream:
        case Stream.PEOPLE:
            yield _message("people", "", row[0], row, lambda row: _person(connection, row, with_vectors=vectors))
        case Stream.ALIASES:
            yield _message("people", "", row[0], row, lambda row: _alias(connection, row))
        case Stream.EVENTS:
            message = _message("events", row[1], row[len(EVENTS.columns) - 1], row, EVENTS.record)
            yield message
            if isinstance(message.record, Event):
                yield from _deciding_match(connection, message.record, event_row=row[-1])
        case Stream.CORRECTIONS:
            yield _message("corrections", row[2], row[0], row, lambda row: _correction(connection, row))
        case Stream.ZONE_STAYS:
            yield _message("zone_stays", row[0], row[-1], row, ZONE_STAYS.record)
        case Stream.SESSIONS:
            yield _message("sessions", row[0], row[2], row, lambda row: _session(connection, row, now))


def _message(
    collection: str, site_id: str, record_id: str, row: Sequence[object], read: Callable[[Row], object]
) -> Message:
    record: object | None = None
    problem = ""
    try:
        (record,) = read_all([tuple(row)], read)
    except StoreError as error:
        problem = error.problem
    return Message(collection=collection, site_id=site_id, record_id=record_id, record=record, problem=problem)


def _person(connection: sqlite3.Connection, row: Row, *, with_vectors: bool) -> PersonRecord:
    person = PEOPLE.record(row)
    shared = with_vectors and person.kind is PersonKind.ENROLLED and person.consented_at is not None
    vectors = connection.execute(
        "SELECT model, vector FROM vectors WHERE person_id = ? AND source <> ? ORDER BY vector_id",
        (person.person_id, DOWNLOADED),
    )
    return PersonRecord(person=person, vectors=tuple(vectors.fetchall()) if shared else ())


def _alias(connection: sqlite3.Connection, row: Row) -> PersonRecord:
    now = people_rows.require(connection, row[1])
    return PersonRecord(person=replace(now, person_id=row[0]), merged_into=row[1])


def _correction(connection: sqlite3.Connection, row: Row) -> PersonCorrection:
    correction_id, event_id, _, person_id, *_ = row
    of_event = correction_rows.select(connection, event_id)
    correction = next(each for each in of_event if each.correction_id == correction_id)
    return PersonCorrection(correction=correction, person_id=person_id)


def _session(connection: sqlite3.Connection, row: Row, now: datetime) -> object:
    own = row[: len(SessionRow._fields)]
    return session_rows.session_of_row(own, now, site_rows.rules(connection, row[0]).min_visit)


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
    return [_message("matches", event.site_id, row[MATCHES.columns.index("match_id")], row, MATCHES.record)]


def day_messages(
    connection: sqlite3.Connection, cursor: Cursor, page: PendingRows, *, now: datetime
) -> Iterator[Message]:
    """The local days in which sessions of the page are or, while they were open, may have been, or deleted ones were,
    and those on which events that changed meanwhile count; each with its figures as of `now`.
    """
    deleted = connection.execute(
        "SELECT DISTINCT site_id, started_at, ended_at FROM deleted_sessions WHERE changed > ? AND changed <= ?",
        (cursor.changed, page.cursor.changed),
    ).fetchall()
    days: dict[tuple[str, date], None] = {}
    for site_id, started_at, ended_at in [*((row[0], row[1], row[4]) for row in page.rows), *deleted]:
        rules = site_rows.rules(connection, site_id)
        first = read_time(started_at).astimezone(rules.zone).date()
        last = min(now, read_time(ended_at) + rules.max_visit if ended_at else now).astimezone(rules.zone).date()
        for number in range(max(0, (last - first).days) + 1):
            days[site_id, first + timedelta(days=number)] = None
    days |= dict.fromkeys(_days_counted(connection, cursor, page.cursor, now))
    for site_id, day in days:
        record = _figures(connection, site_id, day, now=now)
        yield Message(collection="days", site_id=site_id, record_id=day.isoformat(), record=record)


def _days_counted(
    connection: sqlite3.Connection, after: Cursor, up_to: Cursor, now: datetime
) -> Iterator[tuple[str, date]]:
    """Sites, and their local days whose count events changed; the first of somebody unidentified changes all days."""
    query = "SELECT DISTINCT site_id FROM events WHERE changed > ? AND changed <= ?"
    for (site_id,) in connection.execute(query, (after.changed, up_to.changed)).fetchall():
        rules = site_rows.rules(connection, site_id)
        if not cameras_of(rules) or not session_queries.has_unidentified(connection, site_id):
            continue
        counted = session_queries.has_unidentified(connection, site_id, up_to=after.changed)
        rows = connection.execute(
            "SELECT DISTINCT at FROM events WHERE changed > ? AND changed <= ? AND site_id = ?"
            " AND camera_id IN (SELECT value FROM json_each(?))",
            (after.changed if counted else 0, up_to.changed, site_id, json.dumps(sorted(cameras_of(rules)))),
        )
        yield from ((site_id, day) for day in days_counted((read_time(at) for (at,) in rows), rules, now=now))


def _figures(connection: sqlite3.Connection, site_id: str, day: date, *, now: datetime) -> DayFigures:
    """The figures of one local day, from the stored sessions, and from events where people are counted by them."""
    rules = site_rows.rules(connection, site_id)
    since, until = day_range(day, rules.zone)
    rows = session_queries.select(connection, Range(site_id=site_id, since=since, until=until), now)
    found = [session_rows.session_of_row(row, now, rules.min_visit) for row in rows]
    counted = cameras_of(rules) and session_queries.has_unidentified(connection, site_id)
    passages = _passages(connection, site_id, day, rules) if counted else None
    return day_figures(found, day, rules, now=now, passages=passages)


def _passages(connection: sqlite3.Connection, site_id: str, day: date, rules: Rules) -> Iterator[Passage]:
    for columns in Snapshot(connection, site_id).events(cameras_of(rules), *evidence_range(day, rules)):
        at, enters, *rest = (columns[name] for name in session_queries.EVENT_COLUMNS)
        at_us = (microseconds(read_time(each)) for each in at)
        yield from map(Passage._make, zip(at_us, map(bool, enters), *rest, strict=True))


def deletion_messages(connection: sqlite3.Connection, deletion: Deletion) -> list[Message]:
    """What a deletion uploads: nothing where the record is there again."""
    match deletion.kind:
        case "zone_stay":
            query, collection = "SELECT 1 FROM zone_stays WHERE stay_id = ?", "zone_stays"
        case "session":
            query, collection = _SESSION_EXISTS, "sessions"
        case _:
            return []
    if connection.execute(query, (deletion.record_id,)).fetchone() is not None:
        return []
    return [Message(collection=collection, site_id=deletion.site_id, record_id=deletion.record_id, record=deletion)]


def erasures_of(connection: sqlite3.Connection, deletion: Deletion) -> list[Erasure]:
    """The erasure of a deletion of a person; none of one who was merged."""
    if deletion.kind != "person":
        return []
    digest = digest_of(deletion.record_id)
    row = connection.execute("SELECT at, erase_history FROM forgotten WHERE digest = ?", (digest,)).fetchone()
    if row is None:  # merged: the alias is uploaded
        return []
    return [
        Erasure(
            person_id=deletion.record_id,
            digest=digest,
            at=read_time(row[0]),
            erase_history=bool(row[1]),
            deletion=deletion,
        )
    ]
