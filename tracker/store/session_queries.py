"""Reading sessions: rows of a range as of now, read from the table or, by other rules, derived from all events."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import compress
from typing import Any, TypeAlias

from tracker.presence.events import as_utc, time_text
from tracker.presence.projection import project
from tracker.presence.rules import Closings, Rules
from tracker.store import event_rows, site_rows
from tracker.store.session_rows import COLUMNS, EVER, SessionRow, due, encode, events_since_clean, resolved, sightings
from tracker.store.tables import read_time

_LONG = timedelta(days=1)
"""Sessions of this length or more, and open ones, are found by an index of their own, others by their start."""
REPORT_COLUMNS = (
    "session_id", "person_id", "started_at", "ended_at", "segments", "enter_inferred", "exit_inferred", "bounce",
    "enter_camera_id", "exit_camera_id",
)  # fmt: skip
"""What reports read of a session; the fields of SessionRow."""
_ARRAYS = ", ".join(f"json_group_array({name})" for name in REPORT_COLUMNS)
_IS_LONG = f"(ended_at IS NULL OR gross_s >= {_LONG.total_seconds():.0f})"
_PORTION = timedelta(days=32)

SessionColumns: TypeAlias = Mapping[str, Sequence[Any]]
"""Some sessions by column: for each of REPORT_COLUMNS one value a session, in no order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Sessions of one site that touch [since, until), None for no limit; of these people only, if given."""

    site_id: str
    since: datetime | None = None
    until: datetime | None = None
    person_ids: Sequence[str] | None = None


def select(connection: sqlite3.Connection, wanted: Range, now: datetime) -> Iterator[SessionRow]:
    """Rows as of `now`, in no order. The caller holds a read transaction.

    What became due since the last transaction is projected here, without being written.
    """
    cuts, projected = _unsettled(connection, wanted, now)
    yield from projected
    for row in map(SessionRow._make, _stored(connection, wanted, COLUMNS)):
        if row.started_at < cuts.get(row.person_id, "~"):
            yield row


def select_columns(connection: sqlite3.Connection, wanted: Range, now: datetime) -> Iterator[SessionColumns]:
    """The same by column, in portions.

    SQLite makes a JSON array of each column, which takes half the time of a tuple for each of many thousand rows.
    """
    cuts, projected = _unsettled(connection, wanted, now)
    yield {name: [getattr(row, name) for row in projected] for name in REPORT_COLUMNS}
    for arrays in _stored(connection, wanted, _ARRAYS):
        columns: SessionColumns = dict(zip(REPORT_COLUMNS, map(json.loads, arrays), strict=True))
        yield _before(columns, cuts) if cuts else columns


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
            key = (site_id, person_id)
            cuts[person_id], events = events_since_clean(connection, key, at)
            rules, seen = site_rows.rules(connection, site_id), sightings(connection, key)
            rows = map(encode, project(events, key=key, rules=rules, now=now, seen=seen))
            found += [row for row in rows if _touches(row, wanted)]
    return cuts, found


def _before(columns: SessionColumns, cuts: Mapping[str, str]) -> SessionColumns:
    """The sessions that begin before the cut of their person."""
    whose = zip(columns["started_at"], columns["person_id"], strict=True)
    kept = [started_at < cuts.get(person_id, "~") for started_at, person_id in whose]
    return {name: list(compress(values, kept)) for name, values in columns.items()}


def _stored(connection: sqlite3.Connection, wanted: Range, columns: str) -> Iterator[Any]:
    """Rows that touch the range: those that begin in it or up to a day before, and longer ones by their own index.

    columns: may be aggregates; the range is read in several portions.
    """
    since = EVER if wanted.since is None else time_text(wanted.since)
    until = "~" if wanted.until is None else time_text(wanted.until)
    lasts = "started_at < ? AND (ended_at IS NULL OR ended_at >= ?)"
    select = f"SELECT {columns} FROM sessions"
    if wanted.person_ids is not None:
        theirs = "INDEXED BY sessions_person WHERE site_id = ? AND person_id IN (SELECT value FROM json_each(?))"
        ids = json.dumps(wanted.person_ids)
        yield from connection.execute(f"{select} {theirs} AND {lasts}", (wanted.site_id, ids, until, since))
        return
    for begin, end in _portions(connection, wanted):
        key = (wanted.site_id, begin, end, since)
        yield from connection.execute(f"{select} WHERE site_id = ? AND started_at >= ? AND {lasts}", key)
    if wanted.since is not None:
        query = f"{select} INDEXED BY sessions_long WHERE site_id = ? AND {_IS_LONG} AND {lasts}"
        yield from connection.execute(query, (wanted.site_id, time_text(wanted.since - _LONG), since))


def _portions(connection: sqlite3.Connection, wanted: Range) -> Iterator[tuple[str, str]]:
    """The beginnings and ends (text) of pieces of the range, and of the day before it, in which sessions begin."""
    query = (
        "SELECT (SELECT min(started_at) FROM sessions WHERE site_id = ?1),"
        " (SELECT max(started_at) FROM sessions WHERE site_id = ?1)"
    )
    first, last = connection.execute(query, (wanted.site_id,)).fetchone()
    if first is None:
        return
    begin, end = read_time(first), read_time(last) + timedelta(seconds=1)
    if wanted.since is not None:
        begin = max(begin, wanted.since - _LONG)
    if wanted.until is not None:
        end = min(end, wanted.until)
    while begin < end:
        yield time_text(begin), time_text(min(begin + _PORTION, end))
        begin += _PORTION


def _touches(row: SessionRow, wanted: Range) -> bool:
    if wanted.until is not None and row.started_at >= time_text(wanted.until):
        return False
    return wanted.since is None or row.ended_at is None or row.ended_at >= time_text(wanted.since)
