"""The rules of a site: when a visit begins, goes on and ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

_DURATIONS = ("exit_after", "merge_gap", "min_visit", "max_visit", "max_unseen", "skew")
_LAST_ORDINAL = date.max.toordinal() - 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """When a visit begins, goes on and ends.

    exit_after: unseen for this long in a room is an exit. merge_gap: out and in again within it is one visit.
    min_visit: a shorter visit is a bounce. max_visit: a visit without evidence for longer is closed. skew: how far
    the clocks of two cameras may differ. closes_at: the time of day in `zone` at which the site closes: a visit
    without evidence since then is closed, and no visit continues past it; None for never.
    entrances, exits: cameras at the entrances and exits (a door is both). Somebody who enters there is inside until
    other evidence ends it. Where exits are watched, only they and the rules end a visit: being lost by a room camera
    then only dates the last sighting.
    rooms: cameras inside. Where rooms, entrances and exits are all watched, a visit must be proven by two of an enter
    at a door, a sighting inside and an exit at a door, or by three sightings. max_unseen: how long the rooms may miss
    somebody who is inside: sightings farther apart do not add up, and a person unseen for longer counts as gone until
    seen again.

    Raises ValueError on a negative time, and on a `closes_at` with a zone of its own.
    """

    exit_after: timedelta = timedelta(seconds=30)
    merge_gap: timedelta = timedelta(minutes=5)
    min_visit: timedelta = timedelta(0)
    max_visit: timedelta = timedelta(hours=16)
    max_unseen: timedelta = timedelta(hours=2)
    skew: timedelta = timedelta(seconds=2)
    closes_at: time | None = None
    zone: tzinfo = UTC
    entrances: frozenset[str] = frozenset()
    exits: frozenset[str] = frozenset()
    rooms: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for name in _DURATIONS:
            if getattr(self, name) < timedelta(0):
                raise ValueError(f"{name}: expected 0 s or more, got {getattr(self, name).total_seconds()} s")
        if self.closes_at is not None and self.closes_at.tzinfo is not None:
            raise ValueError("closes_at: expected a time of day without a zone; `zone` says which it is")

    @property
    def proves(self) -> bool:
        """Whether visits must be proven: entrances, exits and rooms are all watched."""
        return bool(self.rooms and self.entrances and self.exits)

    def over_at(self, evidence_at: datetime, *, in_sight: bool = False) -> datetime:
        """Until when (UTC, included) somebody with the last evidence at `evidence_at` counts as inside.

        in_sight: a camera still has the person in view.
        """
        until = _no_later(evidence_at, self.max_visit)
        if self.proves and not in_sight:
            until = min(until, _no_later(evidence_at, self.max_unseen))
        if self.closes_at is None:
            return until
        return min(until, Closings(self).after(evidence_at) - timedelta(microseconds=1))


class Closings:
    """The instants at which a site closes, one a local day, whether the day has 23, 24 or 25 hours."""

    __slots__ = ("_closes_at", "_known", "_zone")

    def __init__(self, rules: Rules) -> None:
        self._closes_at = rules.closes_at
        self._zone = rules.zone
        self._known: dict[int, tuple[datetime, ...]] = {}

    def after(self, at: datetime) -> datetime:
        """The first closing later than `at`; UTC. The end of time for a site that never closes."""
        if self._closes_at is None:
            return datetime.max.replace(tzinfo=UTC)
        ordinal = min(max(at.toordinal(), 3), _LAST_ORDINAL)
        near = self._known.get(ordinal)
        if near is None:
            days = (date.fromordinal(ordinal + offset) for offset in range(-1, 4))
            near = self._known[ordinal] = tuple(
                sorted(datetime.combine(day, self._closes_at, self._zone).astimezone(UTC) for day in days)
            )
        for closing in near:
            if closing > at:
                return closing
        return datetime.max.replace(tzinfo=UTC)

    def between(self, earlier: datetime, later: datetime) -> bool:
        """Whether the site closed after `earlier`, and no later than `later`."""
        return self._closes_at is not None and self.after(earlier) <= later


def _no_later(at: datetime, length: timedelta) -> datetime:
    try:
        return at + length
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)
