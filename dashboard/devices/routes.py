"""What the page of a device asks for: JSON below /camera/api/, with the key of the device in place of a sign-in.

Errors are `{"error": problem, "fix": …}`; a key that is wrong or revoked is answered by 401 with `revoked`.
"""

from __future__ import annotations

import logging
import math
from typing import Any

import flask
from flask import request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from config.errors import FootfallError, ModelError, RecordError, StoreError
from dashboard.access.guard import CAMERA_API
from dashboard.devices.body import read_body, read_instance
from dashboard.devices.configuration import configuration, gallery_version
from dashboard.devices.gallery import gallery, sealed
from dashboard.devices.keys import Keys, RefusedError
from dashboard.devices.recording import HeldError, hold, record
from dashboard.queries import Board
from tracker.presence.events import time_text
from tracker.store.store import Store

logger = logging.getLogger("footfall.dashboard")

_STATUS: tuple[tuple[type[FootfallError], int], ...] = (
    (HeldError, 409),
    (RecordError, 400),
    (ModelError, 503),
    (StoreError, 503),
)


def register(server: flask.Flask, board: Board) -> None:
    """Add the addresses to `server`."""
    server.register_blueprint(_Routes(board).blueprint)


class _Routes:
    def __init__(self, board: Board) -> None:
        self._board = board
        self._keys = Keys(board.store_file, board.site_id)
        self.blueprint = flask.Blueprint("devices", __name__, url_prefix=CAMERA_API.rstrip("/"))
        for kind, handler in (
            (RefusedError, _refused),
            (FootfallError, _failed),
            (RequestEntityTooLarge, _too_large),
            (HTTPException, _other),
        ):
            self.blueprint.register_error_handler(kind, handler)
        for path, view, method in (
            ("/config", self.config, "GET"),
            ("/gallery", self.gallery, "GET"),
            ("/records", self.records, "POST"),
            ("/<path:_name>", self.nothing, "GET"),
        ):
            self.blueprint.add_url_rule(path, view.__name__, view, methods=[method])

    def config(self) -> Any:
        """The configuration; with `instance`, for the page that is the camera from now on."""
        device, _ = self._keys.device()
        store = self._board.store()
        if "instance" in request.args:
            hold(store, device, read_instance(request.args["instance"]))
        return configuration(device, self._board.settings, store, self._board.now())

    def gallery(self) -> Any:
        """The enrolled people, sealed for the device; 304 where the page has them."""
        _, key = self._keys.device()
        store, settings, now = self._board.store(), self._board.settings, self._board.now()
        version = gallery_version(settings, store, now)
        if request.if_none_match.contains_weak(version):
            response = flask.Response(status=304)
        else:
            document = gallery(settings, store, now)
            version = document["version"]
            response = flask.Response(sealed(document, key), mimetype="application/octet-stream")
        response.set_etag(version)
        return response

    def records(self) -> Any:
        """Store records; sending them again changes nothing."""
        device, _ = self._keys.device()
        store, settings, now = self._board.store(), self._board.settings, self._board.now()
        found = record(store, settings, device, read_body(request.get_data(cache=False)), now)
        return {
            "stored": found.stored,
            "known": found.known,
            "rejected": [{"id": record_id, "reason": reason} for record_id, reason in found.rejected],
            "now": time_text(self._board.now()),
            "gallery_version": self._gallery_version(store),
        }

    def _gallery_version(self, store: Store) -> str | None:
        """None where there is no gallery: that is no reason to send the records again."""
        try:
            return gallery_version(self._board.settings, store, self._board.now())
        except ModelError as error:
            logger.warning("devices get no people: %s", error)
            return None

    def nothing(self, _name: str) -> Any:
        """Any other address: 404, and without a key 401 as everywhere."""
        self._keys.device()
        raise RefusedError(404, "there is nothing at this address", fix="reload the page of the camera")


def _refused(error: RefusedError) -> Any:
    return _answer(error.document, error.status, error.retry_after_s)


def _failed(error: FootfallError) -> Any:
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    return _answer({"error": error.problem, "fix": error.fix}, status)


def _too_large(_error: RequestEntityTooLarge) -> Any:
    return _answer({"error": "the body is too large", "fix": "send fewer records at once"}, 413)


def _other(error: HTTPException) -> Any:
    return _answer({"error": error.name.lower(), "fix": "reload the page of the camera"}, error.code or 500)


def _answer(document: dict[str, Any], status: int, retry_after_s: float = 0.0) -> flask.Response:
    response = flask.make_response(document, status)
    if retry_after_s:
        response.headers["Retry-After"] = str(math.ceil(retry_after_s))
    return response
