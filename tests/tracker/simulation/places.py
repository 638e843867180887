"""Small scenarios for tests of the simulation."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from tracker.simulation.profiles import PROFILES, ProfileName
from tracker.simulation.scenario import Scenario


def place(
    name: ProfileName,
    *,
    people: int = 60,
    days: int = 7,
    doors: int = 2,
    rooms: int | None = None,
    first_day: date = date(2026, 1, 5),
) -> Scenario:
    profile = PROFILES[name]
    return Scenario(
        profile=profile,
        people=people,
        days=days,
        doors=doors,
        rooms=profile.rooms if rooms is None else rooms,
        first_day=first_day,
        zone=ZoneInfo("Europe/Berlin"),
        site_id="gym",
        seed=7,
    )
