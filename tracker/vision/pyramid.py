"""The image pyramid: its levels, and their pixels from the frame's integral image.

With an integral image, a pixel of a level costs the same however many pixels of the frame it averages.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from tracker.vision.candidates import RECEPTIVE_FIELD
from tracker.vision.faces import FloatArray, Image
from tracker.vision.native import kernels

MAX_PIXELS = 8_400_000
"""Pixels of a frame whose integral image still fits 32 bits."""
_CHANNELS = 4
"""Red, green, blue and one unused channel, so that a corner can be loaded as one 128-bit value."""
_MAX_INTEGRAL_SHARE = 1 / 32
"""Share of the frame's pixels below which a level is faster to resample from the integral image than with OpenCV."""


@dataclass(frozen=True, slots=True)
class Level:
    """One pyramid level: the nominal scale, and the size of the frame at that level."""

    scale: float
    size_wh: tuple[int, int]


def levels(size_wh: tuple[int, int], *, min_face: int, scale_factor: float) -> tuple[Level, ...]:
    """Levels from the finest to the coarsest; none for a frame smaller than a face.

    min_face: side in px of the smallest face to find. scale_factor: ratio of a level to the one before, 0..1.
    Levels smaller than P-Net's receptive field are left out, and none enlarges the frame.
    At `min_face` 20 the levels equal those of mtcnn; at other values the same rule starts from `min_face`.
    Source: mtcnn 1.0.0, utils/images.py, `build_scale_pyramid`.

    Raises ValueError when `scale_factor` is outside 0..1 or `min_face` is below P-Net's receptive field.
    """
    if not 0 < scale_factor < 1:
        raise ValueError(f"scale_factor: expected more than 0 and less than 1, got {scale_factor}")
    if min_face < RECEPTIVE_FIELD:
        raise ValueError(f"min_face: expected at least {RECEPTIVE_FIELD}, got {min_face}")
    smallest = 0.6 * min_face
    if min(size_wh) <= smallest:
        return ()
    count = round(math.log(min(size_wh) / smallest) / -math.log(scale_factor) - 1)
    found = (_level(size_wh, RECEPTIVE_FIELD / min_face * scale_factor**step) for step in range(count))
    return tuple(level for level in found if min(level.size_wh) >= RECEPTIVE_FIELD)


@dataclass(frozen=True, slots=True, eq=False)
class IntegralImage:
    """The summed-area table of a frame or of a part of it.

    table: (H + 1, W + 1, 4) int32, the sum of all pixels above and left of each pixel corner. origin_xy: where the part
    begins in the frame, px.
    """

    table: NDArray[np.int32]
    origin_xy: tuple[int, int] = (0, 0)

    @classmethod
    def of(cls, image: Image, part_xyxy: tuple[int, int, int, int] | None = None) -> Self:
        """image: (H, W, 3) uint8 BGR of at most MAX_PIXELS pixels. part_xyxy: px of the part; None: the whole frame."""
        x1, y1, x2, y2 = part_xyxy or (0, 0, image.shape[1], image.shape[0])
        table = cv2.integral(cv2.cvtColor(image[y1:y2, x1:x2], cv2.COLOR_BGR2RGBA))
        return cls(table.astype(np.int32, copy=False), (x1, y1))

    def resampled(
        self, corners_xy: NDArray[np.integer[Any]], steps_xy: NDArray[np.float64], size_wh: tuple[int, int]
    ) -> FloatArray:
        """(N, height, width, 3) float32, normalised: N windows of pyramid levels, all of one size.

        A pixel of a level is the area-weighted mean of the frame's pixels under it, as with OpenCV's INTER_AREA.
        corners_xy: (N, 2) top left corners of the windows, px of their level. steps_xy: (N, 2) px of the frame per px
        of the level.
        """
        if kernels.KERNELS is not None:
            return kernels.KERNELS.resample(self.table, self.origin_xy, corners_xy, steps_xy, size_wh)
        xs, right = self._edges(corners_xy[:, 0], steps_xy[:, 0], size_wh[0], axis=1)
        ys, down = self._edges(corners_xy[:, 1], steps_xy[:, 1], size_wh[1], axis=0)
        width = self.table.shape[1]
        indices = (ys * width)[:, :, None] + xs[:, None, :]
        right, down = right[:, None, :, None], down[:, :, None, None]
        top = self._interpolated(indices, right)
        sums = top + down * (self._interpolated(indices + width, right) - top)
        sums = sums[:, 1:] - sums[:, :-1]
        sums = (sums[:, :, 1:] - sums[:, :, :-1])[..., :3]
        factors = 1 / (128 * steps_xy.prod(axis=1))
        pixels: FloatArray = (sums * factors[:, None, None, None] - 127.5 / 128).astype(np.float32)
        return pixels

    def _edges(
        self, first: NDArray[np.integer[Any]], steps: NDArray[np.float64], count: int, *, axis: int
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """(N, count + 1) edges of the windows' pixels along an axis: integer and fractional part in px of the table."""
        edges = (first[:, None] + np.arange(count + 1)) * steps[:, None] - self.origin_xy[1 - axis]
        whole = np.minimum(edges.astype(np.intp), self.table.shape[axis] - 2)
        return whole, edges - whole

    def _interpolated(self, indices: NDArray[np.intp], right: NDArray[np.float64]) -> NDArray[np.float64]:
        """(…, 4) sums at flat table indices, interpolated a fraction of a px to the right."""
        flat = self.table.reshape(-1, _CHANNELS).view(np.complex128)[:, 0]
        left = flat.take(indices)[..., None].view(np.int32)
        beyond = flat.take(indices + 1)[..., None].view(np.int32)
        return np.add(left, right * (beyond - left), dtype=np.float64)


def whole_level(frame: FloatArray, integral: IntegralImage, level: Level) -> FloatArray:
    """(1, height, width, 3) float32: a normalised frame at a level, never resampled from another level."""
    width, height = level.size_wh
    if width * height > _MAX_INTEGRAL_SHARE * frame.shape[0] * frame.shape[1]:
        return cv2.resize(frame, level.size_wh, interpolation=cv2.INTER_AREA).astype(np.float32, copy=False)[None]
    steps = np.array([[frame.shape[1] / width, frame.shape[0] / height]])
    return integral.resampled(np.zeros((1, 2), np.intp), steps, level.size_wh)


def _level(size_wh: tuple[int, int], scale: float) -> Level:
    return Level(scale, (int(size_wh[0] * scale), int(size_wh[1] * scale)))
