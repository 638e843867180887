"""A site and its rules: when a visit begins, goes on and ends."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

_DURATIONS = ("exit_after", "merge_gap", "min_visit", "max_visit", "max_unseen", "skew")
_LAST_ORDINAL = date.max.toordinal() - 3
_UNREADABLE = (KeyError, OSError, OverflowError, RecursionError, TypeError, ValueError)
"""What malformed rules raise: wrong types, a directory as time zone, out-of-range durations, endless nesting."""


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
    counted: doors at which everybody is counted who crosses the line, recognised or not.

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
    counted: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for name in _DURATIONS:
            if getattr(self, name) < timedelta(0):
                raise ValueError(f"{name}: expected 0 s or more, got {getattr(self, name).total_seconds()} s")
        if self.closes_at is not None and self.closes_at.tzinfo is not None:
            raise ValueError("closes_at: expected a time of day without a zone; give the zone as `zone`")

    @property
    def proves(self) -> bool:
        """Whether visits must be proven: entrances, exits and rooms are all watched."""
        return bool(self.rooms and self.entrances and self.exits)

    @property
    def counts_everybody(self) -> bool:
        """Whether every way in and out is a door at which everybody is counted."""
        doors = self.entrances | self.exits
        return bool(self.entrances and self.exits) and doors <= self.counted

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One site. name: shown to people, "" where nobody gave one. capacity: people that may be in, None if not known.

    rules: of its sessions; its time zone is theirs.
    """

    site_id: str
    name: str = ""
    capacity: int | None = None
    rules: Rules = field(default_factory=Rules)


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


def encode_rules(rules: Rules) -> str:
    """The rules as JSON text, the same for equal rules, as they are stored and shared.

    Raises ValueError on a zone that has no name.
    """
    return json.dumps({field.name: _plain(getattr(rules, field.name)) for field in fields(rules)}, sort_keys=True)


@lru_cache(maxsize=8)
def decode_rules(text: str) -> Rules:
    """The rules of a text that `encode_rules` made. Raises ValueError on any other text."""
    try:
        return _rules(json.loads(text))
    except _UNREADABLE as error:
        reason = f"{type(error).__name__} {error}"[:120]
        raise ValueError(f"expected the rules of visits, got {text[:60]!r} ({reason})") from error


def _no_later(at: datetime, length: timedelta) -> datetime:
    try:
        return at + length
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def _rules(values: Any) -> Rules:
    if not isinstance(values, dict):
        raise ValueError("expected an object")
    closes_at = values.pop("closes_at")
    zone = values.pop("zone")
    entrances, exits = values.pop("entrances"), values.pop("exits")
    rooms, counted = values.pop("rooms", []), values.pop("counted", [])  # a text of an older version has none
    return Rules(
        closes_at=None if closes_at is None else time.fromisoformat(closes_at),
        zone=UTC if zone == "UTC" else ZoneInfo(zone),
        entrances=_cameras(entrances),
        exits=_cameras(exits),
        rooms=_cameras(rooms),
        counted=_cameras(counted),
        **{name: timedelta(seconds=seconds) for name, seconds in values.items()},
    )


def _cameras(value: object) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError("expected a list with the ids of cameras")
    return frozenset(value)


def _plain(value: object) -> object:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, time):
        return value.isoformat()
    if isinstance(value, tzinfo):
        name = getattr(value, "key", None) or ("UTC" if value is UTC else None)
        if name is None:
            raise ValueError(f"zone: expected UTC or an IANA zone, got {value}")
        return name
    return value
