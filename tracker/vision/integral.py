"""Parts of pyramid levels drawn from a table of sums: a pixel of a level costs the same however many it averages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from tracker.vision.faces import FloatArray, Image
from tracker.vision.native import kernels

MAX_PIXELS = 8_400_000
"""Pixels of a picture whose sum still fits the table's 32 bits."""
_CHANNELS = 4
"""Red, green, blue and one idle: four numbers of 32 bits can be fetched as one of 128."""


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """A picture, or a part of it, as sums.

    corners: (H + 1, W + 1, 4) int32, the sum of all pixels above and left of each corner. origin_xy: where the part
    begins in the picture, px.
    """

    corners: NDArray[np.int32]
    origin_xy: tuple[int, int] = (0, 0)

    @classmethod
    def of(cls, image: Image, part_xyxy: tuple[int, int, int, int] | None = None) -> Self:
        """image: (H, W, 3) uint8 BGR of at most MAX_PIXELS pixels. part_xyxy: px of the part; None takes all."""
        x1, y1, x2, y2 = part_xyxy or (0, 0, image.shape[1], image.shape[0])
        corners = cv2.integral(cv2.cvtColor(image[y1:y2, x1:x2], cv2.COLOR_BGR2RGBA))
        return cls(corners.astype(np.int32, copy=False), (x1, y1))

    def drawn(
        self, corners_xy: NDArray[np.integer[Any]], steps_xy: NDArray[np.float64], size_wh: tuple[int, int]
    ) -> FloatArray:
        """(N, height, width, 3) float32, normalised: parts of one size, each as its whole level would show it.

        A pixel of a level is the mean of what lies under it, cut pixels counted by their parts, as with OpenCV's
        INTER_AREA. corners_xy: (N, 2) where the parts begin, px of their level. steps_xy: (N, 2) px of the picture for
        one of the level.
        """
        if kernels.KERNELS is not None:
            return kernels.KERNELS.draw(self.corners, self.origin_xy, corners_xy, steps_xy, size_wh)
        xs, right = self._edges(corners_xy[:, 0], steps_xy[:, 0], size_wh[0], axis=1)
        ys, down = self._edges(corners_xy[:, 1], steps_xy[:, 1], size_wh[1], axis=0)
        width = self.corners.shape[1]
        places = (ys * width)[:, :, None] + xs[:, None, :]
        right, down = right[:, None, :, None], down[:, :, None, None]
        top = self._between(places, right)
        sums = top + down * (self._between(places + width, right) - top)
        sums = sums[:, 1:] - sums[:, :-1]
        sums = (sums[:, :, 1:] - sums[:, :, :-1])[..., :3]
        parts = 1 / (128 * steps_xy.prod(axis=1))
        drawn: FloatArray = (sums * parts[:, None, None, None] - 127.5 / 128).astype(np.float32)
        return drawn

    def _edges(
        self, first: NDArray[np.integer[Any]], steps: NDArray[np.float64], count: int, *, axis: int
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """(N, count + 1) edges of the pixels of N parts along an axis: the whole px before each, and the rest."""
        edges = (first[:, None] + np.arange(count + 1)) * steps[:, None] - self.origin_xy[1 - axis]
        whole = np.minimum(edges.astype(np.intp), self.corners.shape[axis] - 2)
        return whole, edges - whole

    def _between(self, places: NDArray[np.intp], right: NDArray[np.float64]) -> NDArray[np.float64]:
        """(…, 4) sums at corners counted row by row, moved by a part of a px to the right."""
        whole = self.corners.reshape(-1, _CHANNELS).view(np.complex128)[:, 0]
        left = whole.take(places)[..., None].view(np.int32)
        beyond = whole.take(places + 1)[..., None].view(np.int32)
        return np.add(left, right * (beyond - left), dtype=np.float64)
