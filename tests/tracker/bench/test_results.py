"""Results of detectors on faces that are known."""

from __future__ import annotations

import numpy as np

from tracker.bench.collection import Collection
from tracker.bench.measuring import Measured
from tracker.bench.results import COLUMNS, Comparison, detector_result
from tracker.vision.faces import Faces

LEFT, RIGHT, SHIFTED = (0, 0, 40, 40), (100, 0, 140, 40), (4, 0, 44, 40)


def faces(*boxes: tuple[int, int, int, int]) -> Faces:
    count = len(boxes)
    return Faces(
        np.array(boxes, np.float32).reshape(-1, 4), np.ones(count, np.float32), np.zeros((count, 5, 2), np.float32)
    )


def measured(**found: dict[str, Faces]) -> Measured:
    result = Measured()
    for name, by_picture in found.items():
        result.faces[name].update(by_picture)
        result.detector_ms[name].extend([2.0, 4.0, 3.0])
    return result


REFERENCE = {"one": faces(LEFT), "two": faces(LEFT, RIGHT), "none": faces(), "other": faces(RIGHT)}
OTHER = {"one": faces(SHIFTED), "two": faces(RIGHT), "none": faces(LEFT), "other": faces(LEFT)}
PEOPLE = Collection(title="people", pictures={}, one_face=True)


def test_agreement_with_mtcnn() -> None:
    found = measured(mtcnn=REFERENCE, yunet=OTHER)
    result = detector_result("yunet", PEOPLE, found, size_bytes=7)
    assert (result.faces, result.pictures) == (4, 4)
    assert (result.mtcnn_recall, result.extra_faces) == (0.5, 2)
    assert result.timing is not None
    assert result.timing.median_ms == 3
    itself = detector_result("mtcnn", PEOPLE, found, size_bytes=7)
    assert (itself.mtcnn_recall, itself.extra_faces) == (1, 0)


def test_missed_and_false_faces_are_known_where_each_picture_shows_one() -> None:
    found = measured(mtcnn=REFERENCE)
    known = detector_result("mtcnn", PEOPLE, found, size_bytes=7)
    assert (known.missed, known.false_positives) == (1, 1)
    unknown = detector_result("mtcnn", Collection(title="crowds", pictures={}), found, size_bytes=7)
    assert (unknown.missed, unknown.false_positives) == (None, None)


def test_without_mtcnn_there_is_no_agreement() -> None:
    result = detector_result("yunet", PEOPLE, measured(yunet=OTHER), size_bytes=7)
    assert (result.mtcnn_recall, result.extra_faces) == (None, None)
    (row,) = Comparison(detectors=(result,), embedders=()).rows()
    assert set(row) == {column.key for column in COLUMNS}
    assert (row["kind"], row["name"], row["accuracy"]) == ("detector", "yunet", None)


def test_mtcnn_without_faces_is_no_measure() -> None:
    found = measured(mtcnn={"none": faces()}, yunet={"none": faces(LEFT)})
    result = detector_result("yunet", PEOPLE, found, size_bytes=7)
    assert (result.mtcnn_recall, result.extra_faces) == (None, 1)
