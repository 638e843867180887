"""The ground truth of a simulated place."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from statistics import median
from zoneinfo import ZoneInfo

import pytest

from benchmarks.visit_score import true_visits
from tests.tracker.simulation.places import place
from tracker.presence.people import PersonKind, Role
from tracker.simulation.people import people_of
from tracker.simulation.profiles import PROFILES, ProfileName
from tracker.simulation.scenario import Noise, Scenario
from tracker.simulation.site import simulate
from tracker.simulation.truth import Segment, segment_to_document, segments_on

BERLIN = ZoneInfo("Europe/Berlin")
each_profile = pytest.mark.parametrize("name", list(ProfileName))


def segments_of(scenario: Scenario) -> list[Segment]:
    people = people_of(scenario)
    return [segment for day in scenario.all_days for segment in segments_on(day, scenario, people)]


@each_profile
def test_people_enter_and_leave_during_opening_hours(name: ProfileName) -> None:
    scenario = place(name)
    for segment in segments_of(scenario):
        came, left = segment.entered_at.astimezone(BERLIN), segment.left_at.astimezone(BERLIN)
        assert scenario.profile.opens <= came.time() < left.time() <= scenario.profile.closes
        assert came.date() == left.date()
        assert scenario.profile.weekdays[came.weekday()] > 0


@each_profile
def test_segments_do_not_overlap_and_contain_their_views(name: ProfileName) -> None:
    by_person: dict[str, list[Segment]] = {}
    for segment in segments_of(place(name)):
        by_person.setdefault(segment.person_id, []).append(segment)
        for view in segment.views:
            assert segment.entered_at < view.since < view.until < segment.left_at
        for camera_id in {view.camera_id for view in segment.views}:
            mine = [view for view in segment.views if view.camera_id == camera_id]
            assert all(later.since - earlier.until > timedelta(seconds=30) for earlier, later in pairwise(mine))
    assert by_person
    for segments in by_person.values():
        assert all(later.entered_at > earlier.left_at for earlier, later in pairwise(segments))


def test_scenario_is_deterministic_by_seed() -> None:
    scenario = place(ProfileName.GYM)
    assert segments_of(scenario) == segments_of(scenario)
    assert segments_of(scenario) != segments_of(replace(scenario, seed=scenario.seed + 1))


def test_truth_is_independent_of_noise_and_until() -> None:
    scenario = place(ProfileName.GYM)
    people = people_of(scenario)
    quiet = [segment for day in simulate(scenario, Noise(), people) for segment in day.segments]
    loud = [
        segment
        for day in simulate(scenario, Noise(miss=0.3, confuse=0.1, duplicate=0.2), people)
        for segment in day.segments
    ]
    assert quiet == loud
    noon = datetime(2026, 1, 7, 12, tzinfo=UTC)
    until_noon = [segment for day in simulate(scenario, Noise(), people, until=noon) for segment in day.segments]
    assert until_noon == [segment for segment in quiet if segment.entered_at <= noon]


@pytest.mark.parametrize(
    ("name", "least_min", "most_min"),
    [(ProfileName.GYM, 55, 80), (ProfileName.OFFICE, 150, 330), (ProfileName.SHOP, 9, 20)],
)
def test_visit_lengths_match_the_profile(name: ProfileName, least_min: float, most_min: float) -> None:
    visits = true_visits(segments_of(place(name, days=14)), merge_gap=timedelta(minutes=5))
    assert least_min < median(visit.dwell_s or 0 for visit in visits) / 60 < most_min


def test_gym_peaks_in_the_evening_and_morning() -> None:
    hours = [segment.entered_at.astimezone(BERLIN).hour for segment in segments_of(place(ProfileName.GYM, days=14))]
    morning, midday, evening = (sum(start <= hour < start + 3 for hour in hours) for start in (6, 9, 17))
    assert evening > morning > midday


def test_people_are_staff_regulars_and_strangers_with_distinct_names() -> None:
    people = people_of(place(ProfileName.GYM, people=900))
    records = [person.record for person in people]
    assert len({record.person_id for record in records}) == len({record.name.casefold() for record in records}) == 900
    assert sum(record.role is Role.STAFF for record in records) == 27
    assert sum(record.kind is PersonKind.VISITOR for record in records) == 153
    assert all(person.record.person_id not in person.lookalikes for person in people)


@pytest.mark.parametrize("count", [1, 2])
def test_one_or_two_people(count: int) -> None:
    people = people_of(place(ProfileName.OFFICE, people=count))
    assert len(people) == count
    assert all(len(person.lookalikes) == (0 if count == 1 else 2) for person in people)


def test_opening_hours_on_daylight_saving_changes() -> None:
    scenario = place(ProfileName.GYM, first_day=date(2026, 3, 29), days=1)
    hours = {segment.entered_at.astimezone(BERLIN).hour for segment in segments_of(scenario)}
    assert hours <= set(range(6, 22))
    assert len(hours) > 5


def test_segment_of_a_person_inside_has_no_end() -> None:
    segment = segments_of(place(ProfileName.GYM))[0]
    middle = segment.entered_at + (segment.left_at - segment.entered_at) / 2
    document = segment_to_document(segment, site_id="gym", until=middle)
    assert (document["left_at"], document["left_by"]) == (None, None)
    assert document["entered_by"] == segment.entered_by
    done = segment_to_document(segment, site_id="gym", until=segment.left_at)
    assert done["left_by"] == segment.left_by


@pytest.mark.parametrize("field", ["people", "days", "doors"])
def test_scenario_without_people_days_or_doors_is_rejected(field: str) -> None:
    with pytest.raises(ValueError, match=field):
        replace(place(ProfileName.GYM), **{field: 0})


def test_profiles_are_keyed_by_name() -> None:
    assert {name: profile.name for name, profile in PROFILES.items()} == {name: name for name in ProfileName}
