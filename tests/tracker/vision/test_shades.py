"""A frame normalised where somebody looks is what it is when normalised whole."""

from __future__ import annotations

import numpy as np

from tests.tracker.vision.scenes import ten_faces
from tracker.vision.patches import cut_patches
from tracker.vision.shades import Shades, normalised


def test_red_green_blue_about_the_middle_of_the_range() -> None:
    image = np.array([[[0, 128, 255]]], np.uint8)
    assert normalised(image).tolist() == [[[127.5 / 128, 0.5 / 128, -127.5 / 128]]]
    assert np.array_equal(Shades(image).whole(), normalised(image))


def test_patches_are_those_of_the_whole_frame_in_whatever_order_they_are_asked_for() -> None:
    image, rng = ten_faces(), np.random.default_rng(4)
    whole = normalised(image)
    for _ in range(20):
        np.full(image.shape, np.nan, np.float32)  # what memory may hold that is used again
        shades = Shades(image)
        for _ in range(6):
            corners = rng.uniform((-60, -60), (1300, 740), (rng.integers(1, 4), 2))
            boxes = np.concatenate([corners, corners + rng.uniform(0, 200, (len(corners), 1))], axis=1)
            cut = cut_patches(shades.under(boxes), boxes, 24)
            assert np.array_equal(cut, cut_patches(whole, boxes, 24))
    assert np.array_equal(shades.whole(), whole)


def test_boxes_of_no_size_or_place_ask_for_nothing() -> None:
    image = ten_faces()
    boxes = np.array([[np.nan, 0, 5, 5], [0, np.inf, 5, np.inf], [10, 900, 20, 910], [10, -90, 20, -80]])
    assert not cut_patches(Shades(image).under(boxes), boxes, 24).any()
    assert Shades(image).under(np.empty((0, 4))).shape == image.shape
