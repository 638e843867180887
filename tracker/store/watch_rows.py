"""Rows of coverage: one a span without an outage."""

from __future__ import annotations

import sqlite3

from tracker.presence.coverage import CoverageSpan
from tracker.presence.events import time_text
from tracker.store.database import Transaction
from tracker.store.event_rows import Row, read_all, read_time


def save(writing: Transaction, span: CoverageSpan) -> None:
    """Add a span, or make the one of that camera and start longer."""
    writing.connection.execute(
        "INSERT INTO coverage_spans (site_id, camera_id, started_at, ended_at, changed) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (site_id, camera_id, started_at) DO UPDATE"
        " SET ended_at = excluded.ended_at, changed = excluded.changed WHERE excluded.ended_at > ended_at",
        (span.site_id, span.camera_id, time_text(span.started_at), time_text(span.ended_at), writing.changed),
    )


def select(connection: sqlite3.Connection, site_id: str | None) -> list[CoverageSpan]:
    """Spans by site, camera and start. Raises StoreError on a row that is none."""
    rows = connection.execute(
        "SELECT site_id, camera_id, started_at, ended_at FROM coverage_spans WHERE ?1 IS NULL OR site_id = ?1"
        " ORDER BY site_id, camera_id, started_at",
        (site_id,),
    )
    return read_all(rows, span_of_row)


def span_of_row(row: Row) -> CoverageSpan:
    site_id, camera_id, started_at, ended_at = row
    return CoverageSpan(
        site_id=site_id, camera_id=camera_id, started_at=read_time(started_at), ended_at=read_time(ended_at)
    )
