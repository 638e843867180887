"""From the time stamps of a video stream, right or wrong, to the times of its frames."""

from __future__ import annotations

FALLBACK_FPS = 25.0
HIGHEST_FPS = 240.0
"""A higher rate is no camera's: it is the clock of the container that some programs write as the rate."""
SHORTEST_STEP_S = 0.001
"""Frames cannot follow each other faster; where stamps say so they carry no time."""
LONGEST_GAP_S = 86400.0
UNCONFIRMED_GAP_S = 600.0
"""After the first and before the last frame a longer gap is a wrong stamp: no other frame confirms the time."""


def plausible_fps(*declared: float | None) -> float | None:
    """The first of the declared rates that can be a camera's, in frames a second; None without one."""
    return next((fps for fps in declared if fps is not None and 0 < fps <= HIGHEST_FPS), None)


class Timeline:
    """Turns stamps into times that start at 0 and always rise.

    Stamps in order give their own times, gaps included. One wrong stamp, which the next one contradicts, moves its own
    frame only. Where stamps start again, as in joined pieces or a counter that wraps, times go on by one frame; so they
    do where stamps are missing, stand still or rise faster than any camera.
    """

    def __init__(self, fps: float) -> None:
        """fps: of frames whose stamps say nothing, until frames with stamps come faster."""
        self._period_s = 1.0 / fps
        self._stamp_s: float | None = None
        self._offset_s: float | None = None
        self._counted = 0

    @property
    def period_s(self) -> float:
        """Seconds from a frame to the next where stamps say nothing."""
        return self._period_s

    @property
    def counted(self) -> int:
        """How many frames were dated by the rate because their stamps said nothing."""
        return self._counted

    def advance(self, stamp_s: float | None, following_s: float | None) -> float:
        """The time of the next frame, in seconds since the first.

        stamp_s: its stamp in seconds, None without one. following_s: that of the frame after it, None where that has
        none or there is no such frame.
        """
        if self._offset_s is None:
            self._stamp_s, self._offset_s = stamp_s, 0.0
        else:
            self._offset_s += self._step(stamp_s, following_s)
        return self._offset_s

    def _step(self, stamp_s: float | None, following_s: float | None) -> float:
        """Seconds from the last frame to this one; moves the last trusted stamp on."""
        last_s = self._stamp_s
        if stamp_s is None or last_s is None:
            self._stamp_s = stamp_s if last_s is None else last_s + self._period_s
            return self._count_one()
        if following_s is not None and _skips(last_s, stamp_s, following_s):
            step_s = min(self._period_s, (following_s - last_s) / 2)
            self._stamp_s = last_s + step_s
            return step_s
        self._stamp_s = stamp_s
        step_s = stamp_s - last_s
        confirmed = following_s is not None and self._offset_s != 0.0
        if not SHORTEST_STEP_S <= step_s <= (LONGEST_GAP_S if confirmed else UNCONFIRMED_GAP_S):
            return self._count_one()
        self._period_s = min(self._period_s, step_s)
        return step_s

    def _count_one(self) -> float:
        self._counted += 1
        return self._period_s


def _skips(last_s: float, stamp_s: float, following_s: float) -> bool:
    """Whether the following frame goes on from the last one as if this stamp were not there."""
    return following_s - last_s >= 2 * SHORTEST_STEP_S and not last_s < stamp_s <= following_s
