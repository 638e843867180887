"""Whether this machine may do in Firestore what its settings ask of it, found by trying."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from google.api_core import exceptions as google_errors
from google.auth.transport.requests import Request

from config.errors import CloudError, FootfallError
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
_DEPLOY = "run `firebase deploy --only firestore` in the project's folder"


class Verdict(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One thing that was tried. detail: what came of it. fix: what to do, empty when all is well."""

    check: str
    verdict: Verdict
    detail: str
    fix: str = ""


def _now() -> datetime:
    return datetime.now(UTC)


def check(connection: Connection, site_id: str, *, clock: Callable[[], datetime] = _now) -> Iterator[Tried]:
    """The results of the checks, as they are made; those that need one that failed are left out. clock: UTC."""
    steps: list[tuple[str, Callable[[], Iterator[Tried]]]] = [
        ("credentials", lambda: _credentials(connection, site_id)),
        ("firestore", lambda: _reach(connection, site_id, clock)),
        ("access", lambda: _access(connection, site_id)),
        ("sessions", lambda: _sessions(connection, site_id)),
    ]
    for name, step in steps:
        try:
            with explained():
                found = list(step())
        except FootfallError as error:
            yield Tried(check=name, verdict=Verdict.FAILED, detail=error.problem, fix=error.fix)
            return
        yield from found
        if any(each.verdict is Verdict.FAILED for each in found):
            return


def _ok(name: str, detail: str) -> Tried:
    return Tried(check=name, verdict=Verdict.OK, detail=detail)


def _credentials(connection: Connection, site_id: str) -> Iterator[Tried]:
    """Who we are, and that sign-in takes us for it."""
    device = connection.device
    if device is None:
        yield _ok("credentials", _account(connection))
        return
    if device.site_id != site_id:
        yield Tried(
            check="credentials",
            verdict=Verdict.FAILED,
            detail=f"a key of the site {device.site_id}, and the settings say {site_id}",
            fix=f"set site.id to {device.site_id}, or register this machine at {site_id}",
        )
        return
    tokens = connection.app.credential.get_credential()
    if not isinstance(tokens, DeviceTokens):
        raise CloudError("the device key is not used", fix="see docs/firebase.md")
    tokens.refresh(Request())
    wanted = device_claims(device.site_id, device.camera_id)
    if any(tokens.claims.get(name) != value for name, value in wanted.items()):
        yield Tried(
            check="credentials",
            verdict=Verdict.FAILED,
            detail="the machine was revoked: its user has no rights any more",
            fix="register it again with `footfall cloud register-device`",
        )
        return
    yield _ok("credentials", f"device key, camera {device.camera_id} at {device.site_id}, user {device.uid}")


def _account(connection: Connection) -> str:
    found = connection.app.credential.get_credential()
    name = getattr(found, "service_account_email", None)
    if isinstance(name, str) and "@" in name:
        return f"service account {name}"
    return "nobody in particular: an emulator" if type(found).__name__ == "AnonymousCredentials" else "this machine's"


def _reach(connection: Connection, site_id: str, clock: Callable[[], datetime]) -> Iterator[Tried]:
    """How long an answer takes, and how far our clock is from Google's."""
    took_s, found = list[float](), None
    place = _own_place(connection, site_id)
    for _ in range(_TRIES):
        began_s = time.perf_counter()
        found = connection.client.document(place).get(timeout=_TIMEOUT_S, retry=None)
        took_s.append(time.perf_counter() - began_s)
    typical_s = statistics.median(took_s)
    yield Tried(
        check="firestore",
        verdict=Verdict.OK if typical_s < _SLOW_S else Verdict.WARNING,
        detail=f"answers in {typical_s * 1000:.0f} ms",
        fix="" if typical_s < _SLOW_S else "the network is slow; events wait on this machine meanwhile",
    )
    yield _clock(None if found is None else found.read_time, clock())
    if connection.device is not None and found is not None:
        yield _record(found.to_dict())


def _own_place(connection: Connection, site_id: str) -> str:
    """A document that we may read whatever else is refused."""
    device = connection.device
    return site_path(site_id) if device is None else path_of(site_id, Collection.DEVICES, device.uid)


def _clock(read_at: Any, now: datetime) -> Tried:
    if not isinstance(read_at, datetime):
        return Tried(check="clock", verdict=Verdict.WARNING, detail="Firestore did not tell the time")
    ahead = now - read_at
    if abs(ahead) <= _CLOCK_OFF:
        return _ok("clock", "agrees with Google's")
    seconds = ahead.total_seconds()
    return Tried(
        check="clock",
        verdict=Verdict.FAILED if abs(ahead) > timedelta(hours=1) else Verdict.WARNING,
        detail=f"{abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} Google's",
        fix="set the clock of this machine, best by network time",
    )


def _record(content: dict[str, Any] | None) -> Tried:
    again = "register it again with `footfall cloud register-device`"
    if content is None:
        return Tried(check="machine", verdict=Verdict.FAILED, detail="its record is gone", fix=again)
    if content.get("revoked_at") is not None:
        return Tried(check="machine", verdict=Verdict.FAILED, detail="was revoked", fix=again)
    return _ok("machine", f"registered as {content.get('name')}")


def _access(connection: Connection, site_id: str) -> Iterator[Tried]:
    """What the deployed rules let us do, by reading what we should see, and what we should not."""
    if connection.device is None:
        yield _ok("access", "everything: rules do not hold for these credentials")
        return
    for collection in (Collection.PEOPLE, Collection.FORGOTTEN):
        if not _may_list(connection, site_id, collection):
            yield Tried(check="access", verdict=Verdict.FAILED, detail=f"may not read {collection}", fix=_DEPLOY)
            return
    open_ones = [each for each in (Collection.EVENTS, Collection.SESSIONS) if _may_list(connection, site_id, each)]
    if open_ones:
        yield Tried(
            check="access",
            verdict=Verdict.FAILED,
            detail=f"may read {' and '.join(open_ones)}, which no camera machine should",
            fix=f"the deployed rules are not those of config/firestore.rules: {_DEPLOY}",
        )
        return
    yield _ok("access", "adds what its camera sees, reads people and settings, and nothing else")


def _may_list(connection: Connection, site_id: str, collection: Collection) -> bool:
    query = connection.client.collection(path_of(site_id, collection)).limit(1)
    try:
        query.get(timeout=_TIMEOUT_S, retry=None)
    except google_errors.PermissionDenied:
        return False
    return True


def _sessions(connection: Connection, site_id: str) -> Iterator[Tried]:
    """Whether somebody derives the sessions of the site."""
    if connection.device is None:
        found = connection.client.document(site_path(site_id)).get(timeout=_TIMEOUT_S, retry=None).to_dict()
        deriver = deriver_of(found or {})
        names = {"": "nobody yet: the first machine that uploads events will", FUNCTIONS: "the Cloud Functions"}
        yield _ok("sessions", f"derived by {names.get(deriver, f'the machine {deriver}')}")
        return
    found = connection.client.document(site_path(site_id)).get(timeout=_TIMEOUT_S, retry=None).to_dict()
    if not deriver_of(found or {}):
        yield Tried(
            check="sessions",
            verdict=Verdict.WARNING,
            detail="nobody derives the sessions of this site, and a camera machine may not",
            fix="deploy the functions and run `footfall cloud publish-settings --derived-by functions`",
        )
        return
    yield _ok("sessions", "derived elsewhere")
