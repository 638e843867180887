"""Time as the cameras see it, so that tests need not wait for it."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

CLOCKS_APART = timedelta(minutes=1)
"""A time by another clock that is later than now by no more than this is not in the future."""


class Clock(Protocol):
    """What a frame source asks of time."""

    def now(self) -> datetime:
        """The present instant, UTC."""

    def monotonic(self) -> float:
        """Seconds that never run backwards."""

    def wait(self, event: threading.Event, timeout_s: float) -> bool:
        """Pause for `timeout_s` or until the event is set; True when it is set."""


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def wait(self, event: threading.Event, timeout_s: float) -> bool:
        return event.wait(timeout_s)


class Pace:
    """Holds a recording back to its own speed; one that is late is never made to skip."""

    def __init__(self, clock: Clock, closing: threading.Event) -> None:
        self._clock = clock
        self._closing = closing
        self._origin_s: float | None = None

    def hold(self, offset_s: float) -> None:
        """Return when `offset_s` seconds have passed since the first call, at once when that is over or on closing."""
        if self._origin_s is None:
            self._origin_s = self._clock.monotonic() - offset_s
        ahead_s = self._origin_s + offset_s - self._clock.monotonic()
        if ahead_s > 0:
            self._clock.wait(self._closing, ahead_s)
