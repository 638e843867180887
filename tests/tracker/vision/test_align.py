"""Chips: turned, scaled and moved to one place."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest

from config.settings import Precision
from tests.tracker.vision.scenes import STILLS, astronaut
from tracker.vision.align import TEMPLATE_150, align, similarities
from tracker.vision.detector import Detector
from tracker.vision.embed import Embedder


def placed(scale: float, turn_deg: float, shift: tuple[float, float]) -> np.ndarray:
    """The template's points as they stand in a picture: scaled, turned, moved. (1, 5, 2)"""
    angle = np.deg2rad(turn_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (TEMPLATE_150 @ turn.T * scale + shift).astype(np.float32)[None]


@pytest.mark.parametrize(
    ("scale", "turn_deg", "shift"),
    [
        pytest.param(1, 0, (0, 0), id="as-it-is"),
        pytest.param(0.2, 10, (40, 7), id="small"),
        pytest.param(7, -35, (900, 30), id="large"),
        pytest.param(1, 180, (400, 400), id="upside-down"),
    ],
)
def test_points_meet_the_template(scale: float, turn_deg: float, shift: tuple[float, float]) -> None:
    points = placed(scale, turn_deg, shift)
    transform = similarities(points)[0]
    assert points[0] @ transform[:, :2].T + transform[:, 2] == pytest.approx(TEMPLATE_150, abs=1e-3)
    assert np.linalg.det(transform[:, :2]) == pytest.approx(1 / scale**2, rel=1e-3)


def test_the_transform_is_the_best_of_its_kind() -> None:
    """No small change of scale, turn or shift brings displaced points nearer to the template."""
    points = placed(1.3, 12, (50, 20)) + np.random.default_rng(5).normal(0, 3, (1, 5, 2)).astype(np.float32)
    transform = similarities(points)[0]

    def error(cosine: float, sine: float, x: float, y: float) -> float:
        moved = points[0] @ np.array([[cosine, -sine], [sine, cosine]]).T + (x, y)
        return float(((moved - TEMPLATE_150) ** 2).sum())

    best = (transform[0, 0], transform[1, 0], transform[0, 2], transform[1, 2])
    for index in range(4):
        for step in (-0.01, 0.01):
            other = list(best)
            other[index] += step
            assert error(*other) > error(*best)


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.6, 8.0])
@pytest.mark.parametrize("turn_deg", [0, 25])
def test_a_chip_shows_what_the_picture_shows(scale: float, turn_deg: float) -> None:
    """A chip is drawn into a scene and cut out again; only fine detail may be lost."""
    smooth = cv2.GaussianBlur(astronaut()[30:180, 150:300], (0, 0), 3)
    points = placed(scale, turn_deg, (600, 60))
    drawing = cv2.invertAffineTransform(similarities(points)[0])
    scene = cv2.warpAffine(smooth, drawing, (1900, 1800), flags=cv2.INTER_CUBIC).astype(np.uint8)
    chip = align(scene, points)[0]
    difference = np.abs(chip[8:-8, 8:-8].astype(int) - smooth[8:-8, 8:-8, ::-1])
    assert difference.mean() < 1.5


def test_chips_are_red_green_blue() -> None:
    blue = np.zeros((200, 200, 3), np.uint8)
    blue[:, :, 0] = 250
    assert align(blue, placed(1, 0, (20, 20)))[0, 75, 75].tolist() == [0, 0, 250]


def test_outside_the_picture_is_black() -> None:
    white = np.full((100, 100, 3), 255, np.uint8)
    chip = align(white, placed(1, 0, (-75, 0)))[0]
    assert (chip[1:99, 76:] == 255).all()
    assert not chip[:, :74].any()
    assert not chip[101:].any()
    assert not align(white, placed(1, 0, (5000, 5000))).any()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "points",
    [
        pytest.param(np.full((1, 5, 2), np.nan, np.float32), id="nan"),
        pytest.param(np.full((1, 5, 2), np.inf, np.float32), id="infinite"),
        pytest.param(np.full((1, 5, 2), 7, np.float32), id="all-in-one-place"),
        pytest.param(placed(1e-6, 0, (5, 5)), id="nearly-in-one-place"),
        pytest.param(placed(1e9, 0, (0, 0)), id="enormous"),
    ],
)
def test_impossible_points_spoil_only_their_own_chip(points: np.ndarray) -> None:
    image = np.full((60, 60, 3), 200, np.uint8)
    chips = align(image, np.concatenate([points, placed(0.3, 0, (0, 0))]))
    assert chips.shape == (2, 150, 150, 3)
    assert chips[1].any()


def test_sizes_and_counts() -> None:
    image = astronaut()
    assert align(image, np.empty((0, 5, 2), np.float32)).shape == (0, 150, 150, 3)
    assert align(image, placed(1, 0, (0, 0)), size=64).shape == (1, 64, 64, 3)
    assert align(image[:1, :1], placed(1, 0, (0, 0))).shape == (1, 150, 150, 3)


@pytest.mark.parametrize(
    ("points", "size", "named"),
    [(np.zeros((5, 2), np.float32), 150, "landmarks"), (np.zeros((1, 5, 2), np.float32), 0, "size")],
)
def test_wrong_input_is_refused(points: np.ndarray, size: int, named: str) -> None:
    with pytest.raises(ValueError, match=f"{named}: expected"):
        align(astronaut(), points, size)


@pytest.mark.parametrize("name", ["astronaut", "grace-hopper"])
def test_faces_lie_where_dlib_puts_them(name: str, models_folder: Path) -> None:
    """The vector of our chip is near the one of dlib's own chip, made with dlib's own landmarks."""
    dlib = pytest.importorskip("dlib")
    models = find_spec("face_recognition_models")
    if models is None or not models.submodule_search_locations:
        pytest.skip("face_recognition_models is not installed")
    folder = Path(models.submodule_search_locations[0]) / "models"
    image = STILLS[name]()
    rgb = np.ascontiguousarray(image[:, :, ::-1])
    shape = dlib.shape_predictor(str(folder / "shape_predictor_5_face_landmarks.dat"))
    seen = shape(rgb, dlib.get_frontal_face_detector()(rgb)[0])
    theirs = dlib.get_face_chip(rgb, seen, size=150, padding=0.25)

    detector = Detector(folder=models_folder, precision=Precision.FLOAT32, threads=2)
    ours = align(image, detector.detect(image).landmarks[:1])
    vectors = Embedder(folder=models_folder, precision=Precision.FLOAT32, threads=2).embed(np.stack([theirs, ours[0]]))
    assert np.linalg.norm(vectors[0] - vectors[1]) < 0.25
