"""Frames from a camera that runs on whether we look or not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime

from config.addresses import is_address, redacted
from config.errors import CameraError
from tracker.cameras.capture import Capture, CaptureError, open_live
from tracker.cameras.clock import Clock, SystemClock
from tracker.cameras.frames import Frame, NoFrameYet, SourceState
from tracker.cameras.rotation import rotated
from tracker.vision.faces import Image

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
LOST_AFTER_S = 10.0
FAILED_READS = 10
"""So many failed reads in a row are the end of a connection; fewer are pictures that cannot be decoded."""
SLOW_READ_S = 1.0
"""A failed read that took longer is the end of a connection: it waited for frames that did not come."""
_JOIN_S = 2.0
_SLICE_S = 0.5


class LiveSource:
    """A device (number or device file) or a network address, read by a thread of its own.

    Only the newest frame is kept; one that was not read in time is dropped and counted. A picture that cannot be
    decoded is skipped. A lost camera is retried for ever, after pauses that double from 0.5 s to 30 s and are reset by
    a frame. The camera is opened and released by the reader's thread only (but for a device's first opening), so a
    camera that hangs holds up nobody else, and `close` waits for it at most two seconds.
    """

    def __init__(
        self,
        source: str | int,
        *,
        rotate: int = 0,
        clock: Clock | None = None,
        opener: Callable[[str | int], Capture] = open_live,
    ) -> None:
        self._source = source
        self._rotate = rotate
        self._clock = clock or SystemClock()
        self._opener = opener
        self._news = threading.Condition()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._newest: Frame | None = None
        self._frames = 0
        self._dropped = 0
        self._problem: str | None = None
        self._last_frame_at: datetime | None = None
        self._last_good_s = self._clock.monotonic()

    @property
    def name(self) -> str:
        return redacted(self._source) if isinstance(self._source, str) else f"device {self._source}"

    @property
    def state(self) -> SourceState:
        with self._news:
            return SourceState(
                frames=self._frames,
                dropped=self._dropped,
                lost=self._clock.monotonic() - self._last_good_s > LOST_AFTER_S,
                last_frame_at=self._last_frame_at,
                problems=(self._problem,) if self._problem else (),
            )

    def open(self) -> None:
        """Start reading. An address is opened in the background; a device that is not there raises CameraError now."""
        if self._thread is not None:
            return
        capture = None
        if not (isinstance(self._source, str) and is_address(self._source)):
            try:
                capture = self._opener(self._source)
            except CaptureError as error:
                raise CameraError(
                    f"{self.name}: no such camera, or another program holds it",
                    fix="check that it is plugged in and its number ('footfall doctor --camera 0' tries one)",
                ) from error
        closing = self._closing = threading.Event()
        self._last_good_s = self._clock.monotonic()
        self._thread = threading.Thread(
            target=self._run, args=(capture, closing), name=f"camera {self.name}", daemon=True
        )
        self._thread.start()

    def read(self, wait_s: float | None = None) -> Frame | None:
        """The newest frame that was not read yet, None after `close`; for the errors see FrameSource."""
        deadline_s = None if wait_s is None else time.monotonic() + wait_s
        with self._news:
            while True:
                if self._closing.is_set():
                    return None
                if self._newest is not None:
                    frame, self._newest = self._newest, None
                    return frame
                if self._thread is None or not self._thread.is_alive():
                    raise CameraError(f"{self.name}: nobody reads this camera", fix="open it again")
                left_s = _SLICE_S if deadline_s is None else min(_SLICE_S, deadline_s - time.monotonic())
                if left_s <= 0:
                    raise NoFrameYet(f"{self.name}: no new frame yet", fix="wait; it is retried for ever")
                self._news.wait(left_s)

    def close(self) -> None:
        self._closing.set()
        with self._news:
            self._news.notify_all()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join(_JOIN_S)

    def _run(self, capture: Capture | None, closing: threading.Event) -> None:
        pause_s = FIRST_PAUSE_S
        while not closing.is_set():
            before = self._frames
            problem = self._follow(capture, closing)
            capture = None
            if closing.is_set():
                return
            if self._frames > before:
                pause_s = FIRST_PAUSE_S
            with self._news:
                self._problem = f"{self.name}: {problem}; trying again"
            self._clock.wait(closing, pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _follow(self, capture: Capture | None, closing: threading.Event) -> str:
        """Read one connection to its end; returns why it ended."""
        try:
            capture = capture or self._opener(self._source)
        except CaptureError as error:
            return error.problem
        try:
            failed = 0
            while not closing.is_set():
                began_s = self._clock.monotonic()
                image = capture.read()
                if image is not None:
                    failed = 0
                    self._keep(image, closing)
                    continue
                failed += 1  # one picture that cannot be decoded is no end
                if failed == FAILED_READS or self._clock.monotonic() - began_s > SLOW_READ_S:
                    return "gives no more frames"
        except CaptureError as error:
            return error.problem
        finally:
            capture.close()
        return "closed"

    def _keep(self, image: Image, closing: threading.Event) -> None:
        frame = Frame(image=rotated(image, self._rotate), at=self._clock.now(), index=self._frames)
        with self._news:
            if closing.is_set():
                return
            self._dropped += self._newest is not None
            self._newest = frame
            self._frames += 1
            self._problem = None
            self._last_frame_at = frame.at
            self._last_good_s = self._clock.monotonic()
            self._news.notify_all()
