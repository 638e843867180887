"""Named tracks at a door."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tracker.presence.events import CameraRef
from tracker.presence.line import Inside, Line, LineState, TrackPoint
from tracker.presence.transitions import Transition, pass_door

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
LINE = Line(start=(0.2, 0.5), end=(0.8, 0.5), inside=Inside.BELOW)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def reported(events: list[Transition]) -> list[tuple[str, str, float]]:
    assert all(event.inferred is False for event in events)
    return [(event.person_id, event.kind, (event.at - START).total_seconds()) for event in events]


def walk(depths: str, names: dict[int, str], *, ended: bool = True) -> tuple[dict[str, LineState], list[Transition]]:
    """One frame a second; names: from which frame on the track has which name."""
    line_states: dict[str, LineState] = {}
    found: list[Transition] = []
    name: str | None = None
    for second, depth in enumerate(depths.split()):
        name = names.get(second, name)
        point = TrackPoint(track_id="t", x_frac=0.5, y_frac=0.5 + int(depth) / 100, person_id=name)
        line_states, events = pass_door(line_states, [point], line=LINE, at=at(second))
        found += events
    if ended:
        line_states, events = pass_door(line_states, (), line=LINE, at=at(second + 1), ended=True)
        found += events
    return line_states, found


def test_the_direction_over_a_line_decides() -> None:
    _, events = walk("-9 -9 -9 9 9 9 9 -9 -9 -9", {0: "ada"})
    assert reported(events) == [("ada", "enter", 3), ("ada", "exit", 7)]
    event = events[0].event(CameraRef("s", "c"))
    assert (event.site_id, event.camera_id, event.track_id, event.at) == ("s", "c", "t", at(3))
    assert (events[0].x_frac, events[0].y_frac) == (0.5, pytest.approx(0.59))


def test_a_crossing_waits_for_the_name() -> None:
    line_states, events = walk("-9 -9 -9 9 9 9 9", {}, ended=False)
    assert events == []
    assert [(each.inward, each.at) for each in line_states["t"].waiting] == [(True, at(3))]
    line_states, events = walk("-9 -9 -9 9 9 9 9 9", {7: "ada"}, ended=False)
    assert reported(events) == [("ada", "enter", 3)]
    assert line_states["t"].waiting == ()


def test_several_crossings_wait_for_one_name() -> None:
    _, events = walk("-9 -9 -9 9 9 9 -9 -9 -9 -9", {9: "ada"})
    assert reported(events) == [("ada", "enter", 3), ("ada", "exit", 6)]


def test_a_track_that_never_gets_a_name_leaves_nothing() -> None:
    assert walk("-9 -9 -9 9 9 9 9", {}) == ({}, [])


def test_a_quick_track_with_a_name_is_reported_when_it_ends() -> None:
    assert reported(walk("-30 30", {1: "ada"})[1]) == [("ada", "enter", 1)]


def test_nobody_is_reported_twice() -> None:
    line_states, events = walk("-9 -9 -9 9 9 9 9 9 9", {0: "ada"}, ended=False)
    again, more = pass_door(line_states, (), line=LINE, at=at(60))
    assert (len(events), again, more) == (1, {}, ())


def test_a_name_that_comes_late_is_reported_beside_somebody_who_crosses() -> None:
    line_states: dict[str, LineState] = {}
    found: list[Transition] = []
    for second, (ada, bob) in enumerate([(-9, -9), (-9, -9), (-9, -9), (9, -9), (9, -9), (9, 9), (9, 9), (9, 9)]):
        points = [
            TrackPoint(track_id="a", x_frac=0.4, y_frac=0.5 + ada / 100, person_id="ada" if second == 7 else None),
            TrackPoint(track_id="b", x_frac=0.6, y_frac=0.5 + bob / 100, person_id="bob"),
        ]
        line_states, events = pass_door(line_states, points, line=LINE, at=at(second))
        found += events
    assert reported(found) == [("ada", "enter", 3), ("bob", "enter", 5)]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({}, [("ada", "enter", 3)], id="three-frames-make-a-side"),
        pytest.param({"hold": 4}, [], id="four-frames-make-a-side"),
        pytest.param({"hold": 1}, [("ada", "enter", 3)], id="one-frame-makes-a-side"),
        pytest.param({"settle_after": timedelta(seconds=0.5)}, [], id="a-second-unseen-is-another-track"),
    ],
)
def test_hold_and_end_of_tracks_are_configurable(
    fields: dict[str, Any], expected: list[tuple[str, str, float]]
) -> None:
    line_states: dict[str, LineState] = {}
    found: list[Transition] = []
    for second, depth in enumerate([-4, -4, -4, 4, 4, 4]):
        points = [TrackPoint(track_id="t", x_frac=0.5, y_frac=0.5 + depth / 100, person_id="ada")]
        if second == 3:
            between = at(second - 0.01)
            line_states, events = pass_door(line_states, [], line=LINE, at=between, **fields)
            found += events
        line_states, events = pass_door(line_states, points, line=LINE, at=at(second), **fields)
        found += events
    assert reported(found) == expected


def crossing_body(person: str | None = None, *, counts: bool = True) -> TrackPoint:
    """A body at the line's inner side; it was outside before."""
    return TrackPoint(
        track_id="b",
        x_frac=0.5,
        y_frac=0.7,
        person_id=person,
        band=0.1,
        is_body=True,
        named_by=None if person is None else "f",
        counted_as="u" if counts else None,
    )


def after_crossing(counts: bool = True) -> dict[str, LineState]:
    """A body that crossed the line inwards at second 1."""
    before = replace(crossing_body(counts=counts), y_frac=0.3)
    line_states, _ = pass_door({}, [before], line=LINE, at=at(0))
    line_states, found = pass_door(line_states, [crossing_body(counts=counts)], line=LINE, at=at(1))
    assert (len(line_states["b"].waiting), found) == (1, ())
    return line_states


@pytest.mark.parametrize(
    ("second", "fields"),
    [
        pytest.param(11, {}, id="ten-seconds-later"),
        pytest.param(7, {}, id="unseen-for-long"),
        pytest.param(2, {"ended": True}, id="no-more-frames"),
    ],
)
def test_a_body_without_a_name_crosses_as_an_unidentified_person(second: float, fields: dict[str, Any]) -> None:
    points = [crossing_body()] if second > 10 else []
    line_states, events = pass_door(after_crossing(), points, line=LINE, at=at(second), **fields)
    assert reported([*events]) == [("u", "enter", 1)]
    assert events[0].track_id == "b"
    assert pass_door(line_states, points, line=LINE, at=at(second + 20), ended=True) == ({}, ())


def test_a_body_that_is_named_in_time_crosses_under_the_track_of_the_face() -> None:
    _, events = pass_door(after_crossing(), [crossing_body("ada")], line=LINE, at=at(9))
    assert reported([*events]) == [("ada", "enter", 1)]
    assert events[0].track_id == "f"


def test_a_body_that_may_be_a_mistake_is_dropped() -> None:
    assert pass_door(after_crossing(counts=False), [], line=LINE, at=at(60)) == ({}, ())


def test_a_body_does_not_continue_a_face() -> None:
    """Ada's face was outside, high above her feet, which are inside when her body is found."""
    face = TrackPoint(track_id="f0", x_frac=0.5, y_frac=0.2, person_id="ada")
    line_states: dict[str, LineState] = {}
    for second in range(4):
        line_states, _ = pass_door(line_states, [face], line=LINE, at=at(second))
    for second in range(4, 8):
        line_states, events = pass_door(line_states, [crossing_body("ada")], line=LINE, at=at(second))
        assert events == ()
