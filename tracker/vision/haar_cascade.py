"""Haar cascades: boosted stages of rectangle features, as OpenCV's XML files have them, over all windows of an image.

Source: Viola and Jones, "Rapid Object Detection using a Boosted Cascade of Simple Features" (2001), in the form of
OpenCV 4 (objdetect, cascadedetect.cpp). OpenCV 5 has neither the classifier nor the files in its main modules.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from tracker.vision.boxes import Boxes
from tracker.vision.native import kernels

RECTS = 3
"""Rectangles of a feature at most; missing ones have the weight 0."""
_MIN_DEVIATION = 10.0
"""Standard deviation of grey below which a window is too flat for a face."""
_FINE_FROM = 2.0
"""Scale from which windows are 1 px of the scaled image apart; below, 2."""
_VALUES_AT_ONCE = 2_000_000
"""Pixels that numpy looks up at once: 16 MB."""

Grey: TypeAlias = NDArray[np.uint8]
Table: TypeAlias = NDArray[np.integer[Any] | np.floating[Any]]
"""An integral image."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HaarCascade:
    """A cascade: S stages of T trees of N nodes and L leaves, with F features. All arrays are contiguous.

    size_wh: of its window, px. thresholds: (S,) float64 that the sum of a stage's trees must reach. ends: (S,) int64,
    the number of trees up to the end of each stage. roots: (T,) int64, the first node of each tree.
    features, limits: (N,) int64 and float64; where the feature is below the limit, the next node is `lefts`, else
    `rights`, (N,) int64; a negative number -1 - k is leaf k. leaves: (L,) float64.
    rects: (F, 3, 4) int64 x1 y1 x2 y2 in the window, px. weights: (F, 3) float64.
    """

    size_wh: tuple[int, int]
    thresholds: NDArray[np.float64]
    ends: NDArray[np.int64]
    roots: NDArray[np.int64]
    features: NDArray[np.int64]
    limits: NDArray[np.float64]
    lefts: NDArray[np.int64]
    rights: NDArray[np.int64]
    leaves: NDArray[np.float64]
    rects: NDArray[np.int64]
    weights: NDArray[np.float64]

    def search(self, grey: Grey, *, min_side: float, scale_factor: float) -> tuple[Boxes, Boxes]:
        """Boxes (N, 4) px of the windows that pass all stages, and the sum of the last stage (N,) of each.

        grey: (H, W). min_side: of the smallest window, px; windows below the cascade's own are not searched.
        scale_factor: ratio of one window to the next smaller one.
        """
        scales = list(self._scales(grey.shape, min_side, scale_factor))
        if not scales:
            return np.empty((0, 4)), np.empty(0)
        searched = _Windows.of(grey, scales, self.size_wh)
        sums = self._sums(searched)
        passed = np.flatnonzero(~np.isnan(sums))
        corners = np.round(searched.corners_xy[passed] * searched.scales[passed, None])
        sizes = np.round(np.array(self.size_wh) * searched.scales[passed, None])
        return np.concatenate([corners, corners + sizes], axis=1), sums[passed]

    def _scales(self, shape_hw: tuple[int, ...], min_side: float, scale_factor: float) -> Iterator[float]:
        scale = 1.0
        while all(side * scale < most + 0.5 for side, most in zip(self.size_wh, shape_hw[::-1], strict=True)):
            if min(self.size_wh) * scale >= min_side - 0.5:
                yield scale
            scale *= scale_factor

    def _sums(self, windows: _Windows) -> NDArray[np.float64]:
        """(N,) the sum of the last stage for each window, NaN where a stage rejects it."""
        offsets = self._offsets(windows.table.shape[1])
        if kernels.KERNELS is not None:
            arrays = (self.thresholds, self.ends, self.roots, self.features, self.limits, self.lefts, self.rights,
                      self.leaves, offsets, self.weights)  # fmt: skip
            return kernels.KERNELS.haar_sums(windows.table, windows.starts, windows.factors, arrays)
        sums = np.full(len(windows.starts), np.nan)
        alive = np.arange(len(windows.starts))
        first = 0
        for threshold, end in zip(self.thresholds, self.ends.tolist(), strict=True):
            found = self._stage(windows, alive, offsets, self.roots[first:end])
            alive, found = alive[found >= threshold], found[found >= threshold]
            first = end
        sums[alive] = found
        return sums

    def _offsets(self, columns: int) -> NDArray[np.int64]:
        """(F, 3, 4) from a window's corner in an integral image to the corners of rectangles: A, B, C, D by rows."""
        x1, y1, x2, y2 = np.moveaxis(self.rects, 2, 0)
        return np.stack([y1 * columns + x1, y1 * columns + x2, y2 * columns + x1, y2 * columns + x2], axis=2)

    def _stage(
        self, windows: _Windows, rows: NDArray[np.intp], offsets: NDArray[np.int64], roots: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """(N,) the sum of some trees for the windows in some rows."""
        table = windows.table.ravel()
        sums = np.zeros(len(rows))
        step = max(1, _VALUES_AT_ONCE // (len(roots) * RECTS * 4))
        for start in range(0, len(rows), step):
            part = rows[start : start + step]
            nodes = np.broadcast_to(roots, (len(part), len(roots)))
            while (nodes >= 0).any():
                inner = np.maximum(nodes, 0)
                feature = self.features[inner]
                corners = table[windows.starts[part, None, None, None] + offsets[feature]].astype(np.int64)
                areas = corners[..., 0] - corners[..., 1] - corners[..., 2] + corners[..., 3]
                values = (areas * self.weights[feature]).sum(axis=2) * windows.factors[part, None]
                following = np.where(values < self.limits[inner], self.lefts[inner], self.rights[inner])
                nodes = np.where(nodes >= 0, following, nodes)
            sums[start : start + step] = self.leaves[-1 - nodes].sum(axis=1)
        return sums


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Windows:
    """N windows of an image at several scales.

    table: (rows, columns) int32, the integral images of all scales one below the other. starts: (N,) int64 index of
    each window's corner in it. factors: (N,) what its features are multiplied by, so that they depend neither on
    contrast nor on size. corners_xy: (N, 2) px of the scaled image. scales: (N,) px of the image for one of those.
    """

    table: NDArray[np.int32]
    starts: NDArray[np.int64]
    factors: NDArray[np.float64]
    corners_xy: NDArray[np.int64]
    scales: NDArray[np.float64]

    @classmethod
    def of(cls, grey: Grey, scales: list[float], size_wh: tuple[int, int]) -> _Windows:
        """The windows that are not flat. scales: ascending, one at least."""
        height, width = grey.shape
        sizes = [(max(round(width / each), size_wh[0]), max(round(height / each), size_wh[1])) for each in scales]
        columns = sizes[0][0] + 1
        table = np.zeros((sum(rows + 1 for _, rows in sizes), columns), np.int32)
        parts, top = [], 0
        for scale, level_wh in zip(scales, sizes, strict=True):
            scaled = cv2.resize(grey, level_wh, interpolation=cv2.INTER_LINEAR_EXACT)
            sums, squares = cv2.integral2(scaled)
            table[top : top + level_wh[1] + 1, : level_wh[0] + 1] = sums
            step = 1 if scale >= _FINE_FROM else 2
            factors = _factors(sums, squares, size_wh, step)
            row, column = np.nonzero(factors)
            corners = np.stack([column, row], axis=1) * step
            parts.append((corners, (top + corners[:, 1]) * columns + corners[:, 0], factors[row, column], scale))
            top += level_wh[1] + 1
        return cls(
            table=table,
            starts=np.concatenate([starts for _, starts, _, _ in parts]),
            factors=np.concatenate([factors for _, _, factors, _ in parts]),
            corners_xy=np.concatenate([corners for corners, _, _, _ in parts]),
            scales=np.concatenate([np.full(len(corners), scale) for corners, _, _, scale in parts]),
        )


def _factors(sums: Table, squares: Table, size_wh: tuple[int, int], step: int) -> NDArray[np.float64]:
    """(rows, columns) 1 / (area * standard deviation) of the windows every `step` px, without borders; 0 where flat."""
    width, height = size_wh[0] - 2, size_wh[1] - 2

    def inside(table: Table) -> NDArray[np.float64]:
        """The sum of each window without its border of 1 px."""
        down, right = table.shape[0] - size_wh[1], table.shape[1] - size_wh[0]
        a, b, c, d = (
            table[y : y + down : step, x : x + right : step].astype(np.float64)
            for y in (1, 1 + height)
            for x in (1, 1 + width)
        )
        return d - c - b + a

    area = width * height
    spread = np.sqrt(np.maximum(area * inside(squares) - inside(sums) ** 2, 0))
    flat = spread < _MIN_DEVIATION * area
    spread[flat] = np.inf
    factors: NDArray[np.float64] = 1 / spread
    return factors
