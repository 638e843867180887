"""Rows of visits and hourly usage, worked out from events in the transaction that changes those.

What an event changes begins, at the earliest, with the last visit before it that nothing earlier has a say in: from
there on the person's visits are made anew, the rest stays. What is written is what happened up to the last event; that
an open visit is over because nothing was heard since is found when it is read.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import TypeAlias

from tracker.presence import rule_text
from tracker.presence.events import Event, time_text
from tracker.presence.hours import LocalHours, Usage, add_visit
from tracker.presence.rules import Closings, Rules
from tracker.presence.sessions import PersonAtSite, follow
from tracker.presence.state_machine import Walk
from tracker.presence.visit import Visit
from tracker.store import event_rows, people_rows
from tracker.store.database import Transaction
from tracker.store.event_rows import Row, read_time

Stays: TypeAlias = list[tuple[datetime, datetime | None]]

COLUMNS = (
    "site_id, person_id, started_at, ended_at, heard_at, stays, dwell_s, gross_s, enter_inferred, exit_inferred,"
    " clean, visit_id, hold"
)
_BATCH = 20_000
_INSERT = f"INSERT OR REPLACE INTO visits ({COLUMNS}, changed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - fixed names


def stored_rules(connection: sqlite3.Connection) -> Rules | None:
    """The rules by which the rows are made, None where they are to be made anew."""
    (text,) = connection.execute("SELECT rules FROM visit_rules").fetchone()
    try:
        return rule_text.read(text)
    except ValueError:  # of another version of Footfall, or no rules yet
        return None


def rebuild(writing: Transaction, rules: Rules) -> None:
    """Make all rows anew by these rules."""
    connection = writing.connection
    connection.execute("UPDATE visit_rules SET rules = ?, changed = ?", (rule_text.written(rules), writing.changed))
    connection.execute("DELETE FROM visits")
    connection.execute("DELETE FROM usage_hours")
    writing.touched_visits.clear()
    writing.touched_people.clear()
    book = _Book(writing, rules)
    for key, events in event_rows.select_history(connection):
        book.replace(key, [], events)
        if book.is_full:
            book.write()
    book.write()
    writing.touch_events()


def refresh(writing: Transaction) -> None:
    """Bring the rows up to date with what this transaction did to events and people."""
    if not writing.touched_visits and not writing.touched_people:
        return
    connection = writing.connection
    rules = stored_rules(connection)
    if rules is None:
        return
    book = _Book(writing, rules)
    whole = _whole(connection, writing.touched_people)
    for site_id, person_id in sorted(whole):
        old = rows_of(connection, (site_id, person_id), "")
        events: list[Event] = []
        if people_rows.resolve(connection, person_id) == person_id:
            events = event_rows.select_of_person(connection, site_id, person_id, _aliases(connection, person_id), "")
        book.replace((site_id, person_id), old, events)
    book.write()
    aliased = connection.execute("SELECT 1 FROM aliases LIMIT 1").fetchone() is not None
    for (site_id, stored_id), at in _resolved(connection, writing.touched_visits, aliased).items():
        if (site_id, stored_id) in whole:
            continue
        old = _rows_to_redo(connection, (site_id, stored_id), at)
        cut = old[0][2] if old and old[0][10] and old[0][2] < at else ""
        aliases = _aliases(connection, stored_id) if aliased else ()
        events = event_rows.select_of_person(connection, site_id, stored_id, aliases, cut)
        book.replace((site_id, stored_id), old, events)
    book.write()
    writing.touched_visits.clear()
    writing.touched_people.clear()


def events_since_clean(connection: sqlite3.Connection, key: PersonAtSite, at: datetime) -> tuple[str, list[Event]]:
    """The events from which alone the visits of a person from `at` on follow, and the time (text) they begin at."""
    row = connection.execute(
        "SELECT started_at FROM visits WHERE site_id = ? AND person_id = ? AND started_at <= ? AND clean = 1"
        " ORDER BY started_at DESC LIMIT 1",
        (*key, time_text(at)),
    ).fetchone()
    cut = "" if row is None else str(row[0])
    return cut, event_rows.select_of_person(connection, *key, _aliases(connection, key[1]), cut)


def rows_of(connection: sqlite3.Connection, key: PersonAtSite, since: str) -> list[Row]:
    """The visits of a person that begin at a time (text) or later."""
    return connection.execute(
        f"SELECT {COLUMNS} FROM visits WHERE site_id = ? AND person_id = ? AND started_at >= ?",  # noqa: S608 - fixed names
        (*key, since),
    ).fetchall()


def _rows_to_redo(connection: sqlite3.Connection, key: PersonAtSite, at: str) -> list[Row]:
    """The visits of a person that an event at a time (text) may change, by start.

    The first is the last one before it that nothing earlier has a say in, unless there is none.
    """
    return connection.execute(
        f"SELECT {COLUMNS} FROM visits WHERE site_id = ?1 AND person_id = ?2 AND started_at >= coalesce(("  # noqa: S608 - fixed names
        "SELECT started_at FROM visits WHERE site_id = ?1 AND person_id = ?2 AND started_at < ?3 AND clean = 1"
        " ORDER BY started_at DESC LIMIT 1), '') ORDER BY started_at",
        (*key, at),
    ).fetchall()


def stays_of(started_at: str, ended_at: str | None, stays: str | None) -> Stays:
    """The stays that a row of visits holds."""
    if stays is None:
        return [(read_time(started_at), None if ended_at is None else read_time(ended_at))]
    return [(read_time(start), None if end is None else read_time(end)) for start, end in json.loads(stays)]


class _Book:
    """Changes to visits and usage, gathered for one write."""

    def __init__(self, writing: Transaction, rules: Rules) -> None:
        self._writing = writing
        self._rules = rules
        self._closings = Closings(rules)
        self._hours = LocalHours(rules.zone)
        self._new: list[Row] = []
        self._gone: list[Row] = []
        self._usage: dict[PersonAtSite, Usage] = {}

    @property
    def is_full(self) -> bool:
        return len(self._new) >= _BATCH

    def replace(self, key: PersonAtSite, old: list[Row], events: list[Event]) -> None:
        """Put the visits that the events tell of in place of the old rows."""
        walk = Walk(self._rules, self._closings)
        follow(walk, events)
        walk.rest()
        before = {row[2]: row for row in old}
        usage = self._usage.setdefault(key, {})
        for visit in walk.visits:
            row = _row(visit, key)
            if before.pop(row[2], None) == row:
                old.remove(row)
                continue
            self._new.append(row)
            stays = [(stay.started_at, stay.ended_at) for stay in visit.stays]
            add_visit(usage, stays, self._hours, exit_seen=not visit.exit_inferred)
        self._gone += [row[:3] for row in before.values()]
        for row in old:
            add_visit(usage, stays_of(row[2], row[3], row[5]), self._hours, exit_seen=not row[9], sign=-1)

    def write(self) -> None:
        connection, changed = self._writing.connection, self._writing.changed
        connection.executemany("DELETE FROM visits WHERE site_id = ? AND person_id = ? AND started_at = ?", self._gone)
        connection.executemany(_INSERT, [(*row, changed) for row in self._new])
        added, emptied = [], []
        for (site_id, person_id), usage in self._usage.items():
            for hour, figures in usage.items():
                if any(figures):
                    hour_at = time_text(hour)
                    added.append((site_id, hour_at, person_id, *figures, changed))
                    if min(figures) < 0:
                        emptied.append((site_id, hour_at, person_id))
        connection.executemany(
            "INSERT INTO usage_hours VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " entries = entries + excluded.entries, exits = exits + excluded.exits,"
            " inside_us = inside_us + excluded.inside_us, changed = excluded.changed",
            added,
        )
        connection.executemany(
            "DELETE FROM usage_hours WHERE site_id = ? AND hour_at = ? AND person_id = ?"
            " AND entries = 0 AND exits = 0 AND inside_us = 0",
            emptied,
        )
        self._new.clear()
        self._gone.clear()
        self._usage.clear()


def _row(visit: Visit, key: PersonAtSite) -> Row:
    stays = visit.stays
    started_at, ended_at = stays[0].started_at, stays[-1].ended_at
    dwell_s: float | None = None
    gross_s: float | None = None
    if ended_at is not None:
        gross_s = dwell_s = (ended_at - started_at).total_seconds()
        if len(stays) > 1:
            dwell_s = sum((_length(stay.started_at, stay.ended_at) for stay in stays), timedelta()).total_seconds()
    several = None
    if len(stays) > 1:
        several = json.dumps([[time_text(stay.started_at), _time_text(stay.ended_at)] for stay in stays])
    return (
        *key,
        time_text(started_at),
        _time_text(ended_at),
        _time_text(visit.heard_at),
        several,
        dwell_s,
        gross_s,
        int(visit.enter_inferred),
        int(visit.exit_inferred),
        int(visit.clean),
        visit.first.event_id,
        visit.hold,
    )


def _length(started_at: datetime, ended_at: datetime | None) -> timedelta:
    return timedelta() if ended_at is None else ended_at - started_at


def _time_text(at: datetime | None) -> str | None:
    return None if at is None else time_text(at)


def _aliases(connection: sqlite3.Connection, person_id: str) -> tuple[str, ...]:
    return people_rows.ids_of(connection, person_id)[1:]


def _resolved(
    connection: sqlite3.Connection, touched: dict[PersonAtSite, str], aliased: bool
) -> dict[PersonAtSite, str]:
    """The touched people under the ids that their visits have, each with the earliest time."""
    if not aliased:
        return touched
    found: dict[PersonAtSite, str] = {}
    for (site_id, person_id), at in touched.items():
        key = (site_id, people_rows.resolve(connection, person_id))
        found[key] = min(at, found.get(key, at))
    return found


def _whole(connection: sqlite3.Connection, people: Iterable[str]) -> set[PersonAtSite]:
    """Where these people have, or had, visits: under their own ids and under those they are known by now."""
    return set(_places(connection, people))


def _places(connection: sqlite3.Connection, people: Iterable[str]) -> Iterator[PersonAtSite]:
    for person_id in people:
        now_id = people_rows.resolve(connection, person_id)
        for one_id in {person_id, now_id, *_aliases(connection, now_id)}:
            for (site_id,) in connection.execute("SELECT DISTINCT site_id FROM events WHERE person_id = ?", (one_id,)):
                yield site_id, now_id
        for (site_id,) in connection.execute(
            "SELECT DISTINCT site_id FROM visits WHERE person_id = ?", (person_id,)
        ).fetchall():
            yield site_id, person_id
