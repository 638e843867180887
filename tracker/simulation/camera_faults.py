"""Camera faults and state: clock errors, outages, coverage and health."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from tracker.presence.calendar import day_range
from tracker.presence.coverage import CoverageSpan
from tracker.presence.health import CameraHealth, CameraState
from tracker.simulation.scenario import Noise, Scenario

_FPS = 12.5


class OutageKind(StrEnum):
    BLIND = "blind"
    CUT_OFF = "cut off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A camera was down over [since, until), UTC: blind, or without network, which delays its events."""

    camera_id: str
    since: datetime
    until: datetime
    kind: OutageKind


def source_of(camera_id: str, scenario: Scenario) -> str:
    """The address of a camera, from the range reserved for documentation."""
    return f"rtsp://192.0.2.{scenario.camera_ids.index(camera_id) + 1}/live"


def clock_errors(scenario: Scenario, noise: Noise) -> Mapping[str, timedelta]:
    """How far each camera's clock is ahead; the differences are within the skew."""
    rng = scenario.rng("clocks")
    return {camera_id: noise.skew * (rng.random() - 0.5) for camera_id in scenario.camera_ids}


def outages_on(day: date, scenario: Scenario, noise: Noise) -> tuple[Outage, ...]:
    """One outage per camera during opening hours; its kind alternates by camera and day."""
    if not noise.outage or not scenario.profile.weekdays[day.weekday()]:
        return ()
    rng = scenario.rng("outages", day)
    opens_at = datetime.combine(day, scenario.profile.opens, scenario.zone)
    open_for = datetime.combine(day, scenario.profile.closes, scenario.zone) - opens_at
    found = []
    for number, camera_id in enumerate(scenario.camera_ids):
        since = opens_at + rng.random() * max(open_for - noise.outage, timedelta(0))
        kind = OutageKind.BLIND if (day.toordinal() + number) % 2 else OutageKind.CUT_OFF
        since = since.astimezone(UTC)
        found.append(Outage(camera_id=camera_id, since=since, until=since + noise.outage, kind=kind))
    return tuple(found)


def health_of(scenario: Scenario, outages: Sequence[Outage], *, until: datetime) -> list[CameraHealth]:
    """The health of each camera at a time (UTC); a blind camera is lost."""
    started_at = datetime.combine(scenario.first_day, scenario.profile.opens, scenario.zone)
    lost = {
        outage.camera_id: outage
        for outage in outages
        if outage.kind is OutageKind.BLIND and outage.since <= until < outage.until
    }
    found = []
    for camera_id in scenario.camera_ids:
        outage = lost.get(camera_id)
        last_at = until if outage is None else outage.since
        found.append(
            CameraHealth(
                site_id=scenario.site_id,
                camera_id=camera_id,
                source=source_of(camera_id, scenario),
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


def coverage_of(scenario: Scenario, outages: Sequence[Outage], *, until: datetime) -> list[CoverageSpan]:
    """The coverage of each camera until a time (UTC): always except while blind."""
    opened_at = day_range(scenario.first_day, scenario.zone)[0]
    found = []
    for camera_id in scenario.camera_ids:
        at = opened_at
        for outage in sorted(outages, key=lambda outage: outage.since):
            if outage.camera_id == camera_id and outage.kind is OutageKind.BLIND and outage.since <= until:
                found.append(
                    CoverageSpan(site_id=scenario.site_id, camera_id=camera_id, started_at=at, ended_at=outage.since)
                )
                at = outage.until
        if at <= until:
            found.append(CoverageSpan(site_id=scenario.site_id, camera_id=camera_id, started_at=at, ended_at=until))
    return found
