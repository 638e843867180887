"""The result type of face detection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float32]
Image: TypeAlias = NDArray[np.uint8]
"""(H, W, 3) uint8, channels in OpenCV's order: blue, green, red."""
Rows: TypeAlias = NDArray[np.intp] | NDArray[np.bool_] | slice


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """Faces of one frame, by descending score.

    boxes: (N, 4) float32, px in the full frame, x1 y1 x2 y2.
    scores: (N,) float32 in 0..1.
    landmarks: (N, 5, 2) float32 px: left eye, right eye, nose, left and right mouth corner, as seen in the image.

    Raises ValueError when an array is not float32 or its shape does not fit the others.
    """

    boxes: FloatArray
    scores: FloatArray
    landmarks: FloatArray

    def __post_init__(self) -> None:
        count = len(self.scores)
        for name, array, shape in (
            ("boxes", self.boxes, (count, 4)),
            ("scores", self.scores, (count,)),
            ("landmarks", self.landmarks, (count, 5, 2)),
        ):
            if array.shape != shape or array.dtype != np.float32:
                raise ValueError(f"{name}: expected float32 {shape}, got {array.dtype} {array.shape}")

    def __len__(self) -> int:
        return len(self.scores)

    def take(self, rows: Rows) -> Self:
        """The faces of the given rows (indices, boolean mask or slice), in that order."""
        return type(self)(self.boxes[rows], self.scores[rows], self.landmarks[rows])

    def shifted(self, offset_xy: tuple[int, int]) -> Self:
        """The faces with boxes and landmarks translated by an offset in px."""
        if offset_xy == (0, 0):
            return self
        offset = np.array(offset_xy, np.float32)
        return type(self)(self.boxes + np.tile(offset, 2), self.scores, self.landmarks + offset)

    @property
    def widths(self) -> FloatArray:
        """(N,) float32 px."""
        return self.boxes[:, 2] - self.boxes[:, 0]

    @classmethod
    def empty(cls) -> Self:
        """Zero faces."""
        return cls(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty((0, 5, 2), np.float32))


def require_image(image: Image) -> None:
    """Raise ValueError when an image is not (H, W, 3) uint8."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"image: expected uint8 (H, W, 3), got {image.dtype} {image.shape}")
