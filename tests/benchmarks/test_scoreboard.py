"""Accuracy of the session algorithm on simulated places: exact without noise, bounded errors with noise."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from functools import cache

import pytest

from benchmarks.visit_score import CountedScore, Score, ScoredVisit, counted_score, score, true_visits
from tests.tracker.simulation.places import place
from tracker.presence.events import is_unidentified
from tracker.presence.occupancy import Passage, cameras_of, count, resets
from tracker.presence.rules import Rules
from tracker.presence.sessions import SessionState, sessions, without_duplicates
from tracker.simulation.cameras import camera_output_on
from tracker.simulation.people import people_of
from tracker.simulation.profiles import ProfileName
from tracker.simulation.scenario import Noise, Scenario
from tracker.simulation.site import simulate

EVERY_PLACE = [(name, rooms) for name in ProfileName for rooms in (0, 2)]
PEOPLE = {ProfileName.GYM: 120, ProfileName.OFFICE: 120, ProfileName.SHOP: 600}
NOISE = Noise(miss=0.05, confuse=0.01, skew=timedelta(seconds=2), duplicate=0.02)


def rules_of(scenario: Scenario) -> Rules:
    doors = frozenset(scenario.door_ids)
    rooms = frozenset(scenario.room_ids)
    return Rules(entrances=doors, exits=doors, rooms=rooms, closes_at=scenario.profile.closes, zone=scenario.zone)


@cache
def scored(scenario: Scenario, noise: Noise) -> Score:
    rules = rules_of(scenario)
    days = list(simulate(scenario, noise, people_of(scenario)))
    now = scenario.ends_at + timedelta(days=1)
    found = sessions((event for day in days for event in day.camera_output.events), rules=rules, now=now)
    truth = true_visits((segment for day in days for segment in day.segments), merge_gap=rules.merge_gap)
    visits = [ScoredVisit.of(session, now) for session in found]
    return score(truth, visits, zone=scenario.zone, tolerance=rules.skew)


@pytest.mark.parametrize(("name", "rooms"), EVERY_PLACE)
def test_perfect_cameras_reproduce_the_truth(name: ProfileName, rooms: int) -> None:
    found = scored(place(name, rooms=rooms, days=10), Noise(duplicate=0.1))
    assert found.visits > 10
    assert (found.entries, found.exits, found.matched, found.invented) == (1.0, 1.0, 1.0, 0.0)
    assert (found.on_time, found.measured, found.dwell_p95, found.occupancy) == (1.0, 1.0, 0.0, 0.0)


@pytest.mark.parametrize(("name", "rooms"), EVERY_PLACE)
def test_noisy_cameras_stay_accurate(name: ProfileName, rooms: int) -> None:
    found = scored(place(name, people=PEOPLE[name], rooms=rooms, days=10), NOISE)
    assert found.matched is not None
    assert found.matched >= (0.995 if rooms else 0.99)
    assert found.dwell_median is not None
    assert found.dwell_median <= 0.001


@pytest.mark.parametrize("name", ProfileName)
def test_entries_with_doors_and_rooms_are_within_one_percent(name: ProfileName) -> None:
    found = scored(place(name, people=PEOPLE[name], rooms=2, days=10), NOISE)
    assert found.total == pytest.approx(1.0, abs=0.01)
    assert found.invented is not None
    assert found.invented <= 0.01
    assert found.occupancy is not None
    assert found.occupancy <= 0.02


@pytest.mark.parametrize("name", ProfileName)
def test_with_doors_only_a_confused_crossing_adds_at_most_one_visit(name: ProfileName) -> None:
    found = scored(place(name, people=PEOPLE[name], rooms=0, days=10), NOISE)
    assert found.total == pytest.approx(1.0, abs=0.025)


@pytest.mark.parametrize("name", ProfileName)
def test_confused_people_are_not_inside_all_day(name: ProfileName) -> None:
    """Occupancy at a time, from the events that had arrived by then."""
    scenario = place(name, people=PEOPLE[name], rooms=2, days=4)
    people = people_of(scenario)
    people_by_id = {person.record.person_id: person for person in people}
    day = list(simulate(scenario, NOISE, people))[-1]
    wrong = true = 0
    for hour in range(10, 20, 2):
        at = datetime.combine(day.date, time(hour), scenario.zone)
        output = camera_output_on(day.date, day.segments, scenario, NOISE, people_by_id, until=at)
        found = sessions(output.events, rules=rules_of(scenario), now=at, presences=output.presences)
        inside = sum(segment.entered_at <= at < segment.left_at for segment in day.segments)
        wrong += abs(sum(visit.state is SessionState.OPEN for visit in found) - inside)
        true += inside
    assert true > 20
    assert wrong <= 0.25 * true


LIGHT = Noise(miss=0.01, confuse=0.002, skew=timedelta(seconds=0.5), duplicate=0.01)


@cache
def counted(scenario: Scenario, noise: Noise) -> CountedScore:
    rules = replace(rules_of(scenario), counted=frozenset(scenario.door_ids))
    days = list(simulate(scenario, noise, people_of(scenario)))
    events = without_duplicates(event for day in days for event in day.camera_output.events)
    truth = true_visits((segment for day in days for segment in day.segments), merge_gap=timedelta())
    first = min(visit.started_at for visit in truth)
    passages = [Passage.of(event) for event in events if event.camera_id in cameras_of(rules)]
    return counted_score(truth, count(passages, rules, since=resets(rules, first, first)[0]))


@pytest.mark.parametrize(("name", "rooms"), EVERY_PLACE)
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_everybody_is_counted_with_or_without_a_face(name: ProfileName, rooms: int, share: float) -> None:
    scenario = place(name, people=PEOPLE[name], rooms=rooms, days=6)
    perfect = counted(scenario, Noise(unseen_faces=share, duplicate=0.1))
    assert (perfect.entries, perfect.occupancy) == (1.0, 0.0)
    assert perfect.recognised == pytest.approx(1 - share, abs=0.05)
    found = counted(scenario, replace(LIGHT, unseen_faces=share))
    assert found.entries == pytest.approx(1.0, abs=0.02)
    assert found.occupancy is not None
    assert found.occupancy < 0.03


def test_named_visits_are_those_of_the_crossings_with_a_face() -> None:
    scenario = place(ProfileName.GYM, people=120, rooms=2, days=4)
    now = scenario.ends_at + timedelta(days=1)
    days = simulate(scenario, Noise(unseen_faces=0.5), people_of(scenario))
    events = [event for day in days for event in day.camera_output.events]
    named = [event for event in events if not is_unidentified(event.person_id)]
    assert len(named) == pytest.approx(len(events) / 2, rel=0.1)
    assert sessions(events, rules=rules_of(scenario), now=now) == sessions(named, rules=rules_of(scenario), now=now)


def test_clock_skew_neither_splits_nor_adds_visits() -> None:
    scenario = replace(place(ProfileName.GYM, people=120, days=10), doors=4)
    found = scored(scenario, Noise(skew=timedelta(seconds=2)))
    assert (found.matched, found.invented, found.on_time) == (1.0, 0.0, 1.0)
