"""The key of a camera machine: a Firebase user bound to one site and one camera, who can do little."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import requests
from firebase_admin import credentials as admin_credentials
from google.auth import credentials as auth_credentials
from google.auth import exceptions as auth_errors
from google.auth.transport import Request

from config.errors import SettingsError

TOKEN_ADDRESS = "https://securetoken.googleapis.com/v1/token"  # noqa: S105 - where tokens come from, not one


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class DeviceKey:
    """What a camera machine signs in with.

    uid: the Firebase user. site_id, camera_id: all that the user may write of. refresh_token: the secret.
    api_key: names the project to Google's sign-in; no secret.
    """

    TYPE: ClassVar[str] = "footfall_device"

    project: str
    uid: str
    site_id: str
    camera_id: str
    api_key: str
    refresh_token: str

    @classmethod
    def from_document(cls, content: Mapping[str, Any], path: Path) -> DeviceKey:
        """The key in a file's JSON. Raises SettingsError naming the field."""
        values = {field.name: content.get(field.name) for field in fields(cls)}
        for name, value in values.items():
            if not isinstance(value, str) or not value:
                raise SettingsError(
                    f"{path}: {name}: expected a text that is not empty",
                    fix="make the key anew with `footfall cloud register-device`",
                )
        return cls(**{name: str(value) for name, value in values.items()})

    def to_document(self) -> dict[str, str]:
        """The JSON of the key's file."""
        return {"type": self.TYPE, **{field.name: getattr(self, field.name) for field in fields(self)}}


class DeviceCredential(admin_credentials.Base):
    """The key as firebase-admin takes it."""

    def __init__(self, key: DeviceKey) -> None:
        super().__init__()
        self._credentials = DeviceTokens(key)

    def get_credential(self) -> auth_credentials.Credentials:
        return self._credentials


class DeviceTokens(auth_credentials.Credentials):
    """Tokens of an hour, got by the refresh token as Firebase's own clients do.

    Source: https://firebase.google.com/docs/reference/rest/auth, "Exchange a refresh token for an ID token".
    """

    def __init__(self, key: DeviceKey, address: str = TOKEN_ADDRESS) -> None:
        super().__init__()
        self._key = key
        self._address = address

    def refresh(self, request: Request) -> None:
        """Get a new token. Raises RefreshError when the key is not accepted, TransportError without network."""
        del request  # the one given may be of gRPC's plugin; this is plain HTTP
        session = requests.Session()
        try:
            answer = session.post(
                self._address,
                params={"key": self._key.api_key},
                data={"grant_type": "refresh_token", "refresh_token": self._key.refresh_token},
                timeout=30,
            )
            content = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise auth_errors.TransportError(error) from error
        finally:
            session.close()
        if answer.status_code >= 500:
            raise auth_errors.TransportError(f"sign-in answered {answer.status_code}")
        token = content.get("id_token") if isinstance(content, dict) else None
        if answer.status_code != 200 or not isinstance(token, str):
            raise auth_errors.RefreshError(f"sign-in answered {answer.status_code}: {content}")
        self.token = token
        lifetime_s = int(content.get("expires_in", 3600))
        self.expiry = (datetime.now(UTC) + timedelta(seconds=lifetime_s)).replace(tzinfo=None)  # naive UTC, as there
