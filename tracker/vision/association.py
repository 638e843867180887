"""Data association: pairs the faces of a frame with tracks by overlap, distance and face vector."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from tracker.vision.boxes import iou_matrix
from tracker.vision.faces import FloatArray

_MAX_JUMP = 1.5
"""Face widths that a face may move between two frames without overlap."""
_MAX_SPEED = 4.0
"""Further face widths for each second since the last sighting: somebody walking past close to the camera."""
_CONFIDENT_SHARE = 0.75
"""Share of the maximum vector distance within which the vector pairs without overlap."""
_MAX_SIZE_RATIO = 2.0
_UNKNOWN_COST = 0.75
"""Cost of an unknown vector, as a share of the maximum distance: more than a good match, less than a poor one."""
_UNMATCHED_COST = 2.01
"""Cost of leaving a track without a face: just above that of the worst pair."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrackStates:
    """T tracks at the time of a frame.

    last, predicted: (T, 4) px, the last observed box and the one predicted from its motion. vectors: (T, D), NaN rows
    where none is known. unseen_s: (T,) seconds since the last sighting.
    """

    last: FloatArray
    predicted: FloatArray
    vectors: FloatArray
    unseen_s: FloatArray


def associate(
    tracks: TrackStates, boxes: FloatArray, vectors: FloatArray, *, min_iou: float, max_vector_distance: float
) -> list[tuple[int, int]]:
    """Pairs (track, face) of the minimum-cost assignment, each track and each face at most once.

    boxes: (N, 4) px. vectors: (N, D), NaN rows where a face has no usable vector.
    Vectors farther apart than `max_vector_distance` never pair. Without vectors, a pair needs an IoU of at least
    `min_iou` with the last or the predicted box. Similar vectors also pair without overlap, within walking distance
    and at a similar size.
    """
    if not len(tracks.last) or not len(boxes):
        return []
    overlap = np.maximum(iou_matrix(tracks.last, boxes), iou_matrix(tracks.predicted, boxes))
    distance = _distances(tracks.vectors, vectors)
    known = ~np.isnan(distance)
    confident = known & (distance <= _CONFIDENT_SHARE * max_vector_distance) & _reachable(tracks, boxes)
    allowed = ((overlap >= min_iou) & ~(known & (distance > max_vector_distance))) | confident
    vector_cost = np.where(known, distance / max_vector_distance, _UNKNOWN_COST)
    cost = np.where(allowed, 1 - overlap + vector_cost, _UNMATCHED_COST)
    rows, columns = linear_sum_assignment(cost)
    return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True) if allowed[row, column]]


def _distances(first: FloatArray, second: FloatArray) -> NDArray[np.float64]:
    """(T, N) Euclidean distances, NaN where either row is."""
    difference = first[:, None, :].astype(np.float64) - second[None, :, :]
    result: NDArray[np.float64] = np.sqrt((difference**2).sum(axis=2))
    return result


def _reachable(tracks: TrackStates, boxes: FloatArray) -> NDArray[np.bool_]:
    """(T, N) whether a face is within walking distance since the last sighting, and of a similar size."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    sides = np.maximum((boxes[:, 2:] - boxes[:, :2]).max(axis=1), 0)
    last_centres = (tracks.last[:, :2] + tracks.last[:, 2:]) / 2
    last_sides = np.maximum((tracks.last[:, 2:] - tracks.last[:, :2]).max(axis=1), 0)
    distance = np.linalg.norm(centres[None] - last_centres[:, None], axis=2)
    larger = np.maximum(last_sides[:, None], sides[None])
    smaller = np.minimum(last_sides[:, None], sides[None])
    max_distance = (_MAX_JUMP + _MAX_SPEED * tracks.unseen_s)[:, None] * larger
    result: NDArray[np.bool_] = (distance <= max_distance) & (larger <= _MAX_SIZE_RATIO * smaller)
    return result
