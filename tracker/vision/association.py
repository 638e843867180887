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
_CLEAR_OVERLAP = 0.5
"""IoU with the last or the predicted box from which a face continues a track without its vector."""
_CLEAR_DISTANCE = 1.0
"""Face widths from another face or track up to which it does not: nearer ones touch."""
_CLEAR_GAP_S = 0.25
"""Seconds since the last sighting up to which it does: longer than a frame or two, somebody else may have come."""
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
    overlap = _overlap(tracks, boxes)
    distance = _distances(tracks.vectors, vectors)
    known = ~np.isnan(distance)
    confident = known & (distance <= _CONFIDENT_SHARE * max_vector_distance) & _reachable(tracks, boxes)
    allowed = ((overlap >= min_iou) & ~(known & (distance > max_vector_distance))) | confident
    vector_cost = np.where(known, distance / max_vector_distance, _UNKNOWN_COST)
    cost = np.where(allowed, 1 - overlap + vector_cost, _UNMATCHED_COST)
    rows, columns = linear_sum_assignment(cost)
    return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True) if allowed[row, column]]


def continued(tracks: TrackStates, boxes: FloatArray) -> list[tuple[int, int]]:
    """Pairs (track, face) of which the boxes alone leave no doubt.

    boxes: (N, 4) px. The face overlaps the track's box well, the track was in sight just before, and no other track or
    face touches either.
    """
    if not len(tracks.last) or not len(boxes):
        return []
    overlap = _overlap(tracks, boxes)
    near = _within(tracks.last, boxes, _CLEAR_DISTANCE) | _within(tracks.predicted, boxes, _CLEAR_DISTANCE)
    alone = (near.sum(axis=0) == 1)[None] & (near.sum(axis=1) == 1)[:, None]
    clear = alone & (overlap >= _CLEAR_OVERLAP) & (tracks.unseen_s <= _CLEAR_GAP_S)[:, None]
    return [(int(row), int(column)) for row, column in np.argwhere(clear)]


def _overlap(tracks: TrackStates, boxes: FloatArray) -> NDArray[np.floating]:
    """(T, N) IoU with the last or the predicted box, the larger one."""
    overlap: NDArray[np.floating] = np.maximum(iou_matrix(tracks.last, boxes), iou_matrix(tracks.predicted, boxes))
    return overlap


def _distances(first: FloatArray, second: FloatArray) -> NDArray[np.float64]:
    """(T, N) Euclidean distances, NaN where either row is."""
    difference = first[:, None, :].astype(np.float64) - second[None, :, :]
    result: NDArray[np.float64] = np.sqrt((difference**2).sum(axis=2))
    return result


def _reachable(tracks: TrackStates, boxes: FloatArray) -> NDArray[np.bool_]:
    """(T, N) whether a face is within walking distance since the last sighting, and of a similar size."""
    first, second = _sides(tracks.last)[:, None], _sides(boxes)[None]
    similar = np.maximum(first, second) <= _MAX_SIZE_RATIO * np.minimum(first, second)
    result: NDArray[np.bool_] = similar & _within(
        tracks.last, boxes, (_MAX_JUMP + _MAX_SPEED * tracks.unseen_s)[:, None]
    )
    return result


def _within(first: FloatArray, second: FloatArray, widths: float | FloatArray) -> NDArray[np.bool_]:
    """(T, N) whether the centres of two boxes are no farther apart than so many widths of the larger one."""
    centres = (second[:, :2] + second[:, 2:])[None] / 2 - (first[:, :2] + first[:, 2:])[:, None] / 2
    larger = np.maximum(_sides(first)[:, None], _sides(second)[None])
    result: NDArray[np.bool_] = np.linalg.norm(centres, axis=2) <= widths * larger
    return result


def _sides(boxes: FloatArray) -> FloatArray:
    """(N,) px: the longer side of each box, 0 for inverted ones."""
    sides: FloatArray = np.maximum((boxes[:, 2:] - boxes[:, :2]).max(axis=1), 0)
    return sides
