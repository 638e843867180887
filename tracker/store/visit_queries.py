"""Visits and hourly usage as the store has them at one moment, read from the rows that are kept up to date.

The rows know what happened up to the last event. What hangs on the moment is worked out here: open visits run on or
are over because nothing was heard, and whom a camera has in sight now has been there all along.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from tracker.presence.events import time_text
from tracker.presence.hours import HourUsage, LocalHours, Usage, add_visit
from tracker.presence.rules import Rules
from tracker.presence.sessions import PersonAtSite, Segment, Session, in_order, session_of, sessions
from tracker.presence.visit import Hold
from tracker.store import camera_rows, event_rows, visit_rows
from tracker.store.event_rows import Row, read_all, read_time

_NEVER = "~"
"""Later than the text of any time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A site as seen at `now`, UTC, by some rules."""

    site_id: str
    rules: Rules
    now: datetime


def select_sessions(
    connection: sqlite3.Connection, moment: Moment, *, since: datetime | None, until: datetime | None
) -> list[Session]:
    """Visits that touch [since, until), by start, then person; where the rows are made by other rules, from events."""
    with _one_state(connection):
        found = _read_sessions(connection, moment, since) if _fits(connection, moment) else _batch(connection, moment)
    return in_order(
        session
        for session in found
        if (until is None or session.started_at < until)
        and (since is None or session.ended_at is None or session.ended_at >= since)
    )


def select_usage(
    connection: sqlite3.Connection, moment: Moment, *, since: datetime, until: datetime, without: Iterable[str]
) -> list[HourUsage]:
    """Hours that begin in [since, until) and have any usage, in order; people of the ids `without` are left out."""
    people: dict[str, Usage] = {}
    hours = LocalHours(moment.rules.zone)
    with _one_state(connection):
        if _fits(connection, moment):
            _read_usage(connection, moment, people, hours, since, until)
        else:
            for session in _batch(connection, moment):
                add_session(people.setdefault(session.person_id, {}), session, hours, moment.now)
    for person_id in without:
        people.pop(person_id, None)
    found: dict[datetime, list[int]] = {}
    for usage in people.values():
        for hour, (entries, exits, inside_us) in usage.items():
            if since <= hour < until and (entries or exits or inside_us):
                sums = found.setdefault(hour, [0, 0, 0, 0])
                sums[:] = (sums[0] + entries, sums[1] + exits, sums[2] + (entries > 0), sums[3] + inside_us)
    return [
        HourUsage(started_at=hour, entries=sums[0], exits=sums[1], visitors=sums[2], inside_s=sums[3] / 1e6)
        for hour, sums in sorted(found.items())
    ]


def _fits(connection: sqlite3.Connection, moment: Moment) -> bool:
    return visit_rows.stored_rules(connection) == moment.rules


def _batch(connection: sqlite3.Connection, moment: Moment) -> list[Session]:
    events = event_rows.select_events(connection, event_rows.Wanted(site_id=moment.site_id))
    presences = camera_rows.select_presences(connection, moment.site_id, None)
    return sessions(events, rules=moment.rules, now=moment.now, presences=presences)


def _read_sessions(connection: sqlite3.Connection, moment: Moment, since: datetime | None) -> list[Session]:
    rows = connection.execute(
        f"SELECT {visit_rows.COLUMNS} FROM visits WHERE site_id = ? AND ended_at >= ?",  # noqa: S608 - fixed names
        (moment.site_id, "" if since is None else time_text(since)),
    )
    found: list[Session] = []
    redone: dict[PersonAtSite, str] = {}
    for key, cut, _, now_so in _unsettled(connection, moment):
        redone[key] = cut
        found += now_so
    settled = (row for row in rows if row[2] < redone.get((row[0], row[1]), _NEVER))
    return found + read_all(settled, lambda row: session_of_row(row, moment))


def _read_usage(
    connection: sqlite3.Connection,
    moment: Moment,
    people: dict[str, Usage],
    hours: LocalHours,
    since: datetime,
    until: datetime,
) -> None:
    for hour_at, person_id, *counts in connection.execute(
        "SELECT hour_at, person_id, entries, exits, inside_us FROM usage_hours"
        " WHERE site_id = ? AND hour_at >= ? AND hour_at < ?",
        (moment.site_id, time_text(since), time_text(until)),
    ):
        people.setdefault(person_id, {})[read_time(hour_at)] = counts
    for (_, person_id), _, rows, now_so in _unsettled(connection, moment):
        usage = people.setdefault(person_id, {})
        for row in rows:
            add_visit(usage, visit_rows.stays_of(row[2], row[3], row[5]), hours, exit_seen=not row[9], sign=-1)
        for session in now_so:
            add_session(usage, session, hours, moment.now)


def add_session(usage: Usage, session: Session, hours: LocalHours, now: datetime) -> None:
    """Add a visit to `usage`; an open one runs to `now`."""
    stays = [(each.started_at, each.ended_at or max(now, each.started_at)) for each in session.segments]
    add_visit(usage, stays, hours, exit_seen=session.ended_at is not None and not session.exit_inferred)


def _unsettled(
    connection: sqlite3.Connection, moment: Moment
) -> Iterator[tuple[PersonAtSite, str, list[Row], list[Session]]]:
    """People whose last visits hang on the moment: from which time (text) on, their rows, and what those are now."""
    presences = camera_rows.select_presences(connection, moment.site_id, None)
    seen: dict[PersonAtSite, datetime] = {}
    for presence in presences:
        key = (presence.site_id, presence.person_id)
        seen[key] = min(presence.entered_at, seen.get(key, presence.entered_at))
    for key, entered_at in seen.items():
        cut, events = visit_rows.events_since_clean(connection, key, entered_at)
        rows = visit_rows.rows_of(connection, key, cut)
        yield key, cut, rows, sessions(events, rules=moment.rules, now=moment.now, presences=presences)
    for row in connection.execute(
        f"SELECT {visit_rows.COLUMNS} FROM visits WHERE site_id = ? AND ended_at IS NULL",  # noqa: S608 - fixed names
        (moment.site_id,),
    ).fetchall():
        key = (row[0], row[1])
        if key not in seen:
            counted = [] if row[12] == Hold.ENTER and moment.now > open_until(row, moment) else [row]
            yield key, row[2], [row], read_all(counted, lambda each: session_of_row(each, moment))


def open_until(row: Row, moment: Moment) -> datetime:
    """Until when an open visit counts as open if nothing more is heard."""
    return moment.rules.over_at(read_time(row[4]), in_sight=row[12] == Hold.SIGHT)


def session_of_row(row: Row, moment: Moment) -> Session:
    stays = visit_rows.stays_of(row[2], row[3], row[5])
    exit_inferred = bool(row[9])
    if row[3] is None and moment.now > open_until(row, moment):
        stays[-1] = (stays[-1][0], read_time(row[4]))
        exit_inferred = True
    return session_of(
        row[11],
        (row[0], row[1]),
        tuple(Segment(started_at, ended_at) for started_at, ended_at in stays),
        (bool(row[8]), exit_inferred),
        moment.rules.min_visit.total_seconds(),
        moment.now,
    )


@contextmanager
def _one_state(connection: sqlite3.Connection) -> Iterator[None]:
    """Every SELECT inside sees the store as it was at the first one."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
