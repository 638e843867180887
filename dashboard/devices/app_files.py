"""The page of a device, as `make browser` builds it, and the networks that it runs: files for everybody."""

from __future__ import annotations

import mimetypes
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import flask
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join

from config.errors import ModelError
from dashboard.access.guard import CAMERA
from dashboard.queries import Board

BUILT = Path(__file__).parents[1] / "browser" / "dist"
_INDEX, _HINTS = "index.html", "hints.js"
_HASHED = re.compile(r"[-.]([0-9A-Z]{8}|[0-9a-f]{8,64})\.\w+$")
"""The content of a file with such a name never changes."""
_FOREVER = "public, max-age=31536000, immutable"
_CHECKED = "no-cache"
"""Browsers ask whether it changed before they use it."""
_TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm", ".json": "application/json"}
_TYPES |= {".webmanifest": "application/manifest+json", ".bin": "application/octet-stream", ".svg": "image/svg+xml"}


def register(server: flask.Flask, board: Board) -> None:
    """Serve the files."""
    server.register_blueprint(_Files(board).blueprint)


def has_hints(models: Path) -> bool:
    """Whether a worker of the page of enrolment can look at pictures: it and the networks are built."""
    try:
        return (BUILT / _HINTS).is_file() and all(_verified(models, name).is_dir() for name in ("pnet", "rnet", "onet"))
    except ModelError:
        return False


class _Files:
    def __init__(self, board: Board) -> None:
        self._board = board
        self.blueprint = flask.Blueprint("camera", __name__, url_prefix=CAMERA.rstrip("/"), template_folder="templates")
        for path, view in (
            ("/", self.index),
            ("/networks/<network>/<path:name>", self.network),
            ("/<path:name>", self.file),
        ):
            self.blueprint.add_url_rule(path, view.__name__, view)

    def index(self) -> Any:
        """The page; where it is not built, how to build it."""
        if not (BUILT / _INDEX).is_file():
            site_name = self._board.settings.site.name
            return flask.make_response(flask.render_template("not-built.html", site_name=site_name), 503)
        return _sent(BUILT, _INDEX)

    def file(self, name: str) -> Any:
        """A file of the page."""
        return _sent(BUILT, name)

    def network(self, network: str, name: str) -> Any:
        """A file of a network in the form of TensorFlow.js."""
        try:
            return _sent(_verified(self._board.settings.models.dir, network), name)
        except ModelError as error:
            return {"error": error.problem, "fix": error.fix}, 503


@cache
def _verified(models: Path, network: str) -> Path:
    """The folder of a network, whose files were verified. Raises NotFound, and ModelError where it is not built."""
    from models.browser import NETWORKS, browser_networks  # here, because no other page needs it

    if network not in NETWORKS:
        raise NotFound
    return browser_networks(models, [network]) / network


def _sent(folder: Path, name: str) -> flask.Response:
    """A file of the folder. Raises NotFound, also for what leads out of it."""
    found = safe_join(str(folder), name)
    path = None if found is None else Path(found)
    is_file = path is not None and os.path.isfile(path)  # noqa: PTH113 - Path.is_file raises where a name is too long
    if path is None or not is_file or not path.resolve().is_relative_to(folder.resolve()):
        raise NotFound
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    response = flask.send_file(path, mimetype=kind, conditional=True, etag=True)
    response.headers["Cache-Control"] = _FOREVER if _HASHED.search(path.name) else _CHECKED
    response.headers["Service-Worker-Allowed"] = f"{flask.request.script_root}{CAMERA}"
    return response
