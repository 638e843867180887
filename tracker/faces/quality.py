"""How far a detected face can be trusted to tell who it is."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from config.settings import QualitySettings
from tracker.faces.faces import Faces, FloatArray

_GOOD_WIDTH_PX = 80.0
_GOOD_SHARPNESS = 60.0
_NOSE_HEIGHT = 0.59
"""Where the nose of an upright, frontal face stands between eyes (0) and mouth (1); as in the chip template."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Quality:
    """Quality of N faces, float32 (N,) each.

    widths_px: width of the box. sharpness: variance of the Laplacian over the middle of the 150 px chip, 0 upwards.
    yaw: turned aside, 0 frontal .. 1 profile. pitch: -1 looking up .. 0 .. 1 looking down. brightness: mean grey of
    the middle of the chip, 0..1. score: all of them in one number, 0 useless .. 1 good.
    """

    widths_px: FloatArray
    sharpness: FloatArray
    yaw: FloatArray
    pitch: FloatArray
    brightness: FloatArray
    score: FloatArray

    def __len__(self) -> int:
        return len(self.score)


def assess(faces: Faces, chips: NDArray[np.uint8]) -> Quality:
    """Quality of each face. chips: (N, S, S, 3) uint8 RGB, the aligned chips of the same faces in the same order.

    Raises ValueError when the chips are not uint8 RGB or not one for each face.
    """
    if chips.dtype != np.uint8 or chips.ndim != 4 or chips.shape[0] != len(faces) or chips.shape[3] != 3:
        raise ValueError(f"chips: expected uint8 ({len(faces)}, S, S, 3), got {chips.dtype} {chips.shape}")
    sharpness, brightness = _texture(chips)
    yaw, pitch = _pose(faces.landmarks)
    widths = faces.widths
    parts = (
        np.clip(widths / _GOOD_WIDTH_PX, 0, 1),
        np.clip(np.sqrt(sharpness / _GOOD_SHARPNESS), 0, 1),
        1 - yaw**2,
        1 - 0.5 * pitch**2,
        np.clip(4 * np.minimum(brightness, 1 - brightness), 0, 1),
    )
    score = np.nan_to_num(np.prod(parts, axis=0), nan=0.0).astype(np.float32)
    return Quality(widths_px=widths, sharpness=sharpness, yaw=yaw, pitch=pitch, brightness=brightness, score=score)


def rejection(quality: Quality, row: int, settings: QualitySettings) -> str | None:
    """Why the face of that row may not vote for a name, in words; None when it may."""
    width, sharpness, yaw = quality.widths_px[row], quality.sharpness[row], quality.yaw[row]
    if not width >= settings.min_width:
        return f"too small: {width:.0f} px wide, at least {settings.min_width} needed"
    if not sharpness >= settings.min_sharpness:
        return f"too blurred: sharpness {sharpness:.1f}, at least {settings.min_sharpness:g} needed"
    if not yaw <= settings.max_yaw:
        return f"turned aside: {yaw:.2f}, at most {settings.max_yaw:g} allowed"
    return None


def _texture(chips: NDArray[np.uint8]) -> tuple[FloatArray, FloatArray]:
    """Sharpness and brightness (N,) of the middle of each chip."""
    count, side = chips.shape[:2]
    inner = slice(side // 5, side - side // 5)
    if not count or not side:
        return np.zeros(count, np.float32), np.zeros(count, np.float32)
    grey = cv2.cvtColor(chips.reshape(count * side, side, 3), cv2.COLOR_RGB2GRAY)
    edges = cv2.Laplacian(grey, cv2.CV_32F).reshape(count, side, side)[:, inner, inner]
    light = grey.reshape(count, side, side)[:, inner, inner].mean(axis=(1, 2)) / 255
    return edges.var(axis=(1, 2)).astype(np.float32), light.astype(np.float32)


def _pose(landmarks: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Yaw and pitch (N,) by where the nose stands between the eyes and between eyes and mouth, whatever the roll."""
    eyes, mouth, nose = landmarks[:, 0:2].mean(axis=1), landmarks[:, 3:5].mean(axis=1), landmarks[:, 2]
    across = (landmarks[:, 1] - landmarks[:, 0] + landmarks[:, 4] - landmarks[:, 3]) / 2
    half_width = np.linalg.norm(across, axis=1) / 2
    axis = across / np.maximum(2 * half_width, 1e-6)[:, None]
    down = np.stack([-axis[:, 1], axis[:, 0]], axis=1)
    aside = ((nose - (eyes + mouth) / 2) * axis).sum(axis=1)
    height = np.maximum(((mouth - eyes) * down).sum(axis=1), 1e-6)
    drop = ((nose - eyes) * down).sum(axis=1) / height - _NOSE_HEIGHT
    yaw = np.clip(np.abs(aside) / np.maximum(half_width, 1e-6), 0, 1)
    pitch = np.clip(drop / np.where(drop > 0, 1 - _NOSE_HEIGHT, _NOSE_HEIGHT), -1, 1)
    return yaw.astype(np.float32), pitch.astype(np.float32)
