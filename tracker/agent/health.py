"""How a camera does, measured while an agent follows it."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from tracker.cameras.clock import Clock
from tracker.cameras.frames import FrameSource
from tracker.presence.coverage import OUTAGE_AFTER, CoverageSpan
from tracker.presence.health import CameraHealth, CameraState

_WINDOW_S = 10.0


class Meter:
    """Counts the frames of one camera; `health` puts the figures together."""

    def __init__(self, *, site_id: str, camera_id: str, source: FrameSource, clock: Clock) -> None:
        self._site_id = site_id
        self._camera_id = camera_id
        self._source = source
        self._clock = clock
        self._started_at = clock.now()
        self._ticks: deque[float] = deque()
        self._last_frame_at: datetime | None = None
        self._watching_since: datetime | None = None

    def tick(self, at: datetime) -> None:
        """One frame was handled. at: its own time."""
        now_s = self._clock.monotonic()
        last = self._last_frame_at
        if self._watching_since is None or last is None or not timedelta(0) <= at - last <= OUTAGE_AFTER:
            self._watching_since = at
        self._last_frame_at = at
        self._ticks.append(now_s)
        while now_s - self._ticks[0] > _WINDOW_S:
            self._ticks.popleft()

    @property
    def fps(self) -> float:
        """Frames handled a second over the last ten seconds."""
        now_s = self._clock.monotonic()
        recent = [tick for tick in self._ticks if now_s - tick <= _WINDOW_S]
        return round((len(recent) - 1) / (now_s - recent[0]), 2) if len(recent) > 1 and now_s > recent[0] else 0.0

    @property
    def watch(self) -> CoverageSpan | None:
        """Since when frames have come without an outage, and until when; None before the first frame."""
        if self._watching_since is None or self._last_frame_at is None:
            return None
        return CoverageSpan(
            site_id=self._site_id,
            camera_id=self._camera_id,
            started_at=self._watching_since,
            ended_at=self._last_frame_at,
        )

    def health(self, state: CameraState, *, problem: str | None = None) -> CameraHealth:
        """The record of this moment. problem: what ended the agent, in words; without it what the source says."""
        source = self._source.state
        return CameraHealth(
            site_id=self._site_id,
            camera_id=self._camera_id,
            source=self._source.name,
            state=state,
            started_at=self._started_at,
            updated_at=self._clock.now(),
            last_frame_at=self._last_frame_at,
            fps=self.fps,
            frames=source.frames,
            dropped=source.dropped,
            problem=problem or (source.problems[-1] if source.problems else None),
        )
