"""Corrections of single events: void, restore, add."""

from __future__ import annotations

from collections.abc import Sequence

from config.errors import RecordError
from tracker.actions import corrections
from tracker.actions.actor import Actor
from tracker.actions.operation import Operation, changing
from tracker.presence.events import Action, Event
from tracker.store.audit import SubjectKind
from tracker.store.store import Store
from tracker.store.users import UserRole

VOID = Operation(name="events.void", words="voided events", least=UserRole.DESK, undo=corrections.undo)
RESTORE = Operation(name="events.restore", words="restored events", least=UserRole.DESK, undo=corrections.undo)
ADD = Operation(name="events.add", words="added an event", least=UserRole.DESK, undo=corrections.undo)
OPERATIONS = (VOID, RESTORE, ADD)


def void(store: Store, actor: Actor, event_ids: Sequence[str], *, reason: str = "") -> int:
    """Void events of one site that did not happen. Returns the id of the audit entry.

    Raises RecordError on an event that is not there, is void already, or is of another site than the first.
    """
    return _correct(store, actor, VOID, event_ids, Action.VOID, reason)


def restore(store: Store, actor: Actor, event_ids: Sequence[str], *, reason: str = "") -> int:
    """Restore voided events of one site; otherwise as `void`."""
    return _correct(store, actor, RESTORE, event_ids, Action.ADD, reason)


def add(store: Store, actor: Actor, event: Event, *, reason: str = "") -> int:
    """Add an event that no camera recorded. Returns the id of the audit entry.

    Raises RecordError when it is there already, or its person was forgotten.
    """
    with changing(store, actor, ADD, reason=reason) as change:
        require_new(store, event)
        corrections.correct(change, [(Action.ADD, event)], kind=SubjectKind.EVENT, subject_id=event.event_id)
    return change.audit_id


def require_new(store: Store, event: Event) -> None:
    """Raises RecordError where the event is there already, voided or not."""
    for known, voided in store.events.find(event.event_id):
        short = known.event_id[:8]
        fix = f"'footfall events restore {short}' restores it" if voided else "nothing to do"
        state = "was added and voided" if voided else "is there already"
        raise RecordError(f"this {event.kind} {state}: event {short}", fix=fix)


def _correct(
    store: Store, actor: Actor, operation: Operation, event_ids: Sequence[str], action: Action, reason: str
) -> int:
    with changing(store, actor, operation, reason=reason) as change:
        events = [_event(store, event_id, voided=action is Action.ADD) for event_id in event_ids]
        if len({event.site_id for event in events}) != 1:
            raise RecordError("expected events of one site", fix="correct those of each site by themselves")
        planned = [(action, event) for event in events]
        corrections.correct(change, planned, kind=SubjectKind.EVENT, subject_id=events[0].event_id)
    return change.audit_id


def _event(store: Store, event_id: str, *, voided: bool) -> Event:
    found = [each for each in store.events.find(event_id, limit=1) if each[0].event_id == event_id]
    if not found:
        raise RecordError(f"no event has the id {event_id[:40]!r}", fix="load the page again")
    event, is_void = found[0]
    if is_void is not voided:
        state = "is not void" if voided else "is void already"
        raise RecordError(f"event {event_id[:8]} {state}", fix="'footfall events corrections' lists corrections")
    return event
