"""What is simulated: the place, its people, its cameras, and what goes wrong with them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from random import Random

from tracker.presence.calendar import day_range
from tracker.simulation.profiles import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A place over some days. Everything follows from it: the same plan gives the same days on every machine.

    people: how many different people come at all, staff and strangers included. doors: cameras at doors that see
    everybody who comes or goes; rooms: cameras that watch the inside. zone: the place's clock. seed: another number
    gives other people and other days. Raises ValueError on numbers that make no place.
    """

    profile: Profile
    people: int
    days: int
    doors: int
    rooms: int
    first_day: date
    zone: tzinfo
    site_id: str = "main"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("people", 1), ("days", 1), ("doors", 1), ("rooms", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name}: expected {least} or more, got {getattr(self, name)}")

    @property
    def door_ids(self) -> tuple[str, ...]:
        """Camera ids of the doors."""
        return tuple(f"door-{number}" for number in range(1, self.doors + 1))

    @property
    def room_ids(self) -> tuple[str, ...]:
        """Camera ids of the rooms."""
        return tuple(f"room-{number}" for number in range(1, self.rooms + 1))

    @property
    def camera_ids(self) -> tuple[str, ...]:
        return (*self.door_ids, *self.room_ids)

    @property
    def all_days(self) -> Iterable[date]:
        return (self.first_day + timedelta(days=number) for number in range(self.days))

    @property
    def ends_at(self) -> datetime:
        """The midnight after the last day, UTC."""
        return day_range(self.first_day, self.zone, days=self.days)[1]

    def dice(self, *purpose: object) -> Random:
        """Chance for one purpose, the same whatever was asked of it for others."""
        return Random("/".join(str(part) for part in (self.seed, self.profile.name, *purpose)))  # noqa: S311 - no secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """How far the cameras are from the truth. All zero is cameras that see all and err never.

    miss: chance that a crossing of a door, or a stay in a room's sight, is not reported. confuse: chance that it is
    reported of somebody else who looks alike. skew: how far the clocks of two cameras may differ. outage: how long
    each camera is down once a day, blind on one day and without network (its events come late) on the next.
    duplicate: chance that an event is delivered twice. Raises ValueError outside 0..1 and on negative times.
    """

    miss: float = 0.0
    confuse: float = 0.0
    skew: timedelta = timedelta(0)
    outage: timedelta = timedelta(0)
    duplicate: float = 0.0

    def __post_init__(self) -> None:
        for name in ("miss", "confuse", "duplicate"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name}: expected 0..1, got {getattr(self, name)}")
        for name in ("skew", "outage"):
            if getattr(self, name) < timedelta(0):
                raise ValueError(f"{name}: expected 0 s or more, got {getattr(self, name).total_seconds()} s")
