"""The type in which faces travel."""

from __future__ import annotations

import numpy as np
import pytest

from tracker.vision.faces import Faces, require_image


def three() -> Faces:
    boxes = np.arange(12, dtype=np.float32).reshape(3, 4)
    return Faces(boxes, np.array([0.9, 0.8, 0.7], np.float32), np.zeros((3, 5, 2), np.float32))


def test_taking_rows_keeps_arrays_together() -> None:
    taken = three().take(np.array([2, 0]))
    assert len(taken) == 2
    assert taken.scores.tolist() == pytest.approx([0.7, 0.9])
    assert taken.boxes[0].tolist() == [8, 9, 10, 11]
    assert len(three().take(np.array([False, True, False]))) == 1
    assert len(Faces.none()) == 0


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("boxes", (np.zeros((3, 5), np.float32), np.zeros(3, np.float32), np.zeros((3, 5, 2), np.float32))),
        ("boxes", (np.zeros((3, 4)), np.zeros(3, np.float32), np.zeros((3, 5, 2), np.float32))),
        ("landmarks", (np.zeros((3, 4), np.float32), np.zeros(3, np.float32), np.zeros((2, 5, 2), np.float32))),
    ],
    ids=["five-columns", "float64", "rows-differ"],
)
def test_what_does_not_fit_is_refused(name: str, broken: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    with pytest.raises(ValueError, match=rf"{name}: expected float32 .* got"):
        Faces(*broken)


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 4), (4, 4, 1)])
def test_pictures_have_three_channels(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected uint8"):
        require_image(np.zeros(shape, np.uint8))
