"""Administration of a project's users: grant people access, look up the project's Web API key."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests
from firebase_admin import auth
from firebase_admin import exceptions as firebase_errors
from google.auth.transport.requests import AuthorizedSession

from config.errors import CloudError, CloudUnreachableError
from tracker.cloud.auth.access import Access, granted
from tracker.cloud.client import Connection
from tracker.cloud.errors import explained, text_of

_MANAGEMENT = "https://firebase.googleapis.com/v1beta1/projects"
_TIMEOUT_S = 30.0
_ANY_KEY = "emulator"
"""The Auth emulator takes whatever it is given."""
_GIVE_KEY = "give --api-key, the Web API key that the console shows under Project settings, General"
_NO_SERVICE_ACCOUNT = "give the file of a service account with --credentials, or set cloud.credentials to it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """The access that was granted. link: where a new user chooses a password, None for an existing user."""

    email: str
    uid: str
    site_id: str
    access: Access | None
    link: str | None


@contextmanager
def users_explained() -> Iterator[None]:
    """Turn the errors of Firebase Authentication into ours: CloudUnreachableError where a retry may succeed."""
    try:
        with explained():
            yield
    except auth.ConfigurationNotFoundError as error:
        raise CloudError(
            "the project has no Firebase Authentication", fix="open Authentication in the console, click Get started"
        ) from error
    except auth.TokenSignError as error:
        raise CloudError(f"no token can be signed ({text_of(error)})", fix=_NO_SERVICE_ACCOUNT) from error
    except (firebase_errors.PermissionDeniedError, firebase_errors.UnauthenticatedError) as error:
        raise CloudError(
            f"Firebase Authentication refuses this to us ({text_of(error)})", fix=_NO_SERVICE_ACCOUNT
        ) from error
    except (
        firebase_errors.UnavailableError,
        firebase_errors.DeadlineExceededError,
        firebase_errors.ResourceExhaustedError,
        firebase_errors.InternalError,
    ) as error:
        raise CloudUnreachableError(
            f"Firebase Authentication cannot be reached ({text_of(error)})", fix="check the network, then try again"
        ) from error
    except firebase_errors.FirebaseError as error:
        raise CloudError(f"Firebase Authentication: {text_of(error)}", fix="see docs/firebase.md") from error


def grant(connection: Connection, email: str, site_id: str, access: Access | None) -> Grant:
    """Grant somebody access to a site, None revokes it; creates a user, and a link to set a password, where needed.

    Raises CloudError, also for an unverified e-mail address, which may belong to somebody else.
    """
    with users_explained():
        user = _user(connection, email)
        link = None
        if user is None:
            if access is None:
                raise CloudError(f"nobody signs in as {email}", fix="check the address; there is nothing to take away")
            user = auth.create_user(email=email, app=connection.app)
            link = auth.generate_password_reset_link(email, app=connection.app)
        elif access is not None:
            _require_proven(user)
        try:
            claims = granted(user.custom_claims, site_id, access)
        except ValueError as error:
            raise CloudError(f"{email}: {error}", fix="see docs/firebase.md, people") from error
        auth.set_custom_user_claims(user.uid, claims or None, app=connection.app)
        if access is None:
            auth.revoke_refresh_tokens(user.uid, app=connection.app)
    return Grant(email=email, uid=user.uid, site_id=site_id, access=access, link=link)


def web_api_key(connection: Connection, *, emulated: bool = False) -> str:
    """The key that identifies the project to Google's sign-in, of its web app; no secret.

    emulated: the sign-in is an emulator's, which accepts any key. Raises CloudError where the project has no web app.
    """
    if emulated:
        return _ANY_KEY
    project = f"{_MANAGEMENT}/{connection.app.project_id}"
    session = AuthorizedSession(connection.app.credential.get_credential())
    try:
        with explained():
            apps = _got(session, f"{project}/webApps?pageSize=1").get("apps")
            app_id = apps[0].get("appId") if isinstance(apps, list) and apps else None
            found = None if app_id is None else _got(session, f"{project}/webApps/{app_id}/config").get("apiKey")
    except requests.RequestException as error:
        raise CloudUnreachableError(
            f"Google cannot be reached ({text_of(error)})", fix="check the network, then try again"
        ) from error
    finally:
        session.close()
    if not isinstance(found, str) or not found:
        raise CloudError(f"the project {connection.app.project_id} has no web app, so no Web API key", fix=_GIVE_KEY)
    return found


def _got(session: AuthorizedSession, address: str) -> dict[str, Any]:
    answer = session.get(address, timeout=_TIMEOUT_S)
    if answer.status_code >= 500 or answer.status_code == 429:
        raise CloudUnreachableError(
            f"Google does not answer as it should (status {answer.status_code})", fix="try again later"
        )
    if answer.status_code != 200:
        raise CloudError(f"Google does not return the Web API key (status {answer.status_code})", fix=_GIVE_KEY)
    content = answer.json()
    return content if isinstance(content, dict) else {}


def _user(connection: Connection, email: str) -> auth.UserRecord | None:
    try:
        return auth.get_user_by_email(email, app=connection.app)
    except auth.UserNotFoundError:
        return None
    except ValueError as error:
        raise CloudError(f"{email!r} is no e-mail address", fix="give it as name@example.org") from error


def _require_proven(user: auth.UserRecord) -> None:
    if user.disabled:
        raise CloudError(f"{user.email} is disabled", fix="enable the user in the console, or give another address")
    has_password = any(each.provider_id == "password" for each in user.provider_data)
    if has_password and not user.email_verified:
        raise CloudError(
            f"nobody has confirmed that {user.email} is theirs",
            fix="let them confirm it by the link that Firebase sends, or delete the user in the console and try again",
        )
