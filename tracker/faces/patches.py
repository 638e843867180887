"""Square patches cut from a frame for R-Net and O-Net."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tracker.faces.boxes import Boxes
from tracker.faces.faces import FloatArray

MAX_SIDE = 32766
"""Longest side of a frame that OpenCV can sample from."""


def cut_patches(frame: FloatArray, boxes_xyxy: Boxes, size: int) -> FloatArray:
    """(N, size, size, C) float32: the frame under each box, sampled bilinearly; 0 where a box leaves the frame.

    frame: (H, W, C) float32, normalised so that 0 is mid-grey. A box is taken as parts of the frame's width and
    height which are laid over the distances between the outermost pixel centres.
    Source: mtcnn 1.0.0, utils/images.py, `extract_patches`, and TensorFlow's `crop_and_resize`.
    """
    count = len(boxes_xyxy)
    height, width = frame.shape[:2]
    rows_per_call = max(MAX_SIDE // size, 1)
    patches = np.empty((count, size, size, frame.shape[2]), np.float32)
    xs = _sample_positions(boxes_xyxy[:, 0], boxes_xyxy[:, 2], size, width)
    ys = _sample_positions(boxes_xyxy[:, 1], boxes_xyxy[:, 3], size, height)
    for start in range(0, count, rows_per_call):
        rows = slice(start, min(start + rows_per_call, count))
        shape = (rows.stop - rows.start, size, size)
        map_x = np.broadcast_to(xs[rows, None, :], shape).reshape(-1, size)
        map_y = np.broadcast_to(ys[rows, :, None], shape).reshape(-1, size)
        sampled = cv2.remap(frame, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        patches[rows] = sampled.reshape(*shape, frame.shape[2])
    outside = _outside(ys, height)[:, :, None] | _outside(xs, width)[:, None, :]
    if outside.any():
        patches[outside] = 0
    return patches


def _sample_positions(first: Boxes, last: Boxes, size: int, length: int) -> FloatArray:
    """(N, size) pixel coordinates along one axis of a frame that is `length` px long."""
    scale = (length - 1) / length
    steps = np.linspace(0, 1, size)[None, :]
    with np.errstate(invalid="ignore"):
        positions = (first * scale)[:, None] + ((last - first) * scale)[:, None] * steps
    return np.nan_to_num(positions, nan=-1.0, posinf=1e9, neginf=-1e9).astype(np.float32)


def _outside(positions: FloatArray, length: int) -> NDArray[np.bool_]:
    return (positions < 0) | (positions > length - 1)
