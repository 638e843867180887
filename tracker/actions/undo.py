"""Undoing a change by its entry in the audit trail."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from config.errors import RecordError
from tracker.actions import (
    devices,
    display_links,
    enrolment,
    events,
    gallery,
    negatives,
    people,
    reassigning,
    recognition,
    review,
    users,
    visits,
)
from tracker.actions.actor import Actor
from tracker.actions.corrections import changed_since
from tracker.actions.operation import Operation, changing, require
from tracker.store.audit import AuditEntry
from tracker.store.store import Store
from tracker.store.users import UserRole

_MODULES = (
    devices,
    display_links,
    enrolment,
    events,
    gallery,
    negatives,
    people,
    reassigning,
    recognition,
    review,
    users,
    visits,
)
OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {each.name: each for module in _MODULES for each in module.OPERATIONS}
)
"""Every operation by its name in the audit trail."""
UNDO = "undo"


def words(entry: AuditEntry) -> str:
    """What an entry did, for people, in the past tense."""
    if entry.action == UNDO:
        return f"undid change {entry.undoes}" if entry.undoes else "undid a change"
    operation = OPERATIONS.get(entry.action)
    return entry.action if operation is None else operation.words


def can_undo(entry: AuditEntry) -> bool:
    """Whether `undo` may revert the entry, unless its subject changed since."""
    operation = OPERATIONS.get(entry.action)
    return bool(operation and operation.undo and entry.subject_id and entry.undone_by is None)


def undo(store: Store, actor: Actor, audit_id: int) -> int:
    """Revert a change. Returns the id of the entry that records the undoing.

    The actor needs the role that the change needed. Raises NotAllowedError, and RecordError when there is no such
    entry, it cannot be undone, was undone before, or what it changed was changed since.
    """
    require(actor, _undoing(UserRole.DESK))
    with store.writing():
        entry = store.audit.get(audit_id)
        if entry is None:
            raise RecordError(f"there is no change {audit_id}", fix="'footfall audit' lists changes")
        operation = OPERATIONS.get(entry.action)
        if operation is None or operation.undo is None or not entry.subject_id:
            raise RecordError(f"change {audit_id} cannot be undone", fix="make the opposite change")
        with changing(store, actor, _undoing(operation.least), undoes=audit_id) as change:
            if entry.undone_by is not None:
                raise changed_since(_actor_of(store, entry.undone_by))
            operation.undo(change, entry)
    return change.audit_id


def _undoing(least: UserRole) -> Operation:
    return Operation(name=UNDO, words="undid", least=least)


def _actor_of(store: Store, audit_id: int) -> str:
    entry = store.audit.get(audit_id)
    return "" if entry is None else entry.actor
