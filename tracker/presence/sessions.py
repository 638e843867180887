"""From enter and exit events to visits, whatever order the events came in and whatever the cameras missed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from tracker.presence.events import SCHEMA, Event, EventKind, as_utc, content_id
from tracker.presence.room import Presence

PersonAtSite = tuple[str, str]
"""(site_id, person_id)"""

_NEVER_SEEN: Mapping[PersonAtSite, datetime] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """When a visit begins, goes on and ends.

    exit_after: unseen for so long in a room is an exit. merge_gap: out and in again within it is one visit.
    min_visit: a shorter visit is a bounce. max_visit: a visit without evidence for longer is closed. skew: how far
    the clocks of two cameras may differ. Raises ValueError on a negative time.
    """

    exit_after: timedelta = timedelta(seconds=30)
    merge_gap: timedelta = timedelta(minutes=5)
    min_visit: timedelta = timedelta(0)
    max_visit: timedelta = timedelta(hours=16)
    skew: timedelta = timedelta(seconds=2)

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if getattr(self, name) < timedelta(0):
                raise ValueError(f"{name}: expected 0 s or more, got {getattr(self, name).total_seconds()} s")


class SessionState(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Segment:
    """A time inside without a break, UTC; `ended_at` is None while it lasts."""

    started_at: datetime
    ended_at: datetime | None

    def __post_init__(self) -> None:
        object.__setattr__(self, "started_at", as_utc(self.started_at))
        if self.ended_at is not None:
            object.__setattr__(self, "ended_at", as_utc(self.ended_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One visit of one person to one site.

    session_id: from site, person and first event, so it stays as the visit goes on. started_at, ended_at: UTC, None
    while open. dwell_s: net, time outside is not counted; gross_s: from start to end; both run to now while open.
    segments: at least one, in order, never overlapping. enter_inferred, exit_inferred: nobody saw it happen.
    bounce: over, and shorter (net) than `min_visit`.
    """

    session_id: str
    site_id: str
    person_id: str
    started_at: datetime
    ended_at: datetime | None
    dwell_s: float
    gross_s: float
    segments: tuple[Segment, ...]
    enter_inferred: bool
    exit_inferred: bool
    state: SessionState
    bounce: bool = False
    schema: int = SCHEMA

    def __post_init__(self) -> None:
        object.__setattr__(self, "state", SessionState(self.state))
        object.__setattr__(self, "started_at", as_utc(self.started_at))
        if self.ended_at is not None:
            object.__setattr__(self, "ended_at", as_utc(self.ended_at))

    @property
    def dwell_known(self) -> bool:
        """Over, the entry was seen, and something later than the entry says how long it was."""
        if self.state is SessionState.OPEN or self.enter_inferred:
            return False
        return self.gross_s > 0 or not self.exit_inferred


def sessions(
    events: Iterable[Event],
    *,
    rules: Rules,
    now: datetime,
    last_seen: Mapping[PersonAtSite, datetime] = _NEVER_SEEN,
    presences: Iterable[Presence] = (),
) -> list[Session]:
    """The visits that the events tell of, by start, then person.

    Events may come in any order and more than once; those of one person at one site decide about that person's
    visits there and about nothing else. Of several events with one id the smallest counts. now: UTC, ends the dwell
    of open visits. last_seen: the latest sighting of a person by any camera. presences: whom cameras have in sight
    now; an open one proves that its camera has had the person since its enter. Both are evidence of being in and
    never open a visit. Cost: one sort of each person's events.
    """
    now = as_utc(now)
    grouped: dict[PersonAtSite, list[Event]] = {}
    for event in events:
        grouped.setdefault((event.site_id, event.person_id), []).append(event)
    seen: dict[PersonAtSite, list[_Seen]] = {}
    for key, at in last_seen.items():
        seen.setdefault(key, []).append(_Seen(as_utc(at), None))
    for presence in presences:
        sight = (presence.camera_id, presence.track_id)
        seen.setdefault((presence.site_id, presence.person_id), []).append(_Seen(presence.seen_at, sight))
    found: list[Session] = []
    for key, group in grouped.items():
        walk = _Walk(rules)
        _follow(walk, _without_duplicates(group), sorted(seen.get(key, ()), key=_Seen.order))
        found += [_finished(visit, rules, now) for visit in walk.visits_at(now)]
    found.sort(key=lambda session: (session.started_at, session.person_id, session.site_id, session.session_id))
    return found


@dataclass(frozen=True, slots=True)
class _Seen:
    """A sighting: when, and in which stay in sight (camera, track) if that is known."""

    at: datetime
    sight: tuple[str, str] | None

    def order(self) -> tuple[datetime, tuple[str, str]]:
        return self.at, self.sight or ("", "")


@dataclass(slots=True)
class _Sight:
    """A camera has had the person in sight since its enter, and has not said that it lost them."""

    entered_at: datetime
    seen_at: datetime


@dataclass(slots=True)
class _Stay:
    started_at: datetime
    ended_at: datetime | None


@dataclass(slots=True)
class _Visit:
    first: Event
    enter_inferred: bool
    stays: list[_Stay]
    exit_inferred: bool = False
    exit_camera_id: str | None = None


@dataclass(slots=True)
class _Walk:
    """One person's way in and out of one site, event by event in order of time.

    An exit with the camera and track of an enter ends a stay in sight: the person is out unless a camera that saw
    them later still has them. Any other exit is somebody walking out: the person is out for every camera.
    """

    rules: Rules
    visits: list[_Visit] = field(default_factory=list)
    inside: bool = False
    evidence_at: datetime | None = None
    sights: dict[tuple[str, str], _Sight] = field(default_factory=dict)

    def enter(self, event: Event) -> None:
        """Come in, or be seen by one more camera."""
        self._give_up(event.at)
        if not self.inside:
            self._come_in(event)
        self.evidence_at = event.at
        self._forget_sights(event.at)
        sight = (event.camera_id, event.track_id)
        self.sights.pop(sight, None)
        self.sights[sight] = _Sight(event.at, event.at)

    def exit(self, event: Event) -> None:
        """Get out of one camera's sight, or walk out."""
        sight = self.sights.pop((event.camera_id, event.track_id), None)
        if sight is None:
            self._walk_out(event)
            return
        self._stay_since(sight.entered_at, event.at)
        if not any(other.seen_at >= sight.entered_at for other in self.sights.values()):
            self._go_out(event)

    def see(self, seen: _Seen) -> None:
        """Be in sight: evidence for a visit that goes on, never the start of one."""
        sight = self.sights.get(seen.sight) if seen.sight else None
        if sight is not None:
            self._stay_since(sight.entered_at, max(seen.at, sight.entered_at))
            sight.seen_at = max(sight.seen_at, seen.at)
        elif self.inside:
            self.evidence_at = seen.at
        elif self._in_some_sight():
            self._reopen()
            self.evidence_at = seen.at

    def visits_at(self, now: datetime) -> list[_Visit]:
        """All visits; the last one given up if nothing was heard of it for too long."""
        self._give_up(now)
        return self.visits

    def _come_in(self, event: Event) -> None:
        if not self.visits or not self._same_visit(event):
            self.visits.append(_Visit(event, event.inferred, [_Stay(event.at, None)]))
        elif event.at - self._left_at() <= self._clock_error(event):
            self._reopen()
        else:
            self.visits[-1].stays.append(_Stay(event.at, None))
            self.visits[-1].exit_inferred = False
        self.inside = True

    def _walk_out(self, event: Event) -> None:
        self._give_up(event.at)
        if not self.inside and self._in_some_sight() and event.at - self._left_at() <= self.rules.max_visit:
            self._reopen()
        self.sights.clear()
        if self.inside:
            self._go_out(event)
            return
        if not self.visits or not self._same_visit(event):
            self.visits.append(_Visit(event, True, []))
            self.visits[-1].stays.append(_Stay(event.at, event.at))
        elif event.at > self._left_at():
            self.visits[-1].stays.append(_Stay(event.at, event.at))
        self._go_out(event)

    def _go_out(self, event: Event) -> None:
        visit = self.visits[-1]
        visit.stays[-1].ended_at = event.at
        visit.exit_inferred = event.inferred
        visit.exit_camera_id = event.camera_id
        self.inside = False

    def _stay_since(self, started_at: datetime, at: datetime) -> None:
        """One camera had the person from `started_at` to `at`: whatever seemed a gap in between was none."""
        if not self.inside or self.visits[-1].stays[-1].started_at > started_at:
            while self.visits[-1].stays[0].started_at > started_at:
                later = self.visits.pop()
                self.visits[-1].stays += later.stays
            stays = self.visits[-1].stays
            while stays[-1].started_at > started_at:
                stays.pop()
            self._reopen()
        self.evidence_at = at

    def _reopen(self) -> None:
        self.visits[-1].stays[-1].ended_at = None
        self.visits[-1].exit_inferred = False
        self.inside = True

    def _give_up(self, at: datetime) -> None:
        """Close a visit at its last evidence when that is too long ago."""
        if self.inside and self.evidence_at is not None and at - self.evidence_at > self.rules.max_visit:
            self.visits[-1].stays[-1].ended_at = self.evidence_at
            self.visits[-1].exit_inferred = True
            self.inside = False

    def _forget_sights(self, at: datetime) -> None:
        """Drop what no camera has ended for too long; the oldest stand first."""
        while self.sights:
            oldest = next(iter(self.sights))
            if at - self.sights[oldest].entered_at <= self.rules.max_visit:
                return
            del self.sights[oldest]

    def _left_at(self) -> datetime:
        ended_at = self.visits[-1].stays[-1].ended_at
        return ended_at if ended_at is not None else self.visits[-1].stays[-1].started_at

    def _same_visit(self, event: Event) -> bool:
        return event.at - self._left_at() <= max(self.rules.merge_gap, self._clock_error(event))

    def _clock_error(self, event: Event) -> timedelta:
        """How much of a gap since the last exit the clocks alone may have made."""
        return timedelta(0) if event.camera_id == self.visits[-1].exit_camera_id else self.rules.skew

    def _in_some_sight(self) -> bool:
        """A camera that saw the person in the last visit has not said that it lost them."""
        if not self.visits:
            return False
        started_at = self.visits[-1].stays[0].started_at
        return any(sight.entered_at >= started_at for sight in self.sights.values())


def _follow(walk: _Walk, events: list[Event], seen: list[_Seen]) -> None:
    """Walk through the events in order of (at, event_id), sightings in between."""
    waiting = iter(seen)
    sighting = next(waiting, None)
    for moment in _moments(events):
        while sighting is not None and sighting.at < moment[0].at:
            walk.see(sighting)
            sighting = next(waiting, None)
        for event in moment if len(moment) == 1 else _in_turn(walk, moment):
            if event.kind is EventKind.ENTER:
                walk.enter(event)
            else:
                walk.exit(event)
    while sighting is not None:
        walk.see(sighting)
        sighting = next(waiting, None)


def _moments(events: list[Event]) -> Iterator[Sequence[Event]]:
    """The events of each instant together, in order."""
    events.sort(key=lambda event: (event.at, event.event_id))
    start = 0
    for index in range(1, len(events) + 1):
        if index == len(events) or events[index].at != events[start].at:
            yield events[start:index]
            start = index


def _in_turn(walk: _Walk, moment: Sequence[Event]) -> list[Event]:
    """Events of one instant in the order that makes sense of them.

    Handed over from camera to camera is lost, then found; in and out at once is found, then lost.
    """
    entered = [event for event in moment if event.kind is EventKind.ENTER]
    sights = {(event.camera_id, event.track_id) for event in entered}
    cameras = {event.camera_id for event in entered}
    before: list[Event] = []
    after: list[Event] = []
    for event in moment:
        if event.kind is EventKind.EXIT:
            sight = (event.camera_id, event.track_id)
            found_now = sight in sights or (not walk.inside and event.camera_id in cameras)
            (after if found_now and sight not in walk.sights else before).append(event)
    return before + entered + after


def _without_duplicates(events: list[Event]) -> list[Event]:
    by_id: dict[str, Event] = {}
    for event in events:
        kept = by_id.setdefault(event.event_id, event)
        if kept is not event and kept != event and _content_order(event) < _content_order(kept):
            by_id[event.event_id] = event
    return list(by_id.values())


def _content_order(event: Event) -> tuple[datetime, str, str, str, bool, str]:
    place = f"{event.x_frac!r} {event.y_frac!r} {event.schema}"
    return event.at, event.kind, event.camera_id, event.track_id, event.inferred, place


def _finished(visit: _Visit, rules: Rules, now: datetime) -> Session:
    first = visit.first
    segments = tuple([Segment(stay.started_at, stay.ended_at) for stay in visit.stays])
    started_at, ended_at = segments[0].started_at, segments[-1].ended_at
    until = ended_at if ended_at is not None else max(now, segments[-1].started_at)
    dwell = timedelta(0)
    for segment in segments:
        dwell += (segment.ended_at or until) - segment.started_at
    session = Session(
        session_id=content_id("session", first.site_id, first.person_id, first.event_id),
        site_id=first.site_id,
        person_id=first.person_id,
        started_at=started_at,
        ended_at=ended_at,
        dwell_s=dwell.total_seconds(),
        gross_s=(until - started_at).total_seconds(),
        segments=segments,
        enter_inferred=visit.enter_inferred,
        exit_inferred=visit.exit_inferred,
        state=SessionState.CLOSED if ended_at is not None else SessionState.OPEN,
    )
    return replace(session, bounce=True) if session.dwell_known and dwell < rules.min_visit else session
