"""Google's sign-in over HTTP: exchange a custom token for a refresh token, and that for ID tokens of an hour.

Source: https://firebase.google.com/docs/reference/rest/auth, "Exchange custom token for an ID and refresh token" and
"Exchange a refresh token for an ID token".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from google.auth import jwt
from google.auth.exceptions import RefreshError, TransportError

_TIMEOUT_S = 30.0
_TRY_LATER = frozenset({408, 429})
REFUSED = "the key of this machine is refused"
"""The beginning of the error for a key that is no longer accepted; gRPC passes it on as text."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SignedIn:
    """An ID token that is valid for `lifetime_s` seconds, and the refresh token for the next one."""

    id_token: str
    refresh_token: str
    lifetime_s: float

    @property
    def claims(self) -> dict[str, Any]:
        """The claims of the token, without checking its signature; empty where it is malformed."""
        try:
            return dict(jwt.decode(self.id_token, verify=False))
        except ValueError:
            return {}


@dataclass(frozen=True, slots=True)
class SignIn:
    """A client of the sign-in service. emulator: host:port of the Firebase Auth emulator, "" for Google itself."""

    emulator: str = ""

    def with_custom_token(self, custom_token: str, api_key: str) -> SignedIn:
        """Sign in with a custom token. Raises RefreshError, TransportError."""
        found = self._post(
            "identitytoolkit.googleapis.com/v1/accounts:signInWithCustomToken",
            api_key,
            json={"token": custom_token, "returnSecureToken": True},
        )
        return _signed_in(found, "idToken", "refreshToken", "expiresIn")

    def with_refresh_token(self, refresh_token: str, api_key: str) -> SignedIn:
        """Exchange a refresh token for a new ID token. Raises RefreshError, TransportError."""
        found = self._post(
            "securetoken.googleapis.com/v1/token",
            api_key,
            data={"grant_type": "refresh_token", "refresh_token": refresh_token},
        )
        return _signed_in(found, "id_token", "refresh_token", "expires_in")

    def _post(self, endpoint: str, api_key: str, **body: Any) -> Mapping[str, Any]:
        url = f"http://{self.emulator}/{endpoint}" if self.emulator else f"https://{endpoint}"
        try:
            with requests.Session() as session:
                answer = session.post(url, params={"key": api_key}, timeout=_TIMEOUT_S, **body)
        except requests.RequestException as error:
            reason = str(error).replace(api_key, "...") if api_key else str(error)
            raise TransportError(f"sign-in cannot be reached: {reason}") from None  # the URL in it holds the API key
        try:
            content = answer.json()
        except ValueError:
            content = None
        if answer.status_code >= 500 or answer.status_code in _TRY_LATER or not isinstance(content, dict):
            raise TransportError(f"sign-in answered {answer.status_code}")
        if answer.status_code != 200:
            raise RefreshError(f"{REFUSED}: {_reason(content, answer.status_code)}")
        return content


def _signed_in(content: Mapping[str, Any], token: str, key: str, lifetime: str) -> SignedIn:
    """Decode an answer; a proxy on the way may answer anything with status 200."""
    try:
        lifetime_s = float(content[lifetime])
        id_token, refresh_token = content[token], content[key]
    except (KeyError, TypeError, ValueError):
        raise TransportError("sign-in answered without a token") from None
    if not isinstance(id_token, str) or not isinstance(refresh_token, str) or not 0 < lifetime_s <= 86_400:
        raise TransportError("sign-in answered without a token")
    return SignedIn(id_token=id_token, refresh_token=refresh_token, lifetime_s=lifetime_s)


def _reason(content: Mapping[str, Any], status: int) -> str:
    error = content.get("error")
    message = error.get("message") if isinstance(error, Mapping) else error
    return message if isinstance(message, str) and message else f"status {status}"
