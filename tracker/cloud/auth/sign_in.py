"""Google's sign-in over HTTP: a custom token for a lasting key, and the key for tokens of an hour.

Source: https://firebase.google.com/docs/reference/rest/auth, "Exchange custom token for an ID and refresh token" and
"Exchange a refresh token for an ID token".
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

_TIMEOUT_S = 30.0
_TRY_LATER = frozenset({408, 429})


class SignInRefusedError(Exception):
    """Google does not accept the key, the token or the name of the project; its reason, such as TOKEN_EXPIRED."""


class SignInUnreachableError(Exception):
    """No answer, or one that says to try again later."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SignedIn:
    """A token that is good for `lifetime_s` seconds, and the key with which to get the next one."""

    id_token: str
    refresh_token: str
    lifetime_s: float

    @property
    def claims(self) -> dict[str, Any]:
        """What the token says of the user; its signature is not checked, servers do that. Empty when it is none."""
        try:
            payload = self.id_token.split(".")[1]
            found = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        except (IndexError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True)
class SignIn:
    """Where to sign in. emulator: host and port of the Firebase Auth emulator, "" for Google itself."""

    emulator: str = ""

    def with_custom_token(self, custom_token: str, api_key: str) -> SignedIn:
        """Become the user of a custom token. Raises SignInRefusedError, SignInUnreachableError."""
        found = self._post(
            "identitytoolkit.googleapis.com/v1/accounts:signInWithCustomToken",
            api_key,
            json={"token": custom_token, "returnSecureToken": True},
        )
        return _signed_in(found, "idToken", "refreshToken", "expiresIn")

    def with_refresh_token(self, refresh_token: str, api_key: str) -> SignedIn:
        """Go on as the user of a key. Raises SignInRefusedError, SignInUnreachableError."""
        found = self._post(
            "securetoken.googleapis.com/v1/token",
            api_key,
            data={"grant_type": "refresh_token", "refresh_token": refresh_token},
        )
        return _signed_in(found, "id_token", "refresh_token", "expires_in")

    def _post(self, place: str, api_key: str, **body: Any) -> Mapping[str, Any]:
        address = f"http://{self.emulator}/{place}" if self.emulator else f"https://{place}"
        try:
            with requests.Session() as session:
                answer = session.post(address, params={"key": api_key}, timeout=_TIMEOUT_S, **body)
        except requests.RequestException as error:
            reason = str(error).replace(api_key, "...") if api_key else str(error)
            raise SignInUnreachableError(reason) from None  # the address in it holds the key of the project
        try:
            content = answer.json()
        except ValueError:
            content = None
        if answer.status_code >= 500 or answer.status_code in _TRY_LATER or not isinstance(content, dict):
            raise SignInUnreachableError(f"sign-in answered {answer.status_code}")
        if answer.status_code != 200:
            raise SignInRefusedError(_reason(content, answer.status_code))
        return content


def _signed_in(content: Mapping[str, Any], token: str, key: str, lifetime: str) -> SignedIn:
    """The answer of either way in. Something between here and Google may answer anything with 200."""
    try:
        lifetime_s = float(content[lifetime])
        id_token, refresh_token = content[token], content[key]
    except (KeyError, TypeError, ValueError):
        raise SignInUnreachableError("sign-in answered without a token") from None
    if not isinstance(id_token, str) or not isinstance(refresh_token, str) or not 0 < lifetime_s <= 86_400:
        raise SignInUnreachableError("sign-in answered without a token")
    return SignedIn(id_token=id_token, refresh_token=refresh_token, lifetime_s=lifetime_s)


def _reason(content: Mapping[str, Any], status: int) -> str:
    error = content.get("error")
    said = error.get("message") if isinstance(error, Mapping) else error
    return said if isinstance(said, str) and said else f"status {status}"
