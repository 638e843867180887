"""A frame in the numbers that the networks take, made only where somebody looks."""

from __future__ import annotations

import cv2
import numpy as np

from tracker.vision.boxes import Boxes
from tracker.vision.faces import FloatArray, Image
from tracker.vision.native import kernels
from tracker.vision.patches import cut_patches

_NORMALISED = ((np.arange(256, dtype=np.float32) - 127.5) / 128).reshape(1, 256)


def normalised(image: Image) -> FloatArray:
    """(H, W, 3) float32 red green blue, (pixel - 127.5) / 128, as the MTCNN networks take it."""
    return cv2.LUT(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), _NORMALISED).astype(np.float32, copy=False)


class Shades:
    """A picture, normalised row by row as rows are asked for. Not for several threads."""

    def __init__(self, image: Image) -> None:
        self._image = image
        self._made = np.empty(image.shape, np.float32)
        self._first, self._last = 0, 0

    @property
    def size_wh(self) -> tuple[int, int]:
        return self._image.shape[1], self._image.shape[0]

    def whole(self) -> FloatArray:
        """The whole picture, (H, W, 3) float32."""
        return self._rows(0, len(self._image))

    def patches(self, boxes: Boxes, size: int) -> FloatArray:
        """(N, size, size, 3) float32: what is under the boxes; see `cut_patches`."""
        if kernels.KERNELS is not None and min(self.size_wh) > 1:
            return kernels.KERNELS.cut(self._image, boxes, size)
        return cut_patches(self.under(boxes), boxes, size)

    def under(self, boxes: Boxes) -> FloatArray:
        """The whole picture, of which only the rows that the boxes (N, 4) px span need hold what they should."""
        spans = boxes[np.isfinite(boxes).all(axis=1), 1::2]
        if not len(spans):
            return self._made
        first, last = np.clip([spans.min() - 1, spans.max() + 2], 0, len(self._image)).astype(int).tolist()
        return self._rows(first, last)

    def _rows(self, first: int, last: int) -> FloatArray:
        """The picture with the rows from first to before last made."""
        if first < last:
            if self._first == self._last:
                self._first = self._last = first
            if first < self._first:
                self._made[first : self._first] = normalised(self._image[first : self._first])
                self._first = first
            if last > self._last:
                self._made[self._last : last] = normalised(self._image[self._last : last])
                self._last = last
        return self._made
