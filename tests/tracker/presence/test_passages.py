"""Cameras at ways in and out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tracker.presence.events import Event, EventKind
from tracker.presence.line import Inside, Line, LineState, TrackPoint
from tracker.presence.passages import go_through, pass_by
from tracker.presence.room import Presence, Sighting

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
LINE = Line(start=(0.2, 0.5), end=(0.8, 0.5), inside=Inside.BELOW)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def sighting(person: str, seconds: float, since: float | None = None, track: str = "t") -> Sighting:
    return Sighting(
        person_id=person,
        track_id=track,
        since=at(seconds if since is None else since),
        seen_at=at(seconds),
        x_frac=0.5,
        y_frac=0.5,
    )


def stand_at(kind: str, script: list[tuple[float, list[Sighting]]], *, ended: bool = True) -> list[Event]:
    open_: dict[str, Presence] = {}
    found: list[Event] = []
    fields = {"kind": EventKind(kind), "site_id": "s", "camera_id": "c", "again_after": timedelta(seconds=30)}
    for seconds, sightings in script:
        open_, events = pass_by(open_, sightings, now=at(seconds), **fields)
        found += events
    if ended:
        open_, events = pass_by(open_, (), now=at(script[-1][0]), ended=True, **fields)
        found += events
        assert open_ == {}
    return found


def told(events: list[Event]) -> list[tuple[str, str, float]]:
    assert all(event.inferred is False for event in events)
    return [(event.person_id, event.kind, (event.at - START).total_seconds()) for event in events]


def test_an_entrance_tells_who_came_in_once_and_dates_it_at_the_start_of_the_evidence() -> None:
    script = [(second, [sighting("ada", second, since=0.5 if second == 2 else None)]) for second in (2, 3, 10)]
    assert told(stand_at("enter", [*script, (60, [])])) == [("ada", "enter", 0.5)]


def test_an_exit_tells_who_went_out_when_last_seen() -> None:
    script = [(second, [sighting("ada", second)]) for second in (2, 3, 10)]
    assert told(stand_at("exit", [*script, (39.9, [])], ended=False)) == []
    assert told(stand_at("exit", [*script, (40, [])], ended=False)) == [("ada", "exit", 10)]
    assert told(stand_at("exit", script)) == [("ada", "exit", 10)]


@pytest.mark.parametrize(("kind", "expected"), [("enter", [0.0, 100.0]), ("exit", [20.0, 100.0])])
def test_whoever_comes_by_again_soon_is_counted_once(kind: str, expected: list[float]) -> None:
    script = [(second, [sighting("ada", second, track=f"t{second}")]) for second in (0, 20, 100)]
    assert [seconds for _, _, seconds in told(stand_at(kind, script))] == expected


def test_people_at_an_entrance_are_told_apart() -> None:
    script = [(0, [sighting("ada", 0)]), (1, [sighting("bob", 1, track="u"), sighting("ada", 1)])]
    assert told(stand_at("enter", script)) == [("ada", "enter", 0), ("bob", "enter", 1)]


def walk(depths: str, names: dict[int, str], *, ended: bool = True) -> tuple[dict[str, LineState], list[Event]]:
    """One frame a second; names: from which frame on the track has which name."""
    line_states: dict[str, LineState] = {}
    found: list[Event] = []
    name: str | None = None
    for second, depth in enumerate(depths.split()):
        name = names.get(second, name)
        spot = TrackPoint(track_id="t", x_frac=0.5, y_frac=0.5 + int(depth) / 100, person_id=name)
        line_states, events = go_through(line_states, [spot], line=LINE, at=at(second), site_id="s", camera_id="c")
        found += events
    if ended:
        line_states, events = go_through(
            line_states, (), line=LINE, at=at(second + 1), site_id="s", camera_id="c", ended=True
        )
        found += events
    return line_states, found


def test_the_direction_over_a_line_decides() -> None:
    _, events = walk("-9 -9 -9 9 9 9 9 -9 -9 -9", {0: "ada"})
    assert told(events) == [("ada", "enter", 3), ("ada", "exit", 7)]
    assert (events[0].site_id, events[0].camera_id, events[0].track_id) == ("s", "c", "t")
    assert (events[0].x_frac, events[0].y_frac) == (0.5, pytest.approx(0.59))


def test_a_crossing_waits_for_the_name() -> None:
    line_states, events = walk("-9 -9 -9 9 9 9 9", {}, ended=False)
    assert events == []
    assert [(each.inward, each.at) for each in line_states["t"].waiting] == [(True, at(3))]
    line_states, events = walk("-9 -9 -9 9 9 9 9 9", {7: "ada"}, ended=False)
    assert told(events) == [("ada", "enter", 3)]
    assert line_states["t"].waiting == ()


def test_several_crossings_wait_for_one_name() -> None:
    _, events = walk("-9 -9 -9 9 9 9 -9 -9 -9 -9", {9: "ada"})
    assert told(events) == [("ada", "enter", 3), ("ada", "exit", 6)]


def test_a_track_that_never_gets_a_name_leaves_nothing() -> None:
    assert walk("-9 -9 -9 9 9 9 9", {}) == ({}, [])


def test_a_quick_track_with_a_name_is_told_when_it_ends() -> None:
    assert told(walk("-30 30", {1: "ada"})[1]) == [("ada", "enter", 1)]


def test_nobody_is_told_twice() -> None:
    line_states, events = walk("-9 -9 -9 9 9 9 9 9 9", {0: "ada"}, ended=False)
    again, more = go_through(line_states, (), line=LINE, at=at(60), site_id="s", camera_id="c")
    assert (len(events), again, more) == (1, {}, ())


def test_a_name_that_comes_late_is_told_beside_somebody_who_crosses() -> None:
    line_states: dict[str, LineState] = {}
    found: list[Event] = []
    for second, (ada, bob) in enumerate([(-9, -9), (-9, -9), (-9, -9), (9, -9), (9, -9), (9, 9), (9, 9), (9, 9)]):
        points = [
            TrackPoint(track_id="a", x_frac=0.4, y_frac=0.5 + ada / 100, person_id="ada" if second == 7 else None),
            TrackPoint(track_id="b", x_frac=0.6, y_frac=0.5 + bob / 100, person_id="bob"),
        ]
        line_states, events = go_through(line_states, points, line=LINE, at=at(second), site_id="s", camera_id="c")
        found += events
    assert told(found) == [("ada", "enter", 3), ("bob", "enter", 5)]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({}, [("ada", "enter", 3)], id="three-frames-make-a-side"),
        pytest.param({"hold": 4}, [], id="four-frames-make-a-side"),
        pytest.param({"hold": 1}, [("ada", "enter", 3)], id="one-frame-makes-a-side"),
        pytest.param({"settle_after": timedelta(seconds=0.5)}, [], id="a-second-unseen-is-another-track"),
    ],
)
def test_when_a_side_is_held_and_a_track_has_ended_is_a_choice(
    fields: dict[str, Any], expected: list[tuple[str, str, float]]
) -> None:
    line_states: dict[str, LineState] = {}
    found: list[Event] = []
    for second, depth in enumerate([-4, -4, -4, 4, 4, 4]):
        points = [TrackPoint(track_id="t", x_frac=0.5, y_frac=0.5 + depth / 100, person_id="ada")]
        if second == 3:
            between = at(second - 0.01)
            line_states, events = go_through(
                line_states, [], line=LINE, at=between, site_id="s", camera_id="c", **fields
            )
            found += events
        line_states, events = go_through(
            line_states, points, line=LINE, at=at(second), site_id="s", camera_id="c", **fields
        )
        found += events
    assert told(found) == expected
