"""Upright, equally sized face chips from five points."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tracker.vision.faces import FloatArray, Image, require_image

CHIP_SIDE = 150
TEMPLATE_150: FloatArray = np.array(
    [(46.8, 45.1), (100.6, 44.9), (73.4, 77.1), (49.1, 100.0), (98.8, 98.9)], np.float32
)
"""(5, 2) px in a chip of 150x150: left eye, right eye, nose, left and right mouth corner. It puts faces where dlib's
`get_face_chip` (padding 0.25) puts them."""


def align(image: Image, landmarks: FloatArray, size: int = CHIP_SIDE) -> NDArray[np.uint8]:
    """(N, size, size, 3) uint8 RGB chips: each face turned, scaled and moved so that its points meet the template.

    image: (H, W, 3) uint8 BGR. landmarks: (N, 5, 2) px. What lies outside the picture is black; so is the whole chip
    of points that are not finite or all in one place.
    Raises ValueError on other shapes and types.
    """
    require_image(image)
    if landmarks.ndim != 3 or landmarks.shape[1:] != (5, 2):
        raise ValueError(f"landmarks: expected (N, 5, 2), got {landmarks.shape}")
    if size < 1:
        raise ValueError(f"size: expected at least 1, got {size}")
    chips = np.zeros((len(landmarks), size, size, 3), np.uint8)
    for chip, transform in zip(chips, similarities(landmarks, size), strict=True):
        if np.isfinite(transform).all() and transform[:, :2].any():
            chip[:] = _chip(image, transform, size)
    return chips


def similarities(landmarks: FloatArray, size: int = CHIP_SIDE) -> NDArray[np.float64]:
    """(N, 2, 3) least-squares similarity transforms (rotation, one scale, shift) from picture to chip px.

    NaN for points that are not finite or all in one place.
    Source: Umeyama, "Least-squares estimation of transformation parameters" (1991), closed form in two dimensions.
    """
    target = TEMPLATE_150.astype(np.float64) * (size / CHIP_SIDE)
    source = np.where(np.isfinite(landmarks), landmarks, np.nan).astype(np.float64)
    source_mean, target_mean = source.mean(axis=1), target.mean(axis=0)
    source_x, source_y = np.moveaxis(source - source_mean[:, None], 2, 0)
    target_x, target_y = (target - target_mean).T
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        spread = (source_x**2 + source_y**2).sum(axis=1)
        cosine = (source_x * target_x + source_y * target_y).sum(axis=1) / spread
        sine = (source_x * target_y - source_y * target_x).sum(axis=1) / spread
        rotation = np.stack([np.stack([cosine, -sine], axis=1), np.stack([sine, cosine], axis=1)], axis=1)
        shift = target_mean - np.einsum("nij,nj->ni", rotation, source_mean)
        return np.concatenate([rotation, shift[:, :, None]], axis=2)


def _chip(image: Image, transform: NDArray[np.float64], size: int) -> NDArray[np.uint8]:
    part, transform = _neighbourhood(image, transform, size)
    if not part.size:
        return np.zeros((size, size, 3), np.uint8)
    part, transform = _averaged_down(part, transform)
    chip = cv2.warpAffine(part, transform, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return cv2.cvtColor(chip, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)


def _neighbourhood(image: Image, transform: NDArray[np.float64], size: int) -> tuple[Image, NDArray[np.float64]]:
    """The part of the picture that the chip shows, and the transform from there."""
    height, width = image.shape[:2]
    corners = np.array([(0, 0), (size, 0), (0, size), (size, size)], np.float64)
    seen = np.linalg.solve(transform[:, :2], (corners - transform[:, 2]).T).T
    limits = np.array([width, height])
    low = np.clip(np.floor(seen.min(axis=0)) - 2, 0, limits).astype(int)
    high = np.clip(np.ceil(seen.max(axis=0)) + 3, 0, limits).astype(int)
    return image[low[1] : high[1], low[0] : high[0]], _from_pixels(transform, np.ones(2), low)


def _averaged_down(part: Image, transform: NDArray[np.float64]) -> tuple[Image, NDArray[np.float64]]:
    """Face much larger than the chip: the part averaged over areas, so that fine detail does not become noise."""
    height, width = part.shape[:2]
    times = int(1 / np.hypot(transform[0, 0], transform[1, 0]))
    if times < 2:
        return part, transform
    size_wh = (max(width // times, 1), max(height // times, 1))
    step = np.array([width / size_wh[0], height / size_wh[1]])
    small = cv2.resize(part, size_wh, interpolation=cv2.INTER_AREA)
    return small.astype(np.uint8, copy=False), _from_pixels(transform, step, (step - 1) / 2)


def _from_pixels(
    transform: NDArray[np.float64], step: NDArray[np.float64], origin: NDArray[np.number[Any]]
) -> NDArray[np.float64]:
    """The transform for pixels that lie `step` apart, the first of them at `origin`."""
    shift = transform[:, 2] + transform[:, :2] @ origin
    return np.column_stack([transform[:, :2] * step, shift])
