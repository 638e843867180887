"""What every request passes: host, origin, token and sign-in before it, security headers after it."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

import flask
from werkzeug.exceptions import Forbidden, MisdirectedRequest, ServiceUnavailable, Unauthorized
from werkzeug.wrappers import Response

from config.errors import StoreError
from dashboard.access import cookies
from dashboard.access.hosts import Hosts
from dashboard.access.identity import Access

MAX_BODY_BYTES = 1_000_000
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_ASSETS, _BUNDLES, SIGN_IN = "/assets/", "/_dash-component-suites/", "/sign-in"
DISPLAY = frozenset({"/display", "/display.json"})
"""What the key of a link to the display opens."""
CAMERA, CAMERA_API = "/camera/", "/camera/api/"
"""The page of a device that is a camera, for everybody; and what it asks for with the key of the device."""
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_PERMISSIONS = "camera=({camera}), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
_CAMERA_PERMISSIONS = f"{_PERMISSIONS.format(camera='self')}, screen-wake-lock=(self)"
_CAMERA_PAGES = frozenset({"/people/enrol"})
"""The pages that may use a camera of the browser."""
_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; script-src {scripts}; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_CAMERA_POLICY = (
    _POLICY.format(scripts="'self' blob: 'wasm-unsafe-eval'") + "; worker-src 'self' blob:; connect-src 'self'"
    " https://securetoken.googleapis.com https://firestore.googleapis.com"
)
"""The networks run as WebAssembly, whose threads are scripts that the page makes; a device of a site without this
dashboard sends to Firestore."""
_SAME_SITE_AGAIN = (
    '<!DOCTYPE html><html lang="en"><meta http-equiv="refresh" content="0"><title>Footfall</title></html>'
)


def guard(server: flask.Flask, access: Access, hosts: Hosts, *, script_hashes: Sequence[str]) -> None:
    """Check every request to `server`, and set the headers of every response.

    script_hashes: the inline scripts of the pages, as the Content-Security-Policy names them.
    """
    server.config["MAX_CONTENT_LENGTH"] = server.config["MAX_FORM_MEMORY_SIZE"] = MAX_BODY_BYTES
    policy = _POLICY.format(scripts=" ".join(("'self'", *script_hashes)))

    @server.before_request
    def check() -> Response | None:
        if not hosts.accept(flask.request.headers.get("Host", "")):
            raise MisdirectedRequest("The dashboard has no such name; dashboard.allowed_hosts lists its names.")
        if _is_of_device():
            access.identify_device()
            return None
        if flask.request.method not in _SAFE_METHODS:
            _require_own_page()
        return _require_sign_in(access)

    @server.after_request
    def headers(response: flask.Response) -> flask.Response:
        response.headers.update(_HEADERS)
        response.headers["Content-Security-Policy"] = policy
        camera = "self" if flask.request.path.rstrip("/") in _CAMERA_PAGES else ""
        response.headers["Permissions-Policy"] = _PERMISSIONS.format(camera=camera)
        if flask.request.path.startswith(CAMERA):
            response.headers["Content-Security-Policy"] = _CAMERA_POLICY
            response.headers["Permissions-Policy"] = _CAMERA_PERMISSIONS
            response.headers["Cross-Origin-Embedder-Policy"] = "require-corp"  # WebAssembly gets threads by it
        if not _may_be_kept(response):
            response.headers["Cache-Control"] = "no-store"
        cookies.remember_form(response)
        return response


def _is_of_device() -> bool:
    """Whether the request is one of a device, which needs no sign-in: its page is for everybody, the rest has a key."""
    path = flask.request.path
    is_page = f"{path}/".startswith(CAMERA) and flask.request.method in _SAFE_METHODS
    return is_page or path.startswith(CAMERA_API)


def _may_be_kept(response: flask.Response) -> bool:
    path = flask.request.path
    if path.startswith(CAMERA):
        return response.status_code < 400 and not path.startswith(CAMERA_API)
    return path.startswith((_ASSETS, _BUNDLES))


def _require_own_page() -> None:
    """Refuse what a page of another site sends. Raises Forbidden, and Unauthorized where the page is out of date."""
    site = flask.request.headers.get("Sec-Fetch-Site")
    origin = flask.request.headers.get("Origin")
    if site is not None and site != "same-origin":
        raise Forbidden("The request comes from a page of another site.")
    if site is None and origin is not None and urlsplit(origin).netloc != flask.request.host:
        raise Forbidden("The request comes from a page of another site.")
    if not cookies.carries_token():
        raise Unauthorized("The page is out of date: load it again.")


def _require_sign_in(access: Access) -> Response | None:
    """Let the request go on, or answer it: pages lead to the sign-in, everything else is refused."""
    path = flask.request.path
    if path.startswith(_ASSETS):
        return None
    try:
        passed = access.identify() or (path in DISPLAY and access.is_display())
    except StoreError as error:
        raise ServiceUnavailable("The store cannot be read.") from error
    if passed or path == SIGN_IN:
        return None
    if flask.request.method != "GET" or path.startswith("/_") or path.endswith(".json"):
        raise Unauthorized("Sign in first.")
    if not cookies.sign_in_token() and flask.request.headers.get("Sec-Fetch-Site") in {"cross-site", "same-site"}:
        return flask.Response(_SAME_SITE_AGAIN)  # a link elsewhere led here: only the browser's own request has cookies
    asked = flask.request.script_root + flask.request.full_path.removesuffix("?")
    return flask.redirect(flask.url_for("access.sign_in", next=asked), 303)
