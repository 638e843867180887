"""The simulated scenario: the place, its people and cameras, and the cameras' faults."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from random import Random

from tracker.presence.calendar import day_range
from tracker.simulation.profiles import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A place over some days. Deterministic: the same scenario gives the same days on every machine.

    people: number of different people, staff and strangers included. doors: number of cameras at doors, which see
    everybody who enters or leaves. rooms: number of cameras inside. zone: time zone of the place. seed: for the random
    numbers. Raises ValueError on numbers out of range.
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

    def rng(self, *purpose: object) -> Random:
        """A random number generator for one purpose, independent of the others."""
        return Random("/".join(str(part) for part in (self.seed, self.profile.name, *purpose)))  # noqa: S311 - not cryptographic


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """Camera faults. All zero means perfect cameras.

    miss: probability that a door crossing, or a view by a room camera, is not reported. confuse: probability that it is
    reported for a look-alike. skew: maximum difference of two cameras' clocks. outage: daily downtime of each camera,
    alternating between blind and offline (events arrive late). duplicate: probability that an event is delivered twice.
    unseen_faces: probability that a crossing, or a view, shows no face that can be recognised: it is reported for
    somebody unidentified.
    Raises ValueError outside 0..1 and on negative times.
    """

    miss: float = 0.0
    confuse: float = 0.0
    skew: timedelta = timedelta(0)
    outage: timedelta = timedelta(0)
    duplicate: float = 0.0
    unseen_faces: float = 0.0

    def __post_init__(self) -> None:
        for name in ("miss", "confuse", "duplicate", "unseen_faces"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name}: expected 0..1, got {getattr(self, name)}")
        for name in ("skew", "outage"):
            if getattr(self, name) < timedelta(0):
                raise ValueError(f"{name}: expected 0 s or more, got {getattr(self, name).total_seconds()} s")
