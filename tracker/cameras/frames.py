"""The protocol of frame sources: frames, one after the other, and the state of the source."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from config.errors import CameraError
from tracker.vision.faces import Image


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Frame:
    """One picture and when it was taken.

    image: (H, W, 3) uint8 BGR. at: UTC. index: counts from 0; gaps in it are frames that were dropped unread.
    """

    image: Image
    at: datetime
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """The state of a source at this moment.

    frames: taken from the camera or file so far, dropped ones included. lost: a live source without a frame for ten
    seconds. last_frame_at: UTC, None before the first. problems: in words, without credentials; for a live source the
    one that keeps it from giving frames now, for a recording all that were met.
    """

    frames: int
    dropped: int
    lost: bool
    last_frame_at: datetime | None
    problems: tuple[str, ...]


class NoFrameYet(CameraError):  # noqa: N818 - nothing is wrong yet: the caller tries again
    """A live source had no new frame within the time that the caller would wait."""


class FrameSource(Protocol):
    """A camera or a recording. `open` and `close` may be called twice; `close` from any thread."""

    @property
    def name(self) -> str:
        """Where the frames come from, fit for people and records: without user name and password."""

    @property
    def state(self) -> SourceState:
        """Its state at this moment."""

    def open(self) -> None:
        """Get ready. Raises RecordingError (a file or folder) or CameraError (a device) when that cannot be."""

    def read(self, wait_s: float | None = None) -> Frame | None:
        """The next frame; None when the recording is over or the source was closed.

        wait_s: how long to wait for a live source, None as long as it takes; recordings do not heed it. Raises
        NoFrameYet when that time is over without a new frame, CameraError when the reader itself has died.
        """

    def close(self) -> None:
        """Let go of camera and thread."""
