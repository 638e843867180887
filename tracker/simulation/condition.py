"""The condition that cameras are in: their clocks, their outages, when they watched, and how they do at a moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from tracker.presence.calendar import day_range
from tracker.presence.coverage import CoverageSpan
from tracker.presence.health import CameraHealth, CameraState
from tracker.simulation.plan import Noise, Plan

_FPS = 12.5


class OutageKind(StrEnum):
    BLIND = "blind"
    CUT_OFF = "cut off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A camera was down over [since, until), UTC: blind, or without network, so that its events came late."""

    camera_id: str
    since: datetime
    until: datetime
    kind: OutageKind


def source_of(camera_id: str, plan: Plan) -> str:
    """The address of a camera, in a range that is kept free for examples."""
    return f"rtsp://192.0.2.{plan.camera_ids.index(camera_id) + 1}/live"


def clock_errors(plan: Plan, noise: Noise) -> Mapping[str, timedelta]:
    """How far each camera's clock is ahead; no two differ by more than the skew."""
    dice = plan.dice("clocks")
    return {camera_id: noise.skew * (dice.random() - 0.5) for camera_id in plan.camera_ids}


def outages_on(day: date, plan: Plan, noise: Noise) -> tuple[Outage, ...]:
    """One outage a camera while the place is open; cameras take turns in being blind and being cut off."""
    if not noise.outage or not plan.profile.weekdays[day.weekday()]:
        return ()
    dice = plan.dice("outages", day)
    opens_at = datetime.combine(day, plan.profile.opens, plan.zone)
    open_for = datetime.combine(day, plan.profile.closes, plan.zone) - opens_at
    found = []
    for number, camera_id in enumerate(plan.camera_ids):
        since = opens_at + dice.random() * max(open_for - noise.outage, timedelta(0))
        kind = OutageKind.BLIND if (day.toordinal() + number) % 2 else OutageKind.CUT_OFF
        since = since.astimezone(UTC)
        found.append(Outage(camera_id=camera_id, since=since, until=since + noise.outage, kind=kind))
    return tuple(found)


def health_of(plan: Plan, outages: Sequence[Outage], *, until: datetime) -> list[CameraHealth]:
    """How each camera does at a moment (UTC); one that is blind then is lost."""
    started_at = datetime.combine(plan.first_day, plan.profile.opens, plan.zone)
    lost = {
        outage.camera_id: outage
        for outage in outages
        if outage.kind is OutageKind.BLIND and outage.since <= until < outage.until
    }
    found = []
    for camera_id in plan.camera_ids:
        outage = lost.get(camera_id)
        last_at = until if outage is None else outage.since
        found.append(
            CameraHealth(
                site_id=plan.site_id,
                camera_id=camera_id,
                source=source_of(camera_id, plan),
                state=CameraState.LIVE if outage is None else CameraState.LOST,
                started_at=min(started_at, last_at),
                updated_at=until,
                last_frame_at=last_at,
                fps=_FPS if outage is None else 0.0,
                frames=max(0, int((last_at - started_at).total_seconds() * _FPS)),
                problem=None if outage is None else "no answer (simulated outage)",
            )
        )
    return found


def watches_of(plan: Plan, outages: Sequence[Outage], *, until: datetime) -> list[CoverageSpan]:
    """When each camera watched, up to a moment (UTC): always but when it was blind."""
    opened_at = day_range(plan.first_day, plan.zone)[0]
    found = []
    for camera_id in plan.camera_ids:
        at = opened_at
        for outage in sorted(outages, key=lambda outage: outage.since):
            if outage.camera_id == camera_id and outage.kind is OutageKind.BLIND and outage.since <= until:
                found.append(
                    CoverageSpan(site_id=plan.site_id, camera_id=camera_id, started_at=at, ended_at=outage.since)
                )
                at = outage.until
        if at <= until:
            found.append(CoverageSpan(site_id=plan.site_id, camera_id=camera_id, started_at=at, ended_at=until))
    return found
