"""Box geometry: overlap, suppression, squaring, clipping.

Boxes are (N, 4) rows x1 y1 x2 y2 in px, of any float type. Empty, inverted and NaN boxes overlap nothing; no function
here raises or warns on them.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Boxes: TypeAlias = NDArray[np.floating[Any]]
_BLOCK = 256


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
    count = len(boxes_xyxy)
    kept = np.ones(count, np.bool_)
    for start in range(0, count, _BLOCK):
        rows = slice(start, min(start + _BLOCK, count))
        overlapping = _overlap_exceeds(boxes_xyxy[: rows.stop], boxes_xyxy[rows], max_overlap, overlap)
        better = np.arange(rows.stop)[:, None] < np.arange(rows.start, rows.stop)[None, :]
        if groups is not None:
            better &= groups[: rows.stop, None] == groups[None, rows]
        kept[rows] = ~(overlapping & better).any(axis=0)
    return np.flatnonzero(kept)


def _overlap_exceeds(better: Boxes, boxes: Boxes, limit: float, overlap: Overlap) -> NDArray[np.bool_]:
    """Whether the overlap of each pair is above the limit, without dividing."""
    width = np.minimum(better[:, None, 2], boxes[None, :, 2]) - np.maximum(better[:, None, 0], boxes[None, :, 0])
    height = np.minimum(better[:, None, 3], boxes[None, :, 3]) - np.maximum(better[:, None, 1], boxes[None, :, 1])
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    ours, theirs = areas(better)[:, None], areas(boxes)[None, :]
    if overlap is Overlap.SMALLER:
        exceeds = shared > limit * np.minimum(ours, theirs)
    else:
        exceeds = shared * (1 + limit) > limit * (ours + theirs)
    result: NDArray[np.bool_] = exceeds & (shared > 0)
    return result


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
