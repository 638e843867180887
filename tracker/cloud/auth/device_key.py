"""The key of a camera machine: a Firebase user who may write only for one site and one camera."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from firebase_admin import credentials as admin_credentials
from google.auth import credentials as auth_credentials
from google.auth.transport import Request

from config.errors import SettingsError
from tracker.cloud.auth.sign_in import SignIn


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class DeviceKey:
    """The credentials of a camera machine.

    uid: the Firebase user. site_id, camera_id: what the user may write for. refresh_token: the secret.
    api_key: identifies the project to Google's sign-in; no secret.
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
            if not isinstance(value, str) or not value.strip():
                raise SettingsError(
                    f"{path}: {name}: expected a text that is not empty",
                    fix="make a new key with `footfall cloud register-device`",
                )
        return cls(**{name: str(value) for name, value in values.items()})

    def to_document(self) -> dict[str, str]:
        """The JSON of the key's file."""
        return {"type": self.TYPE, **{field.name: getattr(self, field.name) for field in fields(self)}}


class KeyFile:
    """A new file that only its owner may read, opened before the key is made, so that no key is lost."""

    def __init__(self, path: Path, *, replace: bool = False) -> None:
        """Raises SettingsError when it cannot be written, or exists and must not be replaced."""
        self._path = path.expanduser()
        if self._path.exists() and not replace:
            raise SettingsError(f"{path} is there already", fix="give another file, or --force to replace it")
        self._new = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(self._new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise SettingsError(
                f"{path}: cannot be written ({error.strerror})", fix="give a file in a folder that you may write to"
            ) from error

    def write(self, key: DeviceKey) -> None:
        """Write the key atomically. Raises SettingsError."""
        try:
            with os.fdopen(self._handle, "w", encoding="utf-8") as file:
                json.dump(key.to_document(), file, indent=2)
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            self._new.replace(self._path)
        except OSError as error:
            self._new.unlink(missing_ok=True)
            raise SettingsError(
                f"{self._path}: cannot be written ({error.strerror})", fix="make room there, or give another file"
            ) from error

    def give_up(self) -> None:
        """Delete the file of a key that was not made."""
        with suppress(OSError):  # closed already where writing failed
            os.close(self._handle)
        self._new.unlink(missing_ok=True)


class DeviceCredential(admin_credentials.Base):
    """The key as a credential of firebase-admin."""

    def __init__(self, key: DeviceKey, sign_in: SignIn | None = None) -> None:
        super().__init__()
        self._credentials = DeviceTokens(key, sign_in or SignIn())

    def get_credential(self) -> DeviceTokens:
        return self._credentials


class DeviceTokens(auth_credentials.Credentials):
    """ID tokens of an hour, renewed by the refresh token. Thread-safe.

    The age of a token is measured on a monotonic clock: a machine whose clock jumps neither keeps using an expired
    token nor requests new ones without end.
    """

    def __init__(self, key: DeviceKey, sign_in: SignIn, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._key = key
        self._sign_in = sign_in
        self._clock_s = clock_s
        self._until_s: float | None = None
        self._one_at_a_time = threading.Lock()
        self.claims: dict[str, Any] = {}
        super().__init__()

    @property
    def expiry(self) -> datetime | None:
        """When the token expires by this machine's clock, as naive UTC, as the library expects it."""
        if self._until_s is None:
            return None
        return (datetime.now(UTC) + timedelta(seconds=self._until_s - self._clock_s())).replace(tzinfo=None)

    @expiry.setter
    def expiry(self, value: datetime | None) -> None:
        """Ignored: the library's constructor sets None; `refresh` knows the lifetime."""

    def refresh(self, request: Request) -> None:
        """Get a new token. Raises RefreshError when the key is not accepted, TransportError without network."""
        del request  # the one given may be of gRPC's plugin; this is plain HTTP
        seen = self._until_s
        with self._one_at_a_time:
            if self._until_s != seen:
                return  # another thread renewed it meanwhile
            asked_s = self._clock_s()
            found = self._sign_in.with_refresh_token(self._key.refresh_token, self._key.api_key)
            self.token = found.id_token
            self.claims = found.claims
            self._until_s = asked_s + found.lifetime_s
