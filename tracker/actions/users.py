"""Users of the dashboard: added, removed, signed out, and given another password, of which the record holds nothing."""

from __future__ import annotations

from config.errors import UserError
from tracker.actions.actor import Actor
from tracker.actions.operation import Operation, changing
from tracker.identity.names import clean_name
from tracker.presence.people import name_key
from tracker.store.audit import SubjectKind
from tracker.store.store import Store
from tracker.store.users import User, UserRole

ADD = Operation(name="users.add", words="added a user", least=UserRole.ADMIN)
REMOVE = Operation(name="users.remove", words="removed a user", least=UserRole.ADMIN)
PASSWORD = Operation(name="users.password", words="set the password of a user", least=UserRole.ADMIN)
SIGN_OUT = Operation(name="users.sign_out", words="signed a user out everywhere", least=UserRole.ADMIN)
OWN_PASSWORD = Operation(name="users.own_password", words="changed the own password", least=UserRole.VIEWER)
OWN_SIGN_OUT = Operation(name="users.own_sign_out", words="signed out everywhere", least=UserRole.VIEWER)
OPERATIONS = (ADD, REMOVE, PASSWORD, SIGN_OUT, OWN_PASSWORD, OWN_SIGN_OUT)


def require(store: Store, name: str) -> User:
    """The user of this name. Raises UserError when there is none."""
    found = store.users.credentials(name)
    if found is None:
        raise UserError(f"no user named {name!r}", fix="'footfall users list' shows them")
    return found.user


def add(store: Store, actor: Actor, name: str, role: UserRole, password_hash: str) -> User:
    """Add a user. Raises UserError when the name is taken or invalid."""
    with changing(store, actor, ADD) as change:
        user = User(name=clean_name(name), role=role, created_at=change.at)
        store.users.add(user, password_hash)
        change.record(SubjectKind.USER, user.name, before={}, after={"role": role})
    return user


def remove(store: Store, actor: Actor, name: str) -> User:
    """Remove a user, who is signed out at once. Raises UserError when there is none of this name."""
    with changing(store, actor, REMOVE) as change:
        user = require(store, name)
        store.users.remove(user.name)
        change.record(SubjectKind.USER, user.name, before={"role": user.role}, after={})
    return user


def set_password(store: Store, actor: Actor, name: str, password_hash: str) -> User:
    """Replace a password and sign the user out everywhere; everybody may replace their own.

    Raises UserError when there is no user of this name.
    """
    with changing(store, actor, OWN_PASSWORD if _is_own(actor, name) else PASSWORD) as change:
        user = require(store, name)
        store.users.set_password(user.name, password_hash)
        change.record(SubjectKind.USER, user.name, before={}, after={"password": "replaced", "signed_out": True})
    return user


def sign_out_everywhere(store: Store, actor: Actor, name: str) -> User:
    """End every sign-in of a user; everybody may end their own. Raises UserError when there is none of this name."""
    with changing(store, actor, OWN_SIGN_OUT if _is_own(actor, name) else SIGN_OUT) as change:
        user = require(store, name)
        store.users.sign_out_everywhere(user.name)
        change.record(SubjectKind.USER, user.name, before={}, after={"signed_out": True})
    return user


def _is_own(actor: Actor, name: str) -> bool:
    return name_key(actor.name) == name_key(name)
