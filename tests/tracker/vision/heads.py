"""A portrait as a turned head: the face on the front of an ellipsoid with a nose, rendered from vertices."""

from __future__ import annotations

import cv2
import numpy as np

from tracker.vision.faces import FloatArray, Image

_VERTICES_PER_PX = 3
_BACKGROUND = (90, 110, 100)


def turned_head(portrait: Image, landmarks: FloatArray, yaw_deg: float, *, side: int = 320) -> Image:
    """The head of a frontal portrait turned about its vertical axis, in a picture of `side` px.

    landmarks: (5, 2) px of the face in the portrait. Lengths are in parts of that from the eyes to the mouth.
    """
    eyes, mouth = landmarks[:2].mean(axis=0), landmarks[3:].mean(axis=0)
    unit = float(np.linalg.norm(mouth - eyes))
    middle = (eyes + mouth) / 2
    size_wh = (portrait.shape[1] * _VERTICES_PER_PX, portrait.shape[0] * _VERTICES_PER_PX)
    texture = cv2.resize(portrait, size_wh, interpolation=cv2.INTER_CUBIC)
    y, x = np.mgrid[: size_wh[1], : size_wh[0]] / _VERTICES_PER_PX
    x, y = (x - middle[0]) / unit, (y - middle[1]) / unit
    front = 1 - (x / 1.15) ** 2 - ((y + 0.15) / 1.75) ** 2
    nose_x, nose_y = (landmarks[2] - middle) / unit
    nose = 0.22 * np.exp(-(((x - nose_x) / 0.16) ** 2) - ((y - nose_y + 0.12) / 0.33) ** 2)
    z = 1.35 * np.sqrt(np.maximum(front, 0)) + nose
    angle = np.deg2rad(yaw_deg)
    scale = side / 4.2
    columns = np.rint(side / 2 + scale * (x * np.cos(angle) + z * np.sin(angle))).astype(int)
    rows = np.rint(side / 2 + scale * y).astype(int)
    seen = (front > 0) & (columns >= 0) & (columns < side) & (rows >= 0) & (rows < side)
    nearest_last = np.argsort((z * np.cos(angle) - x * np.sin(angle))[seen])
    picture = np.full((side, side, 3), _BACKGROUND, np.uint8)
    picture[rows[seen][nearest_last], columns[seen][nearest_last]] = texture[seen][nearest_last]
    return picture
