"""Corrections of events within a change: made, described by the visits before and after, and reverted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from config.errors import RecordError
from tracker.actions.operation import Change, Subject
from tracker.presence.events import Action, Correction, Event, time_text
from tracker.presence.sessions import Session
from tracker.store.audit import AuditEntry, SubjectKind
from tracker.store.store import Store

Planned = tuple[Action, Event]
"""What is to be done with an event."""


def correct(
    change: Change,
    planned: Sequence[Planned],
    *,
    kind: SubjectKind,
    subject_id: str,
    more: Mapping[str, Any] | None = None,
) -> tuple[list[Session], list[Session]]:
    """Correct events of one site, and describe it. Returns the visits before and after that differ.

    more: what else the change did, for the audit trail.
    """
    store, events = change.store, [event for _, event in planned]
    before = _sessions(store, events, change.at)
    made = [_correction(change, action, event) for action, event in planned]
    store.events.correct(made)
    after = _sessions(store, events, change.at)
    was, now = [each for each in before if each not in after], [each for each in after if each not in before]
    change.record(
        kind,
        subject_id,
        site_id=events[0].site_id,
        before={"visits": [_document(each) for each in was]},
        after={
            "visits": [_document(each) for each in now],
            "corrections": [
                {"correction_id": each.correction_id, "event_id": each.event_id, "action": str(each.action)}
                for each in made
            ],
            **(more or {}),
        },
        others=_concerned(events, [*was, *now]),
    )
    return was, now


def undo(change: Change, entry: AuditEntry) -> None:
    """Revert the corrections of an entry. Raises RecordError where an event was corrected again since."""
    planned: list[Planned] = []
    for made in entry.after["corrections"]:
        latest = change.store.events.corrections(made["event_id"])[-1:]
        if not latest or latest[0].correction_id != made["correction_id"]:
            raise changed_since(latest[0].by if latest else "")
        ((event, _),) = change.store.events.find(made["event_id"], limit=1)
        planned.append((Action.VOID if made["action"] == Action.ADD else Action.ADD, event))
    correct(change, planned, kind=entry.subject_kind, subject_id=entry.subject_id)


def changed_since(by: str) -> RecordError:
    """The refusal to undo what somebody changed meanwhile."""
    who = f" by {by}" if by else ""
    return RecordError(f"changed since{who}, so nothing is undone", fix="make the change that you want now")


def _correction(change: Change, action: Action, event: Event) -> Correction:
    """The correction, dated after those of the event that are there, of which the latest is in force."""
    known = change.store.events.corrections(event.event_id)
    at = max([change.at, *(each.at + timedelta(microseconds=1) for each in known)])
    return Correction(
        action=action,
        event_id=event.event_id,
        by=change.actor.name,
        at=at,
        reason=change.reason,
        event=event if action is Action.ADD else None,
    )


def _sessions(store: Store, events: Sequence[Event], now: datetime) -> list[Session]:
    """The visits that these events can change: of their people, near their times."""
    site_id = events[0].site_id
    reach = store.sites.rules(site_id).max_visit
    people = {event.person_id for event in events}
    people |= {person.person_id for person_id in people if (person := store.people.get(person_id)) is not None}
    times = [event.at for event in events]
    return store.sessions.select(
        site_id=site_id, now=now, since=min(times) - reach, until=max(times) + reach, person_ids=sorted(people)
    )


def _concerned(events: Iterable[Event], visits: Iterable[Session]) -> list[Subject]:
    return [
        *((SubjectKind.EVENT, event.event_id) for event in events),
        *((SubjectKind.PERSON, event.person_id) for event in events),
        *((SubjectKind.VISIT, visit.session_id) for visit in visits),
    ]


def _document(visit: Session) -> dict[str, Any]:
    return {
        "session_id": visit.session_id,
        "person_id": visit.person_id,
        "started_at": time_text(visit.started_at),
        "ended_at": None if visit.ended_at is None else time_text(visit.ended_at),
    }
