"""The exact P-Net search, restricted to regions of interest (ROIs) of the pyramid levels.

P-Net sees exactly the pixels of the whole level: an ROI is resampled from the frame on the level's pixel grid, and its
corner is a multiple of P-Net's stride.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracker.vision.boxes import Boxes
from tracker.vision.candidates import (
    LEVEL_OVERLAP,
    RECEPTIVE_FIELD,
    STRIDE,
    Candidates,
    SupportsRun,
    cell_boxes,
    suppressed,
)
from tracker.vision.faces import FloatArray, Image
from tracker.vision.native import kernels
from tracker.vision.patches import NormalisedFrame
from tracker.vision.pyramid import IntegralImage, Level, whole_level

_MIN_FIELD_RATIO, _MAX_FIELD_RATIO = 0.38, 2.2
"""Range of the ratio of P-Net's receptive field to a square's side; levels outside it are not searched."""
_MARGIN, _SIDE_STEP, _MIN_SIDE = 3, 8, 26
"""Px of a level: how much longer an ROI is than its square, what its side is a multiple of, and its minimum side."""
_MAX_COVERED_SHARE = 0.5
"""Share of a level's pixels in ROIs above which the whole level is searched instead."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rois:
    """N regions of pyramid levels: levels (N,) index of the level, corners_xy (N, 2) even px, sizes_wh (N, 2) px."""

    levels: NDArray[np.intp]
    corners_xy: NDArray[np.intp]
    sizes_wh: NDArray[np.intp]

    def by_size(self) -> list[NDArray[np.intp]]:
        """Row indices grouped by equal size."""
        sizes, rows = np.unique(self.sizes_wh[:, 0] * (1 << 32) + self.sizes_wh[:, 1], return_inverse=True)
        return [np.flatnonzero(rows == index) for index in range(len(sizes))]


def propose(
    image: Image,
    frame: NormalisedFrame,
    squares: Boxes,
    levels: Sequence[Level],
    *,
    pnet: SupportsRun,
    threshold: float,
) -> Candidates:
    """P-Net's proposals near the squares, after suppression within each level; boxes in px of the image.

    frame: the same image. squares: (N, 4) px. threshold: score that a proposal must exceed.
    """
    rois = rois_around(squares, levels, frame.size_wh)
    if not len(rois.levels):
        return Candidates.empty()
    integral = IntegralImage.of(image, _extent(rois, levels, frame.size_wh))
    keys, offsets, scores = [], [], []
    for rows in rois.by_size():
        found, probabilities = pnet.run(_pixels(frame, integral, levels, rois, rows))
        roi, ys, xs = np.nonzero(probabilities[..., 1] > threshold)
        cells = rois.corners_xy[rows[roi]] // STRIDE + np.stack([xs, ys], axis=1)
        keys.append((rois.levels[rows[roi]] << 40) + (cells[:, 1] << 20) + cells[:, 0])
        offsets.append(found[roi, ys, xs])
        scores.append(probabilities[roi, ys, xs, 1].astype(np.float64))
    key, first = np.unique(np.concatenate(keys), return_index=True)  # overlapping ROIs share cells
    level, cells = key >> 40, np.stack([key & 0xFFFFF, key >> 20 & 0xFFFFF], axis=1)
    scales = np.array([each.scale for each in levels])[level]
    boxes = cell_boxes(cells, np.concatenate(offsets)[first]) / scales[:, None]
    return suppressed(boxes, np.concatenate(scores)[first], LEVEL_OVERLAP, groups=level)


def rois_around(squares: Boxes, levels: Sequence[Level], size_wh: tuple[int, int]) -> Rois:
    """Distinct ROIs around squares (N, 4) in px of a frame of `size_wh`, at the levels that fit the squares' size.

    A level mostly covered by its ROIs gets one ROI of the whole level. ROIs at the right and bottom edge include the
    last pixel.
    """
    level_sizes = np.array([level.size_wh for level in levels], np.intp).reshape(-1, 2)
    sides = np.array([level.scale for level in levels])[:, None] * (squares[:, 2] - squares[:, 0])
    fits = (sides * _MIN_FIELD_RATIO <= RECEPTIVE_FIELD) & (sides * _MAX_FIELD_RATIO >= RECEPTIVE_FIELD)
    level, square = np.nonzero(fits)
    side = np.ceil((sides[level, square] + _MARGIN) / _SIDE_STEP)[:, None] * _SIDE_STEP
    side = np.maximum(side, _MIN_SIDE)
    centres = (squares[square, :2] + squares[square, 2:]) / 2 * (level_sizes[level] / np.array(size_wh))
    starts = (np.round((centres - side / 2) / STRIDE) * STRIDE).astype(np.intp)
    sizes = np.minimum(side.astype(np.intp), level_sizes[level])
    last = level_sizes[level] - sizes
    odd = (starts >= last) & (last % STRIDE == 1)
    corners = np.clip(starts, 0, last) + odd
    sizes = sizes - odd
    found = set(map(tuple, np.concatenate([level[:, None], corners, sizes], axis=1).tolist()))
    table = np.array(sorted(found), np.intp).reshape(-1, 5)
    covered = np.bincount(table[:, 0], weights=table[:, 3] * table[:, 4], minlength=len(levels))
    full = np.flatnonzero(covered > _MAX_COVERED_SHARE * level_sizes.prod(axis=1))
    whole = np.concatenate([full[:, None], np.zeros((len(full), 2), np.intp), level_sizes[full]], axis=1)
    table = np.concatenate([table[~np.isin(table[:, 0], full)], whole])
    return Rois(levels=table[:, 0], corners_xy=table[:, 1:3], sizes_wh=table[:, 3:])


def _extent(rois: Rois, levels: Sequence[Level], size_wh: tuple[int, int]) -> tuple[int, int, int, int]:
    """The part x1 y1 x2 y2 of a frame that the ROIs cover together."""
    steps = np.array(size_wh) / np.array([level.size_wh for level in levels])[rois.levels]
    x1, y1 = (rois.corners_xy * steps).min(axis=0).astype(int).tolist()
    x2, y2 = np.ceil(((rois.corners_xy + rois.sizes_wh) * steps).max(axis=0)).astype(int).tolist()
    return x1, y1, min(x2, size_wh[0]), min(y2, size_wh[1])


def _pixels(
    frame: NormalisedFrame, integral: IntegralImage, levels: Sequence[Level], rois: Rois, rows: NDArray[np.intp]
) -> FloatArray:
    """(N, height, width, 3) float32: the pixels of some ROIs of one size."""
    width, height = rois.sizes_wh[rows[0]].tolist()
    first = levels[rois.levels[rows[0]]]
    if kernels.KERNELS is None and (width, height) == first.size_wh and len(rows) == 1:
        return whole_level(frame.all_rows(), integral, first)
    level_sizes = np.array([level.size_wh for level in levels])[rois.levels[rows]]
    return integral.resampled(rois.corners_xy[rows], np.array(frame.size_wh) / level_sizes, (width, height))
