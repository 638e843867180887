"""The state of a camera in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from config.addresses import redacted, without_secrets
from dashboard.views import CameraRow, Condition
from dashboard.wording import duration
from tracker.presence.health import CameraHealth, CameraState

SILENT_AFTER_S = 45.0
"""A live camera without a frame for so long has a problem. With nobody in view agents report every 30 s, and a lost
camera at once."""
DEAD_AFTER_S = 120.0
"""A camera without a frame for so long is down."""


def camera_row(
    health: CameraHealth, now: datetime, *, reports_after_s: float = 0.0, warnings: Sequence[str] = ()
) -> CameraRow:
    """The state of a camera at `now`, by its last frame and its last report.

    reports_after_s: for how long the last report of a camera of another machine counts as current.
    warnings: problems of a camera whose frames arrive, one per line.
    """
    waits = not health.source and health.state is CameraState.LIVE
    if waits and (now - health.updated_at).total_seconds() <= reports_after_s:
        now = health.updated_at
    condition, words = _judged(health, now)
    watching = condition is Condition.GOOD
    rate = f"{health.fps:.1f} fps" if condition is Condition.GOOD and health.fps else ""
    if warnings and condition in (Condition.GOOD, Condition.QUIET):
        condition = Condition.WARN
    return CameraRow(
        camera_id=health.camera_id,
        source=redacted(health.source),  # older versions stored more of it
        condition=condition,
        words=" · ".join((words, *warnings)),
        watching=watching,
        last_frame_at=health.last_frame_at,
        problem=without_secrets(health.problem or ""),
        rate=rate,
    )


def _judged(health: CameraHealth, now: datetime) -> tuple[Condition, str]:
    heard_s = (now - health.updated_at).total_seconds()
    if health.state is CameraState.ENDED:
        return Condition.QUIET, f"recording over, {health.frames:,} frames"
    if health.state is CameraState.STOPPED:
        return Condition.QUIET, f"stopped {duration(heard_s)} ago"
    silent_s = (now - (health.last_frame_at or health.started_at)).total_seconds()
    if health.state is CameraState.LOST:
        return _lost(silent_s, health)
    if heard_s > DEAD_AFTER_S:
        return Condition.BAD, f"no report for {duration(heard_s)}"
    if health.last_frame_at is None and silent_s <= SILENT_AFTER_S:
        return Condition.QUIET, "starting"
    if heard_s > SILENT_AFTER_S or silent_s > SILENT_AFTER_S:
        return _lost(max(silent_s, heard_s), health)
    return Condition.GOOD, "live"


def _lost(silent_s: float, health: CameraHealth) -> tuple[Condition, str]:
    condition = Condition.WARN if silent_s < DEAD_AFTER_S else Condition.BAD
    what = "no frame yet" if health.last_frame_at is None else "no frame"
    why = f": {without_secrets(health.problem)}" if health.problem else ""
    return condition, f"{what} for {duration(silent_s)}{why}"
