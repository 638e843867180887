"""Zones of a room, and the zone stays in them."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from tracker.presence.events import CameraRef
from tracker.presence.room import Sighting
from tracker.presence.zones import Zone, ZoneStay, linger

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
CAMERA = CameraRef("s", "c")
LEFT = Zone("left", ((0, 0), (0.5, 0), (0.5, 1), (0, 1)))
TOP = Zone("top", ((0, 0), (1, 0), (1, 0.3), (0, 0.3)))
NOTCHED = Zone("notched", ((0, 0), (1, 0), (1, 1), (0.5, 0.2), (0, 1)))


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def sighting(seconds: float, x: float, y: float = 0.5, person: str = "ada") -> Sighting:
    return Sighting(person_id=person, track_id="t", since=at(seconds), seen_at=at(seconds), x_frac=x, y_frac=y)


def follow(script: list[tuple[float, list[Sighting]]], *, ended: bool = True) -> list[tuple[str, str, float, float]]:
    open_: dict[tuple[str, str], ZoneStay] = {}
    found: list[ZoneStay] = []
    for index, (seconds, sightings) in enumerate(script):
        open_, over = linger(
            open_,
            sightings,
            camera=CAMERA,
            zones=[LEFT, TOP],
            now=at(seconds),
            ended=ended and index == len(script) - 1,
        )
        found += over
        assert all(stay.over for stay in over)
        assert not any(stay.over for stay in open_.values())
    assert not (ended and open_)
    return [
        (
            each.person_id,
            each.zone,
            (each.started_at - START).total_seconds(),
            (each.seen_at - each.started_at).total_seconds(),
        )
        for each in found
    ]


@pytest.mark.parametrize(
    ("zone", "place", "expected"),
    [
        pytest.param(LEFT, (0.25, 0.5), True, id="in-the-middle"),
        pytest.param(LEFT, (0.75, 0.5), False, id="beside"),
        pytest.param(LEFT, (0.0, 0.0), True, id="at-the-corner-of-the-frame"),
        pytest.param(LEFT, (0.5, 0.5), False, id="the-right-edge-is-out"),
        pytest.param(NOTCHED, (0.5, 0.1), True, id="above-the-notch"),
        pytest.param(NOTCHED, (0.5, 0.5), False, id="in-the-notch"),
        pytest.param(NOTCHED, (0.1, 0.5), True, id="left-of-the-notch"),
        pytest.param(NOTCHED, (0.9, 0.5), True, id="right-of-the-notch"),
    ],
)
def test_points_inside_a_zone(zone: Zone, place: tuple[float, float], expected: bool) -> None:
    assert zone.holds(*place) is expected
    assert Zone("other way round", zone.corners[::-1]).holds(*place) is expected


def test_adjacent_zones_contain_each_point_once() -> None:
    right = Zone("right", ((0.5, 0), (1, 0), (1, 1), (0.5, 1)))
    rng = random.Random(1)
    places = [(rng.random(), rng.random()) for _ in range(1000)] + [(0.5, step / 10) for step in range(10)]
    assert all(LEFT.holds(*place) is not right.holds(*place) for place in places)


@pytest.mark.parametrize(
    ("name", "corners", "message"),
    [
        pytest.param(" ", LEFT.corners, "name", id="no-name"),
        pytest.param("a", ((0, 0), (1, 1)), "three corners or more, got 2", id="two-corners"),
        pytest.param("a", ((0, 0), (1, 0), (1, 1.2)), "0 to 1", id="outside-the-frame"),
        pytest.param("a", ((0, 0), (0.5, 0.5), (1, 1)), "next to none", id="all-on-a-line"),
    ],
)
def test_a_zone_that_makes_no_sense_is_refused(
    name: str, corners: tuple[tuple[float, float], ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Zone(name, corners)


def test_a_stay_runs_from_the_first_to_the_last_sighting_in_the_zone() -> None:
    script = [(second, [sighting(second, 0.1 if 2 <= second <= 7 else 0.9)]) for second in range(20)]
    assert follow(script) == [("ada", "left", 2, 5)]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param([0, 1, 6], [(0, 6)], id="a-gap-of-five-seconds-does-not-break-it"),
        pytest.param([0, 1, 6.1], [(0, 1), (6.1, 0)], id="a-longer-one-does"),
        pytest.param([3], [(3, 0)], id="one-sighting"),
    ],
)
def test_gaps(seen: list[float], expected: list[tuple[float, float]]) -> None:
    script = [(second, [sighting(second, 0.1)]) for second in seen]
    assert [(start, dwell) for _, _, start, dwell in follow([*script, (60, [])])] == expected


def test_a_stay_is_over_once_the_gap_has_passed() -> None:
    assert follow([(0, [sighting(0, 0.1)]), (5, [])], ended=False) == []
    assert follow([(0, [sighting(0, 0.1)]), (5.1, [])], ended=False) == [("ada", "left", 0, 0)]


def test_people_and_overlapping_zones_are_kept_apart() -> None:
    script = [
        (0, [sighting(0, 0.1, 0.1), sighting(0, 0.9, 0.1, "bob")]),
        (2, [sighting(2, 0.1, 0.9), sighting(2, 0.1, 0.1, "bob")]),
    ]
    assert follow(script) == [
        ("ada", "left", 0, 2),
        ("ada", "top", 0, 0),
        ("bob", "top", 0, 2),
        ("bob", "left", 2, 0),
    ]


def test_a_stay_keeps_its_id_as_it_goes_on() -> None:
    fields = {"zones": [LEFT], "camera": CAMERA}
    first, _ = linger({}, [sighting(0, 0.1)], now=at(0), **fields)
    second, _ = linger(first, [sighting(3, 0.1)], now=at(3), **fields)
    (one,), (other,) = first.values(), second.values()
    assert (one.stay_id, one.seen_at) == (other.stay_id, at(0))
    assert other.seen_at == at(3)
    _, (over,) = linger(second, (), now=at(30), **fields)
    assert (over.stay_id, over.over) == (one.stay_id, True)


def test_a_stay_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValueError, match="started_at"):
        ZoneStay(site_id="s", camera_id="c", zone="z", person_id="p", started_at=at(1), seen_at=at(0))
