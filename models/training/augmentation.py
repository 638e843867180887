"""Random changes of aligned faces, as cameras and people make them: mirrored, moved, lit, blurred, covered."""

from __future__ import annotations

from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.sampling import Images

FloatArray: TypeAlias = NDArray[np.float32]

_AUGMENTATION = 2
"""Distinguishes the random numbers here from those of sampling."""
_ROTATION_DEG = 10.0
_SCALE = 0.1
_SHIFT = 0.05
"""The largest changes: of the angle, of the size as a share, of the place as a share of the side."""
_BRIGHTNESS_PX = 32.0
_CONTRAST = 0.3
_BLURRED = 0.2
_BLUR = 0.015
"""Share of the pictures that is blurred, and the largest deviation as a share of the side."""
_ERASED = 0.2
_ERASED_SIDE = (0.1, 0.35)
"""Share of the pictures of which a rectangle is erased, and its sides as shares of the side."""


def augmented(images: Images, *, seed: int, epoch: int, step: int) -> FloatArray:
    """(n, size, size, 3) -> the same, changed, px in 0..255; always the same for the same numbers."""
    random = np.random.default_rng([seed, _AUGMENTATION, epoch, step])
    return np.stack([_changed(image, random) for image in images])


def _changed(image: NDArray[np.uint8], random: np.random.Generator) -> FloatArray:
    changed = _lit(_moved(image, random), random)
    if random.random() < _BLURRED:
        deviation = max(0.3, random.random() * _BLUR * len(image))
        changed = _float(cv2.GaussianBlur(changed, (0, 0), deviation))
    if random.random() < _ERASED:
        changed = _erased(changed, random)
    return np.clip(changed, 0, 255)


def _moved(image: NDArray[np.uint8], random: np.random.Generator) -> FloatArray:
    """Mirrored, or not, and rotated, scaled and shifted; edges are reflected."""
    side = len(image)
    middle = (side - 1) / 2
    angle, scale = random.uniform(-_ROTATION_DEG, _ROTATION_DEG), 1 + random.uniform(-_SCALE, _SCALE)
    matrix = np.array(cv2.getRotationMatrix2D((middle, middle), angle, scale), np.float64)
    matrix[:, 2] = matrix[:, 2] + random.uniform(-_SHIFT, _SHIFT, 2) * side
    if random.random() < 0.5:
        matrix = matrix @ np.array([[-1, 0, side - 1], [0, 1, 0], [0, 0, 1]], np.float64)
    return _float(cv2.warpAffine(image.astype(np.float32), matrix, (side, side), borderMode=cv2.BORDER_REFLECT_101))


def _lit(image: FloatArray, random: np.random.Generator) -> FloatArray:
    contrast, brightness = 1 + random.uniform(-_CONTRAST, _CONTRAST), random.uniform(-_BRIGHTNESS_PX, _BRIGHTNESS_PX)
    mean = float(image.mean())
    return (image - mean) * np.float32(contrast) + np.float32(mean + brightness)


def _erased(image: FloatArray, random: np.random.Generator) -> FloatArray:
    side = len(image)
    height, width = (max(1, round(share * side)) for share in random.uniform(*_ERASED_SIDE, 2))
    top, left = random.integers(0, side - height + 1), random.integers(0, side - width + 1)
    erased = image.copy()
    erased[top : top + height, left : left + width] = random.uniform(0, 255, 3)
    return erased


def _float(image: NDArray[Any]) -> FloatArray:
    """The type that OpenCV returns and does not declare."""
    return np.asarray(image, np.float32)
