"""Normalised input and patches for R-Net and O-Net."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tracker.vision.scenes import ten_faces
from tracker.vision.patches import NormalisedFrame, normalised, sample_patches


def ramp(width: int = 101, height: int = 51) -> np.ndarray:
    """Red equals x, green equals y."""
    ys, xs = np.mgrid[:height, :width].astype(np.float32)
    return np.stack([xs, ys, np.ones_like(xs)], axis=2)


def test_patch_is_sampled_under_its_box() -> None:
    patch = sample_patches(ramp(), np.array([[20.2, 10.2, 40.4, 20.4]]), 5)[0]
    assert patch[0, :, 0] == pytest.approx(np.linspace(20.2, 40.4, 5) * 100 / 101, abs=0.02)
    assert patch[:, 0, 1] == pytest.approx(np.linspace(10.2, 20.4, 5) * 50 / 51, abs=0.02)


def test_outside_the_frame_is_zero() -> None:
    patch = sample_patches(ramp(), np.array([[-20.0, -10.0, 20.0, 10.0]]), 9)[0]
    assert not patch[:4].any()
    assert not patch[:, :4].any()
    assert patch[5:, 5:, 2] == pytest.approx(1)


@pytest.mark.parametrize(
    "box", [(-500, -500, -400, -400), (1e30, 0, 1e31, 5), (float("nan"), 0, 5, 5), (0, 0, float("inf"), 5)], ids=str
)
def test_degenerate_boxes_give_finite_patches(box: tuple[float, float, float, float]) -> None:
    patches = sample_patches(ramp(), np.array([box, (0, 0, 10, 10)]), 24)
    assert patches.shape == (2, 24, 24, 3)
    assert np.isfinite(patches).all()


def test_more_patches_than_one_remap_call_can_sample() -> None:
    offsets = np.linspace(0, 40, 2000)[:, None]
    patches = sample_patches(ramp(), np.array([[5.0, 5.0, 10.0, 10.0]]) + offsets * [1, 0, 1, 0], 24)
    assert patches[:, 0, 0, 0] == pytest.approx((5 + offsets[:, 0]) * 100 / 101, abs=0.02)


def test_no_boxes_give_no_patches() -> None:
    assert sample_patches(ramp(), np.empty((0, 4)), 48).shape == (0, 48, 48, 3)


def test_normalised_is_rgb_around_zero() -> None:
    image = np.array([[[0, 128, 255]]], np.uint8)
    assert normalised(image).tolist() == [[[127.5 / 128, 0.5 / 128, -127.5 / 128]]]
    assert np.array_equal(NormalisedFrame(image).all_rows(), normalised(image))


def test_rows_normalised_on_demand_match_the_whole_frame() -> None:
    image, rng = ten_faces(), np.random.default_rng(4)
    whole = normalised(image)
    for _ in range(20):
        np.full(image.shape, np.nan, np.float32)  # poison memory that the frame may reuse
        frame = NormalisedFrame(image)
        for _ in range(6):
            corners = rng.uniform((-60, -60), (1300, 740), (rng.integers(1, 4), 2))
            boxes = np.concatenate([corners, corners + rng.uniform(0, 200, (len(corners), 1))], axis=1)
            patches = sample_patches(frame.rows_under(boxes), boxes, 24)
            assert np.array_equal(patches, sample_patches(whole, boxes, 24))
    assert np.array_equal(frame.all_rows(), whole)


def test_boxes_outside_or_not_finite_need_no_rows() -> None:
    image = ten_faces()
    boxes = np.array([[np.nan, 0, 5, 5], [0, np.inf, 5, np.inf], [10, 900, 20, 910], [10, -90, 20, -80]])
    assert not sample_patches(NormalisedFrame(image).rows_under(boxes), boxes, 24).any()
    assert NormalisedFrame(image).rows_under(np.empty((0, 4))).shape == image.shape
