"""Opens live cameras: devices through OpenCV, network addresses through PyAV."""

from __future__ import annotations

import os
import sys
from typing import Protocol

import cv2
import numpy as np
from cv2.typing import MatLike

from config.addresses import is_address
from config.errors import CameraError
from tracker.vision.faces import Image

_DEVICE_FIX = "check that it is plugged in and no other program uses it"
_DEVICE_BACKEND = {"linux": cv2.CAP_V4L2}.get(sys.platform, cv2.CAP_ANY)


class CaptureError(CameraError):
    """A camera or video cannot be opened or gives no more pictures; `problem` says why, without its name."""


class Capture(Protocol):
    """An opened camera."""

    def read(self) -> Image | None:
        """(H, W, 3) uint8 BGR; None for a picture that cannot be decoded. Raises CaptureError when it gives no more."""

    def close(self) -> None:
        """Let go of the camera."""


class Device:
    """A camera at this machine, through OpenCV."""

    def __init__(self, source: str | int) -> None:
        """Raises CaptureError when there is no such device or another program holds it."""
        hush()
        try:
            self._device = cv2.VideoCapture(source, _DEVICE_BACKEND)
            self._device.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        except cv2.error as error:
            raise CaptureError("cannot be opened", fix=_DEVICE_FIX) from error
        if not self._device.isOpened():
            self._device.release()
            raise CaptureError("cannot be opened", fix=_DEVICE_FIX)

    def read(self) -> Image | None:
        try:
            got, image = self._device.read()
        except cv2.error as error:
            raise CaptureError("failed while reading", fix=_DEVICE_FIX) from error
        return three_channels(image) if got and image is not None else None

    def close(self) -> None:
        self._device.release()


class NetworkStream:
    """A camera at a network address, through PyAV."""

    def __init__(self, address: str) -> None:
        """Raises CaptureError when it cannot be opened."""
        from tracker.cameras.video import Video  # takes time, and not every camera needs it

        self._video = Video.open_address(address)

    def read(self) -> Image | None:
        picture = self._video.read()
        return None if picture is None else picture.image

    def close(self) -> None:
        self._video.close()


def open_live(source: str | int) -> Capture:
    """Open a device number, a device file or a network address. Raises CaptureError."""
    if isinstance(source, str) and is_address(source):
        return NetworkStream(source)
    return Device(source)


def three_channels(image: MatLike) -> Image:
    """The picture as (H, W, 3) uint8: some cameras give grey or a fourth channel."""
    deep = image if image.ndim == 3 else image[:, :, None]
    if deep.shape[2] < 3:
        deep = np.repeat(deep[:, :, :1], 3, axis=2)
    return deep[:, :, :3].astype(np.uint8, copy=False)


def hush() -> None:
    """Keep the codecs from writing to stderr, addresses with passwords included, unless the variables are set.

    Both variables are OpenCV's own; FFmpeg's is read when the first file is opened.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    if "OPENCV_LOG_LEVEL" not in os.environ:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
