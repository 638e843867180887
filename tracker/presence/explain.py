"""Why a visit is as it is: its events, the effect of each, and the rule behind each boundary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from tracker.presence.candidates import CandidateSession, Reason
from tracker.presence.events import Event, EventKind, as_utc, is_unidentified
from tracker.presence.room import Presence
from tracker.presence.rules import Rules
from tracker.presence.sessions import PersonAtSite, Session, Sightings, run, sessions_of, sightings_of


class Edge(StrEnum):
    """A boundary of a visit."""

    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundary:
    """Where a visit starts, pauses, resumes or ends, and why.

    at: UTC, None for the end of a visit that lasts. event: the event that set it, None where none did.
    """

    edge: Edge
    at: datetime | None
    reason: Reason
    event: Event | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A visit, its boundaries in order, and its events in order, each with its effect."""

    session: Session
    boundaries: tuple[Boundary, ...]
    events: tuple[tuple[Event, Reason], ...]


def explain(
    session_id: str,
    events: Iterable[Event],
    *,
    rules: Rules,
    now: datetime,
    presences: Iterable[Presence] = (),
) -> Explanation:
    """How the visit of this id was derived, from the facts that `sessions` takes.

    Events of other people are ignored. Raises LookupError when no visit has the id; `uncounted` may explain why.
    """
    now = as_utc(now)
    everything = list(events)
    key = next(((each.site_id, each.person_id) for each in everything if each.event_id == session_id), None)
    if key is None:
        raise LookupError(f"no visit has the id {session_id}")
    own = [event for event in everything if (event.site_id, event.person_id) == key]
    for visit, known in _sessions_with_events(own, sightings_of(presences).get(key, ()), rules, now):
        if visit.counts and visit.first.event_id == session_id:
            (session,) = sessions_of([visit], key, rules, now)
            return Explanation(session=session, boundaries=tuple(_boundaries(visit)), events=tuple(known))
    raise LookupError(f"no visit has the id {session_id}")


def uncounted(
    events: Iterable[Event],
    *,
    rules: Rules,
    now: datetime,
    presences: Iterable[Presence] = (),
) -> list[tuple[Event, Reason]]:
    """The events that belong to no visit, in order of time, each with the reason: they lack proof.

    Those of unidentified people are left out: they never belong to one.
    """
    now, seen = as_utc(now), sightings_of(presences)
    grouped: dict[PersonAtSite, list[Event]] = {}
    for event in events:
        if not is_unidentified(event.person_id):
            grouped.setdefault((event.site_id, event.person_id), []).append(event)
    found = [
        (event, _alone(event, rules))
        for key, own in grouped.items()
        for visit, known in _sessions_with_events(own, seen.get(key, ()), rules, now)
        if not visit.counts
        for event, _ in known
    ]
    return sorted(found, key=lambda each: (each[0].at, each[0].event_id))


def in_words(reason: Reason, rules: Rules) -> str:
    """The rule as a sentence for people, with the figures of this site."""
    return _WORDS[reason].format(
        merge_gap=_span(rules.merge_gap.total_seconds()),
        max_visit=_span(rules.max_visit.total_seconds()),
        max_unseen=_span(rules.max_unseen.total_seconds()),
        skew=_span(rules.skew.total_seconds()),
        closes_at="" if rules.closes_at is None else rules.closes_at.strftime("%H:%M"),
    )


def _sessions_with_events(
    events: Iterable[Event], seen: Sightings, rules: Rules, now: datetime
) -> Iterator[tuple[CandidateSession, list[tuple[Event, Reason]]]]:
    """One person's visits, counted or not, each with its events: all from its first one on, up to that of the next."""
    reasons: list[tuple[Event, Reason]] = []
    machine = run(events, rules=rules, now=now, seen=seen, reasons=reasons)
    starts = {candidate.first.event_id: candidate for candidate in machine.candidates}
    own: list[tuple[Event, Reason]] = []
    candidate: CandidateSession | None = None
    for event, reason in reasons:
        if event.event_id in starts:
            if candidate is not None:
                yield candidate, own
            candidate, own = starts[event.event_id], []
        own.append((event, reason))
    if candidate is not None:
        yield candidate, own


def _alone(event: Event, rules: Rules) -> Reason:
    if event.camera_id in rules.rooms:
        return Reason.SIGHT_ALONE
    return Reason.ENTER_ALONE if event.kind is EventKind.ENTER else Reason.EXIT_ALONE


def _boundaries(candidate: CandidateSession) -> list[Boundary]:
    found: list[Boundary] = []
    last = len(candidate.segments) - 1
    for index, segment in enumerate(candidate.segments):
        begin = Edge.START if index == 0 else Edge.RESUME
        end = Edge.END if index == last else Edge.PAUSE
        found += [
            Boundary(edge=begin, at=segment.started_at, reason=segment.start_reason, event=segment.opened_by),
            Boundary(
                edge=end, at=segment.ended_at, reason=segment.end_reason or Reason.STILL_INSIDE, event=segment.closed_by
            ),
        ]
    return found


def _span(seconds: float) -> str:
    for unit_s, unit in ((3600, "h"), (60, "min")):
        if seconds >= unit_s and seconds % unit_s == 0:
            return f"{seconds / unit_s:g} {unit}"
    return f"{seconds:g} s"


_WORDS: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.CAME_IN: "came in: out before, or away for longer than {merge_gap}",
        Reason.CAME_IN_UNSEEN: "was inside; the entry was not seen",
        Reason.LEFT_ONLY: "only the exit was seen; the time of entry is not known",
        Reason.CAME_BACK: "came back within {merge_gap}: the same visit goes on",
        Reason.AT_ONCE: "came back at the same instant: the visit goes on without a gap",
        Reason.CLOCKS: "never left: two cameras' clocks may differ by {skew}",
        Reason.SEEN_TOO: "was inside already: another camera sees the person too",
        Reason.STILL_SEEN: "one camera lost the person, another still has them",
        Reason.STILL_INSIDE: "is inside: no exit was seen",
        Reason.LOST: "was out of sight of the last camera that had the person",
        Reason.WENT_OUT: "went out",
        Reason.WENT_OUT_AGAIN: "was seen going out once more",
        Reason.ENDED_UNSEEN: "was last seen then; the exit was inferred, not seen",
        Reason.MISSED_EXIT: "came in by a door again later, so an exit was missed: ended at the last evidence",
        Reason.GAVE_UP: "no evidence for {max_visit}: ended at the last evidence",
        Reason.CLOSED: "the site closed at {closes_at}: ended at the last evidence",
        Reason.SILENT: "no camera saw the person for {max_unseen}: ended at the last evidence",
        Reason.LATE_LOSS: "a room's camera lost the person after they had gone out: changes nothing",
        Reason.FORGOTTEN: "the person was forgotten since: ended at the last evidence",
        Reason.ENTER_ALONE: "seen coming in, but neither inside nor going out: taken for somebody else, no visit",
        Reason.EXIT_ALONE: "seen going out, but neither coming in nor inside: taken for somebody else, no visit",
        Reason.SIGHT_ALONE: "seen inside, but neither coming in nor going out, and not three times with less than"
        " {max_unseen} between: taken for somebody else, no visit",
    }
)
