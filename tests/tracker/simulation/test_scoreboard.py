"""The session algorithm against simulated places: exact without noise, and never worse than it was with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.tracker.simulation.places import place
from tracker.presence.rules import Rules
from tracker.presence.sessions import sessions
from tracker.simulation.cast import cast_of
from tracker.simulation.plan import Noise, Plan
from tracker.simulation.profiles import ProfileName
from tracker.simulation.score import Score, Visit, score
from tracker.simulation.site import simulate
from tracker.simulation.truth import true_visits

EVERY_PLACE = [(name, rooms) for name in ProfileName for rooms in (0, 2)]
NOISE = Noise(miss=0.05, confuse=0.01, skew=timedelta(seconds=2), duplicate=0.02)


def scored(plan: Plan, noise: Noise) -> Score:
    doors = frozenset(plan.door_ids)
    rules = Rules(entrances=doors, exits=doors, closes_at=plan.profile.closes, zone=plan.zone)
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
    found = scored(place(name, people=120, rooms=rooms, days=10), NOISE)
    assert found.matched is not None
    assert found.matched >= 0.98
    assert found.dwell_median is not None
    assert found.dwell_median <= 0.02


def test_clocks_that_differ_neither_tear_visits_nor_invent_any() -> None:
    plan = replace(place(ProfileName.GYM, people=120, days=10), doors=4)
    found = scored(plan, Noise(skew=timedelta(seconds=2)))
    assert (found.matched, found.invented, found.on_time) == (1.0, 0.0, 1.0)
