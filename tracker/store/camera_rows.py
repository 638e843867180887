"""Rows of cameras: health, coverage, and which machines report them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tracker.presence.coverage import CoverageSpan
from tracker.presence.events import time_text
from tracker.presence.health import CameraHealth
from tracker.store.database import Transaction
from tracker.store.tables import Table

CAMERAS = Table("cameras", CameraHealth)
COVERAGE = Table("coverage_spans", CoverageSpan)
REPORTS_WITHIN = timedelta(hours=1)
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


def save_coverage(writing: Transaction, spans: Iterable[CoverageSpan]) -> None:
    """Add spans, or extend those of the same camera and start."""
    writing.connection.executemany(
        f"{COVERAGE.insert} ON CONFLICT (site_id, camera_id, started_at) DO UPDATE"
        " SET ended_at = excluded.ended_at, changed = excluded.changed WHERE excluded.ended_at > ended_at",
        COVERAGE.rows(spans, writing.changed),
    )


def save_machines(writing: Transaction, reports: Iterable[MachineReport]) -> None:
    """Keep since when and until when a machine reports a camera."""
    for each in reports:
        at = time_text(each.at)
        writing.connection.execute(
            "INSERT INTO camera_machines (site_id, camera_id, machine_id, first_at, last_at)"
            " VALUES (?1, ?2, ?3, ?4, ?4)"
            " ON CONFLICT DO UPDATE SET first_at = CASE WHEN last_at < ?5 THEN ?4 ELSE min(first_at, ?4) END,"
            " last_at = max(last_at, ?4)",
            (each.site_id, each.camera_id, each.machine_id, at, time_text(each.at - REPORTS_WITHIN)),
        )
