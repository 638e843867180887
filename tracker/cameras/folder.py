"""Frames from a folder of pictures, one a second unless another rate is given."""

from __future__ import annotations

import re
import threading
from datetime import datetime, timedelta
from pathlib import Path

from config.errors import PictureError, RecordingError
from tracker.cameras.clock import Clock, Pace, SystemClock
from tracker.cameras.frames import Frame, SourceState
from tracker.cameras.recording import start_of
from tracker.cameras.rotation import rotated
from tracker.identity.pictures import pictures_in, read_picture


class FolderSource:
    """The pictures directly in a folder, sorted by name (2 before 10), `fps` a second.

    A picture that cannot be read leaves its time empty, is named in `problems` and skipped.
    """

    def __init__(
        self,
        path: Path,
        *,
        start_at: datetime | None = None,
        realtime: bool = False,
        fps: float = 1.0,
        rotate: int = 0,
        clock: Clock | None = None,
    ) -> None:
        self._path = path
        self._interval_s = 1.0 / fps
        self._rotate = rotate
        self._start_at = start_at
        self._realtime = realtime
        self._clock = clock or SystemClock()
        self._closing = threading.Event()
        self._reset()

    def _reset(self) -> None:
        self._pace = Pace(self._clock, self._closing)
        self._waiting: list[tuple[int, Path]] = []
        self._start: datetime | None = None
        self._last_frame_at: datetime | None = None
        self._frames = 0
        self._problems: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return str(self._path)

    @property
    def state(self) -> SourceState:
        return SourceState(
            frames=self._frames,
            dropped=0,
            lost=False,
            last_frame_at=self._last_frame_at,
            problems=self._problems,
        )

    def open(self) -> None:
        """Raises RecordingError when the folder cannot be listed or holds no picture."""
        if self._start is not None and not self._closing.is_set():
            return
        try:
            pictures = sorted(pictures_in(self._path), key=lambda path: natural_key(path.name))
        except OSError as error:
            raise RecordingError(
                f"{self._path}: cannot be listed ({error.strerror})", fix="give a folder of pictures"
            ) from error
        if not pictures:
            raise RecordingError(
                f"{self._path}: no picture in this folder", fix="give a folder with .jpg or .png files"
            )
        self._closing.clear()
        self._reset()
        self._waiting = list(enumerate(pictures))[::-1]
        self._start = start_of(
            self._start_at,
            name=self.name,
            realtime=self._realtime,
            duration_s=len(pictures) * self._interval_s,
            clock=self._clock,
        )

    def read(self, wait_s: float | None = None) -> Frame | None:
        """The next readable picture, None after the last.

        Raises RecordingError when not one picture of the folder could be read, RuntimeError before `open`.
        """
        del wait_s
        if self._start is None:
            raise RuntimeError("read() before open()")
        while self._waiting and not self._closing.is_set():
            position, path = self._waiting.pop()
            try:
                image = rotated(read_picture(path), self._rotate)
            except PictureError as error:
                self._problems += (error.problem,)
                continue
            offset_s = position * self._interval_s
            if self._realtime:
                self._pace.hold(offset_s)
            frame = Frame(image=image, at=self._start + timedelta(seconds=offset_s), index=self._frames)
            self._frames += 1
            self._last_frame_at = frame.at
            return None if self._closing.is_set() else frame
        if not self._frames and not self._closing.is_set():
            raise RecordingError(
                f"{self._path}: not one of its pictures can be read; {self._problems[0]}", fix="mend or replace them"
            )
        return None

    def close(self) -> None:
        self._closing.set()


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key in which numbers count as numbers and case does not matter; the name itself breaks ties."""
    parts = re.split(r"([0-9]+)", name.casefold())
    key = [(0, int(part), "") if place % 2 else (1, 0, part) for place, part in enumerate(parts) if part]
    return (*key, (-1, 0, name))
