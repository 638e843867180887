"""Reading sessions: rows of a range as of now, read from the table or, by other rules, derived from all events."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, TypeAlias

from tracker.presence.events import as_utc, time_text
from tracker.presence.projection import project
from tracker.presence.rules import Closings, Rules
from tracker.presence.sessions import PersonAtSite
from tracker.store import event_rows, site_rows
from tracker.store.session_rows import COLUMNS, EVER, SessionRow, due, encode, events_since_clean, resolved, sightings

LONG_S = 86_400
"""Sessions of this length or more, and open ones, are found by an index of their own, others by their start."""
REPORT_COLUMNS = (
    "session_id", "person_id", "started_at", "ended_at", "segments", "enter_inferred", "exit_inferred", "bounce",
    "enter_camera_id", "exit_camera_id",
)  # fmt: skip
"""What reports read of a session; see ReportRow."""
_IS_LONG = f"(ended_at IS NULL OR gross_s >= {LONG_S})"

ReportRow: TypeAlias = tuple[str, str, str, str | None, str | None, int, int, int, str | None, str | None]
"""REPORT_COLUMNS of one row; plain, because a report reads hundreds of thousands."""
_report_row = attrgetter(*REPORT_COLUMNS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Sessions of one site that touch [since, until), None for no limit; of these people only, if given."""

    site_id: str
    since: datetime | None = None
    until: datetime | None = None
    person_ids: tuple[str, ...] | None = None


def select(connection: sqlite3.Connection, wanted: Range, now: datetime) -> Iterator[SessionRow]:
    """Rows as of `now`, in no order. The caller holds a read transaction.

    What became due since the last transaction is projected here, without being written.
    """
    cuts, projected = _unsettled(connection, wanted, now)
    yield from projected
    for row in map(SessionRow._make, _stored(connection, wanted, COLUMNS)):
        if row.started_at < cuts.get(row.person_id, "~"):
            yield row


def select_for_report(
    connection: sqlite3.Connection, wanted: Range, now: datetime, *, with_details: bool
) -> Iterator[ReportRow]:
    """The same with REPORT_COLUMNS only; without details there are no ids and no cameras."""
    cuts, projected = _unsettled(connection, wanted, now)
    yield from map(_report_row, projected)
    columns = REPORT_COLUMNS if with_details else ("''", *REPORT_COLUMNS[1:-2], "NULL", "NULL")
    rows: Iterator[ReportRow] = _stored(connection, wanted, ", ".join(columns))
    yield from rows if not cuts else (row for row in rows if row[2] < cuts.get(row[1], "~"))


def derive(connection: sqlite3.Connection, wanted: Range, now: datetime, rules: Rules) -> Iterator[SessionRow]:
    """The same by other rules than the stored ones: derived from all events of the site."""
    closings, now = Closings(rules), as_utc(now)
    for key, events in event_rows.select_history(connection, wanted.site_id):
        if wanted.person_ids is None or key[1] in wanted.person_ids:
            seen = sightings(connection, key)
            for each in project(events, key=key, rules=rules, now=now, seen=seen, closings=closings):
                row = encode(each)
                if _touches(row, wanted):
                    yield row


def _unsettled(connection: sqlite3.Connection, wanted: Range, now: datetime) -> tuple[dict[str, str], list[SessionRow]]:
    """What became due since the last transaction: by person the start (text) from which on the stored rows do not
    hold, and the rows that hold instead.
    """
    now = as_utc(now)
    stale = {key: at for key, at in due(connection, now).items() if key[0] == wanted.site_id}
    cuts: dict[str, str] = {}
    found: list[SessionRow] = []
    for (site_id, person_id), at in resolved(connection, stale).items():
        if wanted.person_ids is None or person_id in wanted.person_ids:
            cuts[person_id], rows = _projected(connection, (site_id, person_id), at, now)
            found += [row for row in rows if _touches(row, wanted)]
    return cuts, found


def _projected(
    connection: sqlite3.Connection, key: PersonAtSite, at: str, now: datetime
) -> tuple[str, list[SessionRow]]:
    """The rows of a person from the last clean session before `at` on, as of `now`, and where they begin (text)."""
    cut, events = events_since_clean(connection, key, at)
    rules = site_rows.rules(connection, key[0])
    found = project(events, key=key, rules=rules, now=now, seen=sightings(connection, key))
    return cut, [encode(each) for each in found]


def _stored(connection: sqlite3.Connection, wanted: Range, columns: str) -> Iterator[Any]:
    """Rows that touch the range: those that begin in it or up to a day before, and longer ones by their own index."""
    since = EVER if wanted.since is None else time_text(wanted.since)
    until = "~" if wanted.until is None else time_text(wanted.until)
    lasts = "started_at < ? AND (ended_at IS NULL OR ended_at >= ?)"
    select = f"SELECT {columns} FROM sessions"
    if wanted.person_ids is not None:
        for person_id in wanted.person_ids:
            key = (wanted.site_id, person_id, until, since)
            yield from connection.execute(f"{select} WHERE site_id = ? AND person_id = ? AND {lasts}", key)
        return
    begin = EVER if wanted.since is None else time_text(wanted.since - timedelta(seconds=LONG_S))
    key = (wanted.site_id, begin, until, since)
    yield from connection.execute(f"{select} WHERE site_id = ? AND started_at >= ? AND {lasts}", key)
    if begin != EVER:
        query = f"{select} INDEXED BY sessions_long WHERE site_id = ? AND {_IS_LONG} AND {lasts}"
        yield from connection.execute(query, (wanted.site_id, begin, since))


def _touches(row: SessionRow, wanted: Range) -> bool:
    if wanted.until is not None and row.started_at >= time_text(wanted.until):
        return False
    return wanted.since is None or row.ended_at is None or row.ended_at >= time_text(wanted.since)
