"""Box geometry: overlap, non-maximum suppression, squaring, clipping; regions of a frame.

Boxes are (N, 4) rows x1 y1 x2 y2 in px, of any float type. Empty, inverted and NaN boxes overlap nothing; no function
here raises or warns on them.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tracker.vision.native import kernels

Boxes: TypeAlias = NDArray[np.floating[Any]]
_BLOCK = 64
_UPPER_TRIANGLE = np.triu(np.ones((_BLOCK, _BLOCK), np.bool_), 1)

Region: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom in fractions of the frame, 0..1, left < right and top < bottom."""
WHOLE_FRAME: Region = (0.0, 0.0, 1.0, 1.0)


class Overlap(Enum):
    """The denominator of the overlap of two boxes: their union (IoU), or the smaller area (IoM)."""

    UNION = "union"
    SMALLER = "smaller"


def areas(boxes_xyxy: Boxes) -> Boxes:
    """(N,) px squared; 0 for empty, inverted and NaN boxes."""
    sizes: Boxes = np.fmax(boxes_xyxy[:, 2:] - boxes_xyxy[:, :2], 0)
    return sizes[:, 0] * sizes[:, 1]


def iou_matrix(first_xyxy: Boxes, second_xyxy: Boxes, overlap: Overlap = Overlap.UNION) -> Boxes:
    """(N, M) overlap in 0..1 of each of N boxes with each of M boxes."""
    top_left = np.maximum(first_xyxy[:, None, :2], second_xyxy[None, :, :2])
    bottom_right = np.minimum(first_xyxy[:, None, 2:], second_xyxy[None, :, 2:])
    sides = bottom_right - top_left
    shared = np.where((sides > 0).all(axis=2), sides[..., 0] * sides[..., 1], 0)
    first, second = areas(first_xyxy)[:, None], areas(second_xyxy)[None, :]
    total = first + second - shared if overlap is Overlap.UNION else np.minimum(first, second)
    result: Boxes = np.divide(shared, total, out=np.zeros_like(shared), where=(shared > 0) & (total > 0))
    return result


def best_first(scores: Boxes) -> NDArray[np.intp]:
    """Row indices by descending score; the sort is stable."""
    return np.argsort(-scores, kind="stable")


def nms(
    boxes_xyxy: Boxes,
    max_overlap: float,
    overlap: Overlap = Overlap.UNION,
    *,
    groups: NDArray[np.integer[Any]] | None = None,
) -> NDArray[np.intp]:
    """Rows kept by non-maximum suppression, ascending. The boxes must be sorted by descending score.

    groups: (N,) group of each box; boxes suppress only boxes of their own group. None: one group.

    Not greedy: a box is removed when any box with a higher score overlaps it by more than `max_overlap`, even if that
    box is itself removed. The cascade's thresholds were tuned with this variant, which keeps slightly fewer boxes.
    Source: mtcnn 1.0.0, utils/bboxes.py, `nms`.
    """
    if kernels.KERNELS is not None:
        by_smaller = overlap is Overlap.SMALLER
        return np.flatnonzero(kernels.KERNELS.nms(boxes_xyxy, max_overlap, by_smaller=by_smaller, groups=groups))
    if groups is None:
        return np.flatnonzero(_kept(boxes_xyxy, max_overlap, overlap))
    kept = np.empty(len(boxes_xyxy), np.bool_)
    order = np.argsort(groups, kind="stable")
    ends = np.flatnonzero(np.diff(groups[order])) + 1
    for rows in np.split(order, ends):
        kept[rows] = _kept(boxes_xyxy[rows], max_overlap, overlap)
    return np.flatnonzero(kept)


def _kept(boxes: Boxes, max_overlap: float, overlap: Overlap) -> NDArray[np.bool_]:
    """(N,) True where no earlier box overlaps the box by more than `max_overlap`."""
    count = len(boxes)
    kept = np.empty(count, np.bool_)
    columns = np.ascontiguousarray(boxes.T)
    area = areas(boxes)
    for start in range(0, count, _BLOCK):
        stop = min(start + _BLOCK, count)
        rows = slice(start, stop)
        shared = _intersections(columns[:, :stop], columns[:, rows])
        exceeds = shared > _max_intersections(area[:stop], area[rows], max_overlap, overlap)
        exceeds[rows] &= _UPPER_TRIANGLE[: stop - start, : stop - start]
        kept[rows] = ~exceeds.any(axis=0)
    return kept


def _intersections(first: Boxes, second: Boxes) -> Boxes:
    """(N, M) intersection areas. first: (4, N), second: (4, M), boxes as columns."""
    width: Boxes = np.minimum(first[2][:, None], second[2])
    width -= np.maximum(first[0][:, None], second[0])
    height = np.minimum(first[3][:, None], second[3])
    height -= np.maximum(first[1][:, None], second[1])
    np.maximum(width, 0, out=width)
    width *= np.maximum(height, 0, out=height)
    return width


def _max_intersections(first: Boxes, second: Boxes, max_overlap: float, overlap: Overlap) -> Boxes:
    """(N, M) intersection areas that correspond to `max_overlap` for boxes of these areas; avoids a division."""
    if overlap is Overlap.SMALLER:
        of_smaller: Boxes = max_overlap * np.minimum(first[:, None], second)
        return of_smaller
    factor = max_overlap / (1 + max_overlap)
    of_union: Boxes = (factor * first)[:, None] + factor * second
    return of_union


def to_squares(boxes_xyxy: Boxes) -> Boxes:
    """The boxes extended about their centres to squares of their longer side, not rounded."""
    sizes = boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]
    side = sizes.max(axis=1, keepdims=True, initial=-np.inf)
    corners = boxes_xyxy[:, :2] + (sizes - side) * 0.5
    return np.concatenate([corners, corners + side], axis=1)


def clipped(boxes_xyxy: Boxes, size_wh: tuple[int, int]) -> Boxes:
    """The boxes with every coordinate clipped to 0..width-1 and 0..height-1; NaN stays NaN."""
    last = np.array([size_wh[0] - 1, size_wh[1] - 1] * 2, boxes_xyxy.dtype)
    return np.minimum(np.maximum(boxes_xyxy, 0), last)


def region_px(region: Region, size_wh: tuple[int, int]) -> tuple[int, int, int, int]:
    """The region as x1 y1 x2 y2 in px, end exclusive; at least one px wide and high unless the frame is empty."""
    (x1, x2), (y1, y2) = (_span_px(region[axis], region[axis + 2], size_wh[axis]) for axis in (0, 1))
    return x1, y1, x2, y2


def _span_px(start: float, stop: float, length: int) -> tuple[int, int]:
    first = min(round(start * length), max(length - 1, 0))
    return first, min(max(round(stop * length), first + 1), length)
