"""From events to sessions: the session algorithm. The rules of a visit are in state_machine.py.

Pure: no clock, no I/O, no state between calls.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from operator import attrgetter, itemgetter
from typing import TypeAlias

from tracker.presence.candidates import CandidateSession, Reason
from tracker.presence.events import ANONYMOUS_PREFIX, SCHEMA, Event, EventKind, as_utc, is_unidentified
from tracker.presence.room import Presence
from tracker.presence.rules import Closings, Rules
from tracker.presence.state_machine import StateMachine, TrackKey, order_of_moment

PersonAtSite: TypeAlias = tuple[str, str]
"""(site_id, person_id)"""
Sightings: TypeAlias = Sequence[tuple[datetime, TrackKey]]
"""When cameras had somebody in view last, in order of time, and on which track."""

_by_time = attrgetter("at")
_by_id = attrgetter("event_id")
_by_start = attrgetter("started_at")
_by_start_and_person = attrgetter("started_at", "person_id", "site_id")
_person_first = itemgetter(1, 0)
_ENTER = EventKind.ENTER


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

    session_id: the id of its first event, so it stays as the visit goes on and as people are renamed or merged.
    started_at, ended_at: UTC, None while open. dwell_s: net, time outside is not counted; gross_s: from start to end;
    both run to now while open.
    segments: at least one, in order, never overlapping. enter_inferred, exit_inferred: no camera saw it happen.
    enter_camera_id, exit_camera_id: of the events at which it began and ended; None where there is no such event.
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
    enter_camera_id: str | None = None
    exit_camera_id: str | None = None
    schema: int = SCHEMA

    def __post_init__(self) -> None:
        object.__setattr__(self, "state", SessionState(self.state))
        object.__setattr__(self, "started_at", as_utc(self.started_at))
        if self.ended_at is not None:
            object.__setattr__(self, "ended_at", as_utc(self.ended_at))

    @property
    def dwell_known(self) -> bool:
        """Whether the visit is over, its entry was seen, and its length is proven by something after the entry."""
        return is_dwell_known(self.ended_at, self.gross_s, self.enter_inferred, self.exit_inferred)


def is_dwell_known(ended_at: datetime | None, gross_s: float, enter_inferred: bool, exit_inferred: bool) -> bool:
    """Whether a visit is over, its entry was seen, and its length is proven by something after the entry."""
    return ended_at is not None and not enter_inferred and (gross_s > 0 or not exit_inferred)


def sessions(
    events: Iterable[Event], *, rules: Rules, now: datetime, presences: Iterable[Presence] = ()
) -> list[Session]:
    """The sessions that the events give, by start, then person.

    Events may come in any order and more than once; those of one person at one site affect that person's sessions
    there and nothing else. Unidentified people have none. Of several events with one id the smallest counts. now: UTC;
    events later than it are ignored, and open sessions run to it. presences: whom cameras have in view now; an open one
    proves that its camera has had the person since the enter. They are evidence of being inside and never open a
    session. Cost: one sort of each person's events; memory grows with events and sessions, not beyond.
    """
    now = as_utc(now)
    seen = sightings_of(presences)
    closings = Closings(rules)
    grouped: dict[PersonAtSite, list[Event]] = defaultdict(list)
    for event in events:
        if not is_unidentified(event.person_id):
            grouped[event.site_id, event.person_id].append(event)
    found: list[Session] = []
    for key in sorted(grouped, key=_person_first):
        machine = run(grouped.pop(key), rules=rules, now=now, seen=seen.get(key, ()), closings=closings)
        found += sessions_of(machine.sessions, key, rules, now)
    found.sort(key=_by_start)  # stable: sessions that begin at one instant stay in order of person
    return found


def in_order(found: Iterable[Session]) -> list[Session]:
    """Sessions by start, then person."""
    return sorted(found, key=_by_start_and_person)


def sightings_of(presences: Iterable[Presence]) -> dict[PersonAtSite, Sightings]:
    """The sightings of each person at each site, in order of time."""
    seen: dict[PersonAtSite, list[tuple[datetime, TrackKey]]] = {}
    for presence in presences:
        key = (presence.camera_id, presence.track_id)
        seen.setdefault((presence.site_id, presence.person_id), []).append((presence.seen_at, key))
    return {person: sorted(sightings) for person, sightings in seen.items()}


def run(
    events: Iterable[Event],
    *,
    rules: Rules,
    now: datetime,
    seen: Sightings = (),
    closings: Closings | None = None,
    reasons: list[tuple[Event, Reason]] | None = None,
) -> StateMachine:
    """The state machine after one person's events in order of (at, event_id), sightings in between, as of `now`.

    Events and sightings later than `now` are ignored. The session of somebody who was forgotten does not stay open.
    closings: those of the rules, to share their cache. reasons: collects the effect of each event.
    """
    machine = StateMachine(rules, closings or Closings(rules))
    known = [event for event in without_duplicates(events) if event.at <= now]
    known.sort(key=_by_time)
    waiting, index, count = 0, 0, len(known)
    while index < count:
        event = known[index]
        index += 1
        moment: Sequence[Event] = (event,)
        while waiting < len(seen) and seen[waiting][0] < event.at:
            machine.see(*seen[waiting])
            waiting += 1
        if index < count and known[index].at == event.at:
            start = index - 1
            while index < count and known[index].at == event.at:
                index += 1
            machine.close_if_over(event.at)  # the order within the moment must not depend on a session that is over
            moment = order_of_moment(machine, sorted(known[start:index], key=_by_id))
        for each in moment:
            reason = machine.enter(each) if each.kind is _ENTER else machine.exit(each)
            if reasons is not None:
                reasons.append((each, reason))
    for at, key in seen[waiting:]:
        machine.see(min(at, now), key)
    if known and known[-1].person_id.startswith(ANONYMOUS_PREFIX):
        machine.close_forgotten()
    machine.note_evidence()
    machine.end(now)
    return machine


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


def sessions_of(
    candidates: Iterable[CandidateSession], key: PersonAtSite, rules: Rules, now: datetime
) -> Iterator[Session]:
    """The sessions that candidates of one person at one site have become; open ones run to `now`."""
    min_visit_s = rules.min_visit.total_seconds()
    for candidate in candidates:
        last = candidate.segments[-1]
        yield session_of(
            candidate.first.event_id,
            key,
            tuple([Segment(segment.started_at, segment.ended_at) for segment in candidate.segments]),
            now=now,
            min_visit_s=min_visit_s,
            enter_inferred=candidate.enter_inferred,
            exit_inferred=candidate.exit_inferred,
            enter_camera_id=candidate.first.camera_id if candidate.first.kind is _ENTER else None,
            exit_camera_id=None if last.closed_by is None else last.closed_by.camera_id,
        )


def session_of(
    session_id: str,
    key: PersonAtSite,
    segments: tuple[Segment, ...],
    *,
    now: datetime,
    min_visit_s: float,
    enter_inferred: bool,
    exit_inferred: bool,
    enter_camera_id: str | None,
    exit_camera_id: str | None,
) -> Session:
    """The session of these segments with its lengths; an open one runs to `now`."""
    started_at, ended_at = segments[0].started_at, segments[-1].ended_at
    until = ended_at if ended_at is not None else max(now, segments[-1].started_at)
    gross_s = dwell_s = (until - started_at).total_seconds()
    if len(segments) > 1:
        lengths = [(segment.ended_at or until) - segment.started_at for segment in segments]
        dwell_s = sum(lengths[1:], lengths[0]).total_seconds()
    known = is_dwell_known(ended_at, gross_s, enter_inferred, exit_inferred)
    return Session(
        session_id=session_id,
        site_id=key[0],
        person_id=key[1],
        started_at=started_at,
        ended_at=ended_at,
        dwell_s=dwell_s,
        gross_s=gross_s,
        segments=segments,
        enter_inferred=enter_inferred,
        exit_inferred=exit_inferred,
        state=SessionState.OPEN if ended_at is None else SessionState.CLOSED,
        bounce=known and dwell_s < min_visit_s,
        enter_camera_id=enter_camera_id,
        exit_camera_id=exit_camera_id,
    )


def _content_order(event: Event) -> tuple[datetime, str, str, str, bool, str]:
    place = f"{event.x_frac!r} {event.y_frac!r} {event.schema}"
    return event.at, event.kind, event.camera_id, event.track_id, event.inferred, place
