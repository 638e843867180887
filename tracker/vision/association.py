"""Which face of this frame continues which track: by overlap, by reach, and by vector."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from tracker.vision.boxes import iou_matrix
from tracker.vision.faces import FloatArray

_REACH_AT_ONCE = 1.5
"""Face widths that a face may leap between two frames, and"""
_REACH_PER_S = 4.0
"""that many more for each second unseen: someone who walks past near the camera."""
_SURE_PART = 0.75
"""Part of the largest vector distance within which the vector alone pairs."""
_MAX_SIZE_RATIO = 2.0
_UNKNOWN_DISTANCE = 0.75
"""What an unknown vector costs, as a part of the largest distance: more than a good one, less than a poor one."""
_MISS = 2.01
"""Cost of leaving a track without a face: just above the dearest pair."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Expected:
    """Where T tracks should be now.

    last, predicted: (T, 4) px, where each was seen and where its motion puts it. vectors: (T, D), NaN rows where none
    is known. unseen_s: (T,) seconds since each was seen.
    """

    last: FloatArray
    predicted: FloatArray
    vectors: FloatArray
    unseen_s: FloatArray


def associate(
    expected: Expected, boxes: FloatArray, vectors: FloatArray, *, min_iou: float, max_vector_distance: float
) -> list[tuple[int, int]]:
    """Pairs (track, face) of the cheapest assignment, each track and each face at most once.

    boxes: (N, 4) px. vectors: (N, D), NaN rows where a face has none to compare.
    Vectors farther apart than `max_vector_distance` never pair, whatever the overlap. Without vectors only overlap
    (IoU of at least `min_iou` with the last or the predicted box) pairs. Vectors that agree well pair without overlap
    too, within what a person can walk in the time and at a like size.
    """
    if not len(expected.last) or not len(boxes):
        return []
    overlap = np.maximum(iou_matrix(expected.last, boxes), iou_matrix(expected.predicted, boxes))
    distance = _distances(expected.vectors, vectors)
    known = ~np.isnan(distance)
    sure = known & (distance <= _SURE_PART * max_vector_distance) & _within_reach(expected, boxes)
    allowed = ((overlap >= min_iou) & ~(known & (distance > max_vector_distance))) | sure
    unlike = np.where(known, distance / max_vector_distance, _UNKNOWN_DISTANCE)
    cost = np.where(allowed, 1 - overlap + unlike, _MISS)
    rows, columns = linear_sum_assignment(cost)
    return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True) if allowed[row, column]]


def _distances(ours: FloatArray, theirs: FloatArray) -> NDArray[np.float64]:
    """(T, N) Euclidean distances, NaN where either row is."""
    difference = ours[:, None, :].astype(np.float64) - theirs[None, :, :]
    result: NDArray[np.float64] = np.sqrt((difference**2).sum(axis=2))
    return result


def _within_reach(expected: Expected, boxes: FloatArray) -> NDArray[np.bool_]:
    """(T, N) whether a face is near enough, in face widths for the time unseen, and of a like size."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    sides = np.maximum((boxes[:, 2:] - boxes[:, :2]).max(axis=1), 0)
    origins = (expected.last[:, :2] + expected.last[:, 2:]) / 2
    old_sides = np.maximum((expected.last[:, 2:] - expected.last[:, :2]).max(axis=1), 0)
    far = np.linalg.norm(centres[None] - origins[:, None], axis=2)
    wider = np.maximum(old_sides[:, None], sides[None])
    narrower = np.minimum(old_sides[:, None], sides[None])
    reach = (_REACH_AT_ONCE + _REACH_PER_S * expected.unseen_s)[:, None] * wider
    result: NDArray[np.bool_] = (far <= reach) & (wider <= _MAX_SIZE_RATIO * narrower)
    return result
