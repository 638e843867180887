"""Following faces: who keeps an id, who gets a new one."""

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
Seen = tuple[float, np.ndarray | None]
"""Left edge of a face, and its vector; None where the vector says too little."""


def tracks(**changed: float) -> Tracks:
    chosen = {"max_gap_s": 1.5, "min_iou": 0.3, "max_vector_distance": 0.6} | changed
    return Tracks(camera_id="door", **chosen)  # type: ignore[arg-type]  # all of them are numbers


def faces(*lefts: float, top: float = 50, side: float = 40) -> Faces:
    boxes = np.array([(left, top, left + side, top + side) for left in lefts], np.float32).reshape(-1, 4)
    return Faces(boxes, np.ones(len(lefts), np.float32), np.zeros((len(lefts), 5, 2), np.float32))


def at(frame: float) -> datetime:
    return START + timedelta(seconds=STEP_S * frame)


def show(followed: Tracks, frame: float, *seen: Seen, side: float = 40) -> tuple[str, ...]:
    vectors = np.array([np.zeros(128) if vector is None else vector for _, vector in seen], np.float32)
    usable = np.array([vector is not None for _, vector in seen], np.bool_)
    found = faces(*(left for left, _ in seen), side=side)
    return followed.update(found, vectors.reshape(len(seen), 128), at(frame), usable).track_ids


def test_a_face_that_moves_keeps_its_id() -> None:
    followed = tracks()
    ids = {show(followed, frame, (8.0 * frame, ANN)) for frame in range(30)}
    assert len(ids) == 1
    assert followed.open[0].hits == 30
    assert (followed.open[0].started_at, followed.open[0].seen_at) == (at(0), at(29))


def test_jitter_keeps_the_id_with_and_without_vectors() -> None:
    draw = np.random.default_rng(4)
    for vector in (ANN, None):
        followed = tracks()
        shaken = [100 + draw.uniform(-6, 6) for _ in range(60)]
        assert len({show(followed, frame, (left, vector)) for frame, left in enumerate(shaken)}) == 1


@pytest.mark.parametrize("hidden", [False, True], ids=["both-seen", "one-hides-the-other"])
def test_two_who_cross_keep_their_ids_by_the_vector(hidden: bool) -> None:
    followed = tracks()
    first = show(followed, 0, (0.0, ANN), (200.0, BEA))
    for frame in range(1, 41):
        ann, bea = (5.0 * frame, ANN), (200 - 5.0 * frame, BEA)
        if hidden and abs(ann[0] - bea[0]) < 45:
            assert show(followed, frame, ann) == (first[0],)
        else:
            assert show(followed, frame, bea, ann) == (first[1], first[0])


def test_two_who_cross_without_vectors_keep_their_ids_by_their_motion() -> None:
    followed = tracks()
    first = show(followed, 0, (0.0, None), (200.0, None))
    for frame in range(1, 41):
        ids = show(followed, frame, (5.0 * frame, None), (200 - 5.0 * frame, None))
    assert ids == first


def test_two_who_meet_and_turn_back_keep_their_ids_by_the_vector() -> None:
    """Motion alone would let them pass through each other."""
    followed = tracks()
    first = show(followed, 0, (0.0, ANN), (160.0, BEA))
    for frame in range(1, 31):
        walked = 5.0 * (frame if frame <= 15 else 30 - frame)
        assert show(followed, frame, (walked, ANN), (160 - walked, BEA)) == first


@pytest.mark.parametrize("vector", [ANN, None], ids=["vector", "no-vector"])
@pytest.mark.parametrize("speed", [0.0, 6.0])
def test_a_short_cover_keeps_the_id(vector: np.ndarray | None, speed: float) -> None:
    followed = tracks()
    before = {show(followed, frame, (speed * frame, vector)) for frame in range(10)}
    for frame in range(10, 20):
        assert show(followed, frame) == ()
    after = {show(followed, frame, (speed * frame, vector)) for frame in range(20, 25)}
    assert before == after


def test_a_long_absence_ends_the_track_once() -> None:
    followed = tracks()
    (first,) = show(followed, 0, (10.0, ANN))
    assert followed.update(faces(), None, at(15)).ended == ()
    gone = followed.update(faces(), None, at(15.5))
    assert [(track.track_id, track.seen_at, track.hits) for track in gone.ended] == [(first, at(0), 1)]
    assert np.allclose(gone.ended[0].vector, ANN)
    back = followed.update(faces(10), ANN[None], at(16))
    assert back.started == back.track_ids != (first,)
    assert back.ended == ()


def test_another_person_in_the_same_place_gets_a_track_of_their_own() -> None:
    followed = tracks()
    (ann,) = show(followed, 0, (100.0, ANN))
    (bea,) = show(followed, 1, (104.0, BEA))
    assert bea != ann
    assert show(followed, 2, (100.0, ANN)) == (ann,)


def test_a_vector_that_says_too_little_neither_splits_nor_joins() -> None:
    followed = tracks()
    (ann,) = show(followed, 0, (100.0, ANN))
    assert show(followed, 1, (102.0, None)) == (ann,)
    assert np.allclose(followed.open[0].vector, ANN)
    assert show(followed, 2, (400.0, None)) != (ann,)


def test_a_leap_is_followed_when_the_vector_agrees() -> None:
    """At one frame a second boxes no longer overlap."""
    followed = tracks()
    (ann,) = show(followed, 0, (0.0, ANN))
    assert show(followed, 10, (110.0, ANN)) == (ann,)
    assert show(followed, 11, (900.0, ANN)) != (ann,), "nobody runs 20 face widths in a tenth of a second"


def test_a_face_of_quite_another_size_is_not_leapt_to() -> None:
    followed = tracks()
    (ann,) = show(followed, 0, (0.0, ANN))
    assert show(followed, 1, (0.0, ANN), side=200) != (ann,)


def test_a_name_swapped_in_the_dark_is_mended_when_vectors_return() -> None:
    followed = tracks()
    ann, bea = show(followed, 0, (0.0, ANN), (60.0, BEA))
    show(followed, 1, (60.0, None), (0.0, None))
    assert show(followed, 2, (60.0, ANN), (0.0, BEA)) == (ann, bea)


def test_the_mean_of_vectors_withstands_one_odd_frame() -> None:
    followed = tracks()
    draw = np.random.default_rng(8)
    noisy = [ANN + draw.normal(0, 0.02, 128).astype(np.float32) for _ in range(40)]
    ids = {show(followed, frame, (10.0, vector)) for frame, vector in enumerate(noisy)}
    assert len(ids) == 1
    mean = followed.open[0].vector
    assert mean is not None
    assert np.linalg.norm(mean - ANN) < min(np.linalg.norm(vector - ANN) for vector in noisy)


def test_every_face_of_a_crowd_gets_one_id_in_any_order() -> None:
    followed = tracks()
    first = followed.update(faces(*range(0, 1000, 50)), None, at(0)).track_ids
    assert len(set(first)) == 20
    order = np.random.default_rng(1).permutation(20)
    again = followed.update(faces(*range(0, 1000, 50)).take(order), None, at(1)).track_ids
    assert again == tuple(first[row] for row in order)


def test_empty_frames_start_and_end_nothing() -> None:
    followed = tracks()
    for frame in range(50):
        assert followed.update(faces(), None, at(frame)) is not None
    nothing = followed.update(Faces.none(), np.empty((0, 128), np.float32), at(50))
    assert (nothing.track_ids, nothing.started, nothing.ended) == ((), (), ())
    assert followed.end() == ()


@pytest.mark.filterwarnings("error")
def test_nan_and_empty_boxes_get_ids_and_harm_nobody() -> None:
    followed = tracks()
    (ann,) = show(followed, 0, (0.0, ANN))
    for frame in range(1, 5):
        ids = show(followed, frame, (NAN, ANN), (0.0, ANN), (NAN, None))
        assert ids[1] == ann
        assert len(set(ids)) == 3
    empty = followed.update(faces(5, side=0), None, at(6))
    assert len(empty.track_ids) == 1


def test_a_nan_vector_is_no_vector() -> None:
    followed = tracks()
    (ann,) = show(followed, 0, (0.0, ANN))
    broken = np.full((1, 128), np.nan, np.float32)
    assert followed.update(faces(2), broken, at(1)).track_ids == (ann,)
    assert np.allclose(followed.open[0].vector, ANN)


def test_equal_times_are_taken_as_they_come() -> None:
    followed = tracks()
    (ann,) = show(followed, 3, (0.0, ANN))
    assert show(followed, 3, (1.0, ANN)) == (ann,)
    assert show(followed, 3, (1.0, ANN), (300.0, BEA), (600.0, CAT))[0] == ann
    assert len({track.track_id for track in followed.open}) == 3


@pytest.mark.parametrize(
    ("when", "said"),
    [(at(4), "or later, got"), (datetime(2026, 3, 1, 13), "timezone-aware")],  # noqa: DTZ001 - a naive time is the case
    ids=["earlier", "naive"],
)
def test_times_that_cannot_be_are_refused_and_change_nothing(when: datetime, said: str) -> None:
    followed = tracks()
    (ann,) = show(followed, 5, (0.0, ANN))
    with pytest.raises(ValueError, match=said):
        followed.update(faces(500), None, when)
    assert show(followed, 6, (1.0, ANN)) == (ann,)
    assert len(followed.open) == 1


@pytest.mark.parametrize(
    ("vectors", "usable", "said"),
    [
        (np.zeros((2, 128), np.float32), None, r"vectors: expected \(1, D\)"),
        (np.zeros(128, np.float32), None, r"vectors: expected \(1, D\)"),
        (np.zeros((1, 128), np.float32), np.ones(2, np.bool_), r"usable: expected bool \(1,\)"),
        (np.zeros((1, 128), np.float32), np.ones(1, np.int64), r"usable: expected bool \(1,\)"),
    ],
    ids=["two-rows", "flat", "two-flags", "integers"],
)
def test_rows_must_be_those_of_the_faces(vectors: np.ndarray, usable: np.ndarray | None, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        tracks().update(faces(0), vectors, at(0), usable)


def test_ids_tell_camera_and_start_and_are_the_same_again() -> None:
    def run() -> list[TrackUpdate]:
        followed = tracks()
        return [followed.update(faces(0, 100.0 * frame + 60), None, at(frame)) for frame in range(5)]

    once, again = run(), run()
    assert [update.track_ids for update in once] == [update.track_ids for update in again]
    assert once[0].track_ids == ("door-20260301T120000.000000-1", "door-20260301T120000.000000-2")
    assert once[1].track_ids[1] == "door-20260301T120000.100000-1"


def test_ids_and_times_are_in_utc() -> None:
    followed = tracks()
    local = at(0).astimezone(timezone(timedelta(hours=2)))
    assert followed.update(faces(0), None, local).track_ids == ("door-20260301T120000.000000-1",)
    assert followed.open[0].started_at.utcoffset() == timedelta(0)


def test_the_end_closes_everybody() -> None:
    followed = tracks()
    ids = show(followed, 0, (0.0, ANN), (200.0, BEA))
    assert tuple(track.track_id for track in followed.end()) == ids
    assert followed.open == ()
    assert show(followed, 1, (0.0, ANN)) not in {(ids[0],), (ids[1],)}


def test_a_track_that_was_handed_out_does_not_change() -> None:
    followed = tracks()
    found = faces(0)
    followed.update(found, ANN[None].copy(), at(0))
    track = followed.open[0]
    found.boxes[:] = -1
    followed.update(faces(3), BEA[None] * 0.1 + ANN[None], at(1))
    assert track.box.tolist() == [0, 50, 40, 90]
    assert np.allclose(track.vector, ANN)


def test_five_thousand_tracks_leave_nothing_behind() -> None:
    followed = tracks(max_gap_s=0.5)
    ended: set[str] = set()
    for frame in range(1000):
        update = followed.update(faces(*(5000 * (frame % 2) + 100.0 * n for n in range(5))), None, at(10 * frame))
        assert len(update.started) == 5
        assert len(followed.open) == 5
        ended.update(track.track_id for track in update.ended)
    ended.update(track.track_id for track in followed.end())
    assert len(ended) == 5000
    assert followed.open == ()
