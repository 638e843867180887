"""Frames from a video file: all of them, at the times in the file."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from config.errors import RecordingError
from tracker.cameras.capture import CaptureError
from tracker.cameras.clock import CLOCKS_APART, Clock, Pace, SystemClock
from tracker.cameras.frames import Frame, SourceState
from tracker.cameras.rotation import rotated
from tracker.cameras.timeline import FALLBACK_FPS, Timeline
from tracker.presence.events import as_utc

if TYPE_CHECKING:
    from tracker.cameras.video import Picture, Video

_CUT_OFF_SHARE = 0.02
"""A file that ends earlier than declared by a smaller share of its length is whole: declarations are rounded."""
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

    fps: frames a second of a file without usable time stamps; without it the declared rate, else FALLBACK_FPS.
    rotate: degrees clockwise, a multiple of 90, beyond what the file itself demands.
    realtime: give the frames at the clip's own speed, else as fast as they are asked for. Frame times are the start
    plus the frame's own time (see Timeline). How long it lasts is measured, without decoding, where that matters: for a
    recording that ends now, and for one that would end in the future by the length that it declares.
    """

    def __init__(
        self,
        path: Path,
        *,
        start_at: datetime | None = None,
        realtime: bool = False,
        fps: float | None = None,
        rotate: int = 0,
        clock: Clock | None = None,
    ) -> None:
        self._path = path
        self._start_at = start_at
        self._realtime = realtime
        self._asked_fps = fps
        self._rotate = rotate
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._video: Video | None = None
        self._reset()

    def _reset(self) -> None:
        self._pace = Pace(self._clock, self._closing)
        self._ahead: Picture | None = None
        self._start: datetime | None = None
        self._fps = self._asked_fps or FALLBACK_FPS
        self._timeline = Timeline(self._fps)
        self._expected_frames: int | None = None
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
    def expected_frames(self) -> int | None:
        """How many frames the file has, as measured or declared, for a progress bar; None where nothing is known."""
        return self._expected_frames

    def open(self) -> None:
        """Raises RecordingError when there is no such file or no frame can be read from it."""
        with self._lock:
            if self._video is not None:
                return
            _require_file(self._path)
            video = _opened(self._path)
            try:
                self._begin(video)
            finally:
                if self._video is not video:
                    video.close()

    def _begin(self, video: Video) -> None:
        first = video.read()
        if first is None:
            raise _unreadable(self._path, f"none of its frames can be decoded ({video.codec})")
        self._closing.clear()
        self._reset()
        self._fps = self._asked_fps or video.fps or FALLBACK_FPS
        self._timeline = Timeline(self._fps)
        self._expected_frames = video.declared_frames
        self._start = start_of(
            self._start_at,
            name=self.name,
            realtime=self._realtime,
            duration_s=self._duration_s(video),
            clock=self._clock,
        )
        self._video, self._ahead = video, first

    def read(self, wait_s: float | None = None) -> Frame | None:
        """The next frame of the file, None at its end. Raises RuntimeError before `open`."""
        del wait_s
        if self._start is None:
            raise RuntimeError("read() before open()")
        with self._lock:
            picture = self._take()
            if picture is None:
                return None
            if not self._realtime and self._time() > self._clock.now() + CLOCKS_APART:
                self._problems = (f"{self._path}: longer than it declares; the rest would lie in the future",)
                self._stop()
                return None
            frame = Frame(image=rotated(picture.image, self._rotate), at=self._time(), index=self._frames - 1)
        if self._realtime:
            self._pace.hold(self._offset_s)
        return None if self._closing.is_set() else frame

    def close(self) -> None:
        self._closing.set()
        with self._lock:
            self._stop()

    def _stop(self) -> None:
        if self._video is not None:
            self._video.close()
        self._video = self._ahead = None

    def _time(self) -> datetime:
        """Of the frame that was taken last. Raises RuntimeError before `open`."""
        if self._start is None:
            raise RuntimeError("read() before open()")
        return self._start + timedelta(seconds=self._offset_s)

    def _duration_s(self, video: Video) -> float:
        """As declared where that does not matter; at its own speed a recording is over when it has been played."""
        if self._realtime:
            return 0.0
        declared = timedelta(seconds=video.duration_s)
        if declared and self._start_at is not None and as_utc(self._start_at) + declared <= self._clock.now():
            return video.duration_s
        self._expected_frames, duration_s = _measured(self._path, self._fps)
        return duration_s

    def _take(self) -> Picture | None:
        """The next picture with `_offset_s` moved to its time; None at the end, with the problems noted."""
        if self._video is None or self._ahead is None:
            return None
        picture, self._ahead = self._ahead, self._video.read()
        self._offset_s = self._timeline.advance(picture.stamp_s, None if self._ahead is None else self._ahead.stamp_s)
        self._frames += 1
        if self._ahead is None:
            self._problems = self._found_problems(self._video)
            self._stop()
        return picture

    def _found_problems(self, video: Video) -> tuple[str, ...]:
        """What was wrong with a file that was read to its end."""
        problems = []
        if video.damaged:
            problems.append(f"damaged; frames lost or shown in part: {video.damaged}")
        if video.missing_s > max(2 * self._timeline.period_s, _CUT_OFF_SHARE * video.duration_s):
            problems.append(
                f"ended after {self._frames} frames, {video.missing_s:.1f} s earlier than declared; the file is cut off"
            )
        elif self._path.suffix.lower() == ".gif" and not _has_gif_trailer(self._path):
            problems.append(f"the end is missing after {self._frames} frames; the file is cut off")
        if 2 * self._timeline.counted > self._frames and not self._asked_fps:
            problems.append(
                f"no usable time stamps: counted at {self._fps:g} frames a second (--fps gives another rate)"
            )
        return tuple(f"{self._path}: {problem}" for problem in problems)


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


def _opened(path: Path) -> Video:
    from tracker.cameras.video import Video  # takes time, and not every camera needs it

    try:
        return Video.open_file(path)
    except CaptureError as error:
        raise _unreadable(path, error.problem) from error


def _unreadable(path: Path, reason: str) -> RecordingError:
    return RecordingError(
        f"{path}: no frame can be read from it: {reason}",
        fix="give a video that FFmpeg reads; if it is one, it may be cut off: copy it again",
    )


def _measured(path: Path, fps: float) -> tuple[int, float]:
    """How many frames a recording has and how long it lasts, by reading it to its end."""
    video = _opened(path)
    timeline, frames, last_s = Timeline(fps), 0, 0.0
    try:
        for stamp_s, following_s in pairwise(chain(video.stamps(), [None])):
            last_s = timeline.advance(stamp_s, following_s)
            frames += 1
    finally:
        video.close()
    return frames, last_s + timeline.period_s if frames else 0.0


def _has_gif_trailer(path: Path) -> bool:
    """Whether the file ends as its format demands (padding zeros aside)."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 64))
        return file.read().rstrip(b"\0").endswith(_GIF_TRAILER)
