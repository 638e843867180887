"""Patches for the second and third network."""

from __future__ import annotations

import numpy as np
import pytest

from tracker.vision.patches import cut_patches


def ramp(width: int = 101, height: int = 51) -> np.ndarray:
    """Red grows with x, green with y: a patch tells where it was taken."""
    ys, xs = np.mgrid[:height, :width].astype(np.float32)
    return np.stack([xs, ys, np.ones_like(xs)], axis=2)


def test_a_patch_lies_where_its_box_lies() -> None:
    patch = cut_patches(ramp(), np.array([[20.2, 10.2, 40.4, 20.4]]), 5)[0]
    assert patch[0, :, 0] == pytest.approx(np.linspace(20.2, 40.4, 5) * 100 / 101, abs=0.02)
    assert patch[:, 0, 1] == pytest.approx(np.linspace(10.2, 20.4, 5) * 50 / 51, abs=0.02)


def test_outside_the_frame_is_nothing() -> None:
    patch = cut_patches(ramp(), np.array([[-20.0, -10.0, 20.0, 10.0]]), 9)[0]
    assert not patch[:4].any()
    assert not patch[:, :4].any()
    assert patch[5:, 5:, 2] == pytest.approx(1)


@pytest.mark.parametrize(
    "box", [(-500, -500, -400, -400), (1e30, 0, 1e31, 5), (float("nan"), 0, 5, 5), (0, 0, float("inf"), 5)], ids=str
)
def test_impossible_boxes_give_patches(box: tuple[float, float, float, float]) -> None:
    patches = cut_patches(ramp(), np.array([box, (0, 0, 10, 10)]), 24)
    assert patches.shape == (2, 24, 24, 3)
    assert np.isfinite(patches).all()


def test_more_patches_than_one_call_can_sample() -> None:
    offsets = np.linspace(0, 40, 2000)[:, None]
    patches = cut_patches(ramp(), np.array([[5.0, 5.0, 10.0, 10.0]]) + offsets * [1, 0, 1, 0], 24)
    assert patches[:, 0, 0, 0] == pytest.approx((5 + offsets[:, 0]) * 100 / 101, abs=0.02)


def test_no_boxes_no_patches() -> None:
    assert cut_patches(ramp(), np.empty((0, 4)), 48).shape == (0, 48, 48, 3)
