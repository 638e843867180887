"""Writes video files picture by picture, each with its own time."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Self

import av
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from config.errors import RecordingError
from tracker.vision.faces import Image

_TICKS = 10_000
_OPTIONS = {"preset": "veryfast", "crf": "20"}


class VideoWriter:
    """An H.264 file of the size of its first picture, made even; later ones of another size are scaled to it.

    Use as a context manager: the file is whole after the block, and gone when the block fails.
    """

    def __init__(self, path: Path) -> None:
        """path: its suffix decides the format, one that keeps a time for each picture: .mp4, .mkv, .mov or .m4v."""
        self._path = path
        self._container: OutputContainer | None = None
        self._stream: VideoStream | None = None
        self._ticks = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        try:
            if kind is None and self._container is not None and self._stream is not None:
                self._container.mux(self._stream.encode(None))
                self._container.close()
        except (av.FFmpegError, OSError) as error:
            kind = type(error)
            raise self._unwritten() from error
        finally:
            if kind is not None:
                self._discard()

    def write(self, image: Image, offset_s: float) -> None:
        """Add a picture, (H, W, 3) uint8 BGR, that is shown from `offset_s` seconds after the first on.

        Raises RecordingError when it cannot be written.
        """
        frame = VideoFrame.from_ndarray(image, format="bgr24")
        try:
            stream = self._stream or self._begin(frame)
            frame = frame.reformat(width=stream.width, height=stream.height, format="yuv420p")
            self._ticks = max(round(offset_s * _TICKS), self._ticks + 1)
            frame.pts, frame.time_base = self._ticks, Fraction(1, _TICKS)
            if self._container is not None:
                self._container.mux(stream.encode(frame))
        except (av.FFmpegError, OSError) as error:
            raise self._unwritten() from error

    def _begin(self, frame: VideoFrame) -> VideoStream:
        self._container = av.open(str(self._path.resolve()), "w")
        stream = self._container.add_stream("libx264", options=_OPTIONS)
        stream.width, stream.height = max(2, frame.width // 2 * 2), max(2, frame.height // 2 * 2)
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, _TICKS)
        self._stream = stream
        return stream

    def _discard(self) -> None:
        if self._container is not None:
            with suppress(av.FFmpegError, OSError):  # the same error again
                self._container.close()
        self._path.unlink(missing_ok=True)

    def _unwritten(self) -> RecordingError:
        fix = "check the rights on the folder and the free space"
        return RecordingError(f"{self._path}: cannot be written", fix=fix)
