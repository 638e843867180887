"""The session algorithm against simulated places: exact without noise, and never worse than it was with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from functools import cache

import pytest

from tests.tracker.simulation.places import place
from tracker.presence.rules import Rules
from tracker.presence.sessions import SessionState, sessions
from tracker.simulation.cameras import reports_on
from tracker.simulation.cast import cast_of
from tracker.simulation.plan import Noise, Plan
from tracker.simulation.profiles import ProfileName
from tracker.simulation.score import Score, Visit, score
from tracker.simulation.site import simulate
from tracker.simulation.truth import true_visits

EVERY_PLACE = [(name, rooms) for name in ProfileName for rooms in (0, 2)]
PEOPLE = {ProfileName.GYM: 120, ProfileName.OFFICE: 120, ProfileName.SHOP: 600}
NOISE = Noise(miss=0.05, confuse=0.01, skew=timedelta(seconds=2), duplicate=0.02)


def rules_of(plan: Plan) -> Rules:
    doors = frozenset(plan.door_ids)
    rooms = frozenset(plan.room_ids)
    return Rules(entrances=doors, exits=doors, rooms=rooms, closes_at=plan.profile.closes, zone=plan.zone)


@cache
def scored(plan: Plan, noise: Noise) -> Score:
    rules = rules_of(plan)
    days = list(simulate(plan, noise, cast_of(plan)))
    now = plan.ends_at + timedelta(days=1)
    found = sessions((event for day in days for event in day.reports.events), rules=rules, now=now)
    truth = true_visits((stay for day in days for stay in day.stays), merge_gap=rules.merge_gap)
    return score(
        [Visit(person_id=v.person_id, started_at=v.started_at, ended_at=v.ended_at, dwell_s=v.dwell_s) for v in truth],
        [
            Visit(
                person_id=session.person_id,
                started_at=session.started_at,
                ended_at=session.ended_at or now,
                dwell_s=session.dwell_s if session.dwell_known else None,
            )
            for session in found
        ],
        zone=plan.zone,
        tolerance=rules.skew,
    )


@pytest.mark.parametrize(("name", "rooms"), EVERY_PLACE)
def test_cameras_that_miss_nothing_give_exactly_the_truth(name: ProfileName, rooms: int) -> None:
    found = scored(place(name, rooms=rooms, days=10), Noise(duplicate=0.1))
    assert found.visits > 10
    assert (found.entries, found.exits, found.matched, found.invented) == (1.0, 1.0, 1.0, 0.0)
    assert (found.on_time, found.measured, found.dwell_p95, found.occupancy) == (1.0, 1.0, 0.0, 0.0)


@pytest.mark.parametrize(("name", "rooms"), EVERY_PLACE)
def test_noisy_cameras_lose_hardly_a_visit_and_hardly_a_minute(name: ProfileName, rooms: int) -> None:
    found = scored(place(name, people=PEOPLE[name], rooms=rooms, days=10), NOISE)
    assert found.matched is not None
    assert found.matched >= (0.995 if rooms else 0.99)
    assert found.dwell_median is not None
    assert found.dwell_median <= 0.001


@pytest.mark.parametrize("name", ProfileName)
def test_where_doors_and_rooms_are_watched_entries_are_right_within_a_hundredth(name: ProfileName) -> None:
    found = scored(place(name, people=PEOPLE[name], rooms=2, days=10), NOISE)
    assert found.total == pytest.approx(1.0, abs=0.01)
    assert found.invented is not None
    assert found.invented <= 0.01
    assert found.occupancy is not None
    assert found.occupancy <= 0.02


@pytest.mark.parametrize("name", ProfileName)
def test_with_doors_alone_each_confused_crossing_makes_at_most_one_visit_too_many(name: ProfileName) -> None:
    found = scored(place(name, people=PEOPLE[name], rooms=0, days=10), NOISE)
    assert found.total == pytest.approx(1.0, abs=0.025)


@pytest.mark.parametrize("name", ProfileName)
def test_nobody_who_was_taken_for_somebody_else_is_in_all_day(name: ProfileName) -> None:
    """Who is in at a moment, by what had arrived by then, on a day after which nobody is in."""
    plan = place(name, people=PEOPLE[name], rooms=2, days=4)
    cast = cast_of(plan)
    players = {player.person.person_id: player for player in cast}
    day = list(simulate(plan, NOISE, cast))[-1]
    wrong = true = 0
    for hour in range(10, 20, 2):
        at = datetime.combine(day.date, time(hour), plan.zone)
        told = reports_on(day.date, day.stays, plan, NOISE, players, until=at)
        found = sessions(told.events, rules=rules_of(plan), now=at, presences=told.presences)
        inside = sum(stay.entered_at <= at < stay.left_at for stay in day.stays)
        wrong += abs(sum(visit.state is SessionState.OPEN for visit in found) - inside)
        true += inside
    assert true > 20
    assert wrong <= 0.25 * true


def test_clocks_that_differ_neither_tear_visits_nor_invent_any() -> None:
    plan = replace(place(ProfileName.GYM, people=120, days=10), doors=4)
    found = scored(plan, Noise(skew=timedelta(seconds=2)))
    assert (found.matched, found.invented, found.on_time) == (1.0, 0.0, 1.0)
