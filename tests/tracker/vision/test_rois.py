"""Regions of interest of pyramid levels."""

from __future__ import annotations

import numpy as np

from tests.tracker.vision.scenes import ten_faces
from tracker.vision.patches import NormalisedFrame
from tracker.vision.pyramid import levels
from tracker.vision.rois import Rois, propose, rois_around

LEVELS = levels((1280, 720), min_face=20, scale_factor=0.709)


def rois_of(squares: list[list[float]] | np.ndarray) -> Rois:
    return rois_around(np.array(squares, np.float64).reshape(-1, 4), LEVELS, (1280, 720))


def test_rois_start_at_the_stride_and_lie_inside_their_level() -> None:
    rng = np.random.default_rng(2)
    for _ in range(40):
        corners, sides = rng.uniform(-50, 1300, (5, 2)), rng.uniform(5, 900, (5, 1))
        rois = rois_of(np.concatenate([corners, corners + sides], axis=1))
        lengths = np.array([level.size_wh for level in LEVELS])[rois.levels]
        assert (rois.corners_xy % 2 == 0).all()
        assert (rois.corners_xy >= 0).all()
        assert (rois.corners_xy + rois.sizes_wh <= lengths).all()
        assert (rois.sizes_wh >= 12).all()


def test_square_is_searched_at_levels_of_its_size_only() -> None:
    rois = rois_of([[100, 100, 160, 160]])
    fields = [12 / level.scale for level in LEVELS]
    assert rois.levels.tolist() == [index for index, field in enumerate(fields) if 22.8 <= field <= 132]


def test_roi_at_the_edge_includes_the_last_pixel() -> None:
    """For a level of odd width."""
    index, level = next(pair for pair in enumerate(LEVELS) if pair[1].size_wh[0] % 2)
    side = 14 / level.scale
    rois = rois_of([[1280 - side, 300, 1280, 300 + side]])
    row = rois.levels.tolist().index(index)
    assert rois.corners_xy[row, 0] + rois.sizes_wh[row, 0] == level.size_wh[0]


def test_duplicate_squares_give_one_roi_per_level() -> None:
    once, twice = rois_of([[100, 100, 160, 160]]), rois_of([[100, 100, 160, 160]] * 2)
    assert twice.levels.tolist() == once.levels.tolist()


def test_level_covered_by_rois_is_searched_in_full() -> None:
    squares = [[x, y, x + 400.0, y + 400.0] for x in range(0, 900, 100) for y in range(0, 320, 80)]
    rois = rois_of(squares)
    assert len(set(rois.levels.tolist())) == len(rois.levels)
    assert rois.sizes_wh.tolist() == [list(LEVELS[index].size_wh) for index in rois.levels]


def test_without_squares_pnet_is_not_run() -> None:
    class Fails:
        def run(self, _batch: np.ndarray) -> tuple[np.ndarray, ...]:
            raise AssertionError("P-Net must not run")

    image = ten_faces()
    found = propose(image, NormalisedFrame(image), np.empty((0, 4)), LEVELS, pnet=Fails(), threshold=0.6)
    assert found.boxes.shape == (0, 4)
