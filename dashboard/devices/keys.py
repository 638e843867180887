"""Which device sends a request: by the key in its Authorization header, without cookies."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import flask

from dashboard.access.attempts import Attempts
from tracker.store.devices import Device, DeviceKey
from tracker.store.store import Store

_SCHEME = "bearer"
_PAIR_AGAIN = "pair this device again: an admin makes a link on the page Cameras"


class RefusedError(Exception):
    """A request of a device that is refused. more: fields of the answer besides the problem and the fix."""

    def __init__(self, status: int, problem: str, *, fix: str, retry_after_s: float = 0.0, **more: object) -> None:
        super().__init__(problem)
        self.status = status
        self.document: dict[str, Any] = {"error": problem, "fix": fix, **more}
        self.retry_after_s = retry_after_s


class Keys:
    """The keys of the devices of a site. Thread-safe.

    store: raises StoreError while it cannot be read. Wrong keys from one address have to wait longer and longer; a
    right one never waits, so that nobody can keep a camera out.
    """

    def __init__(self, store: Callable[[], Store], site_id: str) -> None:
        self._store = store
        self._site_id = site_id
        self._attempts = Attempts()

    def device(self) -> tuple[Device, DeviceKey]:
        """The device that sends this request, and its key. Raises RefusedError, StoreError."""
        scheme, _, text = flask.request.headers.get("Authorization", "").partition(" ")
        key = DeviceKey.parse(text.strip()) if scheme.lower() == _SCHEME else None
        device = None if key is None else self._store().devices.opened_by(key)
        if key is None or device is None:
            raise self._unknown("" if key is None else key.device_id)
        if device.revoked_at is not None:
            raise RefusedError(401, "the key of this device was revoked", fix=_PAIR_AGAIN, revoked=True)
        if device.site_id != self._site_id:
            raise RefusedError(
                403,
                "this dashboard is not the one of the device's site",
                fix="open the address that it was paired with",
            )
        return device, key

    def _unknown(self, device_id: str) -> RefusedError:
        wait_s = self._attempts.begin(device_id, flask.request.remote_addr or "")
        if wait_s:
            seconds = math.ceil(wait_s)
            return RefusedError(429, "too many wrong keys", fix=f"try again in {seconds} s", retry_after_s=seconds)
        return RefusedError(401, "the key of this device is wrong", fix=_PAIR_AGAIN, revoked=False)
