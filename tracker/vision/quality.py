"""Face quality: whether a detected face is good enough for recognition."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from config.recognition import QualitySettings
from tracker.vision.embedders import DLIB_CHIP
from tracker.vision.faces import Faces, FloatArray

CHIP = DLIB_CHIP
"""Layout of the chips on which quality is measured, whatever the embedder."""
_GOOD_WIDTH_PX = 80.0
_GOOD_SHARPNESS = 6.0
_GOOD_CONTRAST = 0.06
_SMOOTHING_PX = 2.0
"""Sigma of the Gaussian, in a chip of 150 px: coarser than sensor noise and JPEG blocks, finer than eyelids."""
_MIN_DEVIATION = 5.0
"""Added to the standard deviation of grey, so that noise on a uniform surface does not count as sharpness."""
_BLACK, _WHITE = 5, 250
"""Grey levels at or beyond these count as clipped."""
_NOSE_HEIGHT = 0.59
"""Position of the nose of a frontal face between eyes (0) and mouth (1), as in the chip template."""
_EYE_CHIP_SIDE = 75
"""Eyes are examined on a chip downscaled to this, which suppresses noise."""
_EYE_RADIUS_PX = 7
"""Half the side of the square around an eye that is examined, in that chip."""
_DARK = 0.35
"""Share of the median grey of the chip below which a pixel around an eye is dark."""
_DARK_GLASSES = 0.5
"""Share of dark pixels around the eyes from which they are behind dark glasses."""
_NOSE_DEPTH = 0.87
"""How far the tip of the nose stands out from eyes and mouth, in half the distance of the eyes."""


class Fault(StrEnum):
    """What makes a face not good enough for recognition."""

    SMALL = "too small"
    UNDEREXPOSED = "underexposed"
    OVEREXPOSED = "overexposed"
    DARK = "too dark"
    FLAT = "too little contrast"
    BLURRED = "too blurred"
    ASIDE = "turned aside"
    UP = "looking up"
    DOWN = "looking down"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Quality:
    """Quality of N faces, float32 (N,) each.

    widths_px: width of the box. yaw: degrees, 0 frontal .. 90 profile. pitch: -1 looking up .. 0 .. 1 looking down.
    eyes: detail around the eye that shows less, in parts of the other one: 0 covered .. 1; 0 behind dark glasses.
    Of the middle of the chip: sharpness, see `_texture`, 0 upwards, about 4 for a sharp face of 60 px;
    brightness, mean grey, 0..1; contrast, standard deviation of grey, 0..0.5; clipped, share of black or white
    pixels, 0..1. score: product of all of them, 0 unusable .. 1 good.
    """

    widths_px: FloatArray
    sharpness: FloatArray
    yaw: FloatArray
    pitch: FloatArray
    eyes: FloatArray
    brightness: FloatArray
    contrast: FloatArray
    clipped: FloatArray
    score: FloatArray

    def __len__(self) -> int:
        return len(self.score)

    def spread(self, rows: NDArray[np.bool_]) -> Self:
        """With a row for every flag: these faces where it is True, in order, NaN elsewhere. rows: (M,) bool."""
        columns = {each.name: np.full(len(rows), np.nan, np.float32) for each in fields(self)}
        for name, column in columns.items():
            column[rows] = getattr(self, name)
        return type(self)(**columns)


def assess(faces: Faces, chips: NDArray[np.uint8]) -> Quality:
    """Quality of each face. chips: (N, S, S, 3) uint8 RGB, the chips of the same faces in layout `CHIP`, in order.

    Raises ValueError when the chips are not uint8 RGB or their number differs from the faces.
    """
    if chips.dtype != np.uint8 or chips.ndim != 4 or chips.shape[0] != len(faces) or chips.shape[3] != 3:
        raise ValueError(f"chips: expected uint8 ({len(faces)}, S, S, 3), got {chips.dtype} {chips.shape}")
    texture = _texture(chips)
    turned, pitch = _pose(faces.landmarks)
    yaw = np.abs(turned)
    widths = faces.widths
    parts = (
        np.clip(widths / _GOOD_WIDTH_PX, 0, 1),
        np.clip(np.sqrt(texture.sharpness / _GOOD_SHARPNESS), 0, 1),
        frontality(yaw),
        1 - 0.5 * pitch**2,
        np.clip(texture.contrast / _GOOD_CONTRAST, 0, 1),
        1 - texture.clipped,
    )
    score = np.nan_to_num(np.prod(parts, axis=0), nan=0.0).astype(np.float32)
    return Quality(
        widths_px=widths,
        sharpness=texture.sharpness,
        yaw=yaw,
        pitch=pitch,
        eyes=_eyes(chips),
        brightness=texture.brightness,
        contrast=texture.contrast,
        clipped=texture.clipped,
        score=score,
    )


def turned_deg(landmarks: FloatArray) -> FloatArray:
    """(N,) float32: yaw of faces by their landmarks (N, 5, 2), degrees, positive where the nose points to the right of
    the picture, which is the person's left.
    """
    return _pose(landmarks)[0]


def fault(quality: Quality, row: int, settings: QualitySettings) -> Fault | None:
    """What makes the face of a row not good enough for recognition; None when it is. NaN counts as not good."""
    dark = quality.brightness[row]
    if not quality.widths_px[row] >= settings.min_width:
        return Fault.SMALL
    if not quality.clipped[row] <= settings.max_clipped:
        return Fault.UNDEREXPOSED if dark < 0.5 else Fault.OVEREXPOSED
    if not quality.contrast[row] >= settings.min_contrast:
        return Fault.DARK if dark < 0.25 else Fault.FLAT
    if not quality.sharpness[row] >= settings.min_sharpness:
        return Fault.BLURRED
    if not quality.yaw[row] <= settings.max_yaw:
        return Fault.ASIDE
    if not abs(quality.pitch[row]) <= settings.max_pitch:
        return Fault.DOWN if quality.pitch[row] > 0 else Fault.UP
    return None


def rejection(quality: Quality, row: int, settings: QualitySettings) -> str | None:
    """Why the face of a row is not good enough for recognition, as text; None when it is. NaN counts as not good."""
    match fault(quality, row, settings):
        case None:
            return None
        case Fault.SMALL as found:
            measured = f"{quality.widths_px[row]:.0f} px wide, at least {settings.min_width} needed"
        case (Fault.UNDEREXPOSED | Fault.OVEREXPOSED) as found:
            colour = "black" if found is Fault.UNDEREXPOSED else "white"
            measured = f"{quality.clipped[row]:.0%} {colour} pixels, at most {settings.max_clipped:.0%} allowed"
        case (Fault.DARK | Fault.FLAT) as found:
            measured = f"contrast {quality.contrast[row]:.3f}, at least {settings.min_contrast:g} needed"
        case Fault.BLURRED as found:
            measured = f"sharpness {quality.sharpness[row]:.1f}, at least {settings.min_sharpness:g} needed"
        case Fault.ASIDE as found:
            measured = f"{quality.yaw[row]:.0f} degrees, at most {settings.max_yaw:g} allowed"
        case (Fault.UP | Fault.DOWN) as found:
            measured = f"pitch {abs(quality.pitch[row]):.2f}, at most {settings.max_pitch:g} allowed"
    return f"{found}: {measured}"


def frontality(yaw: FloatArray | float) -> NDArray[np.floating]:
    """How much a face of a yaw in degrees says about who it is, 1 frontal .. 0 profile: its visible width."""
    visible: NDArray[np.floating] = np.cos(np.radians(yaw))
    return visible


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Texture:
    """float32 (N,) each; see `Quality`."""

    sharpness: FloatArray
    brightness: FloatArray
    contrast: FloatArray
    clipped: FloatArray


def _texture(chips: NDArray[np.uint8]) -> _Texture:
    """Sharpness and exposure of the middle of each chip.

    Sharpness is a hundred times the variance of the Laplacian of the smoothed grey image, over its standard deviation.
    Smoothing suppresses noise; the division makes it depend less on contrast. On 270 faces degraded in size, focus,
    motion, contrast, noise and JPEG quality it correlated with the error of the vector better than the plain variance
    did (figures in docs/recognition.md).
    """
    count, side = chips.shape[:2]
    if not count or not side:
        return _Texture(**{name: np.zeros(count, np.float32) for name in _Texture.__slots__})
    edge = side // 5
    inner = slice(edge, side - edge)
    grey = np.stack([cv2.cvtColor(chip, cv2.COLOR_RGB2GRAY) for chip in chips])
    middle = grey[:, inner, inner].reshape(count, -1)
    deviation = middle.std(axis=1)
    sharpness = 100 * np.array([_laplacian_variance(one, edge) for one in grey]) / (deviation + _MIN_DEVIATION)
    clipped = ((middle <= _BLACK) | (middle >= _WHITE)).mean(axis=1)
    return _Texture(
        sharpness=sharpness.astype(np.float32),
        brightness=(middle.mean(axis=1) / 255).astype(np.float32),
        contrast=(deviation / 255).astype(np.float32),
        clipped=clipped.astype(np.float32),
    )


def _laplacian_variance(grey: NDArray[np.uint8], edge: int) -> float:
    """Variance of the Laplacian of a smoothed square image, without a border of `edge` px."""
    sigma = _SMOOTHING_PX * len(grey) / CHIP.side
    margin = min(edge, int(np.ceil(5 * sigma)))
    part = slice(edge - margin, len(grey) - edge + margin)
    smooth = cv2.GaussianBlur(grey[part, part].astype(np.float32), (0, 0), sigma)
    inner = slice(margin, len(smooth) - margin)
    return float(cv2.Laplacian(smooth, cv2.CV_32F)[inner, inner].var())


def _eyes(chips: NDArray[np.uint8]) -> FloatArray:
    """(N,) how much the eye that shows less is seen; see `Quality`."""
    shown = np.zeros(len(chips), np.float32)
    if not chips.size:
        return shown
    places = np.rint(CHIP.template[:2] * (_EYE_CHIP_SIDE / CHIP.side)).astype(int).tolist()
    radius = _EYE_RADIUS_PX
    for row, chip in enumerate(chips):
        small = cv2.resize(chip, (_EYE_CHIP_SIDE, _EYE_CHIP_SIDE), interpolation=cv2.INTER_AREA)
        grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
        eyes = np.stack([grey[y - radius : y + radius, x - radius : x + radius] for x, y in places])
        details = eyes.std(axis=(1, 2))
        if np.mean(eyes < _DARK * np.median(grey)) < _DARK_GLASSES and details.max() > 0:
            shown[row] = details.min() / details.max()
    return shown


def _pose(landmarks: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Yaw as `turned_deg` has it, and pitch (N,), from where the nose is between eyes and mouth; independent of roll.

    Seen from the side by an angle, half the distance of the eyes shrinks by its cosine, and the nose, which stands out,
    moves by its sine: their ratio is the tangent, which does not saturate.
    """
    eyes, mouth, nose = landmarks[:, 0:2].mean(axis=1), landmarks[:, 3:5].mean(axis=1), landmarks[:, 2]
    across = (landmarks[:, 1] - landmarks[:, 0] + landmarks[:, 4] - landmarks[:, 3]) / 2
    half_width = np.linalg.norm(across, axis=1) / 2
    axis = across / np.maximum(2 * half_width, 1e-6)[:, None]
    down = np.stack([-axis[:, 1], axis[:, 0]], axis=1)
    aside = ((nose - (eyes + mouth) / 2) * axis).sum(axis=1)
    height = np.maximum(((mouth - eyes) * down).sum(axis=1), 1e-6)
    offset = ((nose - eyes) * down).sum(axis=1) / height - _NOSE_HEIGHT
    yaw = np.degrees(np.arctan2(aside / _NOSE_DEPTH, half_width))
    pitch = np.clip(offset / np.where(offset > 0, 1 - _NOSE_HEIGHT, _NOSE_HEIGHT), -1, 1)
    return yaw.astype(np.float32), pitch.astype(np.float32)
