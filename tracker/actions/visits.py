"""Corrections of whole visits: the person has left, it did not happen, a camera missed it, it was at another time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from config.errors import RecordError
from tracker.actions import corrections
from tracker.actions.actor import Actor
from tracker.actions.corrections import Planned
from tracker.actions.operation import Change, Operation, changing
from tracker.actions.people import CHOOSE_LISTED, require
from tracker.presence.events import EARLIEST, OPERATOR, Action, Event, EventKind
from tracker.presence.sessions import Session, SessionState
from tracker.store.audit import SubjectKind
from tracker.store.store import Store
from tracker.store.users import UserRole

MARK_LEFT = Operation(name="visits.mark_left", words="marked as left", least=UserRole.DESK, undo=corrections.undo)
VOID = Operation(name="visits.void", words="voided the visit", least=UserRole.DESK, undo=corrections.undo)
ADD = Operation(name="visits.add", words="added the visit", least=UserRole.DESK, undo=corrections.undo)
MOVE = Operation(name="visits.move", words="corrected the times", least=UserRole.DESK, undo=corrections.undo)
OPERATIONS = (MARK_LEFT, VOID, ADD, MOVE)


def mark_left(
    store: Store, actor: Actor, *, site_id: str, person_id: str, at: datetime | None = None, reason: str = ""
) -> int:
    """Record that somebody who is in has left, now or at a time since they entered. Returns the audit entry's id.

    Raises RecordError when the person is not in, has not entered by then, the time is to come, or a camera saw the
    person after it.
    """
    with changing(store, actor, MARK_LEFT, reason=reason) as change:
        left_at = change.at if at is None else at
        _require_past(change, left_at)
        visit = _open_visit(change, site_id, person_id)
        if left_at < visit.started_at:
            raise RecordError("this is before the person entered", fix="give a later time")
        left = _event(EventKind.EXIT, site_id, visit.person_id, left_at)
        corrections.correct(change, [(Action.ADD, left)], kind=SubjectKind.VISIT, subject_id=visit.session_id)
        if any(each.state is SessionState.OPEN for each in _visits(change, site_id, visit.person_id, change.at)):
            raise RecordError("a camera saw the person after that", fix="give a later time")
    return change.audit_id


def void(store: Store, actor: Actor, *, site_id: str, session_id: str, reason: str = "") -> int:
    """Void a visit that did not happen: all its events. Returns the id of the audit entry.

    Raises RecordError where there is no such visit.
    """
    with changing(store, actor, VOID, reason=reason) as change:
        planned = [(Action.VOID, event) for event in events_of(store, site_id, session_id, change.at)]
        corrections.correct(change, planned, kind=SubjectKind.VISIT, subject_id=session_id)
    return change.audit_id


def add(
    store: Store,
    actor: Actor,
    *,
    site_id: str,
    person_id: str,
    entered_at: datetime,
    left_at: datetime | None = None,
    reason: str = "",
) -> int:
    """Add a visit that no camera recorded; without `left_at` it goes on. Returns the id of the audit entry.

    Raises RecordError when it ends before it begins, is to come, or overlaps with another visit of the person;
    PeopleError when nobody is known by that id.
    """
    with changing(store, actor, ADD, reason=reason) as change:
        person = require(store, person_id, fix=CHOOSE_LISTED)
        planned = _between(site_id, person.person_id, entered_at, left_at)
        _require_order(change, entered_at, left_at)
        near = _visits(change, site_id, person.person_id, entered_at, left_at)
        if near:
            raise RecordError(f"{person.name} has a visit at that time", fix="correct the times of that visit")
        was, made = corrections.correct(change, planned, kind=SubjectKind.VISIT, subject_id=planned[0][1].event_id)
        _require_visit(was, made, entered_at, left_at, changed=0)
    return change.audit_id


def move(
    store: Store,
    actor: Actor,
    *,
    site_id: str,
    session_id: str,
    entered_at: datetime | None = None,
    left_at: datetime | None = None,
    reason: str = "",
) -> int:
    """Correct when a visit began, or ended, or both. Returns the id of the audit entry.

    Events at and beyond the corrected end are voided; what the cameras saw in between stays. Raises RecordError when
    there is no such visit, the times make none, or are to come.
    """
    with changing(store, actor, MOVE, reason=reason) as change:
        events = events_of(store, site_id, session_id, change.at)
        first, last = events[0].at, _end_of(change, site_id, session_id)
        begin, end = entered_at or first, left_at or last
        _require_order(change, begin, end)
        person_id = events[0].person_id
        planned: list[Planned] = []
        if entered_at is not None:
            planned += [(Action.VOID, event) for event in events if event.at <= max(first, entered_at)]
            planned.append((Action.ADD, _event(EventKind.ENTER, site_id, person_id, entered_at)))
        if left_at is not None:
            voided = {event.event_id for _, event in planned}
            until = min(left_at, last or left_at)
            planned += [(Action.VOID, event) for event in events if event.at >= until and event.event_id not in voided]
            planned.append((Action.ADD, _event(EventKind.EXIT, site_id, person_id, left_at)))
        was, made = corrections.correct(change, planned, kind=SubjectKind.VISIT, subject_id=session_id)
        _require_visit(was, made, begin, end, changed=1)
    return change.audit_id


def events_of(store: Store, site_id: str, session_id: str, now: datetime) -> list[Event]:
    """The events of a visit, by time. Raises RecordError where there is no such visit."""
    try:
        explained = store.sessions.explain(session_id, site_id=site_id, now=now)
    except LookupError as error:
        raise _no_visit() from error
    return [event for event, _ in explained.events]


def _no_visit() -> RecordError:
    return RecordError("there is no such visit any more", fix="load the page again")


def _event(kind: EventKind, site_id: str, person_id: str, at: datetime) -> Event:
    return Event(kind=kind, site_id=site_id, camera_id=OPERATOR, person_id=person_id, at=at, track_id=OPERATOR)


def _between(site_id: str, person_id: str, entered_at: datetime, left_at: datetime | None) -> list[Planned]:
    planned = [(Action.ADD, _event(EventKind.ENTER, site_id, person_id, entered_at))]
    if left_at is not None:
        planned.append((Action.ADD, _event(EventKind.EXIT, site_id, person_id, left_at)))
    return planned


def _open_visit(change: Change, site_id: str, person_id: str) -> Session:
    found = [each for each in _visits(change, site_id, person_id, change.at) if each.state is SessionState.OPEN]
    if not found:
        raise RecordError("the person is not in", fix="load the page again")
    return found[-1]


def _end_of(change: Change, site_id: str, session_id: str) -> datetime | None:
    """When a visit ended, None while it goes on."""
    ((event, _),) = change.store.events.find(session_id, limit=1)
    for visit in _visits(change, site_id, event.person_id, event.at):
        if visit.session_id == session_id:
            return visit.ended_at
    raise _no_visit()


def _visits(
    change: Change, site_id: str, person_id: str, since: datetime, until: datetime | None = None
) -> list[Session]:
    """The visits of somebody that touch the time from `since` to `until`, None for now."""
    end = max(since, until or change.at) + timedelta(microseconds=1)
    return change.store.sessions.select(site_id=site_id, now=change.at, since=since, until=end, person_ids=[person_id])


def _require_past(change: Change, at: datetime) -> None:
    if at > change.at:
        raise RecordError("the time is in the future", fix="give a time up to now")
    if at < EARLIEST:
        raise RecordError("the time is before 1970", fix="give a later time")


def _require_order(change: Change, entered_at: datetime, left_at: datetime | None) -> None:
    for each in (entered_at, left_at or entered_at):
        _require_past(change, each)
    if left_at is not None and left_at <= entered_at:
        raise RecordError("the visit would end before it begins", fix="give a later time of leaving")


def _require_visit(
    was: Sequence[Session], made: Sequence[Session], entered_at: datetime, left_at: datetime | None, *, changed: int
) -> None:
    """Raises RecordError unless the corrections made the visit that was meant, and changed no more than so many."""
    times = [(each.started_at, each.ended_at) for each in made]
    if times != [(entered_at, left_at)] or len(was) > changed:
        raise RecordError(
            "other events of the person near these times lead to another visit",
            fix="give times that leave the visits before and after it alone",
        )
