"""The simulation, day by day: the ground truth and the cameras' reports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import accumulate

from tracker.presence.calendar import day_range
from tracker.simulation.cameras import CameraOutput, camera_output_on
from tracker.simulation.people import SimulatedPerson
from tracker.simulation.scenario import Noise, Scenario
from tracker.simulation.truth import Segment, segments_on


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One local day: its segments by start, and the reports of the cameras."""

    date: date
    segments: tuple[Segment, ...]
    camera_output: CameraOutput


@dataclass(slots=True, kw_only=True)
class Totals:
    """Totals of the days so far.

    until: the end of the simulated time. missed, confused: of what cameras could report. inside: people in at the end;
    most: at once.
    """

    until: datetime
    people: int = 0
    days: int = 0
    segments: int = 0
    events: int = 0
    missed: int = 0
    confused: int = 0
    inside: int = 0
    most: int = 0

    def add(self, day: Day) -> None:
        """Count a day; `people` is not among what a day tells."""
        self.days += 1
        self.segments += len(day.segments)
        self.events += len(day.camera_output.events)
        self.missed += day.camera_output.missed
        self.confused += day.camera_output.confused
        self.inside = sum(segment.left_at > self.until for segment in day.segments)
        steps = sorted((at, step) for each in day.segments for at, step in ((each.entered_at, 1), (each.left_at, -1)))
        self.most = max(self.most, *accumulate((step for _, step in steps), initial=0))


def simulate(
    scenario: Scenario, noise: Noise, people: tuple[SimulatedPerson, ...], *, until: datetime | None = None
) -> Iterator[Day]:
    """Yield the days of the scenario, one at a time.

    until: the current time of the simulation, None for the end of the last day. The ground truth depends only on the
    scenario, not on noise or `until`.
    """
    end = scenario.ends_at if until is None else min(until.astimezone(UTC), scenario.ends_at)
    people_by_id = {person.record.person_id: person for person in people}
    for day in scenario.all_days:
        if day_range(day, scenario.zone)[0] > end:
            return
        segments = tuple(segment for segment in segments_on(day, scenario, people) if segment.entered_at <= end)
        yield Day(
            date=day,
            segments=segments,
            camera_output=camera_output_on(day, segments, scenario, noise, people_by_id, until=end),
        )
