"""A line across a door, as paths: where a face is in each frame, a quarter of a second apart.

"-9 -5 4 8" is how far inside (hundredths of the frame) a face is, "." a frame without it. The line is horizontal, in
the middle of the frame; inside is below. "in@2" is a crossing inwards, dated at frame 2.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tracker.presence.line import BAND, CLEAR, Crossing, Inside, Line, LineState, TrackPoint, cross

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
LEVEL = Line(start=(0.2, 0.5), end=(0.8, 0.5), inside=Inside.BELOW)
FRAME = timedelta(seconds=0.25)


def at(frame: float) -> datetime:
    return START + frame * FRAME


def path(text: str, x: float = 0.5) -> list[tuple[float, float] | None]:
    return [None if word == "." else (x, 0.5 + float(word) / 100) for word in text.split()]


def watch(
    paths: dict[str, Sequence[tuple[float, float] | None]],
    *,
    line: Line = LEVEL,
    hold: int = 3,
    names: dict[str, str] | None = None,
    named_at: dict[str, int] | None = None,
    ended: bool = True,
) -> tuple[dict[str, LineState], list[Crossing]]:
    """names: of tracks. named_at: the frame in which a track gets its name, the first one unless given."""

    def name(track_id: str, frame: int) -> str | None:
        return None if frame < (named_at or {}).get(track_id, 0) else (names or {}).get(track_id)

    line_states: dict[str, LineState] = {}
    found: list[Crossing] = []
    length = max(len(each) for each in paths.values())
    for frame in range(length):
        points = [
            TrackPoint(track_id=track_id, x_frac=place[0], y_frac=place[1], person_id=name(track_id, frame))
            for track_id, each in paths.items()
            if frame < len(each) and (place := each[frame]) is not None
        ]
        line_states, crossings = cross(line_states, points, line=line, at=at(frame), hold=hold)
        found += [crossing for _, crossing in crossings]
    if ended:
        line_states, crossings = cross(line_states, (), line=line, at=at(length), hold=hold, ended=True)
        found += [crossing for _, crossing in crossings]
    return line_states, found


def reported(found: Iterable[Crossing]) -> list[str]:
    return [f"{'in' if each.inward else 'out'}@{(each.at - START) / FRAME:g}" for each in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("-20 -15 -10 -5 0 5 10 15 20", ["in@5"], id="walks-in"),
        pytest.param("20 15 10 5 0 -5 -10 -15 -20", ["out@5"], id="walks-out"),
        pytest.param("-9 -9 -9 9 9 9", ["in@3"], id="both-sides-held-for-three-frames"),
        pytest.param("-5 -5 -5 5 5 5", ["in@3"], id="near-the-line-three-frames-are-enough"),
        pytest.param("-5 -5 -5 5 5", [], id="near-the-line-two-frames-beyond-are-not"),
        pytest.param("-5 -5 5 5 5", [], id="near-the-line-two-frames-before-are-not"),
        pytest.param("-4 4 4 4 4 4 4", [], id="found-near-the-line-on-the-wrong-side"),
        pytest.param("-30 30", ["in@1"], id="a-fast-walker-seen-only-twice"),
        pytest.param("30 -30", ["out@1"], id="a-fast-walker-out"),
        pytest.param("-6 6", ["in@1"], id="seen-twice-just-clear"),
        pytest.param("-5.9 30", [], id="seen-twice-the-first-time-near-the-line"),
        pytest.param("-30 5.9", [], id="seen-twice-the-second-time-near-the-line"),
        pytest.param("-30 10 10 10 10", ["in@1"], id="fast-at-first-then-slow"),
        pytest.param("-20 -20 -20 . . . . 20 20 20", ["in@7"], id="a-gap-keeps-the-side"),
        pytest.param("-20 . 20 . 20 . 20", ["in@2"], id="every-other-frame"),
        pytest.param("-9 -9 -9 . 9 -9 -9 -9", [], id="one-frame-beyond-is-a-slip"),
        pytest.param("-9 -9 -9 9 9 -9 9 9 -9 -9", [], id="two-frames-beyond-are-a-slip"),
        pytest.param("-20 -10 -5 0 1 0 -1 -5 -10 -20", [], id="turns-round-on-the-line"),
        pytest.param("-20 -10 -5 0 5 4 0 -5 -10 -20", [], id="turns-round-just-beyond-the-line"),
        pytest.param("2 -2 2 -2 1 0 -1 2 -2 2.9 -2.9 2.9", [], id="stays-on-the-line"),
        pytest.param("-20 -20 -20 2 -2 1 0 2 -1 -20 -20", [], id="stays-on-it-and-returns"),
        pytest.param("-20 -20 -20 2 -2 1 0 2 -1 20 20 20", ["in@9"], id="stays-on-it-and-crosses"),
        pytest.param("-9 -9 -9 9 9 9 -9 -9 -9", ["in@3", "out@6"], id="in-and-out-again"),
        pytest.param("-9 -9 -9 9 9 9 9 9 9 9 9 -9", ["in@3", "out@11"], id="out-in-one-last-frame"),
        pytest.param("-9 -9 -9 4 4 0 0 4", ["in@3"], id="frames-on-the-line-do-not-break-a-side"),
        pytest.param("-7 -4 9 9 9", ["in@2"], id="once-well-clear-is-enough"),
        pytest.param("-4 -7 9 9 9", ["in@2"], id="once-well-clear-later-is-enough"),
        pytest.param("-5 -5 -5 7 4", ["in@3"], id="once-well-clear-beyond-is-enough"),
        pytest.param("", [], id="nothing"),
        pytest.param("9 9 9 9", [], id="only-inside"),
        pytest.param("0 0 0 0", [], id="only-on-the-line"),
    ],
)
def test_one_track(text: str, expected: list[str]) -> None:
    line_states, found = watch({"t": path(text)})
    assert reported(found) == expected
    assert line_states == {}


def test_the_crossing_reports_where_it_was() -> None:
    _, (found,) = watch({"t": path("-20 -10 8 12 16", x=0.25)})
    assert found == Crossing(track_id="t", inward=True, at=at(2), x_frac=0.25, y_frac=0.58)


def test_a_crossing_is_reported_as_soon_as_the_side_is_held() -> None:
    line_states: dict[str, LineState] = {}
    reported_at = []
    for frame, depth in enumerate((-9, -9, -9, 9, 9, 9, 9, 9)):
        point = TrackPoint(track_id="t", x_frac=0.5, y_frac=0.5 + depth / 100)
        line_states, found = cross(line_states, [point], line=LEVEL, at=at(frame))
        reported_at += [frame for _ in found]
    assert reported_at == [5]


@pytest.mark.parametrize(("hold", "expected"), [(1, ["in@3", "out@4", "in@5"]), (2, []), (3, [])])
def test_hold_frames_is_configurable(hold: int, expected: list[str]) -> None:
    _, found = watch({"t": path("-5 -5 -5 5 -5 5")}, hold=hold)
    assert reported(found) == expected


def test_less_than_one_frame_is_refused() -> None:
    with pytest.raises(ValueError, match="hold"):
        cross({}, (), line=LEVEL, at=START, hold=0)


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        pytest.param(0.5, ["in@3"], id="middle"),
        pytest.param(0.18, ["in@3"], id="just-past-the-start"),
        pytest.param(0.82, ["in@3"], id="just-past-the-end"),
        pytest.param(0.1, [], id="past-the-start"),
        pytest.param(0.9, [], id="past-the-end"),
    ],
)
def test_only_the_way_through_the_line_counts(x: float, expected: list[str]) -> None:
    _, found = watch({"t": path("-9 -9 -9 9 9 9", x)})
    assert reported(found) == expected


@pytest.mark.parametrize(
    ("line", "one", "other", "expected"),
    [
        pytest.param(((0.5, 0.2), (0.5, 0.6)), (0.3, 0.4), (0.7, 0.4), True, id="upright-through"),
        pytest.param(((0.5, 0.2), (0.5, 0.6)), (0.3, 0.7), (0.7, 0.7), False, id="upright-below-its-end"),
        pytest.param(((0.5, 0.2), (0.5, 0.6)), (0.3, 0.1), (0.7, 0.1), False, id="upright-above-its-start"),
        pytest.param(((0.5, 0.2), (0.5, 0.6)), (0.3, 0.9), (0.7, 0.2), True, id="upright-aslant-through"),
        pytest.param(((0.5, 0.2), (0.5, 0.6)), (0.3, 0.9), (0.7, 0.5), False, id="upright-aslant-past"),
        pytest.param(((0.5, 0.6), (0.5, 0.2)), (0.3, 0.9), (0.7, 0.5), False, id="drawn-upwards"),
        pytest.param(((0.2, 0.3), (0.6, 0.7)), (0.3, 0.6), (0.5, 0.4), True, id="slanting-through"),
        pytest.param(((0.2, 0.3), (0.6, 0.7)), (0.6, 0.9), (0.8, 0.7), False, id="slanting-past-its-end"),
        pytest.param(((0.2, 0.3), (0.6, 0.7)), (0.05, 0.3), (0.2, 0.1), False, id="slanting-past-its-start"),
    ],
)
def test_lines_of_any_direction_are_crossed_or_passed(
    line: tuple[tuple[float, float], tuple[float, float]],
    one: tuple[float, float],
    other: tuple[float, float],
    expected: bool,
) -> None:
    door = Line(start=line[0], end=line[1], inside=Inside.RIGHT)
    assert door.is_between_ends(one, other) is expected
    assert door.is_between_ends(other, one) is expected


def test_the_way_over_the_line_is_from_the_last_place_to_the_first() -> None:
    """The person was first seen past the end of the line, and came round before going through."""
    _, found = watch({"t": [*path("-20 -20", 0.99), *path("-20 -4", 0.5), *path("9 9 9", 0.5)]})
    assert reported(found) == ["in@4"]
    _, found = watch({"t": [*path("-20 -20 -20", 0.5), *path("-4", 0.99), *path("9 9 9", 0.99)]})
    assert reported(found) == []


def test_round_the_end_of_the_line_and_back_through_it_is_one_crossing() -> None:
    around = path("-9 -9 -9 9 9 9", 0.95) + path("9 9 9 -9 -9 -9", 0.5)
    _, found = watch({"t": around})
    assert reported(found) == ["out@9"]


def test_a_slanting_way_counts_where_it_meets_the_line() -> None:
    """From past the end of the line, but through it."""
    _, found = watch({"t": [(0.95, 0.2), (0.95, 0.2), (0.95, 0.2), (0.4, 0.8), (0.4, 0.8), (0.4, 0.8)]})
    assert reported(found) == ["in@3"]
    _, found = watch({"t": [(0.7, 0.45), (0.7, 0.45), (0.7, 0.45), (0.99, 0.8), (0.99, 0.8), (0.99, 0.8)]})
    assert reported(found) == ["in@3"]
    _, found = watch({"t": [(0.7, 0.1), (0.7, 0.1), (0.7, 0.46), (0.95, 0.8), (0.95, 0.8), (0.95, 0.8)]})
    assert reported(found) == ["in@3"]
    _, found = watch({"t": [(0.7, 0.2), (0.7, 0.2), (0.7, 0.2), (0.99, 0.55), (0.99, 0.55), (0.99, 0.55)]})
    assert reported(found) == []


def test_walking_along_the_line_gives_nothing() -> None:
    along = [(0.1 + 0.02 * step, 0.5 + (0.02 if step % 3 else -0.02)) for step in range(40)]
    _, found = watch({"t": along})
    assert found == []


def test_two_people_crossing_in_opposite_directions_give_one_each() -> None:
    _, found = watch({"a": path("-20 -10 -5 5 10 20", 0.4), "b": path("20 10 5 -5 -10 -20", 0.6)})
    assert sorted(reported(found)) == ["in@3", "out@3"]
    assert {each.track_id: each.inward for each in found} == {"a": True, "b": False}


def test_tracks_that_change_on_the_line_give_nothing() -> None:
    switching = {f"t{n}": [None] * (3 * n) + path("-2 1 -1" if n % 2 else "2 -1 2") for n in range(20)}
    line_states, found = watch(switching)
    assert (line_states, found) == ({}, [])


def test_one_track_ends_and_another_begins_on_the_line() -> None:
    """Nobody knows that they are one person, so nobody is counted."""
    _, found = watch({"a": path("-20 -10 -5 0"), "b": [None] * 4 + path("1 5 10 20")})
    assert found == []


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param("-20 -10 -5 0", "1 5 10 20", ["in@5"], id="on-the-line"),
        pytest.param("-20 -10 -5", "5 10 20", ["in@3"], id="one-side-each"),
        pytest.param("-20 -10 -5 5", "5 10", ["in@3"], id="one-frame-beyond-then-found-again"),
        pytest.param("-20 -10 -5", "-5 5 10 20", ["in@4"], id="found-before-the-line"),
        pytest.param("-20 -10 -5", "0 0 -5 -9", [], id="turned-round"),
        pytest.param("-20 -10 -5", "5 -5 -9", [], id="turned-round-beyond"),
        pytest.param("-20 -10 -5 " + ". " * 21, "5 10 20", [], id="too-long-ago"),
        pytest.param("-20 -10 -5 " + ". " * 18, "5 10 20", ["in@21"], id="not-too-long-ago"),
    ],
)
def test_a_person_found_again_under_another_track_goes_on(first: str, second: str, expected: list[str]) -> None:
    one, other = path(first), path(second)
    line_states, found = watch({"a": one, "b": [None] * len(one) + other}, names={"a": "ada", "b": "ada"})
    assert reported(found) == expected
    assert line_states == {}


@pytest.mark.parametrize(
    ("first", "second", "named_at", "expected"),
    [
        pytest.param("-20 -10 -5", "0 0 5 10 20", 5, ["in@5"], id="before-it-was-clear-of-the-line"),
        pytest.param("-20 -10 -5", "5 10 20 20", 4, ["in@3"], id="after-it-was-beyond"),
        pytest.param("-20 -10 -5", "5 10 20 20 20", 6, ["in@3"], id="after-it-held-the-other-side"),
        pytest.param("-20 -10 -5", "5 5 5 0", 6, ["in@3"], id="on-the-line-after-it-held-the-other-side"),
        pytest.param("-5 -5 -5 4", "5 5 0", 5, ["in@3"], id="the-frame-beyond-under-the-old-track-counts"),
        pytest.param("-5 -5 -5", "5 5 0", 4, [], id="without-it-two-frames-are-too-few"),
        pytest.param("-5 -5 -5 7", "5 -5 -5 -5", 4, [], id="turned-round"),
        pytest.param("-5 -5 -5 7", "5 0 0", 5, ["in@3"], id="the-depth-under-the-old-track-counts"),
        pytest.param("-20 -10 -5", "-5 -5 5 10 20", 4, ["in@5"], id="on-the-same-side"),
        pytest.param("-20 -10 -5", "9 9 9 -9 -9 -9", 8, ["out@6"], id="with-sides-of-its-own-already"),
        pytest.param("0 0 0", "-5 -5 -5 5 5 5", 4, ["in@6"], id="lost-on-the-line"),
    ],
)
def test_a_name_that_comes_late_joins_the_lost_track(
    first: str, second: str, named_at: int, expected: list[str]
) -> None:
    one, other = path(first), path(second)
    _, found = watch(
        {"a": one, "b": [None] * len(one) + other}, names={"a": "ada", "b": "ada"}, named_at={"b": named_at}
    )
    assert reported(found) == expected


def test_where_a_joined_crossing_was() -> None:
    paths = {"a": path("-5 -5 -5 4", 0.3), "b": [None] * 4 + path("5 5 5", 0.4)}
    _, (found,) = watch(paths, names={"a": "ada", "b": "ada"}, named_at={"b": 5})
    assert found == Crossing(track_id="b", inward=True, at=at(3), x_frac=0.3, y_frac=pytest.approx(0.54))


def test_another_person_does_not_go_on_where_one_was_lost() -> None:
    _, found = watch({"a": path("-20 -10 -5"), "b": [None] * 3 + path("5 10 20")}, names={"a": "ada", "b": "bob"})
    assert found == []


def test_of_several_lost_tracks_the_latest_goes_on() -> None:
    paths = {
        "a": path("9 9 9"),
        "b": [None] * 3 + path("-9 -9 -9"),
        "c": [None] * 6 + path("9 9 9"),
    }
    _, found = watch(paths, names={"a": "ada", "b": "ada", "c": "ada"})
    assert reported(found) == ["out@3", "in@6"]


@pytest.mark.parametrize(("depths", "expected"), [("9 9 9", []), ("-9 -9 -9", ["out@6"])])
def test_of_two_tracks_lost_at_once_the_one_seen_last_goes_on(depths: str, expected: list[str]) -> None:
    paths = {"a": path("-9 -9 -9 -9"), "b": path("9 9 9 9 9 9"), "c": [None] * 6 + path(depths)}
    _, found = watch(paths, names={"a": "ada", "b": "ada", "c": "ada"})
    assert reported(found) == expected


def test_a_person_with_two_tracks_in_sight_is_not_one_that_jumps() -> None:
    _, found = watch({"a": path("-9 -9 -9 -9"), "b": path("9 9 9 9")}, names={"a": "ada", "b": "ada"})
    assert found == []


@pytest.mark.parametrize("later", ["eve", None], ids=["changed", "taken-away"])
def test_a_track_has_the_name_that_recognition_reports_now(later: str | None) -> None:
    first = TrackPoint(track_id="t", x_frac=0.5, y_frac=0.9, person_id="ada")
    line_states, _ = cross({}, [first], line=LEVEL, at=at(0))
    line_states, _ = cross(line_states, [replace(first, person_id=later)], line=LEVEL, at=at(1))
    assert line_states["t"].person_id == later
    line_states, _ = cross(line_states, (), line=LEVEL, at=at(2))
    assert line_states["t"].person_id == later


def test_a_track_is_judged_and_dropped_when_unseen_for_too_long() -> None:
    line_states, found = watch({"t": path("-30 30")}, ended=False)
    assert (list(line_states), found) == (["t"], [])
    later = at(1) + timedelta(seconds=5)
    still, found_now = cross(line_states, (), line=LEVEL, at=later)
    assert (list(still), found_now) == (["t"], ())
    still, ((state, crossing),) = cross(line_states, (), line=LEVEL, at=later + timedelta(microseconds=1))
    assert (still, state.track_id, reported([crossing])) == ({}, "t", ["in@1"])


def test_the_state_of_five_thousand_tracks_is_pruned() -> None:
    rng = random.Random(5)
    line_states: dict[str, LineState] = {}
    inward, most = 0, 0
    for frame in range(25_000):
        number, step = divmod(frame, 5)
        point = TrackPoint(
            track_id=f"t{number}", x_frac=rng.uniform(0.3, 0.7), y_frac=0.3 + 0.1 * step, person_id=f"p{number}"
        )
        line_states, found = cross(line_states, [point], line=LEVEL, at=at(frame), hold=2)
        inward += len(found)
        most = max(most, len(line_states))
    line_states, found = cross(line_states, (), line=LEVEL, at=at(26_000), hold=2)
    assert (inward + len(found), line_states) == (5000, {})
    assert most < 10


def test_the_order_of_spots_does_not_matter() -> None:
    points = [TrackPoint(track_id=name, x_frac=0.5, y_frac=y) for name, y in (("a", 0.9), ("b", 0.1), ("c", 0.5))]
    one, _ = cross({}, points, line=LEVEL, at=at(0))
    other, _ = cross({}, reversed(points), line=LEVEL, at=at(0))
    assert one == other


def test_state_is_not_changed_in_place() -> None:
    line_states, _ = watch({"t": path("-9 -9 -9 9 9")}, ended=False)
    before = dict(line_states)
    cross(line_states, [TrackPoint(track_id="t", x_frac=0.5, y_frac=0.9)], line=LEVEL, at=at(9))
    assert line_states == before


@pytest.mark.parametrize(
    ("start", "end", "inside", "within", "outside"),
    [
        pytest.param((0.2, 0.5), (0.8, 0.5), "below", (0.5, 0.9), (0.5, 0.1), id="below"),
        pytest.param((0.8, 0.5), (0.2, 0.5), "below", (0.5, 0.9), (0.5, 0.1), id="below-drawn-the-other-way"),
        pytest.param((0.2, 0.5), (0.8, 0.5), "above", (0.5, 0.1), (0.5, 0.9), id="above"),
        pytest.param((0.5, 0.2), (0.5, 0.8), "left", (0.1, 0.5), (0.9, 0.5), id="left"),
        pytest.param((0.5, 0.2), (0.5, 0.8), "right", (0.9, 0.5), (0.1, 0.5), id="right"),
        pytest.param((0.2, 0.2), (0.8, 0.8), "left", (0.2, 0.8), (0.8, 0.2), id="aslant-left"),
        pytest.param((0.2, 0.2), (0.8, 0.8), "above", (0.8, 0.2), (0.2, 0.8), id="aslant-above"),
    ],
)
def test_which_side_is_inside(
    start: tuple[float, float],
    end: tuple[float, float],
    inside: str,
    within: tuple[float, float],
    outside: tuple[float, float],
) -> None:
    line = Line(start=start, end=end, inside=Inside(inside))
    assert line.depth(*within) > CLEAR
    assert line.depth(*outside) == pytest.approx(-line.depth(*within))
    assert line.depth(*start) == pytest.approx(0)
    assert line.depth(*end) == pytest.approx(0)
    assert line.inward[0] ** 2 + line.inward[1] ** 2 == pytest.approx(1)


def test_depth_is_the_distance_from_the_line() -> None:
    assert LEVEL.depth(0.5, 0.5 + BAND) == pytest.approx(BAND)
    assert Line(start=(0, 0), end=(1, 1), inside=Inside.LEFT).depth(0, 0.5) == pytest.approx(0.5**1.5)
    assert LEVEL.length == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param({"start": (-0.1, 0.5)}, "0 to 1", id="outside-the-frame"),
        pytest.param({"end": (0.5, 1.01)}, "0 to 1", id="below-the-frame"),
        pytest.param({"end": (0.24, 0.5)}, "apart by 0.05", id="too-short"),
        pytest.param({"inside": Inside.LEFT}, "use above or below", id="a-level-line-has-no-left"),
        pytest.param({"end": (0.2, 0.9)}, "use left or right", id="an-upright-line-has-no-below"),
    ],
)
def test_a_line_that_makes_no_sense_is_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(LEVEL, **fields)
    assert replace(LEVEL, end=(0.251, 0.5)).length == pytest.approx(0.051)
