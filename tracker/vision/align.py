"""Face chips of one size: upright, from five landmarks, or by the box."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tracker.vision.embedders import BoxLayout, ChipLayout, Layout
from tracker.vision.faces import Faces, FloatArray, Image, require_image


def cut(image: Image, faces: Faces, layout: Layout) -> NDArray[np.uint8]:
    """(N, side, side, 3) uint8 RGB chips of the faces, by landmarks or by box, as the layout has it.

    Pixels outside the image are black. Raises ValueError where the image is not (H, W, 3) uint8.
    """
    if isinstance(layout, ChipLayout):
        return align(image, faces.landmarks, layout)
    require_image(image)
    chips = np.zeros((len(faces), layout.side, layout.side, 3), np.uint8)
    for chip, box in zip(chips, faces.boxes, strict=True):
        if np.isfinite(box).all():
            chip[:] = _by_box(image, box, layout)[:, :, ::-1]
    return chips


def align(image: Image, landmarks: FloatArray, layout: ChipLayout) -> NDArray[np.uint8]:
    """(N, side, side, 3) uint8 RGB chips: each face rotated, scaled and shifted so that its landmarks fit the template.

    image: (H, W, 3) uint8 BGR. landmarks: (N, 5, 2) px. Pixels outside the image are black; a chip is all black when
    its landmarks are not finite or coincide.
    Raises ValueError on other shapes and types.
    """
    require_image(image)
    if landmarks.ndim != 3 or landmarks.shape[1:] != (5, 2):
        raise ValueError(f"landmarks: expected (N, 5, 2), got {landmarks.shape}")
    size = layout.side
    chips = np.zeros((len(landmarks), size, size, 3), np.uint8)
    for chip, transform in zip(chips, similarities(landmarks, layout), strict=True):
        if np.isfinite(transform).all() and transform[:, :2].any():
            chip[:] = _chip(image, transform, size)
    return chips


def similarities(landmarks: FloatArray, layout: ChipLayout) -> NDArray[np.float64]:
    """(N, 2, 3) least-squares similarity transforms (rotation, uniform scale, translation) from image to chip px.

    NaN for landmarks that are not finite or coincide.
    Source: Umeyama, "Least-squares estimation of transformation parameters" (1991), closed form in two dimensions.
    """
    target = layout.template.astype(np.float64)
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


def _by_box(image: Image, box: FloatArray, layout: BoxLayout) -> Image:
    """A BGR chip: the box and the margin, half on each side, fill the square."""
    x1, y1, x2, y2 = box.astype(float)
    wanted_wh = np.maximum([x2 - x1, y2 - y1], 1) * layout.side / (layout.side - layout.margin)
    size_wh = np.maximum(np.round(wanted_wh if layout.stretched else wanted_wh.max().repeat(2)), 1).astype(int)
    left, top = np.round((np.array([x1 + x2, y1 + y2]) - size_wh) / 2).astype(int)
    part = _part(image, left, top, size_wh)
    interpolation = cv2.INTER_AREA if size_wh.max() > layout.side else cv2.INTER_CUBIC
    scaled = cv2.resize(part, (layout.side, layout.side), interpolation=interpolation)
    return scaled.astype(np.uint8, copy=False)


def _part(image: Image, left: int, top: int, size_wh: NDArray[np.int_]) -> Image:
    """A rectangle of an image, black outside it."""
    part = np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
    height, width = image.shape[:2]
    x1, y1 = max(left, 0), max(top, 0)
    x2, y2 = min(left + size_wh[0], width), min(top + size_wh[1], height)
    if x1 < x2 and y1 < y2:
        part[y1 - top : y2 - top, x1 - left : x2 - left] = image[y1:y2, x1:x2]
    return part


def _chip(image: Image, transform: NDArray[np.float64], size: int) -> NDArray[np.uint8]:
    part, transform = _cropped(image, transform, size)
    if not part.size:
        return np.zeros((size, size, 3), np.uint8)
    part, transform = _downscaled(part, transform)
    chip = cv2.warpAffine(part, transform, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return cv2.cvtColor(chip, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)


def _cropped(image: Image, transform: NDArray[np.float64], size: int) -> tuple[Image, NDArray[np.float64]]:
    """The part of the image that the chip covers, and the transform from that part."""
    height, width = image.shape[:2]
    corners = np.array([(0, 0), (size, 0), (0, size), (size, size)], np.float64)
    covered = np.linalg.solve(transform[:, :2], (corners - transform[:, 2]).T).T
    limits = np.array([width, height])
    low = np.clip(np.floor(covered.min(axis=0)) - 2, 0, limits).astype(int)
    high = np.clip(np.ceil(covered.max(axis=0)) + 3, 0, limits).astype(int)
    return image[low[1] : high[1], low[0] : high[0]], _on_grid(transform, np.ones(2), low)


def _downscaled(part: Image, transform: NDArray[np.float64]) -> tuple[Image, NDArray[np.float64]]:
    """The part area-averaged where the face is at least twice as large as the chip, to avoid aliasing."""
    height, width = part.shape[:2]
    factor = int(1 / np.hypot(transform[0, 0], transform[1, 0]))
    if factor < 2:
        return part, transform
    size_wh = (max(width // factor, 1), max(height // factor, 1))
    step = np.array([width / size_wh[0], height / size_wh[1]])
    small = cv2.resize(part, size_wh, interpolation=cv2.INTER_AREA)
    return small.astype(np.uint8, copy=False), _on_grid(transform, step, (step - 1) / 2)


def _on_grid(
    transform: NDArray[np.float64], step: NDArray[np.float64], origin: NDArray[np.number[Any]]
) -> NDArray[np.float64]:
    """The transform from a pixel grid with spacing `step` whose first pixel is at `origin`."""
    shift = transform[:, 2] + transform[:, :2] @ origin
    return np.column_stack([transform[:, :2] * step, shift])
