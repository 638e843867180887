"""What visits cost that are sent as they happen: documents, and bytes on the wire with a token as long as Google's.

Part of `python -m benchmarks.upload`, where no time passes between visits. `python -m benchmarks.live_visits
[--minutes N]` lets it pass: as many minutes as that, with a request in each.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import string
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from google.oauth2.credentials import Credentials

from benchmarks.measure import SEED, machine
from benchmarks.sent_visits import PROJECT, START, TERMS, Result, connected, health, visit, watch
from benchmarks.traffic import CountingProxy, server
from tracker.cloud.client import Connection
from tracker.cloud.upload import Upload
from tracker.store.observation import Observation
from tracker.store.store import Store

WRITES_A_VISIT, BYTES_A_VISIT, BYTES_WITHOUT_TOKEN = 8.0, 3_500.0, 1_500.0
TOKEN_LETTERS = 1_000
"""About what an access token of a service account, or the token of a camera machine, has."""
VISITS_AN_HOUR = 30
_MANY = 150
_HOURS = 5
_HEARTBEATS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Bytes:
    """Bytes up: of a visit, of a heartbeat."""

    visit: float
    heartbeat: float


def send_all(upload: Upload, now: datetime) -> int:
    """Upload everything that is pending. Returns the documents written."""
    writes = 0
    while True:
        sent = upload.next(now)
        writes += sent.writes
        if not sent.more:
            return writes


class LiveCamera:
    """A camera whose visits and heartbeats are sent as they happen, through a proxy that counts.

    Its clock says when heartbeats are due. pause: what to do where time passes on it.
    """

    def __init__(
        self, store: Store, proxy: CountingProxy, connection: Connection, pause: Callable[[float], None]
    ) -> None:
        self.clock_s = 0.0
        self._pause = pause
        self._proxy = proxy
        self._store = store
        self._signs = self._visits = 0
        self._signed_s = 0.0
        store.outbox.begin()
        self._upload = Upload(store, connection, TERMS, monotonic=lambda: self.clock_s)
        self.visit()  # the connection is made, the site has a document

    def visit(self, *, between_s: float = 0.0, signs: bool = False) -> int:
        """Somebody comes, and goes, so long before each. signs: give those that are due. Returns the documents."""
        events, matches = visit(self._visits)
        self._visits += 1
        writes = 0
        for event in events:
            self.wait(between_s)
            self._store.record(
                Observation(events=[event], matches=[match for match in matches if match.at == event.at])
            )
            writes += send_all(self._upload, event.at + timedelta(seconds=1))
            if signs and self.clock_s - self._signed_s >= TERMS.heartbeat_s:
                self.sign()
        return writes

    def wait(self, seconds: float) -> None:
        """So much time passes."""
        self.clock_s += seconds
        self._pause(seconds)

    def sign(self) -> None:
        """A heartbeat, in a request of its own."""
        self._store.record(Observation(health=health(self._signs), coverage=[watch(self._signs)]))
        self._signs += 1
        self._signed_s = self.clock_s
        send_all(self._upload, START)

    def carried(self) -> tuple[int, int]:
        """Bytes up and down so far."""
        return self._proxy.up, self._proxy.down

    def close(self) -> None:
        self._upload.close()


def live(folder: Path, host: str) -> tuple[list[Result], float, Bytes]:
    """All figures, documents a visit, and bytes as Google sees them."""
    with _camera(folder, host, "plain") as camera:
        plain, _, _ = _visits(camera)
    with _camera(folder, host, "signed", signed=True) as camera:
        up, down, writes = _visits(camera)
        heartbeat = _heartbeats(camera)
        hour, hour_down = _all(camera, _HOURS * VISITS_AN_HOUR)
    found = [
        Result(case="documents written a visit, as it happens", value=writes, unit="writes",
               target=f"at most {WRITES_A_VISIT:.0f}", met=writes <= WRITES_A_VISIT,
               note="enter, exit, match; the session twice, in two requests"),
        Result(case=f"bytes up a visit, as it happens, token of {TOKEN_LETTERS} letters", value=up, unit="bytes",
               target=f"at most {BYTES_A_VISIT:.0f}", met=up <= BYTES_A_VISIT,
               note=f"and {down:.0f} down"),
        Result(case="bytes up a visit, as it happens, without a token", value=plain, unit="bytes",
               target=f"at most {BYTES_WITHOUT_TOKEN:.0f}", met=plain <= BYTES_WITHOUT_TOKEN),
        Result(case=f"bytes up of all in an hour of {VISITS_AN_HOUR} visits, a visit", value=hour, unit="bytes",
               note=f"and {hour_down:.0f} down; with heartbeats and the figures of the day"),
        Result(case="bytes up a heartbeat", value=heartbeat, unit="bytes", note="one in five minutes"),
    ]  # fmt: skip
    return found, writes, Bytes(visit=up, heartbeat=heartbeat)


@contextmanager
def counted(host: str) -> Iterator[CountingProxy]:
    """A proxy before the server; clients made inside go through it."""
    with CountingProxy(host) as proxy:
        os.environ["FIRESTORE_EMULATOR_HOST"] = proxy.host
        try:
            yield proxy
        finally:
            os.environ["FIRESTORE_EMULATOR_HOST"] = host


def at_its_pace(minutes: int) -> Result:
    """All that is uploaded in so many real minutes, a visit."""
    with (
        tempfile.TemporaryDirectory(prefix="footfall-") as folder,
        server() as host,
        _camera(Path(folder), host, "paced", time.sleep, signed=True) as camera,
    ):
        up, down = _all(camera, minutes // 2)
    return Result(
        case=f"bytes up of all in {minutes} minutes, a visit", value=up, unit="bytes",
        note=f"and {down:.0f} down; a request a minute, and heartbeats",
    )  # fmt: skip


def _no_pause(seconds: float) -> None:
    del seconds


@contextmanager
def _camera(
    folder: Path, host: str, name: str, pause: Callable[[float], None] = _no_pause, *, signed: bool = False
) -> Iterator[LiveCamera]:
    """signed: requests carry a token as long as Google's, in place of an emulator's short one."""
    with counted(host) as proxy, Store(folder / f"{name}.sqlite3") as store:
        connection = connected(f"{PROJECT}-{name}")  # where none of these visits is known
        if signed:
            dice = random.Random(SEED)  # noqa: S311 - no secret
            token = "".join(dice.choices(string.ascii_letters + string.digits, k=TOKEN_LETTERS))
            connection.client._credentials = Credentials(token)  # noqa: SLF001 - what is measured
        camera = LiveCamera(store, proxy, connection, pause)
        yield camera
        camera.close()


def _visits(camera: LiveCamera, *, between_s: float = 0.0) -> tuple[float, float, float]:
    """Bytes up and down and documents a visit, where so long passes before each request."""
    up, down = camera.carried()
    writes = sum(camera.visit(between_s=between_s) for _ in range(_MANY))
    now_up, now_down = camera.carried()
    return (now_up - up) / _MANY, (now_down - down) / _MANY, writes / _MANY


def _heartbeats(camera: LiveCamera) -> float:
    """Bytes up a heartbeat, in a request of its own."""
    up, _ = camera.carried()
    for _ in range(_HEARTBEATS):
        camera.wait(TERMS.heartbeat_s)
        camera.sign()
    return (camera.carried()[0] - up) / _HEARTBEATS


def _all(camera: LiveCamera, visits: int) -> tuple[float, float]:
    """Bytes up and down a visit of all that is sent, somebody coming or going every minute."""
    up, down = camera.carried()
    every_s = 3600 / (2 * VISITS_AN_HOUR)
    for _ in range(visits):
        camera.visit(between_s=every_s, signs=True)
    now_up, now_down = camera.carried()
    return (now_up - up) / visits, (now_down - down) / visits


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live_visits")
    parser.add_argument("--minutes", type=int, default=10, help="how long it takes; a visit needs 2")
    minutes = parser.parse_args().minutes
    if minutes < 2:
        parser.error(f"--minutes: expected at least 2, in which one visit is sent, got {minutes}")
    print(json.dumps({**at_its_pace(minutes).record(), **machine()}, indent=1))


if __name__ == "__main__":
    main()
