"""Square patches cut from a frame for R-Net and O-Net."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from tracker.vision.boxes import Boxes
from tracker.vision.faces import FloatArray

MAX_SIDE = 32766
"""Longest side of a frame that OpenCV can sample from."""
_FAR = 1e9


def cut_patches(frame: FloatArray, boxes_xyxy: Boxes, size: int) -> FloatArray:
    """(N, size, size, C) float32: the frame under each box, sampled bilinearly; 0 where a box leaves the frame.

    frame: (H, W, C) float32, normalised so that 0 is mid-grey. A box is taken as parts of the frame's width and
    height which are laid over the distances between the outermost pixel centres.
    Source: mtcnn 1.0.0, utils/images.py, `extract_patches`, and TensorFlow's `crop_and_resize`.
    """
    count = len(boxes_xyxy)
    height, width = frame.shape[:2]
    xs = _sample_positions(boxes_xyxy[:, 0], boxes_xyxy[:, 2], size, width)
    ys = _sample_positions(boxes_xyxy[:, 1], boxes_xyxy[:, 3], size, height)
    patches = np.empty((count, size, size, frame.shape[2]), np.float32)
    maps = np.empty((2, count, size, size), np.float32)
    maps[0], maps[1] = xs[:, None, :], ys[:, :, None]
    rows_per_call = max(MAX_SIDE // size, 1)
    for start in range(0, count, rows_per_call):
        rows = slice(start, min(start + rows_per_call, count))
        map_x, map_y = maps[:, rows].reshape(2, -1, size)
        sampled = cv2.remap(frame, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        patches[rows] = sampled.reshape(-1, size, size, frame.shape[2])
    outside_x, outside_y = _outside(xs, width), _outside(ys, height)
    for row in np.flatnonzero(outside_x.any(axis=1) | outside_y.any(axis=1)).tolist():
        patches[row, outside_y[row]] = 0
        patches[row, :, outside_x[row]] = 0
    return patches


def _sample_positions(first: Boxes, last: Boxes, size: int, length: int) -> FloatArray:
    """(N, size) pixel coordinates along one axis of a frame that is `length` px long; far away where a box is NaN."""
    scale = (length - 1) / length
    with np.errstate(invalid="ignore"):
        positions = (first * scale)[:, None] + ((last - first) * scale)[:, None] * _steps(size)
    positions = np.fmin(np.fmax(positions, -_FAR), _FAR)
    return positions.astype(np.float32)


@cache
def _steps(size: int) -> Boxes:
    return np.linspace(0, 1, size)


def _outside(positions: FloatArray, length: int) -> NDArray[np.bool_]:
    return (positions < 0) | (positions > length - 1)
