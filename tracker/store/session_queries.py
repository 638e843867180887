"""Reading sessions: rows of a range as of now, read from the table or, by other rules, derived from all events.

And the events from which people are counted, as of the same commit.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import compress
from typing import Any, TypeAlias

from tracker.presence.events import FIRST_INSTANT, UNIDENTIFIED_PREFIX, as_utc, is_unidentified, time_text
from tracker.presence.projection import project
from tracker.presence.rules import Closings, Rules
from tracker.store import event_rows, session_changes, site_rows
from tracker.store.session_changes import EVER, NEVER
from tracker.store.session_rows import COLUMNS, SessionRow, due, encode, events_since_clean, resolved, sightings
from tracker.store.tables import read_time

LONG = timedelta(days=1)
"""Sessions of this length or more, and open ones, are found by an index of their own, others by their start."""
REPORT_COLUMNS = (
    "session_id", "person_id", "started_at", "ended_at", "segments", "enter_inferred", "exit_inferred", "bounce",
    "enter_camera_id", "exit_camera_id",
)  # fmt: skip
"""What reports read of a session; the fields of SessionRow."""
_ARRAYS = ", ".join(f"json_group_array({name})" for name in REPORT_COLUMNS)
EVENT_COLUMNS = ("at", "enters", "camera_id", "track_id", "person_id")
"""What the count of people reads of an event. person_id: None for somebody unidentified."""
_UNIDENTIFIED = f"r.person_id GLOB '{UNIDENTIFIED_PREFIX}{'[0-9a-f]' * 16}'"
_EVENT_ARRAYS = (
    "SELECT json_group_array(r.at), json_group_array(r.kind = 'enter'), json_group_array(r.camera_id),"
    f" json_group_array(r.track_id), json_group_array(iif({_UNIDENTIFIED}, NULL, coalesce(a.into_id, r.person_id)))"
    " FROM events r INDEXED BY events_at LEFT JOIN aliases a ON a.person_id = r.person_id"
    " WHERE r.at >= ? AND r.at < ? AND r.site_id = ? AND r.voided = 0"
    " AND r.camera_id IN (SELECT value FROM json_each(?))"
)
_IS_LONG = f"(ended_at IS NULL OR gross_s >= {LONG.total_seconds():.0f})"
_PORTION = timedelta(days=32)

SessionColumns: TypeAlias = Mapping[str, Sequence[Any]]
"""Some sessions by column: for each of REPORT_COLUMNS one value a session, in no order."""
EventColumns: TypeAlias = Mapping[str, Sequence[Any]]
"""Some events by column: for each of EVENT_COLUMNS one value an event, in no order."""


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
        if row.started_at < cuts.get(row.person_id, NEVER):
            yield row


def select_columns(connection: sqlite3.Connection, wanted: Range, now: datetime) -> Iterator[SessionColumns]:
    """The same by column, in portions.

    SQLite makes a JSON array of each column, which takes half the time of a tuple for each of many thousand rows.
    """
    cuts, projected = _unsettled(connection, wanted, now)
    yield _columns_of(projected)
    for columns in map(_decoded, _stored(connection, wanted, _ARRAYS)):
        yield _before(columns, cuts) if cuts else columns


class Snapshot:
    """The sessions of one site as one commit left them, for those who keep what they read.

    version: of the store. Only valid within the read transaction in which it is made.
    """

    def __init__(self, connection: sqlite3.Connection, site_id: str) -> None:
        self._connection = connection
        self._site_id = site_id
        (self.version,) = connection.execute("SELECT version FROM state").fetchone()

    def changed_after(self, version: int) -> datetime | None:
        """The earliest time from which sessions or events changed after that version; None if none did.

        The beginning of time if that was too long ago to be known.
        """
        since = session_changes.changed_after(self._connection, version)
        return None if since == NEVER else FIRST_INSTANT if since == EVER else read_time(since)

    def begun(self, since: datetime, until: datetime | None) -> Iterator[SessionColumns]:
        """The stored sessions that begin in [since, until), None for no limit, in portions."""
        for start, end in _portions(self._connection, self._site_id, since, until):
            query = f"SELECT {_ARRAYS} FROM sessions WHERE site_id = ? AND started_at >= ? AND started_at < ?"
            yield from map(_decoded, self._connection.execute(query, (self._site_id, start, end)))

    def long(self, since: datetime) -> SessionColumns:
        """The stored sessions that begin more than LONG before, and are not over by then."""
        (arrays,) = _long(self._connection, self._site_id, since, _ARRAYS)
        return _decoded(arrays)

    def unsettled(
        self, since: datetime, until: datetime, now: datetime
    ) -> tuple[Mapping[str, datetime], SessionColumns]:
        """What became due by `now` since the last transaction: by person from which start on the stored sessions do
        not hold, and those of [since, until) that hold instead.
        """
        wanted = Range(site_id=self._site_id, since=since, until=until)
        cuts, rows = _unsettled(self._connection, wanted, now)
        since_of = {person_id: FIRST_INSTANT if at == EVER else read_time(at) for person_id, at in cuts.items()}
        return since_of, _columns_of(rows)

    def has_unidentified(self) -> bool:
        """Whether there is any event of somebody unidentified, voided or not: until then visits are all that counts."""
        return has_unidentified(self._connection, self._site_id)

    def events(self, camera_ids: Iterable[str], since: datetime, until: datetime | None) -> Iterator[EventColumns]:
        """The events of these cameras in [since, until), None for no limit, without voided ones, in portions."""
        cameras = json.dumps(sorted(camera_ids))
        first, last = self._connection.execute("SELECT min(at), max(at) FROM events").fetchone()
        if first is None:
            return
        start, after = max(read_time(first), since), read_time(last) + timedelta(seconds=1)
        after = after if until is None else min(after, until)
        while start < after:
            end = min(start + _PORTION, after)
            arrays = self._connection.execute(
                _EVENT_ARRAYS, (time_text(start), time_text(end), self._site_id, cameras)
            ).fetchone()
            yield dict(zip(EVENT_COLUMNS, map(json.loads, arrays), strict=True))
            start = end

    def first_starts(self, person_ids: Iterable[str]) -> dict[str, str]:
        """When (text) the first session of each of these people began; who has none is left out."""
        return first_starts(self._connection, self._site_id, person_ids)


def has_unidentified(connection: sqlite3.Connection, site_id: str, *, up_to: int | None = None) -> bool:
    """Whether there is any event of somebody unidentified, voided or not. up_to: as far as a version of the store."""
    within = "r.site_id = ?1 AND (?2 IS NULL OR r.changed <= ?2)"
    query = f"SELECT 1 FROM events r WHERE {_UNIDENTIFIED} AND {within} LIMIT 1"
    return connection.execute(query, (site_id, up_to)).fetchone() is not None


def first_starts(connection: sqlite3.Connection, site_id: str, person_ids: Iterable[str]) -> dict[str, str]:
    """When (text) the first session of each of these people began; who has none is left out."""
    rows = connection.execute(
        "SELECT value, (SELECT min(started_at) FROM sessions WHERE person_id = value AND site_id = ?1)"
        " FROM json_each(?2)",
        (site_id, json.dumps(list(person_ids))),
    )
    return {person_id: at for person_id, at in rows if at is not None}


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
        if is_unidentified(person_id):
            continue
        if wanted.person_ids is None or person_id in wanted.person_ids:
            key = (site_id, person_id)
            cuts[person_id], events = events_since_clean(connection, key, at)
            rules, seen = site_rows.rules(connection, site_id), sightings(connection, key)
            rows = map(encode, project(events, key=key, rules=rules, now=now, seen=seen))
            found += [row for row in rows if _touches(row, wanted)]
    return cuts, found


def _columns_of(rows: Sequence[SessionRow]) -> SessionColumns:
    return {name: [getattr(row, name) for row in rows] for name in REPORT_COLUMNS}


def _decoded(arrays: Sequence[str]) -> SessionColumns:
    return dict(zip(REPORT_COLUMNS, map(json.loads, arrays), strict=True))


def _before(columns: SessionColumns, cuts: Mapping[str, str]) -> SessionColumns:
    """The sessions that begin before the cut of their person."""
    whose = zip(columns["started_at"], columns["person_id"], strict=True)
    kept = [started_at < cuts.get(person_id, NEVER) for started_at, person_id in whose]
    return {name: list(compress(values, kept)) for name, values in columns.items()}


def _stored(connection: sqlite3.Connection, wanted: Range, columns: str) -> Iterator[Any]:
    """Rows that touch the range: those that begin in it or up to a day before, and longer ones by their own index.

    columns: may be aggregates; the range is read in several portions.
    """
    since = EVER if wanted.since is None else time_text(wanted.since)
    until = NEVER if wanted.until is None else time_text(wanted.until)
    lasts = "started_at < ? AND (ended_at IS NULL OR ended_at >= ?)"
    if wanted.person_ids is not None:
        theirs = "INDEXED BY sessions_person WHERE site_id = ? AND person_id IN (SELECT value FROM json_each(?))"
        ids = json.dumps(wanted.person_ids)
        yield from connection.execute(
            f"SELECT {columns} FROM sessions {theirs} AND {lasts}", (wanted.site_id, ids, until, since)
        )
        return
    begin = None if wanted.since is None else wanted.since - LONG
    for start, end in _portions(connection, wanted.site_id, begin, wanted.until):
        yield from connection.execute(
            f"SELECT {columns} FROM sessions WHERE site_id = ? AND started_at >= ? AND {lasts}",
            (wanted.site_id, start, end, since),
        )
    if wanted.since is not None:
        yield from _long(connection, wanted.site_id, wanted.since, columns)


def _long(connection: sqlite3.Connection, site_id: str, since: datetime, columns: str) -> Iterator[Any]:
    """Rows that begin more than a day before, and are not over by then."""
    query = (
        f"SELECT {columns} FROM sessions INDEXED BY sessions_long WHERE site_id = ? AND {_IS_LONG}"
        " AND started_at < ? AND (ended_at IS NULL OR ended_at >= ?)"
    )
    yield from connection.execute(query, (site_id, time_text(since - LONG), time_text(since)))


def bounds(connection: sqlite3.Connection, site_id: str) -> tuple[datetime, datetime] | None:
    """The starts of the first and of the last session of a site; None without any."""
    query = (
        "SELECT (SELECT min(started_at) FROM sessions WHERE site_id = ?1),"
        " (SELECT max(started_at) FROM sessions WHERE site_id = ?1)"
    )
    first, last = connection.execute(query, (site_id,)).fetchone()
    return None if first is None else (read_time(first), read_time(last))


def _portions(
    connection: sqlite3.Connection, site_id: str, begin: datetime | None, end: datetime | None
) -> Iterator[tuple[str, str]]:
    """The beginnings and ends (text) of the pieces of [begin, end), None for no limit, in which sessions begin."""
    found = bounds(connection, site_id)
    if found is None:
        return
    first, last = found
    start = first if begin is None else max(first, begin)
    after = last + timedelta(seconds=1)
    after = after if end is None else min(after, end)
    while start < after:
        yield time_text(start), time_text(min(start + _PORTION, after))
        start += _PORTION


def _touches(row: SessionRow, wanted: Range) -> bool:
    if wanted.until is not None and row.started_at >= time_text(wanted.until):
        return False
    return wanted.since is None or row.ended_at is None or row.ended_at >= time_text(wanted.since)
