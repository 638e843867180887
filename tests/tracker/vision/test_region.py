"""Regions in px: what a camera is searched in."""

from __future__ import annotations

import numpy as np
import pytest

from tracker.vision.faces import Faces
from tracker.vision.region import WHOLE, Region, cut, part_xyxy


@pytest.mark.parametrize(
    ("region", "size_wh", "part"),
    [
        pytest.param(WHOLE, (640, 360), (0, 0, 640, 360), id="whole"),
        pytest.param((0.25, 0.5, 0.75, 1.0), (640, 360), (160, 180, 480, 360), id="a-part"),
        pytest.param((0.1, 0.1, 0.7, 0.7), (10, 10), (1, 1, 7, 7), id="tenths-of-ten"),
        pytest.param((0.9999, 0.9999, 1.0, 1.0), (640, 360), (639, 359, 640, 360), id="last-px"),
        pytest.param((0.3, 0.6, 0.4, 0.7), (1, 1), (0, 0, 1, 1), id="a-picture-of-one-px"),
        pytest.param(WHOLE, (0, 7), (0, 0, 0, 7), id="a-picture-without-px"),
    ],
)
def test_a_region_is_whole_px_and_at_least_one(
    region: Region, size_wh: tuple[int, int], part: tuple[int, int, int, int]
) -> None:
    assert part_xyxy(region, size_wh) == part


def test_cutting_shows_the_px_of_the_picture_and_where_they_begin() -> None:
    image = np.arange(20 * 10 * 3, dtype=np.uint8).reshape(10, 20, 3)
    part, origin_xy = cut(image, (0.5, 0.2, 1.0, 0.5))
    assert origin_xy == (10, 2)
    assert np.array_equal(part, image[2:5, 10:])


def test_moved_faces_keep_their_scores_and_sizes() -> None:
    faces = Faces(np.array([[1, 2, 5, 8]], np.float32), np.ones(1, np.float32), np.full((1, 5, 2), 3, np.float32))
    there = faces.moved((10, 20))
    assert there.boxes.tolist() == [[11, 22, 15, 28]]
    assert there.landmarks[0, 0].tolist() == [13, 23]
    assert (there.scores.tolist(), faces.boxes.tolist()) == ([1.0], [[1, 2, 5, 8]])
