"""Signing in and out, and the page of one's own account. Plain pages that need no script."""

from __future__ import annotations

import math
import secrets
from datetime import timedelta
from typing import Any

import flask
from flask import request
from werkzeug.wrappers import Response

from config.errors import UserError
from dashboard.access import cookies
from dashboard.access.attempts import Attempts
from dashboard.access.identity import Access, current_actor, current_user
from dashboard.wording import sentence
from tracker.actions import users
from tracker.presence.people import name_key
from tracker.store.passwords import MAX_PASSWORD, MIN_PASSWORD, hash_password, is_password
from tracker.store.users import User

SIGN_IN_FOR = timedelta(days=7)
_WRONG = "Name or password is wrong."


def register(server: flask.Flask, access: Access, *, site_name: str) -> None:
    """Add the pages to `server`."""
    server.register_blueprint(_Pages(access, site_name).blueprint)


class _Pages:
    def __init__(self, access: Access, site_name: str) -> None:
        self._access = access
        self._site_name = site_name
        self._attempts = Attempts()
        self.blueprint = flask.Blueprint("access", __name__, template_folder="templates")
        for path, view, methods in (
            ("/sign-in", self.sign_in, ["GET", "POST"]),
            ("/sign-out", self.sign_out, ["POST"]),
            ("/sign-out-everywhere", self.sign_out_everywhere, ["POST"]),
            ("/account", self.account, ["GET", "POST"]),
        ):
            self.blueprint.add_url_rule(path, view.__name__, view, methods=methods)

    def sign_in(self) -> Any:
        """The form, and what it sends."""
        target = _local(request.values.get("next", ""))
        if current_user() is not None:
            return flask.redirect(target, 303)
        if request.method == "GET":
            return self._show("sign-in.html", target=target, no_users=not self._access.store().users.exist())
        name, password = request.form.get("name", "").strip(), request.form.get("password", "")
        wait_s = self._attempts.begin(name_key(name), request.remote_addr or "")
        if wait_s:
            return self._wait("sign-in.html", wait_s, target=target, name=name)
        known = self._access.store().users.credentials(name)
        if not is_password(password, None if known is None else known.password_hash) or known is None:
            return self._show("sign-in.html", status=401, target=target, name=name, problem=_WRONG)
        self._attempts.succeed(name_key(name), request.remote_addr or "")
        return self._signed_in(known.user, target)

    def sign_out(self) -> Any:
        """End this sign-in."""
        self._access.store().users.sign_out(cookies.sign_in_token())
        return self._signed_out()

    def sign_out_everywhere(self) -> Any:
        """End every sign-in of this user."""
        user = self._require_user()
        users.sign_out_everywhere(self._access.store(), current_actor(), user.name)
        return self._signed_out()

    def account(self) -> Any:
        """The user's name, and another password."""
        user = self._require_user()
        if request.method == "GET":
            return self._show("account.html", changed=request.args.get("changed") == "1")
        name, address = name_key(user.name), request.remote_addr or ""
        wait_s = self._attempts.begin(name, address)
        if wait_s:
            return self._wait("account.html", wait_s)
        known = self._access.store().users.credentials(user.name)
        if not is_password(request.form.get("password", ""), None if known is None else known.password_hash):
            return self._show("account.html", status=401, problem="The current password is wrong.")
        self._attempts.succeed(name, address)
        try:
            self._set_password(user)
        except UserError as error:
            return self._show("account.html", status=400, problem=sentence(f"{error.problem}; {error.fix}"))
        return self._signed_in(user, flask.url_for("access.account", changed=1))

    def _set_password(self, user: User) -> None:
        new = request.form.get("new_password", "")
        if new != request.form.get("again", ""):
            raise UserError("the two new passwords differ", fix="type the same password twice")
        users.set_password(self._access.store(), current_actor(), user.name, hash_password(new, name=user.name))

    def _require_user(self) -> User:
        user = current_user()
        if user is None:
            flask.abort(404)  # nobody signs in here
        return user

    def _signed_in(self, user: User, target: str) -> Response:
        token = secrets.token_urlsafe(32)
        self._access.store().users.sign_in(user.name, token, expires_at=self._access.now() + SIGN_IN_FOR)
        response = flask.redirect(target, 303)
        cookies.sign_in(response, token, for_s=int(SIGN_IN_FOR.total_seconds()))
        return response

    def _signed_out(self) -> Response:
        response = flask.redirect(flask.url_for("access.sign_in"), 303)
        cookies.sign_out(response)
        return response

    def _wait(self, template: str, wait_s: float, **values: Any) -> flask.Response:
        seconds = math.ceil(wait_s)
        problem = f"Too many attempts. Try again in {seconds} s."
        response = self._show(template, status=429, problem=problem, **values)
        response.headers["Retry-After"] = str(seconds)
        return response

    def _show(self, template: str, *, status: int = 200, **values: Any) -> flask.Response:
        page = flask.render_template(
            template,
            site_name=self._site_name,
            user=current_user(),
            csrf_token=cookies.csrf_token(),
            min_password=MIN_PASSWORD,
            max_password=MAX_PASSWORD,
            **values,
        )
        return flask.make_response(page, status)


def _local(target: str) -> str:
    """A path of this dashboard; its first page for anything else, so that nobody is led elsewhere after signing in."""
    plain = target.isprintable() and target.startswith("/") and not target.startswith(("//", "/_", "/sign-"))
    return target if plain and "\\" not in target else flask.url_for("/")
