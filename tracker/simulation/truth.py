"""The ground truth: who was inside from when to when, through which doors, and in view of which cameras."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from random import Random

from tracker.presence.events import time_text
from tracker.presence.people import PersonKind, Role
from tracker.simulation.people import SimulatedPerson
from tracker.simulation.profiles import Duration, Peak, Profile
from tracker.simulation.scenario import Scenario

_MIN_GAP_S = 35.0
"""Minimum time between two views of one camera."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewSpan:
    """A time span, UTC, in view of one room camera."""

    camera_id: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """An uninterrupted time inside, UTC, with the door cameras; views are in order and within the segment."""

    person_id: str
    entered_at: datetime
    left_at: datetime
    entered_by: str
    left_by: str
    views: tuple[ViewSpan, ...] = ()


def segments_on(day: date, scenario: Scenario, people: Sequence[SimulatedPerson]) -> list[Segment]:
    """All segments of one local day, by start; nobody stays overnight."""
    if not scenario.profile.weekdays[day.weekday()]:
        return []
    hours = _Hours(day, scenario)
    rng = scenario.rng("day", day)
    segments = [
        segment
        for person in people
        if _comes(person, day, scenario.profile, rng)
        for segment in _day_of(person, hours, rng)
    ]
    return sorted(segments, key=lambda segment: (segment.entered_at, segment.person_id))


def segment_to_document(segment: Segment, *, site_id: str, until: datetime) -> Mapping[str, object]:
    """A segment in the format of a truth file; without an end when it lasts beyond `until`."""
    left = segment.left_at <= until
    return {
        "site_id": site_id,
        "person_id": segment.person_id,
        "entered_at": time_text(segment.entered_at),
        "entered_by": segment.entered_by,
        "left_at": time_text(segment.left_at) if left else None,
        "left_by": segment.left_by if left else None,
        "sights": [
            {"camera_id": view.camera_id, "since": time_text(view.since), "until": time_text(min(view.until, until))}
            for view in segment.views
            if view.since <= until
        ],
    }


class _Hours:
    """The opening hours of one day; times are seconds since opening."""

    def __init__(self, day: date, scenario: Scenario) -> None:
        self.profile = scenario.profile
        self.door_ids, self.room_ids = scenario.door_ids, scenario.room_ids
        self._opens_at = datetime.combine(day, scenario.profile.opens, scenario.zone)
        self._opens_hour = _hour(scenario.profile.opens)
        self.open_s = (_hour(scenario.profile.closes) - self._opens_hour) * 3600

    def since_opening(self, hour: float) -> float:
        """A local hour as seconds since opening."""
        return (hour - self._opens_hour) * 3600

    def at(self, seconds: float) -> datetime:
        """The instant, to the millisecond, UTC."""
        return datetime.fromtimestamp(round(self._opens_at.timestamp() * 1000 + seconds * 1000) / 1000, UTC)


def _comes(person: SimulatedPerson, day: date, profile: Profile, rng: Random) -> bool:
    """Exactly one random draw per person, so that people do not influence each other's days."""
    chance = rng.random()
    if person.record.kind is PersonKind.VISITOR:
        return person.days is not None and day in person.days
    if person.record.role is Role.STAFF:
        return chance < profile.staff_share
    return chance < profile.regular_share * person.keenness * profile.weekdays[day.weekday()]


def _day_of(person: SimulatedPerson, hours: _Hours, rng: Random) -> Iterator[Segment]:
    profile = hours.profile
    if person.record.role is Role.STAFF:
        length_s = min(draw(profile.shift_length, rng), hours.open_s)
        start_s = rng.uniform(0.0, hours.open_s - length_s)
        yield from _visit(person, start_s, start_s + length_s, hours, rng)
        return
    came_s: float | None = _arrival(profile.arrivals, hours, rng)
    while came_s is not None:
        left_s = min(came_s + draw(profile.visit_length, rng), hours.open_s - rng.uniform(1.0, 240.0))
        yield from _visit(person, came_s, left_s, hours, rng)
        back_s = left_s + rng.uniform(3600.0, 4 * 3600.0)
        may_come = back_s < hours.open_s - profile.last_entry_s
        came_s = back_s if rng.random() < profile.second_visit and may_come else None


def _arrival(peaks: Sequence[Peak], hours: _Hours, rng: Random) -> float:
    """Seconds since opening."""
    last_s = hours.open_s - hours.profile.last_entry_s
    peak = rng.choices(peaks, [peak.weight for peak in peaks])[0]
    for _ in range(20):
        came_s = hours.since_opening(rng.gauss(peak.hour, peak.stddev_h))
        if 0.0 <= came_s <= last_s:
            return came_s
    return rng.uniform(0.0, last_s)


def _visit(person: SimulatedPerson, came_s: float, left_s: float, hours: _Hours, rng: Random) -> Iterator[Segment]:
    """The segments of one visit, with the breaks outside."""
    breaks = _breaks(came_s, left_s, hours, rng)
    starts = [came_s, *(back_s for _, back_s in breaks)]
    ends = [*(out_s for out_s, _ in breaks), left_s]
    weights = [1.0 / 2**number for number in range(len(hours.door_ids))]
    for start_s, end_s in zip(starts, ends, strict=True):
        entered_by, left_by = rng.choices(hours.door_ids, weights, k=2)
        yield Segment(
            person_id=person.record.person_id,
            entered_at=hours.at(start_s),
            left_at=hours.at(end_s),
            entered_by=entered_by,
            left_by=left_by,
            views=tuple(_sights(start_s, end_s, hours, rng)) if hours.room_ids else (),
        )


def _breaks(came_s: float, left_s: float, hours: _Hours, rng: Random) -> list[tuple[float, float]]:
    """(out, back) in order, each at least two minutes from other events."""
    found: list[tuple[float, float]] = []
    for break_ in hours.profile.breaks:
        wanted = rng.random() < break_.chance
        middle = rng.random() if break_.hour is None else rng.gauss(break_.hour, 0.4)
        out_s = came_s + middle * (left_s - came_s) if break_.hour is None else hours.since_opening(middle)
        back_s = out_s + draw(break_.length, rng)
        fits = came_s + 120 <= out_s and back_s <= left_s - 120
        if wanted and fits and all(back_s + 120 <= other[0] or other[1] + 120 <= out_s for other in found):
            found.append((out_s, back_s))
    return sorted(found)


def _sights(start_s: float, end_s: float, hours: _Hours, rng: Random) -> Iterator[ViewSpan]:
    """Views by room cameras, from some time after entering to some time before leaving."""
    profile = hours.profile
    edge_s = 0.2 * (end_s - start_s)
    at_s = start_s + min(draw(profile.entry_delay, rng), edge_s)
    last_s = end_s - min(draw(profile.entry_delay, rng), edge_s)
    lost_s: dict[str, float] = {}
    while True:
        camera_id = rng.choice(hours.room_ids)
        since_s = max(at_s, lost_s.get(camera_id, start_s) + (_MIN_GAP_S if camera_id in lost_s else 0.0))
        until_s = min(since_s + draw(profile.view_length, rng), last_s)
        if until_s - since_s < 1.0:
            return
        yield ViewSpan(camera_id=camera_id, since=hours.at(since_s), until=hours.at(until_s))
        lost_s[camera_id] = until_s
        if rng.random() < profile.overlap:
            at_s = max(since_s, until_s - rng.uniform(2.0, 20.0))
        else:
            at_s = max(lost_s.values()) + draw(profile.gap_length, rng)


def draw(span: Duration, rng: Random) -> float:
    """A length of time, seconds."""
    return min(max(span.median_s * rng.lognormvariate(0.0, span.sigma), span.min_s), span.max_s)


def _hour(clock: time) -> float:
    return clock.hour + clock.minute / 60
