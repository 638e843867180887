"""Who a command acts as: an admin, under the name that --by gives, or that of the user of this machine."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

from config.errors import StoreError, UserError
from tracker.cli.options import Acting, UsageError

if TYPE_CHECKING:
    from tracker.actions.actor import Actor
    from tracker.store.audit import AuditEntry
    from tracker.store.store import Store


def actor_of(access: Acting) -> Actor:
    """The author of what a command changes. Raises UsageError where --by is no name."""
    from tracker.actions.actor import THIS_MACHINE, Actor
    from tracker.store.users import UserRole

    by = access.by
    if by is None:
        try:
            by = getpass.getuser()
        except (OSError, KeyError, ImportError):  # this user has no name on this machine
            by = THIS_MACHINE
    name = plain(by, "--by")
    try:
        return Actor(name, UserRole.ADMIN)
    except UserError as error:
        raise UsageError("the change has no author", fix="give your name, as --by Ann") from error


def entry_of(store: Store, audit_id: int) -> AuditEntry:
    """The entry of a change that was just made. Raises StoreError where it is gone already."""
    entry = store.audit.get(audit_id)
    if entry is None:
        raise StoreError(f"{store.path}: the record of a change is gone", fix="run 'footfall doctor'")
    return entry


def plain(text: str, option: str) -> str:
    """The text of an option on one line. Raises UsageError when it is too long or has control characters."""
    from tracker.actions.actor import one_line

    try:
        return one_line(text)
    except UserError as error:
        raise UsageError(f"{option}: {error.problem}", fix=error.fix) from error
