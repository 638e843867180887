"""The zones of a room, who is in them, and which track says so."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from config.settings import CameraSettings
from tracker.presence.room import Sighting
from tracker.presence.zones import Zone, ZoneAndPerson, ZoneStay, linger

GAP = timedelta(seconds=5)
"""Unseen in a zone for no longer than this, somebody is still in it."""

_Span: TypeAlias = tuple[datetime, datetime]
_ENDED = ""
"""Stands for all tracks that are over; no track is called so."""


@dataclass(slots=True)
class _Trace:
    """A stay, and from when to when each track showed the person in it."""

    stay: ZoneStay
    spans: dict[str, _Span] = field(default_factory=dict)

    def add(self, track_id: str, span: _Span) -> None:
        first, last = self.spans.get(track_id, span)
        self.spans[track_id] = (min(first, span[0]), max(last, span[1]))


class ZoneWatch:
    """The zones of a room's camera, and who is in them. Not for several threads."""

    def __init__(self, zones: Sequence[Zone], *, site_id: str, camera_id: str) -> None:
        self._zones = zones
        self._site_id = site_id
        self._camera_id = camera_id
        self._open: dict[ZoneAndPerson, ZoneStay] = {}
        self._traces: dict[str, _Trace] = {}
        self._live: set[str] = set()

    @property
    def open(self) -> Sequence[ZoneStay]:
        return list(self._open.values())

    def resume(self, stays: Iterable[ZoneStay], at: datetime) -> None:
        """Go on with open stays of an earlier run that had begun at `at`."""
        self._open = {(each.zone, each.person_id): each for each in stays if each.started_at <= at}

    def watch(self, sightings: Sequence[Sighting], at: datetime, *, ended: bool = False) -> tuple[ZoneStay, ...]:
        """The stays that are over now."""
        before = self._open
        self._open, over = linger(
            before,
            sightings,
            zones=self._zones,
            now=at,
            site_id=self._site_id,
            camera_id=self._camera_id,
            gap=GAP,
            ended=ended,
        )
        for sighting in sightings:
            for zone in self._zones:
                key = (zone.name, sighting.person_id)
                stay = self._open.get(key)
                if stay is not None and zone.holds(sighting.x_frac, sighting.y_frac):
                    self._live.add(sighting.track_id)
                    trace = self._trace_of(stay, before.get(key))
                    trace.stay = stay
                    trace.add(sighting.track_id, (sighting.seen_at, sighting.seen_at))
        for stay in over:
            if stay.stay_id in self._traces:
                self._traces[stay.stay_id].stay = stay
        return over

    def end(self, track_ids: Collection[str]) -> None:
        """These tracks are over: what they told holds."""
        if not track_ids:
            return
        self._live.difference_update(track_ids)
        for stay_id, trace in list(self._traces.items()):
            for track_id in [each for each in trace.spans if each not in self._live and each != _ENDED]:
                trace.add(_ENDED, trace.spans.pop(track_id))
            if trace.stay.over and not trace.spans.keys() & self._live:
                del self._traces[stay_id]

    def take_back(
        self, track_id: str, person_id: str, into_id: str | None
    ) -> tuple[tuple[str, ...], tuple[ZoneStay, ...]]:
        """What a track said of a person was of somebody else, None for nobody known.

        Returns the ids of stays that were none, and the stays that are over instead.
        """
        gone: list[str] = []
        over: list[ZoneStay] = []
        for trace in [*self._traces.values()]:
            if trace.stay.person_id == person_id and track_id in trace.spans:
                self._remove(trace, gone)
                span = trace.spans.pop(track_id)
                over += self._put(trace.stay, trace.spans, gone)
                if into_id is not None:
                    over += self._put(replace(trace.stay, person_id=into_id), {track_id: span}, gone)
        return tuple(gone), tuple(over)

    def _remove(self, trace: _Trace, gone: list[str]) -> None:
        gone.append(trace.stay.stay_id)
        self._traces.pop(trace.stay.stay_id, None)
        if not trace.stay.over:
            del self._open[trace.stay.zone, trace.stay.person_id]

    def _put(self, like: ZoneStay, spans: Mapping[str, _Span], gone: list[str]) -> Iterator[ZoneStay]:
        """Make stays of these spans, with the one that the person has open there; those that are over."""
        whole = _Trace(like, dict(spans))
        other = None if like.over else self._open.get((like.zone, like.person_id))
        if other is not None:
            known = self._traces.get(other.stay_id, _Trace(other, {_ENDED: (other.started_at, other.seen_at)}))
            self._remove(known, gone)
            for track_id, span in known.spans.items():
                whole.add(track_id, span)
        runs = _runs(whole.spans)
        for run in runs:
            stay = replace(
                like,
                started_at=min(first for first, _ in run.values()),
                seen_at=max(last for _, last in run.values()),
                over=like.over or run is not runs[-1],
                stay_id="",
            )
            self._traces[stay.stay_id] = _Trace(stay, run)
            if stay.over:
                yield stay
            else:
                self._open[stay.zone, stay.person_id] = stay

    def _trace_of(self, stay: ZoneStay, before: ZoneStay | None) -> _Trace:
        """What is known of a stay. before: the stay as it was, of an earlier run if nothing is known of it."""
        if stay.stay_id not in self._traces:
            goes_on = before is not None and before.stay_id == stay.stay_id
            spans = {_ENDED: (before.started_at, before.seen_at)} if before is not None and goes_on else {}
            self._traces[stay.stay_id] = _Trace(stay, spans)
        return self._traces[stay.stay_id]


def _runs(spans: Mapping[str, _Span]) -> list[dict[str, _Span]]:
    """The spans in order of time, apart where nobody was seen for too long."""
    runs: list[dict[str, _Span]] = []
    until: datetime | None = None
    for track_id, (first, last) in sorted(spans.items(), key=lambda each: each[1]):
        if until is None or first - until > GAP:
            runs.append({})
        runs[-1][track_id] = (first, last)
        until = last if until is None else max(until, last)
    return runs


def zones_of(camera: CameraSettings, *, site_id: str) -> ZoneWatch | None:
    """The zones of a room, None for a camera without any."""
    zones = [Zone(name, corners) for name, corners in camera.zones.items()]
    return ZoneWatch(zones, site_id=site_id, camera_id=camera.id) if zones else None
