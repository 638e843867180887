"""Face alignment."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest

from config.settings import Precision
from tests.tracker.vision.scenes import STILLS, astronaut
from tracker.vision.align import align, cut, similarities
from tracker.vision.detector import Detector
from tracker.vision.embed import Embedder
from tracker.vision.embedders import ARCFACE_CHIP, DLIB, DLIB_CHIP, BoxLayout
from tracker.vision.faces import Faces


def transformed(scale: float, turn_deg: float, shift: tuple[float, float]) -> np.ndarray:
    """(1, 5, 2): the template's landmarks scaled, rotated and shifted."""
    angle = np.deg2rad(turn_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (DLIB_CHIP.template @ turn.T * scale + shift).astype(np.float32)[None]


@pytest.mark.parametrize(
    ("scale", "turn_deg", "shift"),
    [
        pytest.param(1, 0, (0, 0), id="as-it-is"),
        pytest.param(0.2, 10, (40, 7), id="small"),
        pytest.param(7, -35, (900, 30), id="large"),
        pytest.param(1, 180, (400, 400), id="upside-down"),
    ],
)
def test_landmarks_map_to_the_template(scale: float, turn_deg: float, shift: tuple[float, float]) -> None:
    points = transformed(scale, turn_deg, shift)
    transform = similarities(points, DLIB_CHIP)[0]
    assert points[0] @ transform[:, :2].T + transform[:, 2] == pytest.approx(DLIB_CHIP.template, abs=1e-3)
    assert np.linalg.det(transform[:, :2]) == pytest.approx(1 / scale**2, rel=1e-3)


def test_transform_minimises_the_squared_error() -> None:
    """No small change of scale, rotation or shift reduces the error of noisy landmarks."""
    points = transformed(1.3, 12, (50, 20)) + np.random.default_rng(5).normal(0, 3, (1, 5, 2)).astype(np.float32)
    transform = similarities(points, DLIB_CHIP)[0]

    def error(cosine: float, sine: float, x: float, y: float) -> float:
        moved = points[0] @ np.array([[cosine, -sine], [sine, cosine]]).T + (x, y)
        return float(((moved - DLIB_CHIP.template) ** 2).sum())

    best = (transform[0, 0], transform[1, 0], transform[0, 2], transform[1, 2])
    for index in range(4):
        for step in (-0.01, 0.01):
            other = list(best)
            other[index] += step
            assert error(*other) > error(*best)


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.6, 8.0])
@pytest.mark.parametrize("turn_deg", [0, 25])
def test_chip_matches_the_image(scale: float, turn_deg: float) -> None:
    """A chip is warped into a scene and extracted again; only fine detail may be lost."""
    smooth = cv2.GaussianBlur(astronaut()[30:180, 150:300], (0, 0), 3)
    points = transformed(scale, turn_deg, (600, 60))
    drawing = cv2.invertAffineTransform(similarities(points, DLIB_CHIP)[0])
    scene = cv2.warpAffine(smooth, drawing, (1900, 1800), flags=cv2.INTER_CUBIC).astype(np.uint8)
    chip = align(scene, points, DLIB_CHIP)[0]
    difference = np.abs(chip[8:-8, 8:-8].astype(int) - smooth[8:-8, 8:-8, ::-1])
    assert difference.mean() < 1.5


def test_chips_are_rgb() -> None:
    blue = np.zeros((200, 200, 3), np.uint8)
    blue[:, :, 0] = 250
    assert align(blue, transformed(1, 0, (20, 20)), DLIB_CHIP)[0, 75, 75].tolist() == [0, 0, 250]


def test_pixels_outside_the_image_are_black() -> None:
    white = np.full((100, 100, 3), 255, np.uint8)
    chip = align(white, transformed(1, 0, (-75, 0)), DLIB_CHIP)[0]
    assert (chip[1:99, 76:] == 255).all()
    assert not chip[:, :74].any()
    assert not chip[101:].any()
    assert not align(white, transformed(1, 0, (5000, 5000)), DLIB_CHIP).any()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "points",
    [
        pytest.param(np.full((1, 5, 2), np.nan, np.float32), id="nan"),
        pytest.param(np.full((1, 5, 2), np.inf, np.float32), id="infinite"),
        pytest.param(np.full((1, 5, 2), 7, np.float32), id="coincident"),
        pytest.param(transformed(1e-6, 0, (5, 5)), id="almost-coincident"),
        pytest.param(transformed(1e9, 0, (0, 0)), id="enormous"),
    ],
)
def test_degenerate_landmarks_affect_only_their_own_chip(points: np.ndarray) -> None:
    image = np.full((60, 60, 3), 200, np.uint8)
    chips = align(image, np.concatenate([points, transformed(0.3, 0, (0, 0))]), DLIB_CHIP)
    assert chips.shape == (2, 150, 150, 3)
    assert chips[1].any()


def test_sizes_and_counts() -> None:
    image = astronaut()
    assert align(image, np.empty((0, 5, 2), np.float32), DLIB_CHIP).shape == (0, 150, 150, 3)
    assert align(image, transformed(1, 0, (0, 0)), ARCFACE_CHIP).shape == (1, 112, 112, 3)
    assert align(image[:1, :1], transformed(1, 0, (0, 0)), DLIB_CHIP).shape == (1, 150, 150, 3)


def test_landmarks_of_another_shape_are_rejected() -> None:
    with pytest.raises(ValueError, match="landmarks: expected"):
        align(astronaut(), np.zeros((5, 2), np.float32), DLIB_CHIP)


@pytest.mark.parametrize("name", ["astronaut", "grace-hopper"])
def test_chips_match_dlib(name: str, models_folder: Path) -> None:
    """The vector of our chip is close to that of dlib's chip, made with dlib's landmarks."""
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
    ours = align(image, detector.detect(image).landmarks[:1], DLIB_CHIP)
    vectors = Embedder(DLIB, folder=models_folder, precision=Precision.FLOAT32, threads=2).embed(
        np.stack([theirs, ours[0]])
    )
    assert np.linalg.norm(vectors[0] - vectors[1]) < 0.25


def stripes() -> np.ndarray:
    """A picture whose red is the column and whose green is the row, px."""
    rows, columns = np.mgrid[0:200, 0:200]
    return np.stack([np.zeros_like(rows), rows, columns], axis=2).astype(np.uint8)


@pytest.mark.parametrize(
    ("layout", "left_top", "right_bottom"),
    [
        pytest.param(BoxLayout(side=40, margin=0), (50, 60), (130, 140), id="square-around-the-longer-side"),
        pytest.param(BoxLayout(side=40, margin=0, stretched=True), (70, 60), (110, 140), id="stretched"),
        pytest.param(BoxLayout(side=40, margin=20), (10, 20), (170, 180), id="margin"),
    ],
)
def test_a_box_is_cut_with_its_margin(
    layout: BoxLayout, left_top: tuple[int, int], right_bottom: tuple[int, int]
) -> None:
    box = np.array([[70, 60, 110, 140]], np.float32)
    faces = Faces(boxes=box, scores=np.ones(1, np.float32), landmarks=np.zeros((1, 5, 2), np.float32))
    (chip,) = cut(stripes(), faces, layout).astype(int)
    assert chip.shape == (40, 40, 3)
    assert abs(chip[0, 0, :2] - left_top).max() <= 3
    assert abs(chip[-1, -1, :2] - right_bottom).max() <= 3


def test_a_box_without_numbers_gives_a_black_chip() -> None:
    box = np.array([[np.nan, 0, 10, 10], [-500, -500, -400, -400]], np.float32)
    faces = Faces(boxes=box, scores=np.ones(2, np.float32), landmarks=np.zeros((2, 5, 2), np.float32))
    assert not cut(stripes(), faces, BoxLayout(side=40, margin=8)).any()
