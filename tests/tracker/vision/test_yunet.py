"""The second face detector."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from config.settings import Precision
from tests.models.conftest import published
from tests.tracker.vision.scenes import STILLS, astronaut, empty_room, grace_hopper, ten_faces
from tracker.vision.boxes import iou_matrix
from tracker.vision.detector import Detector
from tracker.vision.faces import Image
from tracker.vision.yunet import YuNetDetector


@pytest.fixture(scope="module")
def yunet(models_folder: Path) -> YuNetDetector:
    return YuNetDetector(folder=models_folder, precision=Precision.FLOAT16, threads=2)


@pytest.fixture(scope="module")
def mtcnn(models_folder: Path) -> Detector:
    return Detector(folder=models_folder, precision=Precision.FLOAT16, threads=2)


@pytest.mark.parametrize("name", [name for name in STILLS if name != "empty-room"])
def test_the_faces_of_mtcnn_with_the_same_points(name: str, yunet: YuNetDetector, mtcnn: Detector) -> None:
    image = STILLS[name]()
    expected, found = mtcnn.detect(image), yunet.detect(image)
    overlaps = iou_matrix(expected.boxes, found.boxes)
    assert (overlaps.max(axis=1) > 0.6).all()
    points = found.landmarks[overlaps.argmax(axis=1)]
    assert (np.abs(points - expected.landmarks).max(axis=(1, 2)) < 0.06 * expected.widths).all()
    assert len(found) == len(expected)


def test_boxes_are_those_of_opencv(yunet: YuNetDetector, tmp_path: Path) -> None:
    image, file = astronaut(), tmp_path / "yunet.onnx"
    file.write_bytes(published("yunet"))
    reference = cv2.FaceDetectorYN.create(str(file), "", (image.shape[1], image.shape[0]), 0.75)
    _, rows = reference.detect(image)
    found = yunet.detect(image)
    assert found.boxes == pytest.approx(np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1), abs=1)
    assert found.scores == pytest.approx(rows[:, 14], abs=0.01)


def test_a_face_that_mtcnn_misses(yunet: YuNetDetector, mtcnn: Detector) -> None:
    bright, dark = grace_hopper(), (0.05 * grace_hopper()).astype(np.uint8)
    assert len(mtcnn.detect(dark)) == 0
    (points,), (expected,) = yunet.detect(dark).landmarks, mtcnn.detect(bright).landmarks
    assert np.abs(points - expected).max() < 0.12 * 173  # of the width of the face


def test_no_face_in_an_empty_room(yunet: YuNetDetector) -> None:
    assert len(yunet.detect(empty_room())) == 0


def test_limits(models_folder: Path) -> None:
    largest = YuNetDetector(folder=models_folder, precision=Precision.FLOAT16, threads=1, min_face=100, max_faces=2)
    found = largest.detect(ten_faces())
    assert len(found) == 2
    assert (found.widths >= 100).all()
    assert found.scores[0] >= found.scores[1]


@pytest.mark.parametrize("size_wh", [(1, 1), (1, 700), (33, 31), (40_000, 60)])
def test_any_size(size_wh: tuple[int, int], yunet: YuNetDetector) -> None:
    assert len(yunet.detect(np.zeros((size_wh[1], size_wh[0], 3), np.uint8))) == 0


def test_a_face_in_a_corner_of_a_large_image(yunet: YuNetDetector) -> None:
    room: Image = np.full((1500, 2300, 3), 60, np.uint8)
    room[-512:, -512:] = astronaut()
    (box,) = yunet.detect(room).boxes
    (expected,) = yunet.detect(astronaut()).boxes
    assert box == pytest.approx(expected + np.tile([2300 - 512, 1500 - 512], 2), abs=8)


@pytest.mark.parametrize("image", [np.zeros((40, 40), np.uint8), np.zeros((40, 40, 3), np.float32)])
def test_other_arrays_are_refused(image: np.ndarray, yunet: YuNetDetector) -> None:
    with pytest.raises(ValueError, match="expected uint8"):
        yunet.detect(image)
