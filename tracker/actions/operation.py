"""What every change passes: the check of the role, one transaction, and the entry in the audit trail."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from config.errors import NotAllowedError
from tracker.actions.actor import Actor, one_line
from tracker.store.audit import AuditEntry, SubjectKind
from tracker.store.store import Store
from tracker.store.users import UserRole

Subject = tuple[SubjectKind, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A kind of change. name: in the audit trail. words: for people, in the past tense. least: the role it needs.

    undo: reverts an entry within the transaction of the change that it is given; None where nothing can.
    """

    name: str
    words: str
    least: UserRole
    undo: Callable[[Change, AuditEntry], None] | None = None


class Change:
    """One change that is being made: the store, who makes it and when. `record` describes it for the audit trail.

    at: the time now, UTC. audit_id: of the entry, once the change is committed.
    """

    def __init__(self, store: Store, actor: Actor, *, reason: str) -> None:
        self.store = store
        self.actor = actor
        self.at: datetime = store.now()
        self.reason = reason
        self.audit_id = 0
        self._fields: dict[str, Any] = {}

    def record(
        self,
        kind: SubjectKind,
        subject_id: str,
        *,
        site_id: str = "",
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        others: Iterable[Subject] = (),
    ) -> None:
        """Describe the change. before, after: JSON objects. others: people, visits and events that it concerns too."""
        self._fields = {
            "subject_kind": kind,
            "subject_id": subject_id,
            "site_id": site_id,
            "before": before,
            "after": after,
            "others": tuple(others),
        }

    def write(self, operation: Operation, undoes: int | None) -> None:
        """Add the entry to the audit trail. Raises ValueError without a description."""
        if not self._fields:
            raise ValueError(f"{operation.name}: expected a description of the change")
        self.audit_id = self.store.audit.add(
            actor=self.actor.name,
            role=self.actor.role,
            action=operation.name,
            reason=self.reason,
            undoes=undoes,
            **self._fields,
        )


@contextmanager
def changing(
    store: Store, actor: Actor, operation: Operation, *, reason: str = "", undoes: int | None = None
) -> Iterator[Change]:
    """One change: refused below its role before anything is read, else made and recorded in one transaction.

    undoes: the entry of the audit trail that it reverts. Raises NotAllowedError, and UserError on an invalid reason.
    """
    require(actor, operation)
    change = Change(store, actor, reason=one_line(reason))
    with store.writing():
        yield change
        change.write(operation, undoes)


def require(actor: Actor, operation: Operation) -> None:
    """Raises NotAllowedError where the actor's role does not include what the operation needs."""
    if not actor.role.includes(operation.least):
        raise NotAllowedError(
            f"{actor.name} may not do this: it needs the role {operation.least}",
            fix=f"sign in as a user with the role {operation.least}, or ask an admin",
        )
