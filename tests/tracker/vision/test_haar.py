"""The Haar detector, compared with OpenCV 4 and with MTCNN."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from config.errors import ModelError
from config.settings import Precision
from tests.tracker.vision.haar_files import STUMP, cascade, stage, written
from tests.tracker.vision.scenes import STILLS, astronaut, empty_room, ten_faces
from tracker.vision.boxes import iou_matrix
from tracker.vision.detector import Detector
from tracker.vision.faces import Image
from tracker.vision.haar import HaarDetector, grouped
from tracker.vision.haar_file import read_cascade

WINDOWS = json.loads((Path(__file__).parent / "golden" / "haar_windows.json").read_text(encoding="utf-8"))
"""Of OpenCV 4.12 with the same cascade: x1, y1, x2, y2 and the sum of the last stage, without grouping."""


@pytest.fixture(scope="module")
def haar(models_folder: Path, haar_cascade: Path) -> HaarDetector:
    return HaarDetector(cascade=haar_cascade, folder=models_folder, precision=Precision.FLOAT16, threads=2)


@pytest.mark.parametrize("name", WINDOWS)
def test_windows_are_those_of_opencv(name: str, haar_cascade: Path) -> None:
    grey = cv2.cvtColor(STILLS[name](), cv2.COLOR_BGR2GRAY).astype(np.uint8)
    boxes, sums = read_cascade(haar_cascade).search(grey, min_side=24, scale_factor=1.1)
    found = {tuple(map(int, box)): total for box, total in zip(boxes, sums.tolist(), strict=True)}
    assert found == pytest.approx({tuple(row[:4]): row[4] for row in WINDOWS[name]}, abs=1e-3)


@pytest.mark.parametrize("name", [name for name in STILLS if name != "empty-room"])
def test_the_faces_of_mtcnn_with_the_same_points(name: str, haar: HaarDetector, models_folder: Path) -> None:
    image = STILLS[name]()
    expected = Detector(folder=models_folder, precision=Precision.FLOAT16, threads=2).detect(image)
    found = haar.detect(image)
    overlaps = iou_matrix(expected.boxes, found.boxes)
    assert (overlaps.max(axis=1) > 0.75).all()
    assert len(found) == len(expected)
    points = found.landmarks[overlaps.argmax(axis=1)]
    assert (np.abs(points - expected.landmarks).max(axis=(1, 2)) < 0.06 * expected.widths).all()
    assert (np.diff(found.scores) <= 0).all()


def test_no_face_in_an_empty_room(haar: HaarDetector) -> None:
    assert len(haar.detect(empty_room())) == 0


def test_limits(models_folder: Path, haar_cascade: Path, haar: HaarDetector) -> None:
    options = {"cascade": haar_cascade, "folder": models_folder, "precision": Precision.FLOAT16, "threads": 1}
    every = haar.detect(ten_faces())
    largest = HaarDetector(**options, min_face=150, max_faces=2).detect(ten_faces())
    assert len(largest) == 2
    assert largest.widths.min() > np.median(every.widths)
    certain = HaarDetector(**options, threshold=0.999).detect(ten_faces())
    assert len(certain) == (every.scores > 0.999).sum()
    assert 0 < len(certain) < len(every)


def test_what_a_bad_cascade_proposes_is_left_to_the_network(tmp_path: Path, models_folder: Path) -> None:
    path = written(tmp_path, cascade(stage(STUMP)))
    everywhere = HaarDetector(cascade=path, folder=models_folder, precision=Precision.FLOAT16, threads=1, min_face=40)
    found = everywhere.detect(astronaut())
    assert len(found) <= 3
    assert (found.scores > 0.8).all()


@pytest.mark.parametrize("size_wh", [(1, 1), (23, 24), (24, 24), (1, 700), (33, 31), (40_000, 60)])
def test_any_size(size_wh: tuple[int, int], haar: HaarDetector) -> None:
    assert len(haar.detect(np.zeros((size_wh[1], size_wh[0], 3), np.uint8))) == 0


def test_a_face_in_a_corner_of_a_large_image(haar: HaarDetector) -> None:
    room: Image = np.full((1500, 2300, 3), 60, np.uint8)
    room[-512:, -512:] = astronaut()
    (box,) = haar.detect(room).boxes
    (expected,) = haar.detect(astronaut()).boxes
    assert box == pytest.approx(expected + np.tile([2300 - 512, 1500 - 512], 2), abs=12)


def test_windows_with_neighbours_become_their_mean() -> None:
    on_a_face = np.array([[10.0, 10, 50, 50], [12, 10, 52, 50], [11, 13, 51, 53]])
    alone = np.array([[200.0, 10, 240, 50], [201, 10, 241, 50]])
    inside = np.array([[20.0, 20, 40, 40]])
    boxes = np.concatenate([alone, on_a_face[::-1], inside])
    assert grouped(boxes, np.ones(6)) == pytest.approx(on_a_face.mean(axis=0, keepdims=True))
    assert grouped(np.empty((0, 4)), np.empty(0)).shape == (0, 4)


def test_only_the_best_of_very_many_windows_are_grouped() -> None:
    many = np.tile([0.0, 0, 30, 30], (3000, 1))
    many[:3] += 100
    sums = np.concatenate([np.full(3, 0.5), np.full(2997, 1.0)])
    assert grouped(many, sums).tolist() == [[0, 0, 30, 30]]
    assert grouped(many, -sums).tolist() == [[100, 100, 130, 130], [0, 0, 30, 30]]


@pytest.mark.parametrize("image", [np.zeros((40, 40), np.uint8), np.zeros((40, 40, 3), np.float32)])
def test_other_arrays_are_refused(image: np.ndarray, haar: HaarDetector) -> None:
    with pytest.raises(ValueError, match="expected uint8"):
        haar.detect(image)


def test_a_missing_cascade_fails_at_the_start(models_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        HaarDetector(cascade=tmp_path / "none.xml", folder=models_folder, precision=Precision.FLOAT16, threads=1)
