"""What really happened: who was inside from when to when, through which doors, and in sight of which cameras."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from tracker.presence.events import time_text
from tracker.presence.people import PersonKind, Role
from tracker.simulation.cast import Player
from tracker.simulation.plan import Plan
from tracker.simulation.profiles import Peak, Profile, Span

_MOVED_ON_S = 35.0
"""Whoever comes back into one camera's sight was out of it for longer than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A time, UTC, in view of one room's camera."""

    camera_id: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """A time inside without a break, UTC, with the doors' camera ids; sights in order of time, within the stay."""

    person_id: str
    entered_at: datetime
    left_at: datetime
    entered_by: str
    left_by: str
    sights: tuple[Sight, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueVisit:
    """Stays of one person, in order, with no more than the merge gap between them."""

    person_id: str
    stays: tuple[Stay, ...]

    @property
    def started_at(self) -> datetime:
        return self.stays[0].entered_at

    @property
    def ended_at(self) -> datetime:
        return self.stays[-1].left_at

    @property
    def dwell_s(self) -> float:
        """Seconds inside, those between the stays left out."""
        return sum((stay.left_at - stay.entered_at).total_seconds() for stay in self.stays)


def stays_on(day: date, plan: Plan, cast: Sequence[Player]) -> list[Stay]:
    """Everybody's stays of one local day, by start; nobody is inside overnight."""
    if not plan.profile.weekdays[day.weekday()]:
        return []
    hours = _Hours(day, plan)
    dice = plan.dice("day", day)
    stays = [
        stay for player in cast if _comes(player, day, plan.profile, dice) for stay in _day_of(player, hours, dice)
    ]
    return sorted(stays, key=lambda stay: (stay.entered_at, stay.person_id))


def true_visits(stays: Iterable[Stay], *, merge_gap: timedelta) -> list[TrueVisit]:
    """What the stays are by the trade's definition of a visit, by start, then person. Stays may come in any order."""
    by_person: dict[str, list[list[Stay]]] = {}
    for stay in sorted(stays, key=lambda stay: stay.entered_at):
        groups = by_person.setdefault(stay.person_id, [])
        if groups and stay.entered_at - groups[-1][-1].left_at <= merge_gap:
            groups[-1].append(stay)
        else:
            groups.append([stay])
    found = [
        TrueVisit(person_id=person_id, stays=tuple(group))
        for person_id, groups in by_person.items()
        for group in groups
    ]
    return sorted(found, key=lambda visit: (visit.started_at, visit.person_id))


def stay_to_document(stay: Stay, *, site_id: str, until: datetime) -> Mapping[str, object]:
    """A stay as it is written into a truth file; whoever is in at `until` has not left yet."""
    left = stay.left_at <= until
    return {
        "site_id": site_id,
        "person_id": stay.person_id,
        "entered_at": time_text(stay.entered_at),
        "entered_by": stay.entered_by,
        "left_at": time_text(stay.left_at) if left else None,
        "left_by": stay.left_by if left else None,
        "sights": [
            {"camera_id": sight.camera_id, "since": time_text(sight.since), "until": time_text(min(sight.until, until))}
            for sight in stay.sights
            if sight.since <= until
        ],
    }


class _Hours:
    """One open day of a place; times are seconds since opening."""

    def __init__(self, day: date, plan: Plan) -> None:
        self.profile = plan.profile
        self.door_ids, self.room_ids = plan.door_ids, plan.room_ids
        self._opens_at = datetime.combine(day, plan.profile.opens, plan.zone)
        self._opens_hour = _hour(plan.profile.opens)
        self.open_s = (_hour(plan.profile.closes) - self._opens_hour) * 3600

    def since_opening(self, hour: float) -> float:
        """A local hour as seconds since opening."""
        return (hour - self._opens_hour) * 3600

    def at(self, seconds: float) -> datetime:
        """The instant, to the millisecond, UTC."""
        return datetime.fromtimestamp(round(self._opens_at.timestamp() * 1000 + seconds * 1000) / 1000, UTC)


def _comes(player: Player, day: date, profile: Profile, dice: Random) -> bool:
    """One throw for everybody, so that a day of one person does not shift those of others more than it must."""
    chance = dice.random()
    if player.person.kind is PersonKind.VISITOR:
        return player.days is not None and day in player.days
    if player.person.role is Role.STAFF:
        return chance < profile.staff_share
    return chance < profile.regular_share * player.keenness * profile.weekdays[day.weekday()]


def _day_of(player: Player, hours: _Hours, dice: Random) -> Iterator[Stay]:
    profile = hours.profile
    if player.person.role is Role.STAFF:
        length_s = min(draw(profile.shift, dice), hours.open_s)
        start_s = dice.uniform(0.0, hours.open_s - length_s)
        yield from _visit(player, start_s, start_s + length_s, hours, dice)
        return
    came_s: float | None = _arrival(profile.arrivals, hours, dice)
    while came_s is not None:
        left_s = min(came_s + draw(profile.stay, dice), hours.open_s - dice.uniform(1.0, 240.0))
        yield from _visit(player, came_s, left_s, hours, dice)
        back_s = left_s + dice.uniform(3600.0, 4 * 3600.0)
        may_come = back_s < hours.open_s - profile.last_entry_s
        came_s = back_s if dice.random() < profile.again and may_come else None


def _arrival(peaks: Sequence[Peak], hours: _Hours, dice: Random) -> float:
    """Seconds since opening."""
    last_s = hours.open_s - hours.profile.last_entry_s
    peak = dice.choices(peaks, [peak.weight for peak in peaks])[0]
    for _ in range(20):
        came_s = hours.since_opening(dice.gauss(peak.hour, peak.spread_h))
        if 0.0 <= came_s <= last_s:
            return came_s
    return dice.uniform(0.0, last_s)


def _visit(player: Player, came_s: float, left_s: float, hours: _Hours, dice: Random) -> Iterator[Stay]:
    """The stays between coming and going for good, with the pauses outside."""
    pauses = _pauses(came_s, left_s, hours, dice)
    starts = [came_s, *(back_s for _, back_s in pauses)]
    ends = [*(out_s for out_s, _ in pauses), left_s]
    weights = [1.0 / 2**number for number in range(len(hours.door_ids))]
    for start_s, end_s in zip(starts, ends, strict=True):
        entered_by, left_by = dice.choices(hours.door_ids, weights, k=2)
        yield Stay(
            person_id=player.person.person_id,
            entered_at=hours.at(start_s),
            left_at=hours.at(end_s),
            entered_by=entered_by,
            left_by=left_by,
            sights=tuple(_sights(start_s, end_s, hours, dice)) if hours.room_ids else (),
        )


def _pauses(came_s: float, left_s: float, hours: _Hours, dice: Random) -> list[tuple[float, float]]:
    """(out, back) in order, each with two minutes inside around it at least."""
    found: list[tuple[float, float]] = []
    for pause in hours.profile.pauses:
        wanted = dice.random() < pause.chance
        middle = dice.random() if pause.hour is None else dice.gauss(pause.hour, 0.4)
        out_s = came_s + middle * (left_s - came_s) if pause.hour is None else hours.since_opening(middle)
        back_s = out_s + draw(pause.length, dice)
        fits = came_s + 120 <= out_s and back_s <= left_s - 120
        if wanted and fits and all(back_s + 120 <= other[0] or other[1] + 120 <= out_s for other in found):
            found.append((out_s, back_s))
    return sorted(found)


def _sights(start_s: float, end_s: float, hours: _Hours, dice: Random) -> Iterator[Sight]:
    """In and out of the view of the rooms' cameras, from some time after coming in to some time before leaving."""
    profile = hours.profile
    edge_s = 0.2 * (end_s - start_s)
    at_s = start_s + min(draw(profile.edge, dice), edge_s)
    last_s = end_s - min(draw(profile.edge, dice), edge_s)
    lost_s: dict[str, float] = {}
    while True:
        camera_id = dice.choice(hours.room_ids)
        since_s = max(at_s, lost_s.get(camera_id, start_s) + (_MOVED_ON_S if camera_id in lost_s else 0.0))
        until_s = min(since_s + draw(profile.sight, dice), last_s)
        if until_s - since_s < 1.0:
            return
        yield Sight(camera_id=camera_id, since=hours.at(since_s), until=hours.at(until_s))
        lost_s[camera_id] = until_s
        if dice.random() < profile.overlap:
            at_s = max(since_s, until_s - dice.uniform(2.0, 20.0))
        else:
            at_s = max(lost_s.values()) + draw(profile.blind, dice)


def draw(span: Span, dice: Random) -> float:
    """A length of time, seconds."""
    return min(max(span.median_s * dice.lognormvariate(0.0, span.sigma), span.least_s), span.most_s)


def _hour(clock: time) -> float:
    return clock.hour + clock.minute / 60
