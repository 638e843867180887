"""The two cookies of the dashboard, and the token that a request which changes something has to carry.

One cookie holds the token of a sign-in, the other a random number for pages and forms. A page gets a digest of both
and sends it with every request that is not a GET: another site can make a browser send the cookies, but it cannot read
the page.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

import flask
from werkzeug.wrappers import Response

TOKEN_HEADER = "X-CSRF-Token"  # noqa: S105 - its name
TOKEN_FIELD = "csrf_token"  # noqa: S105
_SIGN_IN, _FORM = "footfall-sign-in", "footfall-form"


def sign_in_token() -> str:
    """The token of the sign-in of this request; empty without one."""
    return flask.request.cookies.get(_name(_SIGN_IN), "")


def csrf_token() -> str:
    """The token that requests of the page which is being made have to carry."""
    return _token(_form_key(), sign_in_token())


def carries_token() -> bool:
    """Whether this request carries the token of a page that was made for this browser and sign-in."""
    form_key = flask.request.cookies.get(_name(_FORM), "")
    carried = flask.request.headers.get(TOKEN_HEADER) or flask.request.form.get(TOKEN_FIELD, "")
    return bool(form_key) and hmac.compare_digest(carried.encode(), _token(form_key, sign_in_token()).encode())


def remember_form(response: Response) -> None:
    """Give the browser the cookie of a page that was made with a new one."""
    if "form_key" in flask.g:
        _set(response, _FORM, flask.g.form_key, None)


def sign_in(response: Response, token: str, *, for_s: int) -> None:
    """Give the browser the cookie of a new sign-in, and forget pages that were made before it."""
    _set(response, _SIGN_IN, token, for_s)
    _set(response, _FORM, secrets.token_urlsafe(32), None)


def sign_out(response: Response) -> None:
    """Delete the cookies."""
    for name in (_SIGN_IN, _FORM):
        _set(response, name, "", 0)


def _form_key() -> str:
    known = flask.request.cookies.get(_name(_FORM), "")
    if known:
        return known
    if "form_key" not in flask.g:
        flask.g.form_key = secrets.token_urlsafe(32)
    return str(flask.g.form_key)


def _token(form_key: str, sign_in_token: str) -> str:
    return hmac.digest(form_key.encode(), sign_in_token.encode(), hashlib.sha256).hex()


def _name(kind: str) -> str:
    """With the port, because cookies are shared by all ports of a host; `__Host-` binds a secure one to the host."""
    _, _, port = flask.request.host.rpartition(":")
    name = f"{kind}-{port}" if port.isdigit() else kind
    return f"__Host-{name}" if flask.request.is_secure else name


def _set(response: Response, kind: str, value: str, max_age_s: int | None) -> None:
    secure = flask.request.is_secure
    response.set_cookie(
        _name(kind), value, max_age=max_age_s, secure=secure, httponly=True, samesite="Strict", path="/"
    )
