"""Checks by trying whether this machine may do in Firestore what its settings require."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from google.api_core import exceptions as google_errors
from google.auth.transport.requests import Request

from config.errors import CloudError, FootfallError
from config.findings import Finding, Outcome
from tracker.cloud.auth.access import device_claims
from tracker.cloud.auth.device_key import DeviceTokens
from tracker.cloud.client import Connection
from tracker.cloud.documents import FUNCTIONS, deriver_of
from tracker.cloud.errors import explained
from tracker.cloud.paths import Collection, path_of, site_path

_TRIES = 3
_TIMEOUT_S = 15.0
_CLOCK_OFF = timedelta(minutes=1)
_SLOW_S = 1.0
_REGISTER = "register it again with `footfall cloud register-device`"
_DEPLOY = "run `firebase deploy --only firestore` in the project's folder"


_Outcome: TypeAlias = str | Finding
"""Of a check: the detail where all is well, else a finding; a failure is raised as a CloudError."""


def _now() -> datetime:
    return datetime.now(UTC)


def check(connection: Connection, site_id: str, *, clock: Callable[[], datetime] = _now) -> Iterator[Finding]:
    """The results of the checks, as they are made; the first failure ends them. clock: UTC."""
    checks = _Checks(connection, site_id, clock)
    for name, step in checks.steps():
        try:
            with explained():
                outcome = step()
        except FootfallError as error:
            yield Finding(check=name, outcome=Outcome.FAILED, detail=error.problem, fix=error.fix)
            return
        yield Finding(check=name, detail=outcome) if isinstance(outcome, str) else outcome


class _Checks:
    def __init__(self, connection: Connection, site_id: str, clock: Callable[[], datetime]) -> None:
        self._app = connection.app
        self._client = connection.client
        self._device = connection.device
        self._site_id = site_id
        self._clock = clock
        self._read_at: Any = None
        self._own: dict[str, Any] | None = None

    def steps(self) -> Sequence[tuple[str, Callable[[], _Outcome]]]:
        """The checks by name, in order."""
        machine = () if self._device is None else (("machine", self.machine),)
        return (
            ("credentials", self.credentials),
            ("firestore", self.firestore),
            ("clock", self.clock),
            *machine,
            ("access", self.access),
            ("sessions", self.sessions),
        )

    def credentials(self) -> _Outcome:
        """Which account is used, and that the sign-in accepts a device key."""
        device, credential = self._device, self._app.credential.get_credential()
        if device is None:
            return account_of(credential)
        if device.site_id != self._site_id:
            raise CloudError(
                f"a key of the site {device.site_id}, but the settings name {self._site_id}",
                fix=f"set site.id to {device.site_id}, or register this machine at {self._site_id}",
            )
        if not isinstance(credential, DeviceTokens):
            raise CloudError("the device key is not used", fix="see docs/firebase.md")
        credential.refresh(Request())
        claims = device_claims(device.site_id, device.camera_id)
        if any(credential.claims.get(name) != value for name, value in claims.items()):
            raise CloudError("the machine was revoked: its user has no rights any more", fix=_REGISTER)
        return f"device key, camera {device.camera_id} at {device.site_id}, user {device.uid}"

    def firestore(self) -> _Outcome:
        """How long an answer takes, of a document that may be read whatever else is refused."""
        device, took_s = self._device, list[float]()
        own = site_path(self._site_id) if device is None else path_of(self._site_id, Collection.DEVICES, device.uid)
        for _ in range(_TRIES):
            began_s = time.perf_counter()
            found = self._client.document(own).get(timeout=_TIMEOUT_S, retry=None)
            took_s.append(time.perf_counter() - began_s)
            self._read_at, self._own = found.read_time, found.to_dict()
        typical_s = statistics.median(took_s)
        detail = f"answers in {typical_s * 1000:.0f} ms"
        if typical_s < _SLOW_S:
            return detail
        return _warning("firestore", detail, fix="the network is slow; events wait on this machine meanwhile")

    def clock(self) -> _Outcome:
        """How far the clock here is from Google's."""
        if not isinstance(self._read_at, datetime):
            return _warning("clock", "Firestore did not return its time")
        ahead = self._clock() - self._read_at
        if abs(ahead) <= _CLOCK_OFF:
            return "agrees with Google's"
        seconds = ahead.total_seconds()
        detail = f"{abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} Google's"
        fix = "set the clock of this machine, best by network time"
        if abs(ahead) > timedelta(hours=1):
            raise CloudError(detail, fix=fix)
        return _warning("clock", detail, fix=fix)

    def machine(self) -> _Outcome:
        """The registration of a camera machine."""
        if self._own is None:
            raise CloudError("its record was deleted", fix=_REGISTER)
        if self._own.get("revoked_at") is not None:
            raise CloudError("was revoked", fix=_REGISTER)
        return f"registered as {self._own.get('name')}"

    def access(self) -> _Outcome:
        """What the deployed rules allow a device key, by reading what it should see, and what it should not."""
        if self._device is None:
            return "everything: rules do not hold for these credentials"
        for each in (Collection.PEOPLE, Collection.FORGOTTEN):
            if not self._may_list(each):
                raise CloudError(f"may not read {each}", fix=_DEPLOY)
        visible = [each for each in (Collection.EVENTS, Collection.SESSIONS) if self._may_list(each)]
        if visible:
            raise CloudError(
                f"may read {' and '.join(visible)}, which no camera machine should",
                fix=f"the deployed rules are not those of config/firestore.rules: {_DEPLOY}",
            )
        return "adds what its camera sees, reads people and settings, and nothing else"

    def sessions(self) -> _Outcome:
        """Whether somebody derives the sessions of the site."""
        found = self._client.document(site_path(self._site_id)).get(timeout=_TIMEOUT_S, retry=None).to_dict()
        deriver = deriver_of(found or {})
        if self._device is None:
            names = {"": "nobody yet: the first machine that uploads events will", FUNCTIONS: "the Cloud Functions"}
            return f"derived by {names.get(deriver, f'the machine {deriver}')}"
        if deriver:
            return "derived elsewhere"
        return _warning(
            "sessions",
            "nobody derives the sessions of this site, and a camera machine may not",
            fix="deploy the functions and run `footfall cloud publish-settings --derived-by functions`",
        )

    def _may_list(self, collection: Collection) -> bool:
        query = self._client.collection(path_of(self._site_id, collection)).limit(1)
        try:
            query.get(timeout=_TIMEOUT_S, retry=None)
        except google_errors.PermissionDenied:
            return False
        return True


def _warning(name: str, detail: str, *, fix: str = "") -> Finding:
    return Finding(check=name, outcome=Outcome.WARNING, detail=detail, fix=fix)


def account_of(credential: Any) -> str:
    """Whose credentials these are, in words."""
    name = getattr(credential, "service_account_email", None)
    if isinstance(name, str) and "@" in name:
        return f"service account {name}"
    return (
        "nobody in particular: an emulator" if type(credential).__name__ == "AnonymousCredentials" else "this machine's"
    )
