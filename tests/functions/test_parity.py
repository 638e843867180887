"""The functions and a machine's store say the same of the same events, in whatever order those are delivered."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from random import Random

import pytest

from tests.functions.gym import BERLIN, SITE, Gym, assert_as_on_the_edge, on_the_edge
from tracker.cloud import documents
from tracker.presence.events import Event
from tracker.presence.rules import Rules
from tracker.presence.sessions import SessionState
from tracker.simulation.cast import cast_of
from tracker.simulation.plan import Noise, Plan
from tracker.simulation.profiles import PROFILES, ProfileName
from tracker.simulation.site import simulate

NOISE = Noise(miss=0.05, confuse=0.03, skew=timedelta(seconds=2), outage=timedelta(minutes=40), duplicate=0.1)


def month(profile: ProfileName, *, people: int, days: int, rooms: int, seed: int) -> tuple[list[Event], Rules]:
    """What the cameras of a simulated place tell in the weeks in which the clock goes forward, and its rules."""
    plan = Plan(
        profile=PROFILES[profile],
        people=people,
        days=days,
        doors=1,
        rooms=rooms,
        first_day=date(2026, 3, 9),
        zone=BERLIN,
        site_id=SITE,
        seed=seed,
    )
    doors = frozenset(plan.door_ids)
    rules = Rules(
        closes_at=plan.profile.closes, zone=BERLIN, entrances=doors, exits=doors, min_visit=timedelta(minutes=3)
    )
    days_of = simulate(plan, NOISE, cast_of(plan), until=plan.ends_at)
    return [event for day in days_of for event in day.reports.events], rules


def shuffled(events: list[Event], dice: Random) -> list[Event]:
    """The events in any order, every tenth twice."""
    deliveries = [*events, *dice.choices(events, k=len(events) // 10)]
    dice.shuffle(deliveries)
    return deliveries


@pytest.mark.parametrize(
    ("profile", "people", "days", "rooms", "seed"),
    [
        pytest.param(ProfileName.GYM, 7, 35, 0, 1, id="gym-with-a-door-five-weeks"),
        pytest.param(ProfileName.OFFICE, 2, 4, 1, 2, id="office-with-a-room-four-days"),
        pytest.param(ProfileName.SHOP, 30, 28, 0, 3, id="shop-with-strangers-four-weeks"),
    ],
)
def test_visits_and_usage_of_simulated_weeks(
    gym: Gym, tmp_path: Path, profile: ProfileName, people: int, days: int, rooms: int, seed: int
) -> None:
    events, gym.rules = month(profile, people=people, days=days, rooms=rooms, seed=seed)
    gym.open()
    gym.send(shuffled(events, Random(seed)))
    assert len(gym.sessions()) > 5
    with on_the_edge(events, tmp_path / "edge.sqlite3", rules=gym.rules) as store:
        assert_as_on_the_edge(gym, store)


def test_at_noon_of_the_last_day_the_same_people_are_in(gym: Gym, tmp_path: Path) -> None:
    events, gym.rules = month(ProfileName.OFFICE, people=6, days=3, rooms=0, seed=5)
    gym.now = max(event.at for event in events).replace(hour=11)
    gym.open()
    events = [event for event in events if event.at <= gym.now]
    gym.send(shuffled(events, Random(5)))
    with on_the_edge(events, tmp_path / "edge.sqlite3", rules=gym.rules) as store:
        found = store.sessions(site_id=SITE, rules=gym.rules, now=gym.now)
        assert gym.sessions() == {each.session_id: documents.session_document(each) for each in found}
    assert {each.state for each in found} == set(SessionState)
