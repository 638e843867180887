"""How many people are in over time, from their visits: never below zero."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from tracker.presence.sessions import Session


@dataclass(frozen=True, slots=True)
class OccupancyPoint:
    """From `at` (UTC) on, so many people are in."""

    at: datetime
    people: int


def occupancy_of(
    sessions: Iterable[Session], *, since: datetime, until: datetime, now: datetime
) -> list[OccupancyPoint]:
    """People in over [since, until) as steps: one point at `since`, one per change, one where the range or now ends.

    Whoever comes in at `until` does not count any more.
    """
    since, end = since.astimezone(UTC), max(min(until, now), since).astimezone(UTC)
    steps = Counter[datetime]()
    for session in sessions:
        for segment in session.segments:
            started_at, ended_at = segment.started_at, segment.ended_at
            if started_at <= end and started_at < until and (ended_at is None or ended_at > max(started_at, since)):
                steps[max(started_at, since)] += 1
                if ended_at is not None and ended_at <= end:
                    steps[ended_at] -= 1
    people = steps.pop(since, 0)
    points = [OccupancyPoint(since, people)]
    for at in sorted(steps):
        if steps[at]:
            people += steps[at]
            points.append(OccupancyPoint(at, people))
    if points[-1].at < end:
        points.append(OccupancyPoint(end, people))
    return points


def peak(points: Iterable[OccupancyPoint]) -> OccupancyPoint | None:
    """The first of the points with the most people; None if there never was anybody."""
    best = max(points, key=lambda point: (point.people, -point.at.timestamp()), default=None)
    return best if best is not None and best.people > 0 else None
