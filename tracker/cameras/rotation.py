"""Rotates pictures by right angles."""

from __future__ import annotations

import cv2
import numpy as np

from tracker.vision.faces import Image

_CODES = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


def rotated(image: Image, degrees: int) -> Image:
    """The picture rotated clockwise by the nearest multiple of 90 degrees; itself where that is none."""
    code = _CODES.get(90 * round(degrees / 90) % 360)
    return image if code is None else cv2.rotate(image, code).astype(np.uint8, copy=False)
