from __future__ import annotations

from collections.abc import Iterable

from tests.tracker.presence.timelines import BERLIN, DAY, NOON, PEOPLE, at, stay, visits_of
from tracker.presence import reports
from tracker.presence.occupancy import OccupancyPoint, occupancy_of, peak


def steps(points: Iterable[OccupancyPoint]) -> list[tuple[str, int]]:
    return [(point.at.astimezone(BERLIN).strftime("%H:%M"), point.people) for point in points]


def test_occupancy_is_a_step_function_that_leaves_gaps_out() -> None:
    found = visits_of(
        stay("ada", at("8:00"), at("9:00")),
        stay("bob", at("8:30"), at("8:50")),
        stay("bob", at("8:54"), at("9:30")),
        now=NOON,
    )
    points = reports.occupancy(found, PEOPLE, since=at("7:00"), until=at("10:00"), now=NOON)
    assert steps(points) == [
        ("07:00", 0),
        ("08:00", 1),
        ("08:30", 2),
        ("08:50", 1),
        ("08:54", 2),
        ("09:00", 1),
        ("09:30", 0),
        ("10:00", 0),
    ]
    assert peak(points) == OccupancyPoint(at("8:30"), 2)


def test_occupancy_knows_who_was_in_before_the_range_and_stays_after_it() -> None:
    found = visits_of(stay("ada", at("8:00"), at("11:00")), stay("bob", at("8:00"), None), now=NOON)
    assert steps(occupancy_of(found, since=at("9:00"), until=at("10:00"), now=NOON)) == [("09:00", 2), ("10:00", 2)]


def test_occupancy_ends_at_now() -> None:
    found = visits_of(stay("ada", at("8:00"), None), now=at("9:00"))
    points = occupancy_of(found, since=at("8:30"), until=at("23:00"), now=at("9:00"))
    assert steps(points) == [("08:30", 1), ("09:00", 1)]


def test_occupancy_at_the_end_of_the_range_knows_who_comes_and_goes_just_then() -> None:
    found = visits_of(stay("ada", at("8:00"), at("9:00")), now=NOON)
    assert steps(occupancy_of(found, since=at("8:00"), until=at("9:00"), now=NOON)) == [("08:00", 1), ("09:00", 0)]
    found = visits_of(stay("ada", at("9:00"), at("10:00")), now=NOON)
    points = occupancy_of(found, since=at("8:00"), until=at("9:00"), now=NOON)
    assert (steps(points), peak(points)) == ([("08:00", 0), ("09:00", 0)], None)
    found = visits_of(stay("ada", at("9:00"), None), now=at("9:00"))
    assert steps(occupancy_of(found, since=at("8:00"), until=NOON, now=at("9:00"))) == [("08:00", 0), ("09:00", 1)]


def test_one_leaves_as_another_comes_and_occupancy_stays() -> None:
    found = visits_of(stay("ada", at("8:00"), at("9:00")), stay("bob", at("9:00"), at("10:00")), now=NOON)
    points = occupancy_of(found, since=at("8:00"), until=at("9:30"), now=NOON)
    assert steps(points) == [("08:00", 1), ("09:30", 1)]


def test_the_peak_is_the_first_of_equals() -> None:
    points = [OccupancyPoint(at("8:00"), 2), OccupancyPoint(at("9:00"), 1), OccupancyPoint(at("10:00"), 2)]
    assert peak(points) == points[0]
    assert peak([OccupancyPoint(DAY, 0)]) is None
    assert peak([]) is None
