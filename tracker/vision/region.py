"""The part of a frame in which faces are looked for."""

from __future__ import annotations

from typing import TypeAlias

from tracker.vision.faces import Image

Region: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom in fractions of the frame, 0..1, left < right and top < bottom."""

WHOLE: Region = (0.0, 0.0, 1.0, 1.0)


def part_xyxy(region: Region, size_wh: tuple[int, int]) -> tuple[int, int, int, int]:
    """The region in whole px of a frame, right and bottom not included; at least one px of a frame that has any."""
    (x1, x2), (y1, y2) = (_span(region[axis], region[axis + 2], size_wh[axis]) for axis in (0, 1))
    return x1, y1, x2, y2


def cut(image: Image, region: Region) -> tuple[Image, tuple[int, int]]:
    """What the region shows, without copying, and the px where it begins in the picture."""
    x1, y1, x2, y2 = part_xyxy(region, (image.shape[1], image.shape[0]))
    return image[y1:y2, x1:x2], (x1, y1)


def _span(start: float, stop: float, length: int) -> tuple[int, int]:
    first = min(round(start * length), max(length - 1, 0))
    return first, min(max(round(stop * length), first + 1), length)
