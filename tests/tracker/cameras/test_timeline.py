"""Times from stamps: rising always, right where stamps are, undisturbed by wrong ones."""

from __future__ import annotations

from itertools import accumulate, pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tracker.cameras.timeline import Timeline, plausible_fps

steps = st.lists(st.floats(0.01, 300.0), min_size=3, max_size=40)
any_stamp = st.none() | st.floats(-1e6, 1e6)


def times(stamps: list[float | None], fps: float = 25.0) -> list[float]:
    timeline = Timeline(fps)
    return [timeline.advance(stamp, following) for stamp, following in pairwise([*stamps, None])]


def stamps_of(start: float, gaps: list[float]) -> list[float]:
    return list(accumulate(gaps, initial=start))


@given(st.floats(0, 1e5), steps)
def test_stamps_in_order_give_their_own_times_gaps_included(start: float, gaps: list[float]) -> None:
    assert times(stamps_of(start, gaps)) == pytest.approx(stamps_of(0.0, gaps), abs=1e-6)


@given(st.lists(any_stamp, max_size=60), st.sampled_from([0.2, 10.0, 25.0, 240.0]))
def test_times_start_at_zero_and_rise_whatever_the_stamps(stamps: list[float | None], fps: float) -> None:
    found = times(stamps, fps)
    assert found[:1] in ([], [0.0])
    assert all(before < after for before, after in pairwise(found))


@given(st.floats(0, 1e5), steps, st.data(), st.floats(-1e6, 1e6))
def test_one_wrong_stamp_moves_its_own_frame_only(
    start: float, gaps: list[float], data: st.DataObject, wrong: float
) -> None:
    stamps = stamps_of(start, gaps)
    place = data.draw(st.integers(1, len(stamps) - 2))
    before, after = stamps[place - 1], stamps[place + 1]
    assume(not before < wrong <= after)  # else it is right
    assume(place == 1 or not stamps[place - 2] < wrong < before)  # else either may be the wrong one
    bent = times([*stamps[:place], wrong, *stamps[place + 1 :]])
    right = times(stamps)
    assert bent[:place] == right[:place]
    assert bent[place + 1 :] == pytest.approx(right[place + 1 :], abs=1e-6)
    assert right[place - 1] < bent[place] < right[place + 1]


@given(st.floats(0, 1e5), steps, steps, st.floats(1.0, 1e5))
def test_joined_pieces_go_on_by_one_frame(start: float, first: list[float], second: list[float], back: float) -> None:
    before = stamps_of(start, first)
    after = stamps_of(before[-1] - back, second)
    assume(after[0] <= before[-2] and after[1] <= before[-1])
    found = times([*before, *after])
    assert found[: len(before)] == pytest.approx(stamps_of(0.0, first), abs=1e-6)
    joint = found[len(before)]
    assert 0 < joint - found[len(before) - 1] <= 0.04 + 1e-9
    assert found[len(before) :] == pytest.approx(stamps_of(joint, second), abs=1e-6)


@given(st.floats(0.5, 240), st.integers(2, 50))
def test_missing_stamps_are_counted_by_the_rate(fps: float, count: int) -> None:
    assert times([None] * count, fps) == pytest.approx([index / fps for index in range(count)])


@pytest.mark.parametrize(
    ("stamps", "expected"),
    [
        pytest.param([0, 1 / 90000, 2 / 90000, 3 / 90000], [0, 0.1, 0.2, 0.3], id="the-clock-as-the-rate"),
        pytest.param([5, 5, 5, 5], [0, 0.1, 0.2, 0.3], id="standing-still"),
        pytest.param([0, None, 0.2, 0.3], [0, 0.1, 0.2, 0.3], id="one-missing"),
        pytest.param([None, 7, 7.1, 7.2], [0, 0.1, 0.2, 0.3], id="the-first-missing"),
        pytest.param([0, 0.1, 0.2, 36000], [0, 0.1, 0.2, 0.3], id="the-last-wrong"),
        pytest.param([36000, 0.1, 0.2, 0.3], [0, 0.1, 0.2, 0.3], id="the-first-ahead"),
        pytest.param([0, 36000, 36000.1, 36000.2], [0, 0.1, 0.2, 0.3], id="the-first-behind"),
        pytest.param([0, 0.1, 400, 800], [0, 0.1, 400, 800], id="long-gaps"),
        pytest.param([0, 0.1, 400], [0, 0.1, 400], id="a-long-gap-at-the-end"),
        pytest.param([0, 0.1, 9e4, 9e4 + 0.1], [0, 0.1, 0.2, 0.3], id="longer-than-a-day"),
        pytest.param([95443.6, 95443.7, 0, 0.1], [0, 0.1, 0.2, 0.3], id="a-counter-of-33-bits-wraps"),
        pytest.param([0, 0.1, 1.0, 0.3, 0.4], [0, 0.1, 0.2, 0.3, 0.4], id="a-second-ahead"),
    ],
)
def test_times_of(stamps: list[float | None], expected: list[float]) -> None:
    assert times(stamps, 10.0) == pytest.approx(expected)


def test_the_rate_is_that_of_the_frames_where_they_come_faster_than_declared() -> None:
    assert times([0, 0.1, 0.2, None, None], fps=1 / 6) == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    assert times([0, 6, 12, None], fps=10.0) == pytest.approx([0, 6, 12, 12.1])


@pytest.mark.parametrize(
    ("declared", "fps"),
    [((None, 0, 90000), None), ((1000, 12.5), 12.5), ((float("nan"), float("inf")), None), ((1 / 6,), 1 / 6)],
)
def test_a_rate_that_no_camera_has_is_not_believed(declared: tuple[float | None, ...], fps: float | None) -> None:
    assert plausible_fps(*declared) == fps
