"""The Faces type."""

from __future__ import annotations

import numpy as np
import pytest

from tracker.vision.faces import Faces, require_image


def three() -> Faces:
    boxes = np.arange(12, dtype=np.float32).reshape(3, 4)
    return Faces(boxes, np.array([0.9, 0.8, 0.7], np.float32), np.zeros((3, 5, 2), np.float32))


def test_take_selects_the_same_rows_of_all_arrays() -> None:
    taken = three().take(np.array([2, 0]))
    assert len(taken) == 2
    assert taken.scores.tolist() == pytest.approx([0.7, 0.9])
    assert taken.boxes[0].tolist() == [8, 9, 10, 11]
    assert len(three().take(np.array([False, True, False]))) == 1
    assert len(Faces.empty()) == 0


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("boxes", (np.zeros((3, 5), np.float32), np.zeros(3, np.float32), np.zeros((3, 5, 2), np.float32))),
        ("boxes", (np.zeros((3, 4)), np.zeros(3, np.float32), np.zeros((3, 5, 2), np.float32))),
        ("landmarks", (np.zeros((3, 4), np.float32), np.zeros(3, np.float32), np.zeros((2, 5, 2), np.float32))),
    ],
    ids=["five-columns", "float64", "rows-differ"],
)
def test_inconsistent_arrays_are_rejected(name: str, broken: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    with pytest.raises(ValueError, match=rf"{name}: expected float32 .* got"):
        Faces(*broken)


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 4), (4, 4, 1)])
def test_images_must_have_three_channels(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected uint8"):
        require_image(np.zeros(shape, np.uint8))


def test_shifted_faces_keep_scores_and_sizes() -> None:
    faces = Faces(np.array([[1, 2, 5, 8]], np.float32), np.ones(1, np.float32), np.full((1, 5, 2), 3, np.float32))
    shifted = faces.shifted((10, 20))
    assert shifted.boxes.tolist() == [[11, 22, 15, 28]]
    assert shifted.landmarks[0, 0].tolist() == [13, 23]
    assert (shifted.scores.tolist(), faces.boxes.tolist()) == ([1.0], [[1, 2, 5, 8]])
