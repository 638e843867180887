"""Rows of cameras: health, coverage, which machines report them, and what is recorded of them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tracker.presence.coverage import CoverageSpan
from tracker.presence.events import time_text
from tracker.presence.health import CameraHealth
from tracker.store.database import Transaction
from tracker.store.tables import Row, Table, read_time

CAMERAS = Table("cameras", CameraHealth)
COVERAGE = Table("coverage_spans", CoverageSpan)
_AROUND = f"""
    {COVERAGE.select} WHERE site_id = ?1 AND camera_id = ?2 AND (
        started_at >= coalesce((SELECT max(started_at) FROM coverage_spans
                                WHERE site_id = ?1 AND camera_id = ?2 AND started_at <= ?3), '')
        AND started_at <= coalesce((SELECT min(started_at) FROM coverage_spans
                                    WHERE site_id = ?1 AND camera_id = ?2 AND started_at >= ?4), '~')
        OR started_at = (SELECT min(started_at) FROM coverage_spans WHERE site_id = ?1 AND camera_id = ?2)
        OR started_at = (SELECT max(started_at) FROM coverage_spans WHERE site_id = ?1 AND camera_id = ?2))
    ORDER BY started_at
"""
_FORGET_AFTER = timedelta(hours=1)
"""A machine that was silent for longer begins again: moving a camera to another machine and back is no conflict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineReport:
    """A machine sent a heartbeat of a camera."""

    site_id: str
    camera_id: str
    machine_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedCamera:
    """A camera id that several machines report at the same time."""

    site_id: str
    camera_id: str
    machines: tuple[str, ...]

    @property
    def warning(self) -> str:
        """What is wrong, and the fix, in a line."""
        return (
            f"{len(self.machines)} machines report camera {self.camera_id} ({', '.join(self.machines)}): people are"
            " counted twice; give each machine's camera its own id"
        )


def save_health(writing: Transaction, health: CameraHealth) -> None:
    """Write the state of one camera over the one before."""
    statement = CAMERAS.insert.replace("INSERT", "INSERT OR REPLACE", 1)
    writing.connection.execute(statement, (*CAMERAS.row(health), writing.changed))


def select_health(connection: sqlite3.Connection, site_id: str | None) -> list[CameraHealth]:
    """The last known state of each camera, by site and camera id."""
    rows = connection.execute(
        f"{CAMERAS.select} WHERE ?1 IS NULL OR site_id = ?1 ORDER BY site_id, camera_id", (site_id,)
    )
    return CAMERAS.read(rows)


def save_coverage(writing: Transaction, spans: Iterable[CoverageSpan]) -> None:
    """Add spans, or extend those of the same camera and start."""
    writing.connection.executemany(
        f"{COVERAGE.insert} ON CONFLICT (site_id, camera_id, started_at) DO UPDATE"
        " SET ended_at = excluded.ended_at, changed = excluded.changed WHERE excluded.ended_at > ended_at",
        COVERAGE.rows(spans, writing.changed),
    )


def select_coverage(
    connection: sqlite3.Connection, site_id: str | None, since: datetime | None = None, until: datetime | None = None
) -> list[CoverageSpan]:
    """Spans by site, camera and start. Raises StoreError on a row that is none.

    since, until: only those that touch [since, until), and of each camera the last before, the next after, and its
    first and last of all.
    """
    begin, end = "" if since is None else time_text(since), "~" if until is None else time_text(until)
    found: list[Row] = []
    for site, camera in _with_coverage(connection, site_id):
        rows = connection.execute(_AROUND, (site, camera, begin, end))
        found += rows
    return COVERAGE.read(found)


def save_machines(writing: Transaction, reports: Iterable[MachineReport]) -> None:
    """Keep since when and until when a machine reports a camera."""
    for each in reports:
        at = time_text(each.at)
        writing.connection.execute(
            "INSERT INTO camera_machines (site_id, camera_id, machine_id, first_at, last_at)"
            " VALUES (?1, ?2, ?3, ?4, ?4)"
            " ON CONFLICT DO UPDATE SET first_at = CASE WHEN last_at < ?5 THEN ?4 ELSE min(first_at, ?4) END,"
            " last_at = max(last_at, ?4)",
            (each.site_id, each.camera_id, each.machine_id, at, time_text(each.at - _FORGET_AFTER)),
        )


def select_shared(connection: sqlite3.Connection, site_id: str, now: datetime) -> list[SharedCamera]:
    """Cameras whose last hour has reports of several machines that overlap in time."""
    rows = connection.execute(
        "SELECT camera_id, machine_id, first_at, last_at FROM camera_machines WHERE site_id = ? AND last_at >= ?"
        " ORDER BY camera_id, machine_id",
        (site_id, time_text(now - _FORGET_AFTER)),
    ).fetchall()
    by_camera: dict[str, list[tuple[str, datetime, datetime]]] = {}
    for camera_id, machine_id, first_at, last_at in rows:
        by_camera.setdefault(camera_id, []).append((machine_id, read_time(first_at), read_time(last_at)))
    return [
        SharedCamera(site_id=site_id, camera_id=camera_id, machines=machines)
        for camera_id, spans in by_camera.items()
        if len(machines := _overlapping(spans)) > 1
    ]


def select_ids(connection: sqlite3.Connection, site_id: str) -> list[str]:
    """The cameras of which there is a state, a span of coverage or an event, by id."""
    rows = connection.execute(
        "SELECT camera_id FROM cameras WHERE site_id = ?1 UNION SELECT camera_id FROM coverage_spans WHERE site_id = ?1"
        " UNION SELECT camera_id FROM events WHERE site_id = ?1 ORDER BY 1",
        (site_id,),
    )
    return [camera_id for (camera_id,) in rows]


def event_bounds(
    connection: sqlite3.Connection, site_id: str, camera_id: str | None
) -> tuple[datetime, datetime] | None:
    """The times of the first and the last event that is not voided."""
    query = (
        "SELECT at FROM events INDEXED BY events_at"
        " WHERE site_id = ?1 AND (?2 IS NULL OR camera_id = ?2) AND voided = 0 ORDER BY at"
    )
    key = (site_id, camera_id)
    first = connection.execute(f"{query} LIMIT 1", key).fetchone()
    last = connection.execute(f"{query} DESC LIMIT 1", key).fetchone()
    return None if first is None else (read_time(first[0]), read_time(last[0]))


def select_last_cameras(connection: sqlite3.Connection, site_id: str, person_ids: Iterable[str]) -> dict[str, str]:
    """The camera of the last event of each of these people."""
    rows = connection.execute(
        "SELECT value, (SELECT camera_id FROM events WHERE person_id = value AND site_id = ?1 AND voided = 0"
        " ORDER BY at DESC LIMIT 1) FROM json_each(?2)",
        (site_id, json.dumps(list(person_ids))),
    )
    return {person_id: camera_id for person_id, camera_id in rows if camera_id is not None}


def _with_coverage(connection: sqlite3.Connection, site_id: str | None) -> list[tuple[str, str]]:
    """The cameras that have spans, by site and id; each is found by a jump in the index."""
    query = (
        "SELECT site_id, camera_id FROM coverage_spans WHERE (site_id, camera_id) > (?1, ?2)"
        " AND (?3 IS NULL OR site_id = ?3) ORDER BY site_id, camera_id LIMIT 1"
    )
    found: list[tuple[str, str]] = []
    key = (site_id or "", "")
    while (key := connection.execute(query, (*key, site_id)).fetchone()) is not None:
        found.append(key)
    return found


def _overlapping(spans: list[tuple[str, datetime, datetime]]) -> tuple[str, ...]:
    """The machines whose reports overlap with those of another one."""
    return tuple(
        machine
        for machine, first_at, last_at in spans
        if any(other != machine and first_at <= until and since <= last_at for other, since, until in spans)
    )
