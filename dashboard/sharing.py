"""Answers that readers share: who asks the same at the same state of the store gets the bytes made for the first.

Only callbacks that are registered as shared take part, see `RoleCallbacks.callback`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import flask
from dash import Dash

from config.errors import StoreError
from dashboard.access.callbacks import is_shared
from dashboard.access.identity import anonymise_user, current_actor
from dashboard.answers import Answers
from dashboard.queries import Board
from dashboard.wsgi import compressed

_UPDATE = "/_dash-update-component"
_KEPT = 32
_HEADERS = ("Content-Type", "Content-Encoding", "Vary")


def share(app: Dash, board: Board) -> None:
    """Compute an answer of a shared callback once for all who ask for it."""
    server: flask.Flask = app.server
    compute = server.view_functions[_UPDATE]
    answers = Answers(_KEPT)

    def first() -> _Answer:
        anonymise_user()
        return _Answer.of(compressed(flask.make_response(compute())))

    @server.endpoint(_UPDATE)
    def answer() -> Any:
        asked = flask.request.get_json(silent=True)
        if not isinstance(asked, dict) or not is_shared(app, asked.get("output")):
            return compute()
        try:
            key = _key(board)
        except StoreError:
            return compute()
        return answers.get(key, first, keep=lambda found: not found.failed).response()


def _key(board: Board) -> tuple[object, ...]:
    """All that the answer depends on: what is asked, with every value; the role; the store, its clock and settings.

    Raises StoreError.
    """
    asked = hashlib.sha256(flask.request.get_data()).digest()
    return asked, current_actor().role, flask.request.accept_encodings["gzip"] > 0, board.pulse().anything


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What a response has for everybody. failed: the callback did, so that the next one who asks tries again."""

    body: bytes
    status: int
    headers: dict[str, str]
    failed: bool

    @classmethod
    def of(cls, response: flask.Response) -> _Answer:
        headers = {name: response.headers[name] for name in _HEADERS if name in response.headers}
        failed = response.status_code != 200 or flask.g.get("callback_failed", False)
        return cls(body=response.get_data(), status=response.status_code, headers=headers, failed=failed)

    def response(self) -> flask.Response:
        return flask.Response(self.body, self.status, self.headers)
