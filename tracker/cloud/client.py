"""Connections to Firestore: the official client over a channel of our own, and the credentials it uses."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Self

import firebase_admin
import grpc
import grpc._common
from firebase_admin import credentials as admin_credentials
from google.auth import credentials as auth_credentials
from google.cloud import firestore
from google.cloud.firestore_v1.services.firestore import FirestoreClient
from google.cloud.firestore_v1.services.firestore.transports.grpc import FirestoreGrpcTransport

from config.errors import SettingsError
from config.storage import FirestoreAddress
from tracker.cloud.auth.device_key import DeviceCredential, DeviceKey
from tracker.cloud.auth.sign_in import SignIn
from tracker.cloud.errors import CLOSED, explained

EMULATOR_VARIABLE = "FIRESTORE_EMULATOR_HOST"
AUTH_EMULATOR_VARIABLE = "FIREBASE_AUTH_EMULATOR_HOST"

RENEW_AFTER_S = 30.0
WAKE_S = 1.0
"""How often grpc wakes a thread that waits for a message. A message wakes it at once, a signal after a second at most;
at grpc's own 0.1 s, seven listeners on which nothing happens take half a percent of a core."""
grpc._common.MAXIMUM_WAIT_TIMEOUT = WAKE_S  # noqa: SLF001 - there is no option for it
_LISTEN = {
    "name": [{"service": "google.firestore.v1.Firestore", "method": "Listen"}],
    "waitForReady": True,
    "retryPolicy": {
        "maxAttempts": 5,
        "initialBackoff": "1s",
        "maxBackoff": "10s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE"],
    },
}
"""Without it the client reopens a listener hundreds of times a second while the server is away."""
_CHANNEL_OPTIONS = (
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.initial_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    ("grpc.http2.bdp_probe", 0),
    ("grpc.use_local_subchannel_pool", 1),  # a shared one would share the reconnect backoff of other connections
    ("grpc.service_config", json.dumps({"methodConfig": [_LISTEN]})),
)
_OWNER = "Bearer owner"
"""An emulator applies no rules to this token."""
_AUTHORIZATION = "authorization"
_DATABASE = "google-cloud-resource-prefix"
"""The header in which the official client names the database."""
_NO_STATISTICS: Any = None
"""Leaves out the header with the versions of Google's libraries."""

_numbers = count()


class _Api(FirestoreClient):
    """Commits with short headers: gRPC compresses messages, but sends these headers in full with each request."""

    def commit(self, *request: Any, metadata: Any = (), **how: Any) -> Any:
        """Without the name of the database, which is in `x-goog-request-params` as well."""
        return super().commit(*request, metadata=[each for each in metadata if each[0] != _DATABASE], **how)


class Client(firestore.Client):
    """The official client, with compression, quick reconnects and a retry policy for listeners.

    With an emulator it sends the token of its credentials, as it does to Firestore itself; Google's client always
    sends the one of the project's owner.
    """

    _is_closed = False

    @property
    def _firestore_api(self) -> Any:
        """The one hook into the official client: the transport and its channel."""
        if self._is_closed:  # Google's client would open a new channel
            raise ValueError(f"{CLOSED} on a closed client")
        if self._firestore_api_internal is None:
            transport = FirestoreGrpcTransport(host=self._target, channel=self._channel(), client_info=_NO_STATISTICS)
            self._transport = transport
            self._firestore_api_internal = _Api(transport=transport, client_options=self._client_options)
        return self._firestore_api_internal

    @property
    def _rpc_metadata(self) -> Any:
        """The headers of a request; to an emulator with the token, which a channel without TLS does not add."""
        metadata = [(_DATABASE, self._database_string)]
        if self._emulator_host is not None:
            headers: dict[str, str] = {}
            self._credentials.before_request(None, "", "", headers)
            metadata.append((_AUTHORIZATION, headers.get(_AUTHORIZATION, _OWNER)))
        return metadata

    @property
    def database(self) -> str:
        """The full name of the database."""
        return str(self._database_string)

    def commit(self, writes: Sequence[Any], *, timeout_s: float) -> None:
        """Apply writes (protobuf messages), all or none of them, in one request that is not retried.

        The client's own retry would turn a lost answer into ALREADY_EXISTS.
        """
        request = {"database": self.database, "writes": writes}
        self._firestore_api.commit(request, metadata=self._rpc_metadata, retry=None, timeout=timeout_s)

    def batch_write(self, writes: Sequence[Any], *, timeout_s: float) -> Any:
        """Apply each write by itself, in one request that is not retried. Returns the status of each."""
        request = {"database": self.database, "writes": writes}
        found = self._firestore_api.batch_write(request, metadata=self._rpc_metadata, retry=None, timeout=timeout_s)
        return found.status

    def close(self) -> None:
        super().close()
        self._is_closed = True

    def _channel(self) -> grpc.Channel:
        how: dict[str, Any] = {"options": _CHANNEL_OPTIONS, "compression": grpc.Compression.Gzip}
        if self._emulator_host is None:
            return FirestoreGrpcTransport.create_channel(self._target, credentials=self._credentials, **how)
        return grpc.insecure_channel(self._emulator_host, **how)


class Connection:
    """A client of one Firestore database, and its credentials. Closing again does nothing.

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


class RenewableConnection:
    """A connection that is replaced after failures, so that renewed credentials are found. For any thread.

    Constructing opens it, and raises what `connect` raises.
    """

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._renewed_s = time.monotonic()
        self.current = connect()

    def renew(self) -> bool:
        """Replace the connection, at most every RENEW_AFTER_S. Returns whether it was. Raises CloudError."""
        with self._lock:
            if time.monotonic() - self._renewed_s < RENEW_AFTER_S:
                return False
            self._renewed_s = time.monotonic()
            old, self.current = self.current, self._connect()
        old.close()
        return True

    def close(self) -> None:
        self.current.close()


def connect(address: FirestoreAddress, credentials: Path | None) -> Connection:
    """Open the database. credentials: file of a service account or device key, None for those of the machine.

    Where FIRESTORE_EMULATOR_HOST is set, the emulator there is used, as the owner of the project or with the device
    key; where FIREBASE_AUTH_EMULATOR_HOST is, the key is one of that emulator. Nothing is sent yet.
    Raises SettingsError when the file is none of these or of another project, CloudError when the machine has no
    credentials.
    """
    device, credential = _identity(address, credentials)
    app = firebase_admin.initialize_app(credential, {"projectId": address.project}, name=f"footfall-{next(_numbers)}")
    try:
        with explained():
            client = Client(project=address.project, credentials=credential.get_credential(), database=address.database)
    except BaseException:
        firebase_admin.delete_app(app)
        raise
    return Connection(app, client, device)


def sign_in_place() -> SignIn:
    """Google's sign-in, or the emulator that FIREBASE_AUTH_EMULATOR_HOST names."""
    return SignIn(os.environ.get(AUTH_EMULATOR_VARIABLE, "").strip())


class _Anonymous(admin_credentials.Base):
    """No credentials: an emulator requires none."""

    def get_credential(self) -> auth_credentials.Credentials:
        return auth_credentials.AnonymousCredentials()


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
            fix="download it again from the Firebase console: Project settings, Service accounts",
        ) from error
