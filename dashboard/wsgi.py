"""What stands between the server and the pages: the path below which a proxy serves them, and compressed answers."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import flask

from dashboard.answers import Answers

WsgiApp: TypeAlias = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_LEAST_BYTES = 1_000
_LEVEL = 4
_bundles = Answers(64)
_TEXTS = ("text/", "application/json", "application/javascript", "image/svg+xml")


class BelowPath:
    """A WSGI application that is reached below `base_path`, whether or not the proxy keeps that path in requests."""

    def __init__(self, application: WsgiApp, base_path: str) -> None:
        self._application = application
        self._base = base_path.rstrip("/")

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == self._base or path.startswith(f"{self._base}/"):
            environ["PATH_INFO"] = path[len(self._base) :] or "/"
        environ["SCRIPT_NAME"] = self._base
        return self._application(environ, start_response)


def compressed(response: flask.Response) -> flask.Response:
    """The answer, with gzip where the browser takes it and it is worth it."""
    response.vary.add("Accept-Encoding")
    if not _is_worth_it(response) or not flask.request.accept_encodings["gzip"]:
        return response
    if response.cache_control.max_age:  # a bundle of scripts, whose path changes with its content
        packed = _bundles.get((flask.request.path,), lambda: gzip.compress(response.get_data(), _LEVEL))
    else:
        packed = gzip.compress(response.get_data(), _LEVEL)
    response.set_data(packed)
    response.headers["Content-Encoding"] = "gzip"
    if response.headers.get("ETag"):
        response.headers["ETag"] = f"W/{response.headers['ETag'].removeprefix('W/')}"
    return response


def _is_worth_it(response: flask.Response) -> bool:
    if response.is_streamed and not response.direct_passthrough:
        return False
    if response.status_code != 200 or response.headers.get("Content-Encoding") or response.mimetype is None:
        return False
    if not response.mimetype.startswith(_TEXTS):
        return False
    response.direct_passthrough = False
    return len(response.get_data()) >= _LEAST_BYTES
