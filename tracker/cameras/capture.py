"""OpenCV's video capture, opened quietly, with timeouts, and for nothing but the source that was asked for."""

from __future__ import annotations

import os
import re
import sys
from typing import Protocol

import cv2
import numpy as np
from cv2.typing import MatLike

from tracker.vision.faces import Image

OPEN_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 10.0
_ADDRESS = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://")
_DEVICE_BACKEND = {"linux": cv2.CAP_V4L2}.get(sys.platform, cv2.CAP_ANY)


class Capture(Protocol):
    """What a source needs of an opened camera."""

    def read(self) -> tuple[bool, MatLike | None]: ...

    def release(self) -> None: ...


def is_address(source: str) -> bool:
    """Whether the text is a network address such as rtsp://..."""
    return _ADDRESS.match(source) is not None


def redacted(source: str) -> str:
    """The source without what may be secret: user and password before the last `@`, and the query.

    Passwords may hold any character, so everything up to the last `@` goes, even where that takes the host along.
    """
    head = _ADDRESS.match(source)
    if head is None:
        return source
    rest = source[head.end() :]
    _, at_sign, rest = rest.rpartition("@")
    place, question, _ = rest.partition("?")
    return f"{head.group()}{'***@' if at_sign else ''}{place}{'?***' if question else ''}"


def open_live(source: str | int) -> Capture | None:
    """Open a device number, a device file or a network address; None when it cannot be opened."""
    hush()
    try:
        if isinstance(source, str) and is_address(source):
            capture = cv2.VideoCapture(
                source,
                cv2.CAP_FFMPEG,
                [
                    cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
                    int(OPEN_TIMEOUT_S * 1000),
                    cv2.CAP_PROP_READ_TIMEOUT_MSEC,
                    int(READ_TIMEOUT_S * 1000),
                ],
            )
        else:
            capture = cv2.VideoCapture(source, _DEVICE_BACKEND)
            capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    except cv2.error:
        return None
    return _opened(capture)


def open_file(path: str) -> cv2.VideoCapture | None:
    """Open a video file; None when no decoder knows it.

    Only FFmpeg is asked: OpenCV's other readers would take `%02d` in a name for a sequence of pictures.
    """
    hush()
    try:
        capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG)
    except cv2.error:
        return None
    return _opened(capture)


def three_channels(image: MatLike) -> Image:
    """The picture as (H, W, 3) uint8: some cameras give grey or a fourth channel."""
    deep = image if image.ndim == 3 else image[:, :, None]
    if deep.shape[2] < 3:
        deep = np.repeat(deep[:, :, :1], 3, axis=2)
    return deep[:, :, :3].astype(np.uint8, copy=False)


def _opened(capture: cv2.VideoCapture) -> cv2.VideoCapture | None:
    if capture.isOpened():
        return capture
    capture.release()
    return None


def hush() -> None:
    """Keep the codecs from writing to stderr, addresses with passwords included, unless the variables are set.

    Both variables are OpenCV's own; FFmpeg's is read when the first file is opened.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    if "OPENCV_LOG_LEVEL" not in os.environ:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
