"""Who sends a request, what they may do, and whether names may be shown to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import flask
from werkzeug.exceptions import NotFound

from config.errors import StoreError
from dashboard.access import cookies
from tracker.actions.actor import THIS_MACHINE, Actor
from tracker.store.store import Store
from tracker.store.users import User, UserRole

_DISPLAY = Actor("a display", UserRole.VIEWER)
"""Whoever has the link of a display."""
_DEVICE = Actor("a device", UserRole.VIEWER)
"""Whoever asks for the page of a camera, or for what it needs."""


def current_user() -> User | None:
    """Who is signed in for this request; None where no sign-in is needed."""
    found: User | None = flask.g.get("user")
    return found


def current_actor() -> Actor:
    """Who changes something by this request: the user, or an admin where no sign-in is needed.

    Raises StoreError where that cannot be known.
    """
    trouble: StoreError | None = flask.g.get("trouble")
    if trouble is not None:
        raise trouble
    if flask.g.get("is_display", False):
        return _DISPLAY
    if flask.g.get("is_device", False):
        return _DEVICE
    user = current_user()
    return Actor(THIS_MACHINE, UserRole.ADMIN) if user is None else Actor(user.name, user.role)


def anonymise_user() -> None:
    """From here on the user of this request is anybody of the same role, so that what is made holds for all of them."""
    user = current_user()
    if user is not None:
        flask.g.user = replace(user, name=user.role)


def may(least: UserRole) -> bool:
    """Whether the role of who asks includes that one. Raises StoreError where that cannot be known."""
    return current_actor().role.includes(least)


def may_open(least: UserRole) -> bool:
    """Whether a page of that least role is there for who asks. All are while the store cannot be read: without data."""
    return flask.g.get("trouble") is not None or may(least)


def require(least: UserRole) -> None:
    """Answer as if there were nothing at this address, unless the role of who asks includes `least`."""
    if not may(least):
        raise NotFound


def names_shown() -> bool:
    """Whether this request may get the names of people. Raises StoreError where that cannot be known."""
    return current_actor().role.sees_names


class Access:
    """Who is signed in. store: with the users, and the links to its display; raises StoreError while it is unreadable.

    now: the time, UTC. always: nobody gets in without signing in, also while there are no users.
    """

    def __init__(self, store: Callable[[], Store], *, now: Callable[[], datetime], always: bool) -> None:
        self.store = store
        self.now = now
        self._always = always

    def identify(self) -> bool:
        """Find out who sends this request. Returns whether pages are open to them. Raises StoreError.

        From the first user on a sign-in is needed, also when the store cannot be read later or users are removed.
        """
        flask.g.user = None
        try:
            self._always = self._always or self.store().users.exist()
        except StoreError as error:
            flask.g.trouble = error  # no data without knowing whether there are users
            return True
        if self._always:
            token = cookies.sign_in_token()
            flask.g.user = self.store().users.signed_in(token, self.now()) if token else None
        return not self._always or flask.g.user is not None

    def is_display(self) -> bool:
        """Whether this request, of nobody who is signed in, has the key of a link to the display. Raises StoreError."""
        flask.g.is_display = self.store().display_links.opens(flask.request.args.get("key", ""))
        return bool(flask.g.is_display)

    def identify_device(self) -> None:
        """This request is one of a device that is a camera, or becomes one: of nobody who is signed in."""
        flask.g.is_device = True
