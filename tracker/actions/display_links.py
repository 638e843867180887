"""Links to the display at the door: made and revoked."""

from __future__ import annotations

from tracker.actions.actor import Actor
from tracker.actions.operation import Operation, changing
from tracker.identity.names import clean_name
from tracker.store.audit import SubjectKind
from tracker.store.store import Store
from tracker.store.users import UserRole

LINK = Operation(name="display.link", words="made a link to the display", least=UserRole.ADMIN)
REVOKE = Operation(name="display.revoke", words="revoked a link to the display", least=UserRole.ADMIN)
OPERATIONS = (LINK, REVOKE)


def add(store: Store, actor: Actor, name: str) -> str:
    """Make a link. Returns its key, which is kept nowhere. Raises UserError when the name is taken or invalid."""
    with changing(store, actor, LINK) as change:
        name = clean_name(name)
        key = store.display_links.add(name)
        change.record(SubjectKind.DISPLAY_LINK, name, before={}, after={"name": name})
    return key


def revoke(store: Store, actor: Actor, name: str) -> str:
    """Revoke a link. Returns its name as it was given. Raises UserError when there is none of this name."""
    with changing(store, actor, REVOKE) as change:
        found = store.display_links.revoke(name)
        change.record(SubjectKind.DISPLAY_LINK, found.name, before={"name": found.name}, after={})
    return found.name
