"""Detection of bodies, and what people wear."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from config.settings import Precision
from tests.tracker.vision.scenes import STILLS, TESTDATA, astronaut, clip_frames, empty_room
from tracker.vision.bodies import LOW_SCORE, SIDE_PX, Bodies, BodyDetector, clothing
from tracker.vision.body_tracks import NEW_SCORE, BodyTracks
from tracker.vision.boxes import iou_matrix
from tracker.vision.faces import Image

NAN = float("nan")


@pytest.fixture(scope="module")
def detector(models_folder: Path) -> BodyDetector:
    return BodyDetector(folder=models_folder, precision=Precision.FLOAT16, threads=2)


def bodies(*boxes: tuple[float, float, float, float]) -> Bodies:
    return Bodies(np.array(boxes, np.float32).reshape(-1, 4), np.ones(len(boxes), np.float32))


def far_away(height: int) -> Image:
    """1920x1080, the astronaut as tall as `height` with the upper left corner at 900, 600."""
    room = cv2.resize(empty_room(), (1920, 1080)).astype(np.uint8)
    room[600 : 600 + height, 900 : 900 + height] = cv2.resize(
        astronaut(), (height, height), interpolation=cv2.INTER_AREA
    )
    return room


@pytest.mark.parametrize(
    ("name", "people"),
    [("astronaut", 1), ("grace-hopper", 1), ("small-astronaut", 1), ("ten-faces", 10), ("empty-room", 0)],
)
def test_people_in_stills(name: str, people: int, detector: BodyDetector) -> None:
    image = STILLS[name]()
    found = detector.detect(image)
    assert (found.scores >= NEW_SCORE).sum() == people
    assert (np.diff(found.scores) <= 0).all()
    assert (found.scores >= LOW_SCORE).all()
    assert ((found.boxes >= 0) & (found.boxes <= [image.shape[1], image.shape[0]] * 2)).all()
    assert (found.heights > 0).all()


def test_the_box_holds_the_person(detector: BodyDetector) -> None:
    best = detector.detect(astronaut()).take(slice(1))
    assert iou_matrix(best.boxes, np.array([[10.0, 5, 375, 511]], np.float32))[0, 0] > 0.85


@pytest.mark.parametrize("shape", [(300, 900), (900, 300), (1, 1), (5, 2000)], ids=str)
def test_any_shape_without_people_has_none(shape: tuple[int, int], detector: BodyDetector) -> None:
    assert len(detector.detect(np.full((*shape, 3), 90, np.uint8))) == 0


def test_a_part_is_searched_like_a_picture_of_its_own(detector: BodyDetector) -> None:
    image = STILLS["ten-faces"]()
    part = image[300:700, 500:1000]
    expected, found = detector.detect(part), detector.detect(image, (500, 300, 1000, 700))
    assert found.boxes - np.array([500, 300, 500, 300]) == pytest.approx(expected.boxes, abs=1e-3)
    assert np.array_equal(found.scores, expected.scores)
    assert len(detector.detect(image, (500, 300, 500, 700))) == 0


@pytest.mark.parametrize("height", [40, 80])
def test_who_is_too_small_in_the_frame_is_found_in_a_part(height: int, detector: BodyDetector) -> None:
    image = far_away(height)
    x, y = 800, 500
    found = detector.detect(image, (x, y, x + SIDE_PX, y + SIDE_PX))
    assert found.scores[0] >= NEW_SCORE
    assert iou_matrix(found.boxes[:1], np.array([[900, 600, 900 + 0.7 * height, 600 + height]]))[0, 0] > 0.6
    assert not (detector.detect(image).scores >= NEW_SCORE).any()


@pytest.mark.parametrize("image", [np.zeros((9, 9), np.uint8), np.zeros((9, 9, 3), np.float32)], ids=["grey", "float"])
def test_other_arrays_are_rejected(image: Image, detector: BodyDetector) -> None:
    with pytest.raises(ValueError, match="uint8"):
        detector.detect(image)


def test_arrays_that_do_not_fit_are_rejected() -> None:
    with pytest.raises(ValueError, match=r"boxes: expected float32 \(2, 4\)"):
        Bodies(np.zeros((1, 4), np.float32), np.zeros(2, np.float32))
    with pytest.raises(ValueError, match="scores: expected float32"):
        Bodies(np.zeros((1, 4), np.float32), np.zeros(1, np.float64))
    assert len(Bodies.empty()) == 0


@pytest.mark.filterwarnings("error")
def test_clothing_tells_colours_apart() -> None:
    image = np.zeros((200, 300, 3), np.uint8)
    image[:, :100], image[:, 100:200], image[:, 200:] = (0, 0, 200), (5, 10, 150), (200, 30, 0)
    red, darker, blue = clothing(image, bodies((0, 0, 90, 200), (100, 0, 190, 200), (205, 0, 295, 200)))
    assert [each.sum() for each in (red, darker, blue)] == pytest.approx([1, 1, 1])
    assert np.minimum(red, darker).sum() == pytest.approx(1)
    assert not np.minimum(red, blue).any()


@pytest.mark.filterwarnings("error")
def test_clothing_of_empty_and_nan_boxes_is_zero() -> None:
    image = np.full((50, 50, 3), 90, np.uint8)
    found = clothing(image, bodies((5, 5, 5, 9), (9, 9, 5, 5), (NAN, 0, 9, 9), (0, NAN, NAN, 9), (60, 60, 90, 90)))
    assert found.shape == (5, 48)
    assert not found.any()
    assert clothing(image, Bodies.empty()).shape == (0, 48)


@pytest.mark.skipif(not TESTDATA, reason="FOOTFALL_TESTDATA is not set: no test clips")
@pytest.mark.parametrize("step", [1, -1], ids=["forwards", "backwards"])
def test_two_people_walking_are_two_tracks(step: int, detector: BodyDetector) -> None:
    frames = [image for _, image in clip_frames(Path(TESTDATA or ""), "two_walking_in.gif", every=4)]
    tracks = BodyTracks(camera_id="hall")
    people = set()
    for number, image in enumerate(frames[::step]):
        found = detector.detect(image)
        at = datetime(2026, 1, 5, 9, tzinfo=UTC) + timedelta(seconds=0.32 * number)
        people |= {each.track_id for each in tracks.update(found, clothing(image, found), at) if each is not None}
    assert len(people) == 2
