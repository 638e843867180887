"""The projection: one person's sessions at one site, derived again from a clean point on when facts about them change.

Stores keep sessions beside the facts. Whatever changes (events, corrections, presences, rules, the passing of time),
they call `project` with the facts from the clean point on and write the difference. The result depends on nothing but
the facts and `now`, so repeating it, in whatever order the facts arrived, is idempotent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from tracker.presence.candidates import CandidateSession
from tracker.presence.events import Event, as_utc, is_unidentified
from tracker.presence.rules import Closings, Rules
from tracker.presence.sessions import PersonAtSite, Session, Sightings, run, sessions_of

_Stored = TypeVar("_Stored")


@dataclass(frozen=True, slots=True, kw_only=True)
class Projected:
    """A session as a store keeps it.

    clean: nothing before its first event has an effect on it or on what follows, so that derivation may restart there.
    due_at: without further evidence the session is open up to this instant (UTC, included) and closed after it; None
    of a session that an event has ended.
    """

    session: Session
    clean: bool
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CleanStart:
    """A clean session that is stored already: its id and start. The sessions before it can be derived by themselves."""

    session_id: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Changes(Generic[_Stored]):
    """What to write, by session id in order of start, and the ids of what to delete."""

    write: Mapping[str, _Stored]
    delete: tuple[str, ...]


def project(
    events: Iterable[Event],
    *,
    key: PersonAtSite,
    rules: Rules,
    now: datetime,
    seen: Sightings = (),
    closings: Closings | None = None,
) -> list[Projected]:
    """The sessions of one person at one site, by start.

    events: all from the start of a clean session on, or all that there are, in any order and maybe more than once;
    whose id they carry does not matter. seen: where cameras have the person in view. now: UTC; later events are
    ignored, and sessions that are due are closed. closings: those of the rules, to share their cache. Unidentified
    people have none.
    """
    if is_unidentified(key[1]):
        return []
    now = as_utc(now)
    machine = run(events, rules=rules, now=now, seen=seen, closings=closings)
    return _projected(machine.sessions, key, rules, now)


def project_before(
    events: Iterable[Event], end: CleanStart, *, key: PersonAtSite, rules: Rules, now: datetime
) -> list[Projected] | None:
    """The sessions before a clean one, from the events up to its start (included).

    None if that session no longer starts there: then what follows it may change as well.
    """
    now = as_utc(now)
    candidates = run(events, rules=rules, now=now).candidates
    last = candidates[-1] if candidates else None
    if last is None or not last.clean:
        return None
    if CleanStart(last.first.event_id, last.segments[0].started_at) != end:
        return None
    return _projected([each for each in candidates[:-1] if each.counts], key, rules, now)


def changes(before: Mapping[str, _Stored], after: Mapping[str, _Stored]) -> Changes[_Stored]:
    """The difference between what is stored and what was derived, both by session id."""
    return Changes(
        write={session_id: stored for session_id, stored in after.items() if before.get(session_id) != stored},
        delete=tuple(session_id for session_id in before if session_id not in after),
    )


def _projected(
    candidates: Sequence[CandidateSession], key: PersonAtSite, rules: Rules, now: datetime
) -> list[Projected]:
    return [
        Projected(session=session, clean=candidate.clean, due_at=_due_at(candidate, rules))
        for candidate, session in zip(candidates, sessions_of(candidates, key, rules, now), strict=True)
    ]


def _due_at(candidate: CandidateSession, rules: Rules) -> datetime | None:
    if candidate.evidence_at is None:
        return None
    return rules.over_at(candidate.evidence_at, in_sight=candidate.in_sight)
