"""Tracks of bodies: kept and new ids, at 3.5 frames a second unless said otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tracker.vision.bodies import Bodies
from tracker.vision.body_tracks import CONFIRMED_HITS, KEPT_S, BodyTrack, BodyTracks

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
STEP_S = 2 / 7
NAN = float("nan")
RED, BLUE, PLAIN = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
"""Histograms of clothing."""
Person = tuple[float, float, tuple[float, float, float]]
"""Middle of a body and score, and what it wears; bodies are 100 px tall and 40 px wide."""


def show(tracks: BodyTracks, frame: float, *people: Person, foot: float = 200) -> list[BodyTrack | None]:
    boxes = np.array([(x - 20, foot - 100, x + 20, foot) for x, _, _ in people], np.float32).reshape(-1, 4)
    scores = np.array([score for _, score, _ in people], np.float32)
    clothes = np.array([worn for _, _, worn in people], np.float32).reshape(-1, 3)
    return list(tracks.update(Bodies(boxes, scores), clothes, START + timedelta(seconds=STEP_S * frame)))


def ids(found: list[BodyTrack | None]) -> list[str | None]:
    return [None if each is None else each.track_id for each in found]


def test_a_walker_keeps_the_id_and_is_confirmed() -> None:
    tracks = BodyTracks(camera_id="door")
    found = [show(tracks, frame, (30 * frame, 0.9, RED))[0] for frame in range(12)]
    assert len({each.track_id for each in found if each is not None}) == 1
    last = found[-1]
    assert last is not None
    assert (last.hits, last.started_at, last.track_id[:5]) == (12, START, "door-")
    assert last.foot == pytest.approx((330, 200), abs=3)
    assert last.height == pytest.approx(100, abs=1)
    assert [each.confirmed for each in found if each is not None] == [False] * (CONFIRMED_HITS - 1) + [True] * 10


def test_nobody_makes_no_track() -> None:
    tracks = BodyTracks(camera_id="door")
    assert [show(tracks, frame) for frame in range(5)] == [[]] * 5
    assert tracks.update(Bodies.empty(), np.empty((0, 48), np.float32), START + timedelta(hours=1)) == ()


@pytest.mark.filterwarnings("error")
def test_nan_and_empty_boxes_get_no_track_and_disturb_none() -> None:
    tracks = BodyTracks(camera_id="door")
    (known,) = ids(show(tracks, 0, (100, 0.9, RED)))
    boxes = np.array([(NAN, 0, 9, 9), (80, 100, 120, 200), (50, 50, 50, 90), (90, 9, 5, 5)], np.float32)
    for frame in range(1, 4):
        scores = np.array([0.9, 0.9, 0.9, NAN], np.float32)
        at = START + timedelta(seconds=STEP_S * frame)
        found = tracks.update(Bodies(boxes, scores), np.zeros((4, 3), np.float32), at)
        assert ids(list(found)) == [None, known, None, None]


def test_a_low_score_continues_a_person_and_starts_nobody() -> None:
    tracks = BodyTracks(camera_id="door")
    assert ids(show(tracks, 0, (100, 0.4, RED))) == [None]
    (known,) = ids(show(tracks, 1, (100, 0.5, RED)))
    assert ids(show(tracks, 2, (100, 0.2, RED))) == [None], "seen once, it may be a mistake of the detector"
    show(tracks, 3, (100, 0.4, RED))
    show(tracks, 4, (102, 0.4, RED))
    assert ids(show(tracks, 5, (104, 0.2, RED))) == [known]
    assert ids(show(tracks, 6, (300, 0.2, RED))) == [None], "somewhere else"


@pytest.mark.parametrize(("unseen_s", "same"), [(KEPT_S - 0.3, True), (KEPT_S + 0.6, False)])
def test_who_is_hidden_keeps_the_id_for_two_seconds(unseen_s: float, same: bool) -> None:
    tracks = BodyTracks(camera_id="door")
    for frame in range(6):
        (known,) = ids(show(tracks, frame, (20 * frame, 0.9, RED)))
    back = 5 + unseen_s / STEP_S
    (found,) = ids(show(tracks, back, (20 * back, 0.9, RED)))
    assert (found == known) is same


@pytest.mark.parametrize("hidden", [False, True], ids=["both-visible", "one-hidden-where-they-meet"])
def test_two_who_cross_each_other_keep_their_ids_by_clothing(hidden: bool) -> None:
    tracks = BodyTracks(camera_id="door")
    seen: dict[str, set[str | None]] = {"red": set(), "blue": set()}
    for frame in range(13):
        right, left = 25.0 * frame, 300 - 25.0 * frame
        people = [(right, 0.9, RED), (left, 0.9, BLUE)]
        if hidden and abs(right - left) < 60:
            (red,) = ids(show(tracks, frame, people[0]))
        else:
            red, blue = ids(show(tracks, frame, *people))
            seen["blue"].add(blue)
        seen["red"].add(red)
    assert [len(each) for each in seen.values()] == [1, 1]
    assert seen["red"] != seen["blue"]


@pytest.mark.parametrize(("worn", "told_apart"), [(BLUE, True), (RED, False)], ids=["clothing", "same-clothing"])
def test_two_who_turn_back_where_they_meet_are_told_by_clothing(
    worn: tuple[float, float, float], told_apart: bool
) -> None:
    """By their motion alone they would walk on."""
    tracks = BodyTracks(camera_id="door")
    first, second = ids(show(tracks, 0, (0, 0.9, RED), (84, 0.9, worn)))
    for frame in range(1, 9):
        step = 10.0 * min(frame, 8 - frame)
        found = ids(show(tracks, frame, (step, 0.9, RED), (84 - step, 0.9, worn)))
    assert found == ([first, second] if told_apart else [second, first])


def test_nobody_runs_several_heights_between_two_frames() -> None:
    tracks = BodyTracks(camera_id="door")
    (known,) = ids(show(tracks, 0, (100, 0.9, RED)))
    (other,) = ids(show(tracks, 1, (500, 0.9, RED)))
    assert other != known


def test_order_of_rows_does_not_matter() -> None:
    forwards, backwards = BodyTracks(camera_id="a"), BodyTracks(camera_id="a")
    people = [(60.0 * number, 0.9, PLAIN) for number in range(10)]
    first, second = ids(show(forwards, 0, *people)), ids(show(backwards, 0, *people))
    moved = [(x + 12, score, worn) for x, score, worn in people]
    assert ids(show(forwards, 1, *moved)) == first
    assert ids(show(backwards, 1, *moved[::-1])) == second[::-1]


def test_frames_far_apart_and_equal_times_are_accepted() -> None:
    tracks = BodyTracks(camera_id="door")
    (known,) = ids(show(tracks, 0, (100, 0.9, RED)))
    assert ids(show(tracks, 0, (101, 0.9, RED))) == [known]
    assert ids(show(tracks, 1e6, (101, 0.9, RED))) != [known]


def test_thousands_of_tracks_leave_nothing_behind() -> None:
    """Two new people in every frame, each for one frame; ids never repeat, and a frame stays as quick."""
    tracks = BodyTracks(camera_id="door")
    seen = set()
    for frame in range(2500):
        at = 1000.0 * (frame % 40)
        seen.update(ids(show(tracks, frame, (at, 0.9, RED), (at + 300, 0.9, BLUE))))
    assert len(seen) == 5000
    assert len(tracks._active) <= 2 * (KEPT_S / STEP_S + 1)
