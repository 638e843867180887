"""The truth of a simulated place: it keeps its hours, repeats itself, and nobody is in two places."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from statistics import median
from zoneinfo import ZoneInfo

import pytest

from tests.tracker.simulation.places import place
from tracker.presence.people import PersonKind, Role
from tracker.simulation.cast import cast_of
from tracker.simulation.plan import Noise, Plan
from tracker.simulation.profiles import PROFILES, ProfileName
from tracker.simulation.site import simulate
from tracker.simulation.truth import Stay, stay_to_document, stays_on, true_visits

BERLIN = ZoneInfo("Europe/Berlin")
each_profile = pytest.mark.parametrize("name", list(ProfileName))


def stays_of(plan: Plan) -> list[Stay]:
    cast = cast_of(plan)
    return [stay for day in plan.all_days for stay in stays_on(day, plan, cast)]


@each_profile
def test_people_come_and_go_in_opening_hours_on_open_days(name: ProfileName) -> None:
    plan = place(name)
    for stay in stays_of(plan):
        came, left = stay.entered_at.astimezone(BERLIN), stay.left_at.astimezone(BERLIN)
        assert plan.profile.opens <= came.time() < left.time() <= plan.profile.closes
        assert came.date() == left.date()
        assert plan.profile.weekdays[came.weekday()] > 0


@each_profile
def test_nobody_is_in_twice_at_once_and_sights_lie_within_the_stay(name: ProfileName) -> None:
    by_person: dict[str, list[Stay]] = {}
    for stay in stays_of(place(name)):
        by_person.setdefault(stay.person_id, []).append(stay)
        for sight in stay.sights:
            assert stay.entered_at < sight.since < sight.until < stay.left_at
        for camera_id in {sight.camera_id for sight in stay.sights}:
            mine = [sight for sight in stay.sights if sight.camera_id == camera_id]
            assert all(later.since - earlier.until > timedelta(seconds=30) for earlier, later in pairwise(mine))
    assert by_person
    for stays in by_person.values():
        assert all(later.entered_at > earlier.left_at for earlier, later in pairwise(stays))


def test_the_same_plan_gives_the_same_days_and_another_seed_others() -> None:
    plan = place(ProfileName.GYM)
    assert stays_of(plan) == stays_of(plan)
    assert stays_of(plan) != stays_of(replace(plan, seed=plan.seed + 1))


def test_noise_and_the_present_leave_the_truth_as_it_is() -> None:
    plan = place(ProfileName.GYM)
    cast = cast_of(plan)
    quiet = [stay for day in simulate(plan, Noise(), cast) for stay in day.stays]
    loud = [stay for day in simulate(plan, Noise(miss=0.3, confuse=0.1, duplicate=0.2), cast) for stay in day.stays]
    assert quiet == loud
    noon = datetime(2026, 1, 7, 12, tzinfo=UTC)
    until_noon = [stay for day in simulate(plan, Noise(), cast, until=noon) for stay in day.stays]
    assert until_noon == [stay for stay in quiet if stay.entered_at <= noon]


@pytest.mark.parametrize(
    ("name", "least_min", "most_min"),
    [(ProfileName.GYM, 55, 80), (ProfileName.OFFICE, 150, 330), (ProfileName.SHOP, 9, 20)],
)
def test_visits_last_as_long_as_in_such_places(name: ProfileName, least_min: float, most_min: float) -> None:
    visits = true_visits(stays_of(place(name, days=14)), merge_gap=timedelta(minutes=5))
    assert least_min < median(visit.dwell_s for visit in visits) / 60 < most_min


def test_a_gym_is_fullest_in_the_evening_then_in_the_morning() -> None:
    hours = [stay.entered_at.astimezone(BERLIN).hour for stay in stays_of(place(ProfileName.GYM, days=14))]
    morning, midday, evening = (sum(start <= hour < start + 3 for hour in hours) for start in (6, 9, 17))
    assert evening > morning > midday


def test_the_cast_has_staff_regulars_and_strangers_with_names_of_their_own() -> None:
    cast = cast_of(place(ProfileName.GYM, people=900))
    people = [player.person for player in cast]
    assert len({person.person_id for person in people}) == len({person.name.casefold() for person in people}) == 900
    assert sum(person.role is Role.STAFF for person in people) == 27
    assert sum(person.kind is PersonKind.VISITOR for person in people) == 153
    assert all(person.person_id not in player.doubles for person, player in zip(people, cast, strict=True))


@pytest.mark.parametrize("people", [1, 2])
def test_a_place_of_one_or_two_people_works(people: int) -> None:
    cast = cast_of(place(ProfileName.OFFICE, people=people))
    assert len(cast) == people
    assert all(len(player.doubles) == (0 if people == 1 else 2) for player in cast)


def test_days_with_a_changed_clock_keep_the_opening_hours() -> None:
    plan = place(ProfileName.GYM, first_day=date(2026, 3, 29), days=1)
    hours = {stay.entered_at.astimezone(BERLIN).hour for stay in stays_of(plan)}
    assert hours <= set(range(6, 22))
    assert len(hours) > 5


def test_stays_within_the_merge_gap_are_one_visit_without_the_time_outside() -> None:
    def stay(start_min: float, end_min: float, person: str = "ada") -> Stay:
        noon = datetime(2026, 1, 5, 12, tzinfo=UTC)
        return Stay(
            person_id=person,
            entered_at=noon + timedelta(minutes=start_min),
            left_at=noon + timedelta(minutes=end_min),
            entered_by="door-1",
            left_by="door-1",
        )

    visits = true_visits(
        [stay(15, 30), stay(0, 10), stay(35.1, 40), stay(12, 50, "bob")], merge_gap=timedelta(minutes=5)
    )
    assert [(visit.person_id, len(visit.stays), visit.dwell_s / 60) for visit in visits] == [
        ("ada", 2, 25), ("bob", 1, 38), ("ada", 1, pytest.approx(4.9)),
    ]  # fmt: skip


def test_the_truth_of_somebody_who_is_still_in_has_no_end() -> None:
    stay = stays_of(place(ProfileName.GYM))[0]
    middle = stay.entered_at + (stay.left_at - stay.entered_at) / 2
    document = stay_to_document(stay, site_id="gym", until=middle)
    assert (document["left_at"], document["left_by"]) == (None, None)
    assert document["entered_by"] == stay.entered_by
    done = stay_to_document(stay, site_id="gym", until=stay.left_at)
    assert done["left_by"] == stay.left_by


@pytest.mark.parametrize("field", ["people", "days", "doors"])
def test_a_plan_without_people_days_or_doors_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match=field):
        replace(place(ProfileName.GYM), **{field: 0})


def test_profiles_have_a_name_each() -> None:
    assert {name: profile.name for name, profile in PROFILES.items()} == {name: name for name in ProfileName}
