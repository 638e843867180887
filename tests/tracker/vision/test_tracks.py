"""Face tracks: kept and new ids."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from tracker.vision.face_tracks import Tracks, TrackUpdate
from tracker.vision.faces import Faces

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
STEP_S = 0.1
ANN, BEA, CAT = (np.eye(3, 128, dtype=np.float32)[index] * 0.6 for index in range(3))
"""Vectors of three people, 0.85 apart."""
NAN = float("nan")
Face = tuple[float, np.ndarray | None]
"""Left edge of a face, and its vector; None for an unusable vector."""


def tracks(**changed: float) -> Tracks:
    chosen = {"max_gap_s": 1.5, "min_iou": 0.3, "max_vector_distance": 0.6} | changed
    return Tracks(camera_id="door", **chosen)  # type: ignore[arg-type]  # all of them are numbers


def faces(*lefts: float, top: float = 50, side: float = 40) -> Faces:
    boxes = np.array([(left, top, left + side, top + side) for left in lefts], np.float32).reshape(-1, 4)
    return Faces(boxes, np.ones(len(lefts), np.float32), np.zeros((len(lefts), 5, 2), np.float32))


def at(frame: float) -> datetime:
    return START + timedelta(seconds=STEP_S * frame)


def show(tracked: Tracks, frame: float, *shown: Face, side: float = 40) -> tuple[str, ...]:
    vectors = np.array([np.zeros(128) if vector is None else vector for _, vector in shown], np.float32)
    usable = np.array([vector is not None for _, vector in shown], np.bool_)
    found = faces(*(left for left, _ in shown), side=side)
    return tracked.update(found, vectors.reshape(len(shown), 128), at(frame), usable).track_ids


def test_moving_face_keeps_its_id() -> None:
    tracked = tracks()
    ids = {show(tracked, frame, (8.0 * frame, ANN)) for frame in range(30)}
    assert len(ids) == 1
    assert tracked.active[0].hits == 30
    assert (tracked.active[0].started_at, tracked.active[0].seen_at) == (at(0), at(29))


def test_jitter_keeps_the_id_with_and_without_vectors() -> None:
    draw = np.random.default_rng(4)
    for vector in (ANN, None):
        tracked = tracks()
        shaken = [100 + draw.uniform(-6, 6) for _ in range(60)]
        assert len({show(tracked, frame, (left, vector)) for frame, left in enumerate(shaken)}) == 1


@pytest.mark.parametrize("hidden", [False, True], ids=["both-visible", "one-occluded"])
def test_crossing_people_keep_their_ids_by_vector(hidden: bool) -> None:
    tracked = tracks()
    first = show(tracked, 0, (0.0, ANN), (200.0, BEA))
    for frame in range(1, 41):
        ann, bea = (5.0 * frame, ANN), (200 - 5.0 * frame, BEA)
        if hidden and abs(ann[0] - bea[0]) < 45:
            assert show(tracked, frame, ann) == (first[0],)
        else:
            assert show(tracked, frame, bea, ann) == (first[1], first[0])


def test_crossing_people_without_vectors_keep_their_ids_by_motion() -> None:
    tracked = tracks()
    first = show(tracked, 0, (0.0, None), (200.0, None))
    for frame in range(1, 41):
        ids = show(tracked, frame, (5.0 * frame, None), (200 - 5.0 * frame, None))
    assert ids == first


def test_people_who_meet_and_turn_back_keep_their_ids_by_vector() -> None:
    """Motion alone would swap them."""
    tracked = tracks()
    first = show(tracked, 0, (0.0, ANN), (160.0, BEA))
    for frame in range(1, 31):
        walked = 5.0 * (frame if frame <= 15 else 30 - frame)
        assert show(tracked, frame, (walked, ANN), (160 - walked, BEA)) == first


@pytest.mark.parametrize("vector", [ANN, None], ids=["vector", "no-vector"])
@pytest.mark.parametrize("speed", [0.0, 6.0])
def test_short_occlusion_keeps_the_id(vector: np.ndarray | None, speed: float) -> None:
    tracked = tracks()
    before = {show(tracked, frame, (speed * frame, vector)) for frame in range(10)}
    for frame in range(10, 20):
        assert show(tracked, frame) == ()
    after = {show(tracked, frame, (speed * frame, vector)) for frame in range(20, 25)}
    assert before == after


def test_long_absence_ends_the_track_once() -> None:
    tracked = tracks()
    (first,) = show(tracked, 0, (10.0, ANN))
    assert tracked.update(faces(), None, at(15)).ended == ()
    absent = tracked.update(faces(), None, at(15.5))
    assert [(track.track_id, track.seen_at, track.hits) for track in absent.ended] == [(first, at(0), 1)]
    assert np.allclose(absent.ended[0].vector, ANN)
    back = tracked.update(faces(10), ANN[None], at(16))
    assert back.started == back.track_ids != (first,)
    assert back.ended == ()


def test_another_person_at_the_same_position_gets_a_new_track() -> None:
    tracked = tracks()
    (ann,) = show(tracked, 0, (100.0, ANN))
    (bea,) = show(tracked, 1, (104.0, BEA))
    assert bea != ann
    assert show(tracked, 2, (100.0, ANN)) == (ann,)


def test_unusable_vector_neither_splits_nor_joins_tracks() -> None:
    tracked = tracks()
    (ann,) = show(tracked, 0, (100.0, ANN))
    assert show(tracked, 1, (102.0, None)) == (ann,)
    assert np.allclose(tracked.active[0].vector, ANN)
    assert show(tracked, 2, (400.0, None)) != (ann,)


def test_a_leap_is_tracked_when_the_vector_agrees() -> None:
    """At one frame a second boxes no longer overlap."""
    tracked = tracks()
    (ann,) = show(tracked, 0, (0.0, ANN))
    assert show(tracked, 10, (110.0, ANN)) == (ann,)
    assert show(tracked, 11, (900.0, ANN)) != (ann,), "nobody runs 20 face widths in a tenth of a second"


def test_face_of_a_different_size_starts_a_new_track() -> None:
    tracked = tracks()
    (ann,) = show(tracked, 0, (0.0, ANN))
    assert show(tracked, 1, (0.0, ANN), side=200) != (ann,)


def test_swap_without_vectors_is_corrected_when_vectors_return() -> None:
    tracked = tracks()
    ann, bea = show(tracked, 0, (0.0, ANN), (60.0, BEA))
    show(tracked, 1, (60.0, None), (0.0, None))
    assert show(tracked, 2, (60.0, ANN), (0.0, BEA)) == (ann, bea)


def test_mean_vector_is_robust_to_noise() -> None:
    tracked = tracks()
    draw = np.random.default_rng(8)
    noisy = [ANN + draw.normal(0, 0.02, 128).astype(np.float32) for _ in range(40)]
    ids = {show(tracked, frame, (10.0, vector)) for frame, vector in enumerate(noisy)}
    assert len(ids) == 1
    mean = tracked.active[0].vector
    assert mean is not None
    assert np.linalg.norm(mean - ANN) < min(np.linalg.norm(vector - ANN) for vector in noisy)


def test_faces_of_a_crowd_keep_their_ids_in_any_order() -> None:
    tracked = tracks()
    first = tracked.update(faces(*range(0, 1000, 50)), None, at(0)).track_ids
    assert len(set(first)) == 20
    order = np.random.default_rng(1).permutation(20)
    again = tracked.update(faces(*range(0, 1000, 50)).take(order), None, at(1)).track_ids
    assert again == tuple(first[row] for row in order)


def test_empty_frames_start_and_end_nothing() -> None:
    tracked = tracks()
    for frame in range(50):
        assert tracked.update(faces(), None, at(frame)) is not None
    nothing = tracked.update(Faces.empty(), np.empty((0, 128), np.float32), at(50))
    assert (nothing.track_ids, nothing.started, nothing.ended) == ((), (), ())
    assert tracked.end() == ()


@pytest.mark.filterwarnings("error")
def test_nan_and_empty_boxes_get_ids_and_do_not_disturb_others() -> None:
    tracked = tracks()
    (ann,) = show(tracked, 0, (0.0, ANN))
    for frame in range(1, 5):
        ids = show(tracked, frame, (NAN, ANN), (0.0, ANN), (NAN, None))
        assert ids[1] == ann
        assert len(set(ids)) == 3
    empty = tracked.update(faces(5, side=0), None, at(6))
    assert len(empty.track_ids) == 1


def test_nan_vector_is_ignored() -> None:
    tracked = tracks()
    (ann,) = show(tracked, 0, (0.0, ANN))
    broken = np.full((1, 128), np.nan, np.float32)
    assert tracked.update(faces(2), broken, at(1)).track_ids == (ann,)
    assert np.allclose(tracked.active[0].vector, ANN)


def test_equal_times_are_accepted() -> None:
    tracked = tracks()
    (ann,) = show(tracked, 3, (0.0, ANN))
    assert show(tracked, 3, (1.0, ANN)) == (ann,)
    assert show(tracked, 3, (1.0, ANN), (300.0, BEA), (600.0, CAT))[0] == ann
    assert len({track.track_id for track in tracked.active}) == 3


@pytest.mark.parametrize(
    ("when", "problem"),
    [(at(4), "or later, got"), (datetime(2026, 3, 1, 13), "timezone-aware")],  # noqa: DTZ001 - a naive time is the case
    ids=["earlier", "naive"],
)
def test_invalid_times_are_rejected_without_effect(when: datetime, problem: str) -> None:
    tracked = tracks()
    (ann,) = show(tracked, 5, (0.0, ANN))
    with pytest.raises(ValueError, match=problem):
        tracked.update(faces(500), None, when)
    assert show(tracked, 6, (1.0, ANN)) == (ann,)
    assert len(tracked.active) == 1


@pytest.mark.parametrize(
    ("vectors", "usable", "problem"),
    [
        (np.zeros((2, 128), np.float32), None, r"vectors: expected \(1, D\)"),
        (np.zeros(128, np.float32), None, r"vectors: expected \(1, D\)"),
        (np.zeros((1, 128), np.float32), np.ones(2, np.bool_), r"usable: expected bool \(1,\)"),
        (np.zeros((1, 128), np.float32), np.ones(1, np.int64), r"usable: expected bool \(1,\)"),
    ],
    ids=["two-rows", "flat", "two-flags", "integers"],
)
def test_rows_must_match_the_faces(vectors: np.ndarray, usable: np.ndarray | None, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        tracks().update(faces(0), vectors, at(0), usable)


def test_ids_contain_camera_and_start_and_are_deterministic() -> None:
    def run() -> list[TrackUpdate]:
        tracked = tracks()
        return [tracked.update(faces(0, 100.0 * frame + 60), None, at(frame)) for frame in range(5)]

    once, again = run(), run()
    assert [update.track_ids for update in once] == [update.track_ids for update in again]
    assert once[0].track_ids == ("door-20260301T120000.000000-1", "door-20260301T120000.000000-2")
    assert once[1].track_ids[1] == "door-20260301T120000.100000-1"


def test_ids_and_times_are_in_utc() -> None:
    tracked = tracks()
    local = at(0).astimezone(timezone(timedelta(hours=2)))
    assert tracked.update(faces(0), None, local).track_ids == ("door-20260301T120000.000000-1",)
    assert tracked.active[0].started_at.utcoffset() == timedelta(0)


def test_end_ends_all_tracks() -> None:
    tracked = tracks()
    ids = show(tracked, 0, (0.0, ANN), (200.0, BEA))
    assert tuple(track.track_id for track in tracked.end()) == ids
    assert tracked.active == ()
    assert show(tracked, 1, (0.0, ANN)) not in {(ids[0],), (ids[1],)}


def test_returned_tracks_are_immutable() -> None:
    tracked = tracks()
    found = faces(0)
    tracked.update(found, ANN[None].copy(), at(0))
    track = tracked.active[0]
    found.boxes[:] = -1
    tracked.update(faces(3), BEA[None] * 0.1 + ANN[None], at(1))
    assert track.box.tolist() == [0, 50, 40, 90]
    assert np.allclose(track.vector, ANN)


def test_five_thousand_ended_tracks_are_not_kept() -> None:
    tracked = tracks(max_gap_s=0.5)
    ended: set[str] = set()
    for frame in range(1000):
        update = tracked.update(faces(*(5000 * (frame % 4) + 100.0 * n for n in range(5))), None, at(10 * frame))
        assert len(update.started) == 5
        assert len(tracked.active) <= 15
        ended.update(track.track_id for track in update.ended)
    ended.update(track.track_id for track in tracked.end())
    assert len(ended) == 5000
    assert tracked.active == ()


def test_faces_of_a_slow_camera_are_one_track_across_a_missed_frame() -> None:
    tracked = tracks()
    seconds = [0, 2, 4, 6, 10, 12]  # one frame every two seconds, one without the face
    assert len({show(tracked, second / STEP_S, (100.0, ANN)) for second in seconds}) == 1
    show(tracked, 14 / STEP_S)
    assert tracked.active
    show(tracked, 18 / STEP_S)
    assert tracked.active == ()


def test_one_long_step_between_frames_is_a_gap_and_ends_tracks() -> None:
    tracked = tracks()
    ids = [show(tracked, second / STEP_S, (100.0, ANN)) for second in (0, 0.1, 0.2, 2.2, 2.3)]
    assert len(set(ids)) == 2


@pytest.mark.parametrize(
    ("frame", "lefts", "side", "clear"),
    [
        (2, (104.0,), 40, (True,)),
        (2, (104.0, 400.0), 40, (True, False)),
        (2, (104.0, 140.0), 40, (False, False)),
        (2, (104.0, 150.0), 40, (True, False)),
        (2, (120.0,), 40, (False,)),
        (2, (100.0,), 60, (False,)),
        (5, (104.0,), 40, (False,)),
        (2, (NAN, 104.0), 40, (False, True)),
        (2, (), 40, ()),
    ],
    ids=[
        "in-place",
        "one-far-away",
        "one-touches-it",
        "one-beside-it",
        "jump",
        "grown",
        "lost-for-a-while",
        "nan",
        "nobody",
    ],
)
def test_which_faces_continue_a_track_without_doubt(
    frame: int, lefts: tuple[float, ...], side: float, clear: tuple[bool, ...]
) -> None:
    tracked = tracks()
    for index in range(2):
        (ann,) = show(tracked, index, (100.0, ANN))
    found = tracked.continued(faces(*lefts, side=side), at(frame))
    assert found == tuple(ann if each else None for each in clear)


def test_a_lost_track_nearby_leaves_doubt() -> None:
    tracked = tracks()
    ann, _bea = show(tracked, 0, (100.0, ANN), (138.0, BEA))
    show(tracked, 1, (100.0, ANN))
    assert tracked.continued(faces(100), at(2)) == (None,)
    for frame in range(2, 18):
        show(tracked, frame, (100.0, ANN))
    assert tracked.continued(faces(100), at(18)) == (ann,)


def test_asking_which_faces_continue_changes_nothing() -> None:
    asked, plain = tracks(), tracks()
    for frame in range(5):
        asked.continued(faces(10.0 * frame, 300), at(frame))
        assert show(asked, frame, (10.0 * frame, ANN), (300, BEA)) == show(
            plain, frame, (10.0 * frame, ANN), (300, BEA)
        )
    with pytest.raises(ValueError, match="or later, got"):
        asked.continued(faces(300), at(0))
