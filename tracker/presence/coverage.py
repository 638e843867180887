"""Coverage: when cameras watched and when they did not. An hour without frames is not an hour without people."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from tracker.presence.calendar import Opening, Stretch
from tracker.presence.events import as_utc

OUTAGE_AFTER = timedelta(minutes=1)
"""Without a frame for longer a camera did not watch; shorter gaps are not reported."""
GONE_AFTER = timedelta(days=30)
"""A camera that failed and was not seen to for so long was taken down."""
_NONE = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageSpan:
    """A stretch of time over which frames of one camera were looked at, without a gap longer than `OUTAGE_AFTER`.

    started_at, ended_at: times of the first and the last frame, in UTC. While a camera watches on its span grows: same
    start, later end. Raises ValueError on a naive time, an empty id or an end before the start.
    """

    site_id: str
    camera_id: str
    started_at: datetime
    ended_at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "started_at", as_utc(self.started_at))
        object.__setattr__(self, "ended_at", as_utc(self.ended_at))
        for name in ("site_id", "camera_id"):
            if not getattr(self, name).strip():
                raise ValueError(f"{name}: expected a text that is not empty")
        if self.ended_at < self.started_at:
            raise ValueError("ended_at: expected no time before started_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A camera that had watched before did not watch over [started_at, ended_at), UTC."""

    camera_id: str
    started_at: datetime
    ended_at: datetime

    @property
    def length_s(self) -> float:
        return (self.ended_at - self.started_at).total_seconds()


class Coverage:
    """What the cameras of one site watched, up to `now`; spans after it do not count.

    A camera counts from its first span on. One without a span in a range was taken down and does not count there,
    unless no other has one either, or it is one of `failed`: those were not stopped on purpose, and count as down until
    they have been silent for GONE_AFTER. recorded_since: the first record of anything, None without any; nothing is
    known about the time before. Without a span of any camera nothing is known about outages. opening: when the site
    is open; outside of it nobody need watch. None for always.
    """

    def __init__(
        self,
        spans: Iterable[CoverageSpan],
        *,
        now: datetime,
        first_event_at: datetime | None = None,
        opening: Opening | None = None,
        failed: Collection[str] = (),
    ) -> None:
        self._now = as_utc(now)
        self._opening = opening
        self._failed = frozenset(failed)
        stretches: dict[str, list[Stretch]] = {}
        for span in sorted(spans, key=lambda each: (each.started_at, each.ended_at)):
            if span.started_at <= self._now:
                stretch = (span.started_at, min(span.ended_at, self._now))
                _append(stretches.setdefault(span.camera_id, []), stretch)
        self._cameras = {camera_id: self._camera(watched) for camera_id, watched in sorted(stretches.items())}
        traces = [camera.since for camera in self._cameras.values()]
        traces += [] if first_event_at is None else [as_utc(first_event_at)]
        self.recorded_since = min(traces, default=None)

    @property
    def known(self) -> bool:
        """Whether any camera reported when it watched."""
        return bool(self._cameras)

    def outages(self, since: datetime, until: datetime) -> list[Outage]:
        """When a camera that counts in [since, until) did not watch, by start, then camera."""
        found = [
            Outage(camera_id=camera_id, started_at=start, ended_at=end)
            for camera_id in self._counting(since, until)
            for start, end in _within(self._cameras[camera_id].missed, as_utc(since), as_utc(until))
        ]
        return sorted(found, key=lambda outage: (outage.started_at, outage.camera_id))

    def shares(self, edges: Sequence[datetime]) -> list[float | None]:
        """For each time from one edge to the next: the share (0..1) of its opening hours that was watched.

        The mean over the cameras that count from the first edge to the last, each from its first span on, and of the
        time up to now. 0 means that nothing is known about that time, None that nothing is known about outages, or
        that the site was closed.
        edges: UTC, ascending, at least two.
        """
        counting = [self._cameras[camera_id] for camera_id in self._counting(edges[0], edges[-1])]
        return [self._share(counting, start, min(end, self._now)) for start, end in pairwise(edges)]

    def _share(self, cameras: Sequence[_Camera], start: datetime, end: datetime) -> float | None:
        if self.recorded_since is not None and end <= self.recorded_since:
            return 0.0
        shares = []
        for camera in cameras:
            begin = max(start, camera.since)
            open_for = self._open_for(begin, end)
            if open_for > _NONE:
                parts = _within(camera.missed, begin, end) if camera.missed else ()
                shares.append(1 - sum((to - at for at, to in parts), _NONE) / open_for)
        return sum(shares) / len(shares) if shares else None

    def _open_for(self, start: datetime, end: datetime) -> timedelta:
        if self._opening is None or start >= end:
            return end - start
        return sum((to - at for at, to in self._opening.within(start, end)), _NONE)

    def _camera(self, watched: Sequence[Stretch]) -> _Camera:
        gaps = [(end, start) for (_, end), (start, _) in pairwise(watched)]
        if self._now - watched[-1][1] > OUTAGE_AFTER:
            gaps.append((watched[-1][1], self._now))
        missed = gaps
        if self._opening is not None:
            missed = [part for gap in gaps for part in self._opening.within(*gap) if part[1] - part[0] > OUTAGE_AFTER]
        return _Camera(watched[0][0], tuple(gaps), tuple(missed))

    def _counting(self, since: datetime, until: datetime) -> list[str]:
        """Cameras that watched in the range; where none did, all that had watched before it ends."""
        begun = {camera_id: camera for camera_id, camera in self._cameras.items() if camera.since < until}
        counting = [key for key, camera in begun.items() if not self._is_taken_down(key, camera, since, until)]
        return counting or list(begun)

    def _is_taken_down(self, camera_id: str, camera: _Camera, since: datetime, until: datetime) -> bool:
        for start, end in camera.gaps:
            if start <= since and end >= min(until, self._now):
                is_down = camera_id in self._failed and end == self._now and self._now - start <= GONE_AFTER
                return not is_down
        return False


@dataclass(frozen=True, slots=True)
class _Camera:
    """since: its first span. gaps: when it did not watch after that, ascending, apart from one another. missed: what
    of them lies in opening hours.
    """

    since: datetime
    gaps: tuple[Stretch, ...]
    missed: tuple[Stretch, ...]


def _append(stretches: list[Stretch], stretch: Stretch) -> None:
    """Add a stretch that begins no earlier than the last one, joined to it where hardly anything lies between."""
    if stretches and stretch[0] - stretches[-1][1] <= OUTAGE_AFTER:
        stretches[-1] = (stretches[-1][0], max(stretches[-1][1], stretch[1]))
    else:
        stretches.append(stretch)


def _within(gaps: Sequence[Stretch], since: datetime, until: datetime) -> Iterator[Stretch]:
    """What of the gaps lies in [since, until)."""
    for start, end in gaps[bisect_right(gaps, since, key=lambda gap: gap[1]) :]:
        if start >= until:
            return
        yield max(start, since), min(end, until)
