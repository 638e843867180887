"""What a camera sees of somebody who is enrolled: a portrait that turns its head, as a clip for the fake camera."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from tests.tracker.vision.heads import turned_head
from tracker.demo.portraits import PORTRAITS, picture
from tracker.vision.faces import Image

LANDMARKS = {
    "astronaut": np.array([(204, 100), (245, 102), (224, 126), (202, 139), (244, 140)], np.float32),
    "hopper": np.array([(224, 198), (306, 197), (264, 246), (230, 278), (302, 277)], np.float32),
}
"""(5, 2) px of the face in the portrait."""
TURNS_DEG = (0, -25, 25, 40, -35)
SIZE_WH = (640, 480)
_EACH = 3
"""Frames of each turn."""


def head(key: str, yaw_deg: float) -> Image:
    """The head of a portrait, turned, in a frame of SIZE_WH."""
    width, height = SIZE_WH
    frame = np.full((height, width, 3), (90, 110, 100), np.uint8)
    left = (width - height) // 2
    frame[:, left : left + height] = turned_head(picture(PORTRAITS[key]), LANDMARKS[key], yaw_deg, side=height)
    return frame


def write_clip(path: Path, frames: Iterable[Image], *, fps: int = 4) -> Path:
    """Write frames of SIZE_WH as YUV4MPEG2, which Chromium plays in place of a camera, again and again."""
    width, height = SIZE_WH
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F{fps}:1 Ip A1:1 C420jpeg\n".encode())
        for frame in frames:
            planes = cv2.cvtColor(frame, cv2.COLOR_BGR2YUV_I420).tobytes()
            file.write((b"FRAME\n" + planes) * _EACH)
    return path


def jpeg(image: Image) -> bytes:
    """The picture as a JPEG file."""
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()
