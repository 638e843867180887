"""The zones of a room: the stays in them, and which tracks each stay is made of, so that a track can be taken out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from config.settings import CameraSettings
from tracker.presence.events import CameraRef
from tracker.presence.room import Sighting
from tracker.presence.zones import Zone, ZoneAndPerson, ZoneStay, linger

GAP = timedelta(seconds=5)
"""Unseen in a zone for no longer than this, somebody is still in it."""

_Span: TypeAlias = tuple[datetime, datetime]
_Spans: TypeAlias = tuple[_Span, ...]
"""In order of time, more than GAP apart."""
_ENDED = ""
"""The key of all tracks that have ended; no track has this id."""


@dataclass(frozen=True, slots=True)
class StayChanges:
    """over: stays that have ended. dropped: ids of stays that did not happen."""

    over: tuple[ZoneStay, ...] = ()
    dropped: tuple[str, ...] = ()


@dataclass(slots=True)
class _Trace:
    """A stay, and from when to when each track showed the person in it."""

    stay: ZoneStay
    spans: dict[str, _Spans] = field(default_factory=dict)

    def add(self, track_id: str, *spans: _Span) -> None:
        self.spans[track_id] = _merged((*self.spans.get(track_id, ()), *spans))


class ZoneStays:
    """The stays in the zones of one room's camera. Not for several threads."""

    def __init__(self, zones: Sequence[Zone], *, camera: CameraRef) -> None:
        self._zones = zones
        self._camera = camera
        self._open: dict[ZoneAndPerson, ZoneStay] = {}
        self._traces: dict[str, _Trace] = {}
        self._live: set[str] = set()

    @property
    def open(self) -> tuple[ZoneStay, ...]:
        return tuple(self._open.values())

    def resume(self, stays: Iterable[ZoneStay]) -> None:
        """Continue these open stays of an earlier run, and nothing else."""
        self._open = {(each.zone, each.person_id): each for each in stays}
        self._traces.clear()
        self._live.clear()

    def observe(self, sightings: Sequence[Sighting], at: datetime, *, ended: bool = False) -> StayChanges:
        """Take in one frame. ended: no more frames follow."""
        before = self._open
        self._open, over = linger(
            before, sightings, camera=self._camera, zones=self._zones, now=at, gap=GAP, ended=ended
        )
        for sighting in sightings:
            for zone in self._zones:
                if zone.holds(sighting.x_frac, sighting.y_frac):
                    self._trace((zone.name, sighting.person_id), sighting, before)
        for stay in over:
            if stay.stay_id in self._traces:
                self._traces[stay.stay_id].stay = stay
        return StayChanges(over=over)

    def end(self, track_ids: Collection[str]) -> None:
        """These tracks have ended: they keep the names that they have."""
        if not track_ids:
            return
        self._live.difference_update(track_ids)
        for stay_id, trace in list(self._traces.items()):
            for track_id in [each for each in trace.spans if each not in self._live and each != _ENDED]:
                trace.add(_ENDED, *trace.spans.pop(track_id))
            if trace.stay.over and not trace.spans.keys() & self._live:
                del self._traces[stay_id]

    def retract(self, track_id: str, person_id: str, into_id: str | None) -> StayChanges:
        """The track showed `into_id` and not the person; None for nobody known."""
        over: list[ZoneStay] = []
        dropped: list[str] = []
        for trace in [*self._traces.values()]:
            if trace.stay.person_id == person_id and track_id in trace.spans:
                self._remove(trace, dropped)
                spans = trace.spans.pop(track_id)
                over += self._put(trace.stay, trace.spans, dropped)
                if into_id is not None:
                    over += self._put(replace(trace.stay, person_id=into_id), {track_id: spans}, dropped)
        return StayChanges(over=tuple(over), dropped=tuple(dropped))

    def set_back(self, at: datetime) -> StayChanges:
        """The clock was set back to `at`: every open stay is over, and one that begins later did not happen."""
        stays = self.open
        self.resume(())
        over = [replace(each, seen_at=min(each.seen_at, at), over=True) for each in stays if each.started_at <= at]
        return StayChanges(over=tuple(over), dropped=tuple(each.stay_id for each in stays if each.started_at > at))

    def _trace(self, key: ZoneAndPerson, sighting: Sighting, before: Mapping[ZoneAndPerson, ZoneStay]) -> None:
        """Note which track showed the person in this zone."""
        stay = self._open.get(key)
        if stay is None:
            return
        self._live.add(sighting.track_id)
        trace = self._trace_of(stay, before.get(key))
        trace.stay = stay
        trace.add(sighting.track_id, (sighting.seen_at, sighting.seen_at))

    def _trace_of(self, stay: ZoneStay, before: ZoneStay | None) -> _Trace:
        """The trace of a stay. before: the stay one frame ago, of an earlier run where it has no trace yet."""
        if stay.stay_id not in self._traces:
            goes_on = before is not None and before.stay_id == stay.stay_id
            spans: dict[str, _Spans] = {_ENDED: (_span_of(before),)} if before is not None and goes_on else {}
            self._traces[stay.stay_id] = _Trace(stay, spans)
        return self._traces[stay.stay_id]

    def _remove(self, trace: _Trace, dropped: list[str]) -> None:
        dropped.append(trace.stay.stay_id)
        self._traces.pop(trace.stay.stay_id, None)
        if not trace.stay.over:
            del self._open[trace.stay.zone, trace.stay.person_id]

    def _put(self, like: ZoneStay, spans: Mapping[str, _Spans], dropped: list[str]) -> list[ZoneStay]:
        """Make stays of these spans, joined with the person's open one there. Returns those that are over."""
        runs = _runs(self._joined(like, spans, dropped).spans)
        over: list[ZoneStay] = []
        for run in runs:
            stay = replace(
                like,
                started_at=min(found[0][0] for found in run.values()),
                seen_at=max(found[-1][1] for found in run.values()),
                over=like.over or run is not runs[-1],
                stay_id="",
            )
            self._traces[stay.stay_id] = _Trace(stay, run)
            if stay.over:
                over.append(stay)
            else:
                self._open[stay.zone, stay.person_id] = stay
        return over

    def _joined(self, like: ZoneStay, spans: Mapping[str, _Spans], dropped: list[str]) -> _Trace:
        """These spans and those of the open stay that the person has there, which they replace."""
        whole = _Trace(like, dict(spans))
        other = None if like.over else self._open.get((like.zone, like.person_id))
        if other is not None:
            known = self._traces.get(other.stay_id, _Trace(other, {_ENDED: (_span_of(other),)}))
            self._remove(known, dropped)
            for track_id, found in known.spans.items():
                whole.add(track_id, *found)
        return whole


def _span_of(stay: ZoneStay) -> _Span:
    return stay.started_at, stay.seen_at


def _merged(spans: Iterable[_Span]) -> _Spans:
    """The spans, those that are no more than GAP apart as one."""
    merged: list[_Span] = []
    for first, last in sorted(spans):
        if merged and first - merged[-1][1] <= GAP:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return tuple(merged)


def _runs(spans: Mapping[str, _Spans]) -> list[dict[str, _Spans]]:
    """The spans in order of time, apart where nobody was seen for too long."""
    found: list[dict[str, _Spans]] = []
    for first, last in _merged(span for of_track in spans.values() for span in of_track):
        within = {
            track_id: tuple(span for span in of_track if first <= span[0] <= last)
            for track_id, of_track in spans.items()
        }
        found.append({track_id: of_track for track_id, of_track in within.items() if of_track})
    return found


def zones_of(settings: CameraSettings, camera: CameraRef) -> ZoneStays | None:
    """The zones of a camera, None for one without any."""
    zones = [Zone(name, corners) for name, corners in settings.zones.items()]
    return ZoneStays(zones, camera=camera) if zones else None
