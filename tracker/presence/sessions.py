"""From events to visits: the session algorithm of design.md, section 6. The rules themselves are in walk.py.

Pure: what is not given does not count, no clock, no state between calls.
"""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from operator import attrgetter, itemgetter
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar, cast

from tracker.presence.events import ANONYMOUS_PREFIX, SCHEMA, Event, EventKind, as_utc
from tracker.presence.room import Presence
from tracker.presence.rules import Closings, Rules
from tracker.presence.state_machine import Sight, Walk, in_turn
from tracker.presence.visit import Because, Visit

__all__ = ["PersonAtSite", "Rules", "Segment", "Session", "SessionState", "sessions"]

PersonAtSite: TypeAlias = tuple[str, str]
"""(site_id, person_id)"""
Sightings: TypeAlias = Sequence[tuple[datetime, Sight | None]]
"""When somebody was seen, in order, and in which stay in sight if that is known."""

_NEVER_SEEN: Mapping[PersonAtSite, datetime] = MappingProxyType({})
_by_time = attrgetter("at")
_by_id = attrgetter("event_id")
_by_start = attrgetter("started_at")
_by_start_and_person = attrgetter("started_at", "person_id", "site_id")
_person_first = itemgetter(1, 0)
_ENTER = EventKind.ENTER
_Record = TypeVar("_Record")


class SessionState(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


_OPEN, _CLOSED = SessionState


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

    session_id: the id of its first event, so it stays as the visit goes on and as people are renamed or merged.
    started_at, ended_at: UTC, None while open. dwell_s: net, time outside is not counted; gross_s: from start to end;
    both run to now while open.
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
    never open a visit. Cost: one sort of each person's events; memory grows with events and visits, not beyond.
    """
    now = as_utc(now)
    seen = sightings_of(last_seen, presences)
    closings = Closings(rules)
    grouped: dict[PersonAtSite, list[Event]] = defaultdict(list)
    found: list[Session] = []
    with _collector_resting():
        for event in events:
            grouped[event.site_id, event.person_id].append(event)
        for key in sorted(grouped, key=_person_first):
            walk = Walk(rules, closings)
            follow(walk, grouped.pop(key), seen.get(key, ()))
            walk.end(now)
            found += finished(walk.visits, key, rules, now)
        found.sort(key=_by_start)  # stable: who began at one instant stays in order of person
    return found


def in_order(found: Iterable[Session]) -> list[Session]:
    """Sessions by start, then person."""
    return sorted(found, key=_by_start_and_person)


def sightings_of(
    last_seen: Mapping[PersonAtSite, datetime], presences: Iterable[Presence]
) -> dict[PersonAtSite, Sightings]:
    """Each person's sightings at each site, in order of time."""
    seen: dict[PersonAtSite, list[tuple[datetime, Sight | None]]] = {}
    for key, at in last_seen.items():
        seen.setdefault(key, []).append((as_utc(at), None))
    for presence in presences:
        sight = (presence.camera_id, presence.track_id)
        seen.setdefault((presence.site_id, presence.person_id), []).append((presence.seen_at, sight))
    return {key: sorted(each, key=lambda one: (one[0], one[1] or ("", ""))) for key, each in seen.items()}


def follow(
    walk: Walk, events: Iterable[Event], seen: Sightings = (), *, told: list[tuple[Event, Because]] | None = None
) -> None:
    """Walk through one person's events in order of (at, event_id), sightings in between.

    Whoever asked to be forgotten is known by no camera any more: a visit of theirs does not stay open.
    told: takes what each event did, if somebody wants to know.
    """
    events = without_duplicates(events)
    events.sort(key=_by_time)
    waiting, index, count = 0, 0, len(events)
    while index < count:
        event = events[index]
        index += 1
        moment: Sequence[Event] = (event,)
        while waiting < len(seen) and seen[waiting][0] < event.at:
            walk.see(*seen[waiting])
            waiting += 1
        if index < count and events[index].at == event.at:
            start = index - 1
            while index < count and events[index].at == event.at:
                index += 1
            walk.give_up(event.at)  # so that the order within the moment does not hang on a visit that is over
            moment = in_turn(walk, sorted(events[start:index], key=_by_id))
        for each in moment:
            because = walk.enter(each) if each.kind is _ENTER else walk.exit(each)
            if told is not None:
                told.append((each, because))
    for sighting in seen[waiting:]:
        walk.see(*sighting)
    if events and events[-1].person_id.startswith(ANONYMOUS_PREFIX):
        walk.leave()


def without_duplicates(events: Iterable[Event]) -> list[Event]:
    """The events with one for each id: the smallest, so that the order does not matter."""
    kept = list(events)
    if len({event.event_id for event in kept}) == len(kept):
        return kept
    by_id: dict[str, Event] = {}
    for event in kept:
        other = by_id.setdefault(event.event_id, event)
        if other is not event and other != event and _content_order(event) < _content_order(other):
            by_id[event.event_id] = event
    return list(by_id.values())


def finished(visits: Iterable[Visit], key: PersonAtSite, rules: Rules, now: datetime) -> Iterator[Session]:
    """The visits of one person at one site as they are told to others; open ones run to `now`."""
    min_visit_s = rules.min_visit.total_seconds()
    for visit in visits:
        stays = visit.stays
        if len(stays) == 1:
            segments: tuple[Segment, ...] = (_segment(stays[0].started_at, stays[0].ended_at),)
        else:
            segments = tuple([_segment(stay.started_at, stay.ended_at) for stay in stays])
        inferred = (visit.enter_inferred, visit.exit_inferred)
        yield session_of(visit.first.event_id, key, segments, inferred, min_visit_s, now)


def session_of(
    session_id: str,
    key: PersonAtSite,
    segments: tuple[Segment, ...],
    inferred: tuple[bool, bool],
    min_visit_s: float,
    now: datetime,
) -> Session:
    """The session of these segments, its lengths worked out; an open one runs to `now`. inferred: enter, exit."""
    started_at, ended_at = segments[0].started_at, segments[-1].ended_at
    until = ended_at if ended_at is not None else max(now, segments[-1].started_at)
    gross_s = dwell_s = (until - started_at).total_seconds()
    if len(segments) > 1:
        lengths = [(segment.ended_at or until) - segment.started_at for segment in segments]
        dwell_s = sum(lengths[1:], lengths[0]).total_seconds()
    draft: Any = _SessionDraft()
    draft.session_id = session_id
    draft.site_id, draft.person_id = key
    draft.started_at = started_at
    draft.ended_at = ended_at
    draft.dwell_s = dwell_s
    draft.gross_s = gross_s
    draft.segments = segments
    draft.enter_inferred, draft.exit_inferred = inferred
    draft.state = _OPEN if ended_at is None else _CLOSED
    known = ended_at is not None and not inferred[0] and (gross_s > 0 or not inferred[1])
    draft.bounce = known and dwell_s < min_visit_s
    draft.schema = SCHEMA
    return _sealed(draft, Session)


def _segment(started_at: datetime, ended_at: datetime | None) -> Segment:
    draft: Any = _SegmentDraft()
    draft.started_at = started_at
    draft.ended_at = ended_at
    return _sealed(draft, Segment)


class _SessionDraft:
    """A session that can still be written. Four times as quick to fill as the real one, whose fields are checked."""

    __slots__ = Session.__slots__


class _SegmentDraft:
    __slots__ = Segment.__slots__


def _sealed(draft: Any, kind: type[_Record]) -> _Record:
    """The draft as what it becomes: Python allows that where both have the same slots."""
    draft.__class__ = kind
    return cast("_Record", draft)


@contextmanager
def _collector_resting() -> Iterator[None]:
    """No search for cycles meanwhile: millions of records without any make it a third of the time."""
    was_at_work = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_at_work:
            gc.enable()


def _content_order(event: Event) -> tuple[datetime, str, str, str, bool, str]:
    place = f"{event.x_frac!r} {event.y_frac!r} {event.schema}"
    return event.at, event.kind, event.camera_id, event.track_id, event.inferred, place
