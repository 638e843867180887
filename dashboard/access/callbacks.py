"""The callbacks of a page or of its actions, which are not there for those whose role does not include them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import flask
from dash import Dash

from dashboard.access.identity import require
from tracker.store.users import UserRole

_SHARED = "footfall_shared"


def is_shared(app: Dash, output: object) -> bool:
    """Whether the callback with these outputs, as a browser names them, is registered as shared."""
    known = app.callback_map.get(output, {}) if isinstance(output, str) else {}
    return bool(getattr(known.get("callback"), _SHARED, False))


class RoleCallbacks:
    """Registers callbacks as the application does; below the role `least` the server answers them with 404."""

    def __init__(self, app: Dash | RoleCallbacks, least: UserRole) -> None:
        self._app = app
        self._least = least

    @property
    def server(self) -> flask.Flask:
        """As `Dash.server`, for what a page asks for besides its callbacks; that checks the role itself."""
        found: flask.Flask = self._app.server
        return found

    def asset(self, name: str) -> str:
        """The address of a file in the assets folder."""
        return self._app.asset(name) if isinstance(self._app, RoleCallbacks) else str(self._app.get_asset_url(name))

    def callback(
        self, *wires: Any, shared: bool = False, **options: Any
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """As `Dash.callback`.

        shared: the answer depends on the values, the role, and what `Board.pulse` covers, and on nothing else of who
        asks: it is computed once for all readers of a role.
        """

        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            @wraps(function)
            def guarded(*values: Any) -> Any:
                require(self._least)
                return function(*values)

            guarded.__dict__[_SHARED] = shared  # Dash wraps it into a function that has the same attributes
            register: Callable[..., Any] = self._app.callback(*wires, **options)
            registered: Callable[..., Any] = register(guarded)
            return registered

        return decorate

    def clientside_callback(self, *wires: Any, **options: Any) -> None:
        """As `Dash.clientside_callback`: it runs in the browser, which has nothing that its user may not see."""
        register: Callable[..., None] = self._app.clientside_callback
        register(*wires, **options)
