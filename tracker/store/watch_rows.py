"""Rows of coverage: one a span without an outage."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from tracker.presence.coverage import CoverageSpan
from tracker.presence.events import time_text
from tracker.store.database import Transaction
from tracker.store.event_rows import Row, read_all, read_time

_AROUND = """
    SELECT site_id, camera_id, started_at, ended_at FROM coverage_spans
    WHERE site_id = ?1 AND camera_id = ?2 AND (
        started_at >= coalesce((SELECT max(started_at) FROM coverage_spans
                                WHERE site_id = ?1 AND camera_id = ?2 AND started_at <= ?3), '')
        AND started_at <= coalesce((SELECT min(started_at) FROM coverage_spans
                                    WHERE site_id = ?1 AND camera_id = ?2 AND started_at >= ?4), '~')
        OR started_at = (SELECT min(started_at) FROM coverage_spans WHERE site_id = ?1 AND camera_id = ?2)
        OR started_at = (SELECT max(started_at) FROM coverage_spans WHERE site_id = ?1 AND camera_id = ?2))
    ORDER BY started_at
"""
_KEY = "SELECT site_id, camera_id FROM coverage_spans"
_FIRST = "ORDER BY site_id, camera_id LIMIT 1"


def save(writing: Transaction, span: CoverageSpan) -> None:
    """Add a span, or extend the one of that camera and start."""
    writing.connection.execute(
        "INSERT INTO coverage_spans (site_id, camera_id, started_at, ended_at, changed) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (site_id, camera_id, started_at) DO UPDATE"
        " SET ended_at = excluded.ended_at, changed = excluded.changed WHERE excluded.ended_at > ended_at",
        (span.site_id, span.camera_id, time_text(span.started_at), time_text(span.ended_at), writing.changed),
    )


def select(
    connection: sqlite3.Connection, site_id: str | None, since: datetime | None = None, until: datetime | None = None
) -> list[CoverageSpan]:
    """Spans by site, camera and start. Raises StoreError on a row that is none.

    since, until: only those that touch [since, until), and of each camera the last before, the next after, and its
    first and last of all.
    """
    begin, end = "" if since is None else time_text(since), "~" if until is None else time_text(until)
    found: list[Row] = []
    for site, camera in _cameras(connection, site_id):
        rows = connection.execute(_AROUND, (site, camera, begin, end))
        found += rows
    return read_all(found, span_of_row)


def _cameras(connection: sqlite3.Connection, site_id: str | None) -> list[tuple[str, str]]:
    """The cameras that have spans, by site and id; each is found by a jump in the index."""
    found: list[tuple[str, str]] = []
    key = connection.execute(f"{_KEY} WHERE ?1 IS NULL OR site_id = ?1 {_FIRST}", (site_id,)).fetchone()
    while key is not None:
        found.append(key)
        after = f"{_KEY} WHERE (site_id, camera_id) > (?, ?) AND (?3 IS NULL OR site_id = ?3) {_FIRST}"
        key = connection.execute(after, (*key, site_id)).fetchone()
    return found


def span_of_row(row: Row) -> CoverageSpan:
    site_id, camera_id, started_at, ended_at = row
    return CoverageSpan(
        site_id=site_id, camera_id=camera_id, started_at=read_time(started_at), ended_at=read_time(ended_at)
    )
