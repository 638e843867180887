"""Sessions and days to upload, by the one machine that derives them for a site."""

from __future__ import annotations

import sqlite3
from datetime import date, datetime, timedelta

from tracker.presence.calendar import day_range
from tracker.presence.day import DayFigures, day_figures
from tracker.store import session_queries, session_rows, site_rows
from tracker.store.cursors import Cursor
from tracker.store.outbox_rows import Message, Page, Source, message_of, rows_after
from tracker.store.session_queries import Range
from tracker.store.session_rows import SessionRow
from tracker.store.tables import Row, read_time

SESSIONS = Source(
    select=session_rows.COLUMNS, table="sessions", keys=("site_id", "started_at", "session_id"), condition="TRUE"
)
EXISTS = (
    "SELECT 1 FROM events e JOIN sessions s ON s.session_id = e.event_id AND s.site_id = e.site_id"
    " AND s.started_at = e.at WHERE e.event_id = ?"
)
"""Whether there is a session of an id, which is that of its first event."""


def select(connection: sqlite3.Connection, cursor: Cursor, limit: int, *, now: datetime) -> Page:
    """Sessions that changed; open ones run to `now`."""
    rows, reached = rows_after(connection, SESSIONS, cursor, None, limit)
    width = len(SessionRow._fields)

    def read(row: Row) -> object:
        return session_rows.session_of_row(row, now, site_rows.rules(connection, row[0]).min_visit)

    messages = tuple(message_of("sessions", row[0], row[2], row[:width], read) for row in rows)
    return Page(messages, reached, len(rows) < limit)


def select_days(connection: sqlite3.Connection, cursor: Cursor, limit: int, *, now: datetime) -> Page:
    """The local days whose sessions changed, each with its figures as of `now`."""
    rows, reached = rows_after(connection, SESSIONS, cursor, None, limit)
    is_last = len(rows) < limit
    deleted = connection.execute(
        "SELECT DISTINCT site_id, started_at, ended_at FROM deleted_sessions WHERE changed > ? AND changed <= ?",
        (cursor.changed, reached.changed),
    ).fetchall()
    days: dict[tuple[str, date], None] = {}
    for site_id, started_at, ended_at in [*((row[0], row[1], row[4]) for row in rows), *deleted]:
        zone = site_rows.rules(connection, site_id).zone
        first = read_time(started_at).astimezone(zone).date()
        last = min(now, read_time(ended_at) if ended_at else now).astimezone(zone).date()
        for number in range(max(0, (last - first).days) + 1):
            days[site_id, first + timedelta(days=number)] = None
    messages = tuple(
        Message(
            collection="days",
            site_id=site_id,
            record_id=day.isoformat(),
            record=_figures(connection, site_id, day, now=now),
        )
        for site_id, day in days
    )
    return Page(messages, reached, is_last)


def _figures(connection: sqlite3.Connection, site_id: str, day: date, *, now: datetime) -> DayFigures:
    """The figures of one local day, from the stored sessions."""
    rules = site_rows.rules(connection, site_id)
    since, until = day_range(day, rules.zone)
    rows = session_queries.select(connection, Range(site_id=site_id, since=since, until=until), now)
    found = [session_rows.session_of_row(row, now, rules.min_visit) for row in rows]
    return day_figures(found, day, rules.zone)
