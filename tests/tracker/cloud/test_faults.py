"""What networks, servers, clocks and kills do to an uplink, really done: afterwards every event is there once."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Self

import pytest
from google.auth import exceptions as auth_errors
from google.auth.credentials import Credentials

from tests.firestore.fixtures import Firestore
from tests.firestore.processes import ROOT, ServerProcess
from tests.tracker.cloud.machines import SITE, START, Cloud, Machine, assert_same, visits, wait_until
from tests.tracker.cloud.proxy import Mode, Proxy
from tracker.cloud.connect import Connection
from tracker.presence.health import CameraHealth, CameraState

VISITS = 300


@pytest.fixture
def behind(
    firestore_server: Firestore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Machine, Proxy]]:
    """A machine whose way to the server leads through a proxy."""
    with Proxy(firestore_server.host) as proxy:
        machine = Machine(tmp_path / "store.sqlite3", firestore_server, timeout_s=2.0)
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", proxy.host)
        yield machine, proxy
        machine.close()


def _check(machine: Machine, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """All is there once, seen without the proxy, and nothing was parked."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", host)
    cloud = Cloud(machine.firestore)
    assert_same(cloud, [machine.store])
    assert machine.store.parked() == []
    cloud.close()


class Recorder:
    """An agent's writes: a visit's event every few milliseconds, each in a transaction of its own."""

    def __init__(self, machine: Machine, *, events: int, every_s: float) -> None:
        self._events = visits(events // 2, first=5000)[0]
        self._store = machine.store
        self._every_s = every_s
        self.slowest_s = 0.0
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()

    def _run(self) -> None:
        pause = threading.Event()
        for event in self._events:
            began_s = time.monotonic()
            self._store.record(events=[event])
            self.slowest_s = max(self.slowest_s, time.monotonic() - began_s)
            pause.wait(max(0.0, self._every_s - (time.monotonic() - began_s)))


@pytest.mark.parametrize("mode", [Mode.CUT, Mode.RESET, Mode.HALVE, Mode.DELAY, Mode.SILENT])
def test_a_bad_line_loses_nothing_and_holds_up_no_agent(
    behind: tuple[Machine, Proxy], mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine, proxy = behind
    machine.record(VISITS)
    machine.start(machine.uplink(gentle=True))
    with Recorder(machine, events=60, every_s=0.02) as recorder:
        for _ in range(3):
            carried = proxy.up
            wait_until(lambda carried=carried: proxy.up > carried + 2000 or machine.is_drained())  # type: ignore[misc]
            proxy.be(mode)
            threading.Event().wait(0.1)
            proxy.be(Mode.PASS)
    assert recorder.slowest_s < 1.0
    wait_until(machine.is_drained)
    machine.end()
    _check(machine, monkeypatch, machine.firestore.host)


def test_answers_that_are_lost_make_no_second_document(
    behind: tuple[Machine, Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine, _ = behind
    control = machine.firestore.control
    machine.record(VISITS)
    for skip in range(4):
        control.fail("Commit", "UNAVAILABLE", applied=True, skip=skip)
    control.fail("BatchWrite", "UNAVAILABLE", applied=True)
    machine.drain()
    assert control.counts()["writes_by_collection"]["events"] == 2 * VISITS
    _check(machine, monkeypatch, machine.firestore.host)


def test_a_server_that_is_killed_and_comes_back_has_all(
    durable_firestore: ServerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", durable_firestore.host)
    machine = Machine(tmp_path / "store.sqlite3", Firestore("ours", durable_firestore.host, "faults"), timeout_s=5.0)
    machine.record(VISITS)
    machine.start()
    for _ in range(2):
        before = sum(machine.store.backlog(visits=True, people=True).counts.values())
        wait_until(lambda before=before: machine.is_drained() or _left(machine) < before)  # type: ignore[misc]
        durable_firestore.kill()
        machine.record(20, first=VISITS + before)
        durable_firestore.start()
    wait_until(machine.is_drained)
    machine.end()
    _check(machine, monkeypatch, durable_firestore.host)
    machine.close()


def _left(machine: Machine) -> int:
    return machine.store.backlog(visits=True, people=True).total


def test_a_process_that_is_killed_while_sending_leaves_no_gap_and_nothing_twice(
    firestore_server: Firestore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at random instants, some between the server's commit and its answer."""
    path = tmp_path / "store.sqlite3"
    firestore_server.control.delay("Commit", 0.02, count=-1)
    command = [sys.executable, "-m", "tests.tracker.cloud.killer", str(path), firestore_server.project]
    done = subprocess.run(command, cwd=ROOT, env=firestore_server.env, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert told["killed"] == told["trials"]
    firestore_server.control.heal()
    machine = Machine(path, firestore_server)
    machine.drain()
    assert (
        firestore_server.control.counts()["writes_by_collection"]["events"] == told["events"]
    )  # none was written twice
    assert told["events"] == len(machine.store.events())
    _check(machine, monkeypatch, firestore_server.host)
    machine.close()


def test_clocks_that_jump_hold_up_nothing(firestore_server: Firestore, tmp_path: Path) -> None:
    machine = Machine(tmp_path / "store.sqlite3", firestore_server, heartbeat_s=10.0)
    cloud = Cloud(firestore_server)
    for number, jump in enumerate([timedelta(), timedelta(days=-400), timedelta(days=3), timedelta(hours=-1)]):
        machine.now = START + timedelta(days=500) + jump
        machine.record(5, first=100 * number)
        machine.store.record(health=_health(machine))
        machine.drain()
        assert len(cloud.events()) == 10 * (number + 1)
    assert len(cloud.documents("heartbeats")) >= 2
    machine.close()
    cloud.close()


def _health(machine: Machine) -> CameraHealth:
    started_at = machine.now - timedelta(hours=1)
    return CameraHealth(
        site_id=SITE,
        camera_id="front",
        source="0",
        state=CameraState.LIVE,
        started_at=started_at,
        updated_at=machine.now,
        last_frame_at=machine.now,
    )


class Expired(Credentials):
    """Credentials that were good once."""

    def refresh(self, request: object) -> None:
        del request
        raise auth_errors.RefreshError("invalid_grant: the key was revoked")


def test_credentials_that_expire_park_nothing_and_are_found_when_renewed(
    firestore_server: Firestore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(tmp_path / "store.sqlite3", firestore_server)
    machine.record(20)
    good = threading.Event()

    def connecting() -> Connection:
        connection = machine.connect()
        if not good.is_set():
            connection.client._credentials = Expired()
        return connection

    machine.start(machine.uplink(connecting))
    wait_until(lambda: "invalid_grant" in machine.store.notes("up ").get("trouble", ""))
    assert machine.store.parked() == []
    good.set()
    wait_until(machine.is_drained)
    wait_until(lambda: "trouble" not in machine.store.notes("up "))
    machine.end()
    _check(machine, monkeypatch, firestore_server.host)
    machine.close()
