"""Visits and usage as they are sent: what the rows say, and what the passing of time did to visits that were open."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from tracker.presence.days import day_range
from tracker.presence.events import time_text
from tracker.presence.hours import LocalHours, Usage, add_visit
from tracker.presence.rules import Rules
from tracker.presence.sessions import Session
from tracker.presence.visit import Hold
from tracker.store import camera_rows, people_rows, visit_queries, visit_rows
from tracker.store.event_rows import Row, read_time
from tracker.store.outbox_pages import Page, Source, Unsent, rows_after, unsent_of
from tracker.store.sync_rows import Gone, Position
from tracker.store.visit_queries import Moment

VISITS = Source(
    select=visit_rows.COLUMNS, table="visits", keys=("site_id", "person_id", "started_at"), condition="TRUE"
)
_NEVER = "~"
"""Later than the text of any time."""
USAGE = Source(
    select="site_id, hour_at, person_id",
    table="usage_hours",
    keys=("site_id", "hour_at", "person_id"),
    condition="TRUE",
)


@dataclass(frozen=True, slots=True)
class UnsentVisit:
    """A visit as it is now; session None: it turned out to be none."""

    visit_id: str
    session: Session | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsentUsage:
    """What the visits of a person add to the hours of a local day; without hours: nothing any more.

    hours: by their start (UTC) visits begun, visits seen to end, microseconds inside. zone: IANA name.
    """

    person_id: str
    day: date
    zone: str
    hours: dict[datetime, tuple[int, int, int]] = field(default_factory=dict)


class VisitReader:
    """Visits of one site at one moment, by the rules in use."""

    def __init__(self, connection: sqlite3.Connection, site_id: str, rules: Rules, now: datetime) -> None:
        self._connection = connection
        self._moment = Moment(site_id=site_id, rules=rules, now=now)
        self._hours = LocalHours(rules.zone)
        self._zone = str(rules.zone)
        presences = camera_rows.select_presences(connection, site_id, None)
        self._in_sight = {presence.person_id for presence in presences}

    def visit(self, row: Row) -> UnsentVisit:
        """The visit of a row of visits."""
        return UnsentVisit(row[11], None if self._is_none(row) else visit_queries.session_of_row(row, self._moment))

    def turned(self, since: datetime) -> Iterator[Row]:
        """Rows of visits that were open at `since` and by now are not, although nothing was heard.

        Where the clock was set back meanwhile: that were over then, and now are not.
        """
        for row in self._connection.execute(
            f"SELECT {visit_rows.COLUMNS} FROM visits WHERE site_id = ? AND ended_at IS NULL",  # noqa: S608 - fixed names
            (self._moment.site_id,),
        ).fetchall():
            until = visit_queries.open_until(row, self._moment)
            if row[1] not in self._in_sight and (self._moment.now > until) is not (since > until):
                yield row

    def days_of(self, row: Row) -> Iterator[date]:
        """The local days on which a visit that is over by silence has any usage."""
        day, last = self.day_of(read_time(row[2])), self.day_of(read_time(row[4]))
        while day <= last:
            yield day
            day += timedelta(days=1)

    def day_of(self, at: datetime) -> date:
        """The local day of an instant."""
        return at.astimezone(self._moment.rules.zone).date()

    def reach_of(self, day: date) -> tuple[str, str]:
        """From when to when (text) events have a say in the usage of a day: visits may begin on the day before."""
        since, until = day_range(day, self._moment.rules.zone)
        return time_text(since - timedelta(days=1)), time_text(until)

    def usage(self, person_id: str, day: date) -> tuple[UnsentUsage, tuple[int, str]]:
        """The usage of a day, and the latest (changed, hour) among its rows."""
        since, until = day_range(day, self._moment.rules.zone)
        usage: Usage = {}
        newest = (0, "")
        for hour_at, changed, *counts in self._rows(person_id, since, until):
            usage[read_time(hour_at)] = counts
            newest = max(newest, (changed, hour_at))
        for row in self._connection.execute(
            f"SELECT {visit_rows.COLUMNS} FROM visits WHERE site_id = ? AND person_id = ? AND ended_at IS NULL",  # noqa: S608 - fixed names
            (self._moment.site_id, person_id),
        ).fetchall():
            self._settle(row, usage)
        hours = {
            at: (entries, exits, inside_us)
            for at, (entries, exits, inside_us) in usage.items()
            if since <= at < until and (entries or exits or inside_us)
        }
        return UnsentUsage(person_id=person_id, day=day, zone=self._zone, hours=hours), newest

    def is_ours(self, person_id: str, since: str, until: str | None) -> bool:
        """Whether a camera here saw the person in between (text): else the machine that did says how it was."""
        return any(
            self._connection.execute(
                "SELECT 1 FROM events WHERE person_id = ? AND at >= ? AND at <= ? AND site_id = ? AND came_down = 0"
                " LIMIT 1",
                (one_id, since, until or _NEVER, self._moment.site_id),
            ).fetchone()
            for one_id in people_rows.ids_of(self._connection, person_id)
        )

    def stands(self, visit_id: str) -> bool:
        """Whether a visit of this id, which is that of its first event, is in the store."""
        row = self._connection.execute(
            "SELECT site_id, person_id FROM events WHERE event_id = ?", (visit_id,)
        ).fetchone()
        if row is None:
            return False
        key = (row[0], people_rows.resolve(self._connection, row[1]))
        return (
            self._connection.execute(
                "SELECT 1 FROM visits WHERE site_id = ? AND person_id = ? AND visit_id = ?", (*key, visit_id)
            ).fetchone()
            is not None
        )

    def _rows(self, person_id: str, since: datetime, until: datetime) -> list[Row]:
        starts, at = [], since
        while at < until:
            starts.append(time_text(at))
            at = self._hours.following(self._hours.start(at))
        marks = ", ".join("?" * len(starts))
        return self._connection.execute(
            "SELECT hour_at, changed, entries, exits, inside_us FROM usage_hours"  # noqa: S608 - fixed names
            f" WHERE site_id = ? AND hour_at IN ({marks}) AND person_id = ?",
            (self._moment.site_id, *starts, person_id),
        ).fetchall()

    def _is_none(self, row: Row) -> bool:
        return row[3] is None and row[12] == Hold.ENTER and self._is_over(row)

    def _is_over(self, row: Row) -> bool:
        return row[1] not in self._in_sight and self._moment.now > visit_queries.open_until(row, self._moment)

    def _settle(self, row: Row, usage: Usage) -> None:
        """Count a visit that is over by silence as what it was, like reports do."""
        if not self._is_over(row):
            return
        stays = visit_rows.stays_of(row[2], row[3], row[5])
        add_visit(usage, stays, self._hours, exit_seen=not row[9], sign=-1)
        if not self._is_none(row):
            session = visit_queries.session_of_row(row, self._moment)
            visit_queries.add_session(usage, session, self._hours, self._moment.now)


class Visits:
    """Visits and usage of all sites of a store at one moment, by the rules in use."""

    def __init__(self, connection: sqlite3.Connection, rules: Rules, now: datetime) -> None:
        self._connection = connection
        self._rules = rules
        self._now = now
        self._sites: dict[str, VisitReader] = {}

    def sessions(self, position: Position, limit: int) -> Page:
        """Visits that changed."""
        rows, reached = rows_after(self._connection, VISITS, position, None, limit)
        found = [self._visit(row) for row in rows if self._at(row[0]).is_ours(*row[1:4])]
        return Page(tuple(found), reached, len(rows) < limit)

    def usage(self, position: Position, limit: int) -> Page:
        """Days of people whose hours changed, each once: with the last of its hours."""
        rows, reached = rows_after(self._connection, USAGE, position, None, limit)
        found: list[Unsent] = []
        for site_id, hour_at, person_id, changed, *_ in rows:
            reader = self._at(site_id)
            day = reader.day_of(read_time(hour_at))
            usage, newest = reader.usage(person_id, day)
            if newest == (changed, hour_at) and reader.is_ours(person_id, *reader.reach_of(day)):
                found.append(_usage(site_id, usage))
        return Page(tuple(found), reached, len(rows) < limit)

    def turned(self, site_id: str, since: datetime) -> list[Unsent]:
        """Visits that were open at `since` and are over by silence now, and the usage of their days."""
        reader = self._at(site_id)
        found: list[Unsent] = []
        for row in reader.turned(since):
            if not reader.is_ours(*row[1:4]):
                continue
            found.append(self._visit(row))
            found += [_usage(site_id, reader.usage(row[1], day)[0]) for day in reader.days_of(row)]
        return found

    def gone(self, gone: Gone) -> list[Unsent]:
        """What is to be said of a visit, or of the usage of a day, that vanished; nothing when it is there again."""
        reader = self._at(gone.site_id)
        if gone.kind == "usage":
            return [_usage(gone.site_id, reader.usage(gone.record_id, reader.day_of(read_time(gone.at)))[0])]
        if reader.stands(gone.record_id):
            return []
        return [_unsent("sessions", gone.site_id, gone.record_id, UnsentVisit(gone.record_id, None))]

    def _visit(self, row: Row) -> Unsent:
        return unsent_of("sessions", row[0], row[11], row, self._at(row[0]).visit)

    def _at(self, site_id: str) -> VisitReader:
        if site_id not in self._sites:
            self._sites[site_id] = VisitReader(self._connection, site_id, self._rules, self._now)
        return self._sites[site_id]


def _usage(site_id: str, usage: UnsentUsage) -> Unsent:
    return _unsent("usage", site_id, usage.person_id, usage)


def _unsent(collection: str, site_id: str, record_id: str, record: object) -> Unsent:
    return Unsent(collection=collection, site_id=site_id, record_id=record_id, record=record)
