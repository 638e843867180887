"""Simulated months: the events of a place, and the order of their delivery."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random

from functions import schedule
from functions.site import site_of
from tests.functions.gym import BERLIN, SITE, Gym
from tracker.cloud.paths import site_path
from tracker.presence.events import Event
from tracker.presence.rules import Rules
from tracker.simulation.people import people_of
from tracker.simulation.profiles import PROFILES, ProfileName
from tracker.simulation.scenario import Noise, Scenario
from tracker.simulation.site import simulate

NOISE = Noise(miss=0.05, confuse=0.03, skew=timedelta(seconds=2), outage=timedelta(minutes=40), duplicate=0.1)
MARCH = date(2026, 3, 1)
"""In which the clock goes forward."""
_LATE = ((0.85, timedelta(seconds=3)), (0.97, timedelta(hours=2)), (1.0, timedelta(days=3)))
"""How late so many of the deliveries are at most."""


def month(
    profile: ProfileName, *, people: int, rooms: int = 0, days: int = 31, seed: int = 1
) -> tuple[list[Event], Rules]:
    """The events of the noisy cameras of a simulated place from the first of March on, and its rules."""
    scenario = Scenario(
        profile=PROFILES[profile],
        people=people,
        days=days,
        doors=1,
        rooms=rooms,
        first_day=MARCH,
        zone=BERLIN,
        site_id=SITE,
        seed=seed,
    )
    doors = frozenset(scenario.door_ids)
    rules = Rules(
        closes_at=scenario.profile.closes, zone=BERLIN, entrances=doors, exits=doors, min_visit=timedelta(minutes=3)
    )
    days_of = simulate(scenario, NOISE, people_of(scenario), until=scenario.ends_at)
    return [event for day in days_of for event in day.camera_output.events], rules


def in_any_order(events: list[Event], seed: int = 1) -> Iterator[tuple[datetime, Event]]:
    """The events when all is long over, shuffled, every tenth twice."""
    rng = Random(seed)
    deliveries = [*events, *rng.choices(events, k=len(events) // 10)]
    rng.shuffle(deliveries)
    over = max(event.at for event in events) + timedelta(days=9)
    return ((over, each) for each in deliveries)


def as_it_happens(events: list[Event], seed: int = 1) -> Iterator[tuple[datetime, Event]]:
    """The events soon after they happened but for some that come hours or days late, every tenth twice."""
    rng = Random(seed)
    deliveries = []
    for each in [*events, *rng.choices(events, k=len(events) // 10)]:
        share = rng.random()
        latest = next(late for most, late in _LATE if share <= most)
        deliveries.append((each.at + rng.random() * latest, each))
    return iter(sorted(deliveries, key=lambda delivery: (delivery[0], delivery[1].event_id)))


def deliver(gym: Gym, deliveries: Iterator[tuple[datetime, Event]]) -> None:
    """Deliver to the functions, whose clock is the time of each delivery, and run the schedule every hour in between.

    Afterwards it is nine days later, and sessions that are due are closed.
    """
    due: datetime | None = None
    for at, event in deliveries:
        while due is not None and due < at:
            _close_due(gym, due)
            due += timedelta(hours=1)
        gym.now, due = at, due or at + timedelta(hours=1)
        gym.send([event])
    gym.now += timedelta(days=9)
    _close_due(gym, gym.now)


def _close_due(gym: Gym, now: datetime) -> None:
    site = site_of(SITE, gym.client.document(site_path(SITE)).get().to_dict())
    schedule.close_due(gym.client, site, now=now)
