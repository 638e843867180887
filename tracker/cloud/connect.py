"""The client of the shared store: who we are there, and what its errors mean to us."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import firebase_admin
from firebase_admin import credentials as admin_credentials
from firebase_admin import firestore
from google.api_core import exceptions as google_errors
from google.auth import credentials as auth_credentials
from google.auth import exceptions as auth_errors

from config.errors import CloudError, CloudUnreachableError, SettingsError
from config.storage import FirestoreAddress
from tracker.cloud.device_key import REFUSED, DeviceCredential, DeviceKey
from tracker.cloud.emulator import EmulatorClient
from tracker.cloud.sign_in import SignIn

if TYPE_CHECKING:
    from google.cloud.firestore import Client

EMULATOR_VARIABLE = "FIRESTORE_EMULATOR_HOST"
AUTH_EMULATOR_VARIABLE = "FIREBASE_AUTH_EMULATOR_HOST"

_numbers = count()
_lock = threading.Lock()
_RETRYABLE = (
    google_errors.ResourceExhausted,
    google_errors.ServiceUnavailable,
    google_errors.DeadlineExceeded,
    google_errors.Aborted,
    google_errors.InternalServerError,
    google_errors.Cancelled,
    google_errors.Unknown,
    google_errors.RetryError,
    google_errors.GatewayTimeout,
    google_errors.TooManyRequests,
)
_KEY_IS_REFUSED = (REFUSED, "invalid_grant", "invalid_client", "unauthorized_client")
"""What is in the text when gRPC says `unavailable` and means that it got no token."""
_CLOSED = "Cannot invoke RPC"
"""What is in the text of the ValueError by which gRPC says that somebody, maybe to connect anew, closed the channel."""
_MISSING = {
    "requires an index": "deploy the indexes: `firebase deploy --only firestore:indexes`",
    "has not been used in project": "create the database in the Firebase console: Build, Firestore Database",
    "does not exist for project": "create the database in the console, or correct store.url",
}
"""What Firestore says of a project that lacks something -> what to do."""
_AGAIN = "register this machine anew with `footfall cloud register-device`"
_REASONS = {
    "USER_DISABLED": ("were revoked", _AGAIN),
    "TOKEN_EXPIRED": ("were revoked", _AGAIN),
    "USER_NOT_FOUND": ("are of a machine that was removed", _AGAIN),
    "INVALID_REFRESH_TOKEN": ("are damaged", _AGAIN),
    "API key": ("name no project", "make the key anew with the Web API key that the Firebase console shows"),
    "PROJECT_NUMBER_MISMATCH": ("mix two projects", _AGAIN),
}
"""Google's word for why a device key is refused -> what that means, and what to do."""


class _Anonymous(admin_credentials.Base):
    """Nobody: all that an emulator asks for."""

    def get_credential(self) -> auth_credentials.Credentials:
        return auth_credentials.AnonymousCredentials()


class Connection:
    """A client of one Firestore database, and as whom it speaks. Closing again does nothing.

    device: the key of the camera machine, None for a service account, the machine's own credentials or an emulator.
    """

    def __init__(self, app: firebase_admin.App, client: Client, device: DeviceKey | None) -> None:
        self.client = client
        self.device = device
        self.app = app
        self._closed = False

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self.client.close()
            firebase_admin.delete_app(self.app)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def connect(address: FirestoreAddress, credentials: Path | None) -> Connection:
    """Open the database. credentials: file of a service account or device key, None for those of the machine.

    Where FIRESTORE_EMULATOR_HOST is set, the emulator there is used, as the owner of the project or with the device
    key; where FIREBASE_AUTH_EMULATOR_HOST is, the key is one of that emulator. Nothing is sent yet.
    Raises SettingsError when the file is none of these or of another project, CloudError when the machine has no
    credentials.
    """
    device, credential = _identity(address, credentials)
    with _lock:
        name = f"footfall-{next(_numbers)}"
    app = firebase_admin.initialize_app(credential, {"projectId": address.project}, name=name)
    try:
        with explained():
            client = _client(app, credential, address)
    except BaseException:
        firebase_admin.delete_app(app)
        raise
    return Connection(app, client, device)


def sign_in_place() -> SignIn:
    """Google's sign-in, or the emulator that FIREBASE_AUTH_EMULATOR_HOST names."""
    return SignIn(os.environ.get(AUTH_EMULATOR_VARIABLE, "").strip())


def _identity(address: FirestoreAddress, path: Path | None) -> tuple[DeviceKey | None, admin_credentials.Base]:
    content = None if path is None else _read(path)
    if path is not None and content is not None and content.get("type") == DeviceKey.TYPE:
        device = DeviceKey.from_document(content, path)
        if device.project != address.project:
            raise SettingsError(
                f"cloud.credentials: {path}: is a key of the project {device.project}",
                fix=f"set store.url to firestore://{device.project}, or register this machine in {address.project}",
            )
        return device, DeviceCredential(device, sign_in_place())
    if os.environ.get(EMULATOR_VARIABLE):
        return None, _Anonymous()
    if path is None or content is None:
        return None, admin_credentials.ApplicationDefault()
    return None, _service_account(content, path)


def _client(app: firebase_admin.App, credential: admin_credentials.Base, address: FirestoreAddress) -> Client:
    if os.environ.get(EMULATOR_VARIABLE):
        return EmulatorClient(
            project=address.project, credentials=credential.get_credential(), database=address.database
        )
    client: Client = firestore.client(app, database_id=address.database)
    return client


@contextmanager
def explained() -> Iterator[None]:
    """Turn the errors of Google's libraries into ours: CloudUnreachableError where a later try may succeed."""
    try:
        yield
    except _RETRYABLE as error:
        raise _passing(error) from error
    except (google_errors.PermissionDenied, google_errors.Forbidden) as error:
        raise CloudError(
            f"Firestore refuses this to us ({_said(error)})",
            fix=_fix_in(error) or "check cloud.credentials and the rules that are deployed (docs/firebase.md)",
        ) from error
    except (google_errors.Unauthenticated, google_errors.Unauthorized) as error:
        raise CloudError(
            f"Firestore does not know us ({_said(error)})", fix="renew the file that cloud.credentials names"
        ) from error
    except auth_errors.DefaultCredentialsError as error:
        raise CloudError(
            "this machine has no credentials for Google Cloud",
            fix="set cloud.credentials to the file of a service account or device key (docs/firebase.md)",
        ) from error
    except auth_errors.RefreshError as error:
        raise _refused_key(error) from error
    except auth_errors.TransportError as error:
        raise CloudUnreachableError(
            f"Google's sign-in cannot be reached ({_said(error)})", fix="nothing is lost; it is tried again"
        ) from error
    except google_errors.GoogleAPICallError as error:
        raise CloudError(f"Firestore: {_said(error)}", fix=_fix_in(error) or "see docs/firebase.md") from error
    except ValueError as error:
        if _CLOSED not in str(error):
            raise
        raise CloudUnreachableError("the connection was closed", fix="nothing is lost; it is tried again") from error


def _passing(error: Exception) -> CloudError:
    if any(each in str(error) for each in _KEY_IS_REFUSED):
        return _refused_key(error)
    return CloudUnreachableError(
        f"Firestore does not answer as it should ({_said(error)})", fix="nothing is lost; it is tried again"
    )


def _fix_in(error: Exception) -> str:
    """What to do about an error that says by its text what is missing."""
    return next((fix for text, fix in _MISSING.items() if text in str(error)), "")


def _refused_key(error: Exception) -> CloudError:
    text = str(error)
    if "iat and exp" in text or "short-lived token" in text:
        return CloudError(
            f"Google refuses the credentials because of the time here ({_said(error)})",
            fix="set the clock of this machine",
        )
    reason = next((each for each in _REASONS if each in text), "")
    problem, fix = _REASONS.get(reason, ("are not accepted any more", "renew the file that cloud.credentials names"))
    return CloudError(f"the credentials {problem} ({reason or _said(error)})", fix=fix)


def _said(error: Exception) -> str:
    text = str(error).strip().replace("\n", " ")
    return text if len(text) <= 200 else f"{text[:197]}..."


def _read(path: Path) -> dict[str, Any]:
    fix = "give the JSON file of a service account, or the key that `footfall cloud register-device` wrote"
    try:
        content = json.loads(path.expanduser().read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"cloud.credentials: {path}: cannot be read ({error})", fix=fix) from error
    if not isinstance(content, dict):
        raise SettingsError(f"cloud.credentials: {path}: holds no key", fix=fix)
    return content


def _service_account(content: dict[str, Any], path: Path) -> admin_credentials.Base:
    try:
        return admin_credentials.Certificate(content)
    except (ValueError, OSError) as error:
        raise SettingsError(
            f"cloud.credentials: {path}: is no key of a service account ({error})",
            fix="download it anew from the Firebase console: Project settings, Service accounts",
        ) from error
