"""Rows of which machine reported a camera, so that two machines with one camera id are noticed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tracker.presence.events import time_text
from tracker.store.database import Transaction
from tracker.store.event_rows import read_time

_FORGET_AFTER = timedelta(hours=1)
"""A machine that was silent for longer starts anew: moving a camera to another machine and back is no conflict."""


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


def save(writing: Transaction, reports: Iterable[MachineReport]) -> None:
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


def _overlapping(spans: list[tuple[str, datetime, datetime]]) -> tuple[str, ...]:
    """The machines whose reports overlap with those of another one."""
    return tuple(
        machine
        for machine, first_at, last_at in spans
        if any(other != machine and first_at <= until and since <= last_at for other, since, until in spans)
    )
