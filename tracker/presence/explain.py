"""Why a visit is as it is: its events, what each did, and the rule behind each boundary. Data, and words for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from tracker.presence.events import Event, EventKind, as_utc
from tracker.presence.room import Presence
from tracker.presence.rules import Closings, Rules
from tracker.presence.sessions import PersonAtSite, Session, Sightings, finished, follow, sightings_of
from tracker.presence.state_machine import Walk
from tracker.presence.visit import Because, Visit

_NEVER_SEEN: Mapping[PersonAtSite, datetime] = MappingProxyType({})


class Edge(StrEnum):
    """A boundary of a visit: it begins, stops for a while, goes on, ends."""

    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundary:
    """Where a visit begins, pauses, goes on or ends, and why.

    at: UTC, None for the end of a visit that lasts. event: the event that set it, None where none did.
    """

    edge: Edge
    at: datetime | None
    because: Because
    event: Event | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A visit, its boundaries in order, and its events in order with what each did."""

    session: Session
    boundaries: tuple[Boundary, ...]
    events: tuple[tuple[Event, Because], ...]


def explain(
    session_id: str,
    events: Iterable[Event],
    *,
    rules: Rules,
    now: datetime,
    last_seen: Mapping[PersonAtSite, datetime] = _NEVER_SEEN,
    presences: Iterable[Presence] = (),
) -> Explanation:
    """How the visit of this id came about, from the same facts that `sessions` was given.

    Events of other people do no harm. Raises LookupError when no visit has the id; `uncounted` may say why.
    """
    now = as_utc(now)
    everything = list(events)
    key = next(((each.site_id, each.person_id) for each in everything if each.event_id == session_id), None)
    if key is None:
        raise LookupError(f"no visit has the id {session_id}")
    own = [event for event in everything if (event.site_id, event.person_id) == key]
    for visit, told in _followed(own, sightings_of(last_seen, presences).get(key, ()), rules, now):
        if visit.counts and visit.first.event_id == session_id:
            (session,) = finished([visit], key, rules, now)
            return Explanation(session=session, boundaries=tuple(_boundaries(visit)), events=tuple(told))
    raise LookupError(f"no visit has the id {session_id}")


def uncounted(
    events: Iterable[Event],
    *,
    rules: Rules,
    now: datetime,
    last_seen: Mapping[PersonAtSite, datetime] = _NEVER_SEEN,
    presences: Iterable[Presence] = (),
) -> list[tuple[Event, Because]]:
    """The events that lie in no visit, in order of time, and why: taken for mistakes about who it was."""
    now, seen = as_utc(now), sightings_of(last_seen, presences)
    grouped: dict[PersonAtSite, list[Event]] = {}
    for event in events:
        grouped.setdefault((event.site_id, event.person_id), []).append(event)
    found = [
        (event, _alone(event, rules))
        for key, own in grouped.items()
        for visit, told in _followed(own, seen.get(key, ()), rules, now)
        if not visit.counts
        for event, _ in told
    ]
    return sorted(found, key=lambda each: (each[0].at, each[0].event_id))


def in_words(because: Because, rules: Rules) -> str:
    """The rule as a sentence for people, with the figures of this site."""
    return _WORDS[because].format(
        merge_gap=_span(rules.merge_gap.total_seconds()),
        max_visit=_span(rules.max_visit.total_seconds()),
        max_unseen=_span(rules.max_unseen.total_seconds()),
        skew=_span(rules.skew.total_seconds()),
        closes_at="" if rules.closes_at is None else rules.closes_at.strftime("%H:%M"),
    )


def _followed(
    events: Iterable[Event], seen: Sightings, rules: Rules, now: datetime
) -> Iterator[tuple[Visit, list[tuple[Event, Because]]]]:
    """One person's visits, counted or not, each with its events: all from its first one on, up to that of the next."""
    walk, told = Walk(rules, Closings(rules)), list[tuple[Event, Because]]()
    follow(walk, events, seen, told=told)
    walk.end(now)
    starts = {visit.first.event_id: visit for visit in walk.drafts}
    own: list[tuple[Event, Because]] = []
    visit: Visit | None = None
    for event, because in told:
        if event.event_id in starts:
            if visit is not None:
                yield visit, own
            visit, own = starts[event.event_id], []
        own.append((event, because))
    if visit is not None:
        yield visit, own


def _alone(event: Event, rules: Rules) -> Because:
    if event.camera_id in rules.rooms:
        return Because.SIGHT_ALONE
    return Because.ENTER_ALONE if event.kind is EventKind.ENTER else Because.EXIT_ALONE


def _boundaries(visit: Visit) -> list[Boundary]:
    found: list[Boundary] = []
    last = len(visit.stays) - 1
    for index, stay in enumerate(visit.stays):
        begin = Edge.START if index == 0 else Edge.RESUME
        end = Edge.END if index == last else Edge.PAUSE
        found += [
            Boundary(edge=begin, at=stay.started_at, because=stay.started_because, event=stay.opened_by),
            Boundary(
                edge=end, at=stay.ended_at, because=stay.ended_because or Because.STILL_INSIDE, event=stay.closed_by
            ),
        ]
    return found


def _span(seconds: float) -> str:
    for unit_s, unit in ((3600, "h"), (60, "min")):
        if seconds >= unit_s and seconds % unit_s == 0:
            return f"{seconds / unit_s:g} {unit}"
    return f"{seconds:g} s"


_WORDS: Mapping[Because, str] = MappingProxyType(
    {
        Because.CAME_IN: "came in: out before, or away for longer than {merge_gap}",
        Because.CAME_IN_UNSEEN: "was in without having been seen coming in",
        Because.LEFT_ONLY: "was seen leaving only; when they came in is not known",
        Because.CAME_BACK: "came back within {merge_gap}: the same visit goes on",
        Because.CLOCKS: "never left: two cameras' clocks may differ by {skew}",
        Because.SEEN_TOO: "was in already: one more camera sees the person",
        Because.STILL_SEEN: "one camera lost the person, another still has them",
        Because.STILL_INSIDE: "is in: nobody saw the person leave",
        Because.LOST: "was out of sight of the last camera that had the person",
        Because.WENT_OUT: "went out",
        Because.WENT_OUT_AGAIN: "was seen going out once more",
        Because.ENDED_UNSEEN: "was last seen then; the exit itself was worked out, not seen",
        Because.MISSED_EXIT: "came in again by a door later, so the way out was missed: ended when last heard of",
        Because.GAVE_UP: "nothing was heard for {max_visit}: ended when last heard of",
        Because.CLOSED: "the site closed at {closes_at} and nothing more was heard: ended when last heard of",
        Because.SILENT: "no camera saw the person for {max_unseen}: ended when last heard of",
        Because.LATE_LOSS: "a room's camera lost the person after they had gone out: changes nothing",
        Because.FORGOTTEN: "was forgotten since, so no camera can tell any more: ended when last heard of",
        Because.ENTER_ALONE: "seen coming in, but neither inside nor going out: taken for somebody else, no visit",
        Because.EXIT_ALONE: "seen going out, but neither coming in nor inside: taken for somebody else, no visit",
        Because.SIGHT_ALONE: "seen inside, but neither coming in nor going out, and not three times with less than"
        " {max_unseen} between: taken for somebody else, no visit",
    }
)
