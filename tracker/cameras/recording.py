"""Frames from a video file: all of them, at the times in the file."""

from __future__ import annotations

import math
import threading
from datetime import datetime, timedelta
from pathlib import Path

import cv2

from config.errors import RecordingError
from tracker.cameras.capture import open_file, three_channels
from tracker.cameras.clock import CLOCKS_APART, Clock, Pace, SystemClock
from tracker.cameras.frames import Frame, SourceState
from tracker.presence.events import as_utc
from tracker.vision.faces import Image

FALLBACK_FPS = 12.5
_LONGEST_JUMP_S = 86400.0
_LONGEST_CLIP_S = 30 * 86400.0
_GIF_TRAILER = b";"


def start_of(start_at: datetime | None, *, name: str, realtime: bool, duration_s: float, clock: Clock) -> datetime:
    """When a recording begins, UTC: `start_at`; else it starts now when played at its own speed and ends now when not.

    Raises RecordingError when it would end later than now: nobody has recorded that yet.
    """
    lasts = timedelta(seconds=0.0 if realtime else duration_s)
    if start_at is None:
        return clock.now() - lasts
    if as_utc(start_at) + lasts > clock.now() + CLOCKS_APART:
        raise RecordingError(
            f"{name}: it lasts {timedelta(seconds=round(duration_s))}, with this start it would end in the future",
            fix="give the time at which it began",
        )
    return as_utc(start_at)


class RecordingSource:
    """A video file (anything FFmpeg reads, animated GIF too). No frame is ever dropped.

    realtime: give the frames at the clip's own speed, else as fast as they are asked for. Frame times are the start
    plus the frame's own time; where the file has none that rises, the frame rate counts on. A file that declares no
    length is measured when it is opened; one that is longer than it declares ends where its frames would lie in the
    future.
    """

    def __init__(
        self, path: Path, *, start_at: datetime | None = None, realtime: bool = False, clock: Clock | None = None
    ) -> None:
        self._path = path
        self._start_at = start_at
        self._realtime = realtime
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._capture: cv2.VideoCapture | None = None
        self._ahead: Image | None = None
        self._reset()

    def _reset(self) -> None:
        self._pace = Pace(self._clock, self._closing)
        self._fps = FALLBACK_FPS
        self._declared = 0
        self._start: datetime | None = None
        self._offset_s = 0.0
        self._frames = 0
        self._problems: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return str(self._path)

    @property
    def state(self) -> SourceState:
        last = self._time() if self._start and self._frames else None
        return SourceState(frames=self._frames, dropped=0, lost=False, last_frame_at=last, problems=self._problems)

    @property
    def problems(self) -> tuple[str, ...]:
        return self._problems

    @property
    def fps(self) -> float:
        """Frames a second as declared by the file, FALLBACK_FPS where it declares none; known once it is open."""
        return self._fps

    @property
    def declared_frames(self) -> int | None:
        """How many frames the file declares, for a progress bar; None where it declares none."""
        return self._declared or None

    def open(self) -> None:
        """Raises RecordingError when there is no such file or no frame can be read from it."""
        with self._lock:
            if self._capture is not None:
                return
            _require_file(self._path)
            capture = open_file(str(self._path.resolve()))
            first = _next_image(capture) if capture is not None else None
            if capture is None or first is None:
                if capture is not None:
                    capture.release()
                raise RecordingError(
                    f"{self._path}: no frame can be read from it",
                    fix="give a video that FFmpeg reads; if it is one, it may be cut off: copy it again",
                )
            self._closing.clear()
            self._reset()
            fps = capture.get(cv2.CAP_PROP_FPS)
            self._fps = fps if math.isfinite(fps) and 0 < fps <= 1000 else FALLBACK_FPS
            count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
            self._declared = int(count) if math.isfinite(count) and 0 < count / self._fps <= _LONGEST_CLIP_S else 0
            self._start = start_of(
                self._start_at,
                name=self.name,
                realtime=self._realtime,
                duration_s=self._duration_s(),
                clock=self._clock,
            )
            self._capture, self._ahead = capture, first

    def read(self, wait_s: float | None = None) -> Frame | None:
        """The next frame of the file, None at its end. Raises RuntimeError before `open`."""
        del wait_s
        if self._start is None:
            raise RuntimeError("read() before open()")
        with self._lock:
            image = self._take()
            if image is None:
                return None
            if not self._realtime and self._time() > self._clock.now() + CLOCKS_APART:
                self._problems = (f"{self._path}: longer than it declares; the rest would lie in the future",)
                self._stop()
                return None
            frame = Frame(image=image, at=self._time(), index=self._frames - 1)
        if self._realtime:
            self._pace.hold(self._offset_s)
        return None if self._closing.is_set() else frame

    def close(self) -> None:
        self._closing.set()
        with self._lock:
            self._stop()

    def _stop(self) -> None:
        if self._capture is not None:
            self._capture.release()
        self._capture = self._ahead = None

    def _time(self) -> datetime:
        """Of the frame that was taken last. Raises RuntimeError before `open`."""
        if self._start is None:
            raise RuntimeError("read() before open()")
        return self._start + timedelta(seconds=self._offset_s)

    def _duration_s(self) -> float:
        """As declared, else measured where it matters: at its own speed a recording is over when it has been played."""
        if self._declared or self._realtime:
            return self._declared / self._fps
        return _measured_s(str(self._path.resolve()), self._fps)

    def _take(self) -> Image | None:
        """The next picture with `_offset_s` moved to its time; None at the end, with the problem noted."""
        if self._capture is None:
            return None
        image = self._ahead if self._ahead is not None else _next_image(self._capture)
        self._ahead = None
        if image is None:
            self._problems = self._cut_off()
            self._capture.release()
            self._capture = None
            return None
        self._offset_s = _offset_s(self._capture, self._offset_s if self._frames else None, self._fps)
        self._frames += 1
        return image

    def _cut_off(self) -> tuple[str, ...]:
        missing_s = (self._declared - 1) / self._fps - self._offset_s
        if missing_s > max(2 / self._fps, 0.02 * self._declared / self._fps):
            return (
                f"{self._path}: ended after {self._frames} of {self._declared} frames; the file is cut off or damaged",
            )
        if self._path.suffix.lower() == ".gif" and not _has_gif_trailer(self._path):
            return (f"{self._path}: the end is missing after {self._frames} frames; the file is cut off",)
        return ()


def _require_file(path: Path) -> None:
    try:
        exists, is_file = path.exists(), path.is_file()
        size = path.stat().st_size if is_file else 0
    except OSError as error:
        raise RecordingError(f"{path}: {error.strerror}", fix="give the path of a video file") from error
    if not exists:
        raise RecordingError(f"{path}: no such file", fix="check the path of the recording")
    if not is_file:
        raise RecordingError(f"{path}: not a file", fix="give the path of a video file")
    if size == 0:
        raise RecordingError(f"{path}: the file is empty", fix="copy or record it again")


def _offset_s(capture: cv2.VideoCapture, last_s: float | None, fps: float) -> float:
    """The time in the file of the frame that was read last. last_s: that of the frame before, None for the first."""
    stamp_s = float(capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000
    if last_s is None:
        return stamp_s if 0 <= stamp_s <= _LONGEST_JUMP_S else 0.0
    return stamp_s if last_s < stamp_s <= last_s + _LONGEST_JUMP_S else last_s + 1 / fps


def _measured_s(path: str, fps: float) -> float:
    """How long a recording lasts, by reading it to its end."""
    capture, last_s = open_file(path), None
    try:
        while capture is not None and capture.grab():
            last_s = _offset_s(capture, last_s, fps)
    except cv2.error:  # what can be read of it ends here
        pass
    finally:
        if capture is not None:
            capture.release()
    return 0.0 if last_s is None else last_s + 1 / fps


def _next_image(capture: cv2.VideoCapture) -> Image | None:
    try:
        got, image = capture.read()
    except cv2.error:
        return None
    return three_channels(image) if got and image is not None else None


def _has_gif_trailer(path: Path) -> bool:
    """Whether the file ends as its format demands (padding zeros aside)."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 64))
        return file.read().rstrip(b"\0").endswith(_GIF_TRAILER)
