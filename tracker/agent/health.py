"""Frame rate, health and coverage of one camera, measured while an agent follows it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta

from config.addresses import redacted, without_secrets
from tracker.cameras.clock import Clock
from tracker.cameras.frames import FrameSource
from tracker.presence.coverage import OUTAGE_AFTER, CoverageSpan
from tracker.presence.events import CameraRef
from tracker.presence.health import CameraHealth, CameraState

_WINDOW_S = 10.0


class Meter:
    """Counts the frames of one camera."""

    def __init__(self, camera: CameraRef, *, source: FrameSource, clock: Clock) -> None:
        self._camera = camera
        self._source = source
        self._clock = clock
        self._started_at = clock.now()
        self._ticks: deque[float] = deque()
        self._last_frame_at: datetime | None = None
        self._watching_since: datetime | None = None
        self._over: list[CoverageSpan] = []

    def tick(self, at: datetime) -> None:
        """One frame was handled. at: its own time."""
        now_s = self._clock.monotonic()
        since, last = self._watching_since, self._last_frame_at
        if since is None or last is None:
            self._watching_since = at
        elif not timedelta(0) <= at - last <= OUTAGE_AFTER:
            self._over.append(self._span(since, last))
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
    def coverage(self) -> tuple[CoverageSpan, ...]:
        """Spans in which frames came without an outage, since the last that was stored; the last one grows."""
        if self._watching_since is None or self._last_frame_at is None:
            return ()
        return (*self._over, self._span(self._watching_since, self._last_frame_at))

    def coverage_stored(self, spans: Sequence[CoverageSpan]) -> None:
        """These spans are in the store."""
        self._over = [each for each in self._over if each not in spans]

    def _span(self, started_at: datetime, ended_at: datetime) -> CoverageSpan:
        site_id, camera_id = self._camera.site_id, self._camera.camera_id
        return CoverageSpan(site_id=site_id, camera_id=camera_id, started_at=started_at, ended_at=ended_at)

    def health(self, state: CameraState, *, problem: str | None = None) -> CameraHealth:
        """The record of this moment. problem: what ended the agent; without it the last problem of the source."""
        source = self._source.state
        problem = problem or (source.problems[-1] if source.problems else None)
        return CameraHealth(
            site_id=self._camera.site_id,
            camera_id=self._camera.camera_id,
            source=redacted(self._source.name),
            state=state,
            started_at=self._started_at,
            updated_at=self._clock.now(),
            last_frame_at=self._last_frame_at,
            fps=self.fps,
            frames=source.frames,
            dropped=source.dropped,
            problem=None if problem is None else without_secrets(problem),
        )
