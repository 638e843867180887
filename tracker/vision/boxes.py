"""Box geometry: overlap, suppression, squaring, clipping.

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
_FURTHER_UP = np.triu(np.ones((_BLOCK, _BLOCK), np.bool_), 1)


class Overlap(Enum):
    """What the shared area of two boxes is divided by."""

    UNION = "union"
    SMALLER = "smaller"


def areas(boxes_xyxy: Boxes) -> Boxes:
    """(N,) px squared; 0 for empty, inverted and NaN boxes."""
    sizes: Boxes = np.fmax(boxes_xyxy[:, 2:] - boxes_xyxy[:, :2], 0)
    return sizes[:, 0] * sizes[:, 1]


def iou_matrix(ours_xyxy: Boxes, theirs_xyxy: Boxes, overlap: Overlap = Overlap.UNION) -> Boxes:
    """(N, M) overlaps in 0..1 of every one of our N boxes with every one of their M."""
    corners = np.maximum(ours_xyxy[:, None, :2], theirs_xyxy[None, :, :2])
    ends = np.minimum(ours_xyxy[:, None, 2:], theirs_xyxy[None, :, 2:])
    sides = ends - corners
    shared = np.where((sides > 0).all(axis=2), sides[..., 0] * sides[..., 1], 0)
    ours, theirs = areas(ours_xyxy)[:, None], areas(theirs_xyxy)[None, :]
    whole = ours + theirs - shared if overlap is Overlap.UNION else np.minimum(ours, theirs)
    result: Boxes = np.divide(shared, whole, out=np.zeros_like(shared), where=(shared > 0) & (whole > 0))
    return result


def best_first(scores: Boxes) -> NDArray[np.intp]:
    """Rows from the highest score to the lowest; rows of equal score keep their order."""
    return np.argsort(-scores, kind="stable")


def suppress(
    boxes_xyxy: Boxes,
    max_overlap: float,
    overlap: Overlap = Overlap.UNION,
    *,
    groups: NDArray[np.integer[Any]] | None = None,
) -> NDArray[np.intp]:
    """Rows that survive non-maximum suppression, ascending. The boxes must stand best first.

    groups: (N,) boxes of different groups leave each other alone; None for one group.

    A box goes when any better box overlaps it by more than `max_overlap`, also when that better box goes itself.
    That is what the cascade was tuned with; greedy suppression would keep a few boxes more.
    Source: mtcnn 1.0.0, utils/bboxes.py, `nms`.
    """
    if kernels.KERNELS is not None:
        by_smaller = overlap is Overlap.SMALLER
        return np.flatnonzero(kernels.KERNELS.survive(boxes_xyxy, max_overlap, by_smaller=by_smaller, groups=groups))
    if groups is None:
        return np.flatnonzero(_survives(boxes_xyxy, max_overlap, overlap))
    kept = np.empty(len(boxes_xyxy), np.bool_)
    order = np.argsort(groups, kind="stable")
    ends = np.flatnonzero(np.diff(groups[order])) + 1
    for rows in np.split(order, ends):
        kept[rows] = _survives(boxes_xyxy[rows], max_overlap, overlap)
    return np.flatnonzero(kept)


def _survives(boxes: Boxes, max_overlap: float, overlap: Overlap) -> NDArray[np.bool_]:
    """(N,) whether no better box, one further up, overlaps each of the boxes."""
    count = len(boxes)
    kept = np.empty(count, np.bool_)
    corners = np.ascontiguousarray(boxes.T)
    area = areas(boxes)
    for start in range(0, count, _BLOCK):
        stop = min(start + _BLOCK, count)
        rows = slice(start, stop)
        exceeds = _shared(corners[:, :stop], corners[:, rows]) > _least(area[:stop], area[rows], max_overlap, overlap)
        exceeds[rows] &= _FURTHER_UP[: stop - start, : stop - start]
        kept[rows] = ~exceeds.any(axis=0)
    return kept


def _shared(ours: Boxes, theirs: Boxes) -> Boxes:
    """(N, M) area that boxes share. ours: (4, N), theirs: (4, M) corners."""
    width: Boxes = np.minimum(ours[2][:, None], theirs[2])
    width -= np.maximum(ours[0][:, None], theirs[0])
    height = np.minimum(ours[3][:, None], theirs[3])
    height -= np.maximum(ours[1][:, None], theirs[1])
    np.maximum(width, 0, out=width)
    width *= np.maximum(height, 0, out=height)
    return width


def _least(ours: Boxes, theirs: Boxes, limit: float, overlap: Overlap) -> Boxes:
    """(N, M) shared area up to which boxes of these areas leave each other alone; without dividing."""
    if overlap is Overlap.SMALLER:
        smaller: Boxes = limit * np.minimum(ours[:, None], theirs)
        return smaller
    part = limit / (1 + limit)
    both: Boxes = (part * ours)[:, None] + part * theirs
    return both


def squared(boxes_xyxy: Boxes) -> Boxes:
    """The boxes grown about their centres to squares of their longer side, not rounded."""
    sizes = boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]
    side = sizes.max(axis=1, keepdims=True, initial=-np.inf)
    corners = boxes_xyxy[:, :2] + (sizes - side) * 0.5
    return np.concatenate([corners, corners + side], axis=1)


def clipped(boxes_xyxy: Boxes, size_wh: tuple[int, int]) -> Boxes:
    """The boxes with every coordinate held in 0..width-1 and 0..height-1; NaN stays NaN."""
    last = np.array([size_wh[0] - 1, size_wh[1] - 1] * 2, boxes_xyxy.dtype)
    return np.minimum(np.maximum(boxes_xyxy, 0), last)
