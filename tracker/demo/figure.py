"""The demo's actor who is seen from behind only: drawn, since no portrait shows a back.

Lengths are face widths from where the middle of the face would be, x to the right and y down.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tracker.demo.portraits import Cutout
from tracker.vision.faces import FloatArray

_WIDTH_PX = 130.0
"""Of the face that is turned away."""
_LEFT, _TOP, _RIGHT, _BOTTOM = -1.6, -1.3, 1.6, 5.2
_SHOULDERS = 1.32
_HEAD = (0.56, 0.78)
_HEAD_Y = -0.2
_NECK = 0.36
_CLOTH_BGR, _HAIR_BGR, _SKIN_BGR = (95.0, 90.0, 90.0), (38.0, 52.0, 74.0), (118.0, 146.0, 196.0)
_SEED = 3


def from_behind() -> Cutout:
    """Somebody with short hair and a grey pullover, the same pixels every time."""
    columns, rows = round((_RIGHT - _LEFT) * _WIDTH_PX), round((_BOTTOM - _TOP) * _WIDTH_PX)
    x = np.linspace(_LEFT, _RIGHT, columns, dtype=np.float32)[None, :].repeat(rows, axis=0)
    y = np.linspace(_TOP, _BOTTOM, rows, dtype=np.float32)[:, None].repeat(columns, axis=1)
    rng = np.random.default_rng(_SEED)
    image, alpha = _cloth(x, rng), _soft(_trunk(x, y))
    for shape, colour in ((_neck(x, y), _skin(x)), (_ears(x, y), _skin(x)), (_hair(x, y), _hair_colour(x, y, rng))):
        cover = _soft(shape)
        image = image * (1 - cover[..., None]) + colour * cover[..., None]
        alpha = np.maximum(alpha, cover)
    middle = (-_LEFT * _WIDTH_PX, -_TOP * _WIDTH_PX)
    return Cutout(np.clip(image, 0, 255).astype(np.uint8), alpha, (*middle, _WIDTH_PX, 1.28 * _WIDTH_PX))


def _trunk(x: FloatArray, y: FloatArray) -> NDArray[np.bool_]:
    """Shoulders that slope from the neck, and all below them."""
    slope = np.clip((np.abs(x) - 0.3) / 0.95, 0, 1) ** 1.6
    return np.asarray((np.abs(x) < _SHOULDERS) & (y > 0.78 + 0.42 * slope), np.bool_)


def _neck(x: FloatArray, y: FloatArray) -> NDArray[np.bool_]:
    return np.asarray((np.abs(x) < _NECK + 0.2 * np.clip(y - 0.6, 0, 1)) & (y > 0.2) & (y < 0.95), np.bool_)


def _ears(x: FloatArray, y: FloatArray) -> NDArray[np.bool_]:
    return np.asarray(((np.abs(x) - 0.98 * _HEAD[0]) / 0.07) ** 2 + ((y - 0.02) / 0.16) ** 2 < 1, np.bool_)


def _hair(x: FloatArray, y: FloatArray) -> NDArray[np.bool_]:
    """The back of the head, down to a round hairline in the neck."""
    crown = (x / _HEAD[0]) ** 2 + ((y - _HEAD_Y) / _HEAD[1]) ** 2 < 1
    nape = (np.abs(x) < 0.78 * _HEAD[0]) & (y > _HEAD_Y) & (y < 0.62 - 0.2 * (x / _HEAD[0]) ** 2)
    return np.asarray(crown | nape, np.bool_)


def _cloth(x: FloatArray, rng: np.random.Generator) -> FloatArray:
    """(H, W, 3) cloth with folds, darker towards the sides."""
    folds = cv2.GaussianBlur(_noise(rng, x.shape), (0, 0), sigmaX=_WIDTH_PX / 25, sigmaY=_WIDTH_PX / 5)
    light = np.clip(1.05 - 0.28 * (np.abs(x) / _SHOULDERS) ** 3, 0.5, 1.2) * (1 + 0.06 * folds / folds.std())
    weave = 4 * _noise(rng, x.shape)
    return np.asarray(np.array(_CLOTH_BGR, np.float32) * light[..., None] + weave[..., None], np.float32)


def _skin(x: FloatArray) -> FloatArray:
    return np.asarray(np.array(_SKIN_BGR, np.float32) * (0.95 - 0.25 * np.abs(x[..., None]) / _NECK), np.float32)


def _hair_colour(x: FloatArray, y: FloatArray, rng: np.random.Generator) -> FloatArray:
    """(H, W, 3) strands from top to bottom, lit from above on the left."""
    strands = cv2.GaussianBlur(_noise(rng, (x.shape[0] // 8 + 1, x.shape[1])), (0, 0), 1.2)
    strands = 14 * cv2.resize(strands, (x.shape[1], x.shape[0]))
    light = 45 * np.clip(1 - ((x + 0.22) ** 2 + (y + 0.55) ** 2) / 0.25, 0, 1)
    edge = 25 * np.clip(np.abs(x) / _HEAD[0], 0, 1) ** 3
    return np.asarray(np.array(_HAIR_BGR, np.float32) + (strands + light - edge)[..., None], np.float32)


def _soft(shape: NDArray[np.bool_]) -> FloatArray:
    return np.asarray(cv2.GaussianBlur(shape.astype(np.float32), (0, 0), _WIDTH_PX / 50), np.float32)


def _noise(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    return rng.standard_normal(shape).astype(np.float32)
