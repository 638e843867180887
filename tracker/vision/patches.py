"""Input of the MTCNN networks: normalised pixels, and square patches sampled from a frame for R-Net and O-Net."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from tracker.vision.boxes import Boxes
from tracker.vision.faces import FloatArray, Image
from tracker.vision.native import kernels

MAX_SIDE = 32766
"""Longest side of a frame that OpenCV's remap can sample from."""
_NORMALISED = ((np.arange(256, dtype=np.float32) - 127.5) / 128).reshape(1, 256)
_MAX_COORDINATE = 1e9


def normalised(image: Image) -> FloatArray:
    """(H, W, 3) float32 RGB, (pixel - 127.5) / 128, as the MTCNN networks were trained with."""
    return cv2.LUT(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), _NORMALISED).astype(np.float32, copy=False)


class NormalisedFrame:
    """A frame whose rows are normalised on first use. Not thread-safe."""

    def __init__(self, image: Image) -> None:
        self._image = image
        self._normalised = np.empty(image.shape, np.float32)
        self._first, self._last = 0, 0

    @property
    def size_wh(self) -> tuple[int, int]:
        return self._image.shape[1], self._image.shape[0]

    def all_rows(self) -> FloatArray:
        """The whole frame, (H, W, 3) float32."""
        return self._rows(0, len(self._image))

    def patches(self, boxes: Boxes, size: int) -> FloatArray:
        """(N, size, size, 3) float32: the frame under each box; see `sample_patches`."""
        if kernels.KERNELS is not None and min(self.size_wh) > 1:
            return kernels.KERNELS.sample_patches(self._image, boxes, size)
        return sample_patches(self.rows_under(boxes), boxes, size)

    def rows_under(self, boxes: Boxes) -> FloatArray:
        """An array of the frame's shape in which only the rows under the boxes (N, 4) px are valid."""
        spans = boxes[np.isfinite(boxes).all(axis=1), 1::2]
        if not len(spans):
            return self._normalised
        first, last = np.clip([spans.min() - 1, spans.max() + 2], 0, len(self._image)).astype(int).tolist()
        return self._rows(first, last)

    def _rows(self, first: int, last: int) -> FloatArray:
        """The frame with rows first to last (exclusive) normalised."""
        if first < last:
            if self._first == self._last:
                self._first = self._last = first
            if first < self._first:
                self._normalised[first : self._first] = normalised(self._image[first : self._first])
                self._first = first
            if last > self._last:
                self._normalised[self._last : last] = normalised(self._image[self._last : last])
                self._last = last
        return self._normalised


def sample_patches(frame: FloatArray, boxes_xyxy: Boxes, size: int) -> FloatArray:
    """(N, size, size, C) float32: the frame under each box, sampled bilinearly; 0 where a box leaves the frame.

    frame: (H, W, C) float32, normalised so that 0 is mid-grey. Box coordinates, as fractions of the frame's width and
    height, are mapped to the range between the centres of its first and last pixel.
    Source: mtcnn 1.0.0, utils/images.py, `extract_patches`, and TensorFlow's `crop_and_resize`.
    """
    count = len(boxes_xyxy)
    height, width = frame.shape[:2]
    xs = _sample_positions(boxes_xyxy[:, 0], boxes_xyxy[:, 2], size, width)
    ys = _sample_positions(boxes_xyxy[:, 1], boxes_xyxy[:, 3], size, height)
    patches = np.empty((count, size, size, frame.shape[2]), np.float32)
    maps = np.empty((2, count, size, size), np.float32)
    maps[0], maps[1] = xs[:, None, :], ys[:, :, None]
    patches_per_call = max(MAX_SIDE // size, 1)
    for start in range(0, count, patches_per_call):
        rows = slice(start, min(start + patches_per_call, count))
        map_x, map_y = maps[:, rows].reshape(2, -1, size)
        sampled = cv2.remap(frame, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        patches[rows] = sampled.reshape(-1, size, size, frame.shape[2])
    outside_x, outside_y = _outside(xs, width), _outside(ys, height)
    for row in np.flatnonzero(outside_x.any(axis=1) | outside_y.any(axis=1)).tolist():
        patches[row, outside_y[row]] = 0
        patches[row, :, outside_x[row]] = 0
    return patches


def _sample_positions(first: Boxes, last: Boxes, size: int, length: int) -> FloatArray:
    """(N, size) px coordinates along an axis of `length` px; clamped to a finite range, also where a box is NaN."""
    scale = (length - 1) / length
    with np.errstate(invalid="ignore"):
        positions = (first * scale)[:, None] + ((last - first) * scale)[:, None] * _fractions(size)
    positions = np.fmin(np.fmax(positions, -_MAX_COORDINATE), _MAX_COORDINATE)
    return positions.astype(np.float32)


@cache
def _fractions(size: int) -> Boxes:
    return np.linspace(0, 1, size)


def _outside(positions: FloatArray, length: int) -> NDArray[np.bool_]:
    return (positions < 0) | (positions > length - 1)
