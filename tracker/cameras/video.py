"""Video files and network streams, decoded by FFmpeg through PyAV: upright, progressive pictures with their stamps."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self, cast

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from tracker.cameras.capture import CaptureError
from tracker.cameras.deinterlace import Deinterlacer
from tracker.cameras.rotation import rotated
from tracker.cameras.timeline import plausible_fps
from tracker.vision.faces import Image

OPEN_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 10.0
UNDECODED_S = 30.0
"""A stream that sends data for so long without a picture cannot be decoded: key frames come more often than that."""
_LIVE_FIX = "check its power and its connection"
_DECODING_THREADS = 4
_FAILED_READS = 20
"""So many errors in a row without a packet are the end of a file."""
_NO_TIMESTAMPS = 0x0080
"""AVFMT_NOTIMESTAMPS of a container's format."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded frame. stamp_s: its time stamp in seconds, None without one."""

    frame: VideoFrame
    stamp_s: float | None

    @property
    def image(self) -> Image:
        """(H, W, 3) uint8 BGR, upright; converted each time it is asked for."""
        image = np.ascontiguousarray(self.frame.to_ndarray(format="bgr24", threads=1), dtype=np.uint8)
        return rotated(image, -self.frame.rotation)


class Video:
    """The best video stream of a file or address; sound, cover art and other streams are left out.

    damaged: packets and pictures so far that could not be decoded, or only in part.
    """

    def __init__(self, container: InputContainer, stream: VideoStream, *, live: bool) -> None:
        self._container = container
        self._stream = stream
        self._live = live
        self._deinterlacer = Deinterlacer()
        self._packets = self._demux()
        self._ready: deque[VideoFrame] = deque()
        self._reached_s = 0.0
        self.damaged = 0

    @classmethod
    def open_file(cls, path: Path) -> Self:
        """Raises CaptureError when FFmpeg reads no video from the file."""
        return cls._open(f"file:{path.resolve()}", live=False)

    @classmethod
    def open_address(cls, address: str) -> Self:
        """Connect within OPEN_TIMEOUT_S. Raises CaptureError when that fails."""
        return cls._open(address, live=True)

    @classmethod
    def _open(cls, address: str, *, live: bool) -> Self:
        options = {"rtsp_flags": "prefer_tcp"} if address.lower().startswith("rtsp") else {}
        timeout = (OPEN_TIMEOUT_S, READ_TIMEOUT_S) if live else None
        try:
            container = av.open(address, "r", container_options=options, metadata_errors="replace", timeout=timeout)
        except (av.FFmpegError, ValueError) as error:
            raise CaptureError(f"cannot be opened ({_reason(error)})", fix="check it with another player") from error
        stream = container.streams.best("video")
        if not isinstance(stream, VideoStream) or Disposition.attached_pic in stream.disposition:
            container.close()
            raise CaptureError("no video in it", fix="give a file or an address with video")
        if cast("VideoCodecContext | None", stream.codec_context) is None:
            container.close()
            raise CaptureError("its video is cut off at the start, or of an unknown kind", fix="copy it again")
        # With frames in parallel each one comes later, which a live camera must not.
        stream.codec_context.thread_type = "NONE" if live else "FRAME"
        stream.codec_context.thread_count = 1 if live else _DECODING_THREADS
        return cls(container, stream, live=live)

    @property
    def codec(self) -> str:
        return self._stream.codec_context.name

    @property
    def stamped(self) -> bool:
        """Whether its format has time stamps at all; raw streams such as .h264 have none."""
        return not self._container.format.flags & _NO_TIMESTAMPS

    @property
    def fps(self) -> float | None:
        """Frames a second as declared, None where that is no camera's rate."""
        rates = (self._stream.guessed_rate, self._stream.average_rate)
        return plausible_fps(*(None if rate is None else float(rate) for rate in rates))

    @property
    def duration_s(self) -> float:
        """How long it lasts as declared, 0 where it declares nothing."""
        declared_s = _seconds(self._stream, self._stream.duration)
        if declared_s is None:
            declared_s = (self._container.duration or 0) / av.time_base
        rate = self._stream.average_rate  # FFmpeg shortens the duration of a file that is cut off, not the count
        return max(0.0, declared_s, float(self._stream.frames / rate) if rate else 0.0)

    @property
    def missing_s(self) -> float:
        """By how much it ended before its declared end, in seconds; 0 where that cannot be known."""
        if not self.stamped or not self.duration_s:
            return 0.0
        begins_s = (self._container.start_time or 0) / av.time_base
        if self._stream.duration is not None:
            begins_s = _seconds(self._stream, self._stream.start_time) or 0.0
        return max(0.0, begins_s + self.duration_s - self._reached_s)

    @property
    def declared_frames(self) -> int | None:
        """About how many frames it has as declared, None where it declares nothing."""
        by_rate = round(self.duration_s * (self.fps or 0.0))
        return min((count for count in (self._stream.frames, by_rate) if count > 0), default=None)

    def read(self) -> Picture | None:
        """The next picture; None at the end of a file. Raises CaptureError when a live stream gives no more."""
        began_s = time.monotonic()
        while not self._ready:
            packet = next(self._packets, None)
            if packet is None:
                return None
            self._ready.extend(self._decoded(packet))
            if self._live and not self._ready and time.monotonic() - began_s > UNDECODED_S:
                raise CaptureError(f"sends no picture that can be decoded ({self.codec})", fix="set it to send H.264")
        frame = self._ready.popleft()
        return Picture(frame, frame.time if self.stamped else None)

    def stamps(self) -> Iterator[float | None]:
        """The decoding time stamp of every frame to the end of a file, in seconds, without decoding any."""
        for packet in self._packets:
            if packet.size and packet.stream.index == self._stream.index:
                yield _seconds(self._stream, packet.dts) if self.stamped else None

    def close(self) -> None:
        self._container.close()

    def _demux(self) -> Iterator[Packet[Stream]]:
        """Packets of all streams; after an error in a file the next one that can be read."""
        failed = 0
        while failed < _FAILED_READS:
            try:
                for packet in self._container.demux():
                    failed = 0
                    yield packet
                break
            except av.FFmpegError as error:
                if self._live:
                    raise CaptureError(f"gives no more frames ({_reason(error)})", fix=_LIVE_FIX) from error
                failed += 1
                self.damaged += 1
        if self._live:
            raise CaptureError("gives no more frames", fix=_LIVE_FIX)

    def _decoded(self, packet: Packet[Stream]) -> Iterator[VideoFrame]:
        """The frames that a packet completes; none for one of another stream."""
        self._note_end(packet)
        if packet.stream.index != self._stream.index:
            return
        try:
            for frame in self._stream.decode(packet):
                self.damaged += frame.is_corrupt
                frame.pts = frame.dts if frame.pts is None else frame.pts
                yield from self._deinterlacer.push(frame)
            if not packet.size:
                yield from self._deinterlacer.flush()
        except av.FFmpegError:
            self.damaged += 1

    def _note_end(self, packet: Packet[Stream]) -> None:
        """How far the file goes: by its video where that has a length of its own, else by all of its streams."""
        if self._live or (self._stream.duration is not None and packet.stream.index != self._stream.index):
            return
        begins = packet.dts if packet.pts is None else packet.pts
        ends_s = _seconds(packet.stream, None if begins is None else begins + (packet.duration or 0))
        self._reached_s = max(self._reached_s, ends_s or 0.0)


def _seconds(stream: Stream, ticks: int | None) -> float | None:
    base = stream.time_base
    return None if ticks is None or base is None else ticks * base.numerator / base.denominator


def _reason(error: Exception) -> str:
    """What FFmpeg says, without the address, which may hold a password."""
    if isinstance(error, av.ExitError):
        return "no answer in time"
    text = error.strerror if isinstance(error, av.FFmpegError) else None
    return text or "no video"
