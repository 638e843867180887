"""Uploader and agent under network faults: nothing is lost, and recording never waits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.firestore.fixtures import Firestore
from tests.tracker.cloud.machines import Machine, visits, wait_until
from tests.tracker.cloud.proxy import Mode, Proxy
from tests.tracker.cloud.recording import (
    FOR_EVER_S,
    Recorder,
    assert_all_once,
    event_writes,
    is_reported,
    patient_uploader,
    record_meanwhile,
    send_the_rest,
)

VISITS = 300
BAD = [Mode.CUT, Mode.RESET, Mode.HALVE, Mode.DELAY, Mode.SILENT]
HOLDING = (Mode.DELAY, Mode.SILENT)
"""A request on such a line waits; on the others it fails."""


@pytest.fixture
def behind(
    firestore_server: Firestore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Machine, Proxy]]:
    """A machine that reaches the server through a proxy."""
    with Proxy(firestore_server.host) as proxy:
        machine = Machine(tmp_path / "store.sqlite3", firestore_server, timeout_s=2.0)
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", proxy.host)
        yield machine, proxy
        machine.close()


@pytest.mark.parametrize("mode", BAD)
def test_recording_never_waits_for_a_bad_connection(
    behind: tuple[Machine, Proxy], mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line stays bad until the last event is in the store, so no write can have waited for it."""
    machine, proxy = behind
    if mode in HOLDING:
        machine.terms = replace(machine.terms, timeout_s=FOR_EVER_S)  # the very request that is held arrives in the end
    machine.record(5)
    machine.start(patient_uploader(machine))
    wait_until(machine.is_drained)
    proxy.be(mode, delay_s=FOR_EVER_S)
    in_trouble = (lambda: proxy.held > 0) if mode in HOLDING else partial(is_reported, machine)
    record_meanwhile(machine, in_trouble, first=1000, delivered=partial(event_writes, machine))
    proxy.be(Mode.PASS)
    if mode in HOLDING:
        wait_until(machine.is_drained)
    send_the_rest(machine)
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", machine.firestore.host)
    assert_all_once(machine)
    assert event_writes(machine) == 2 * 25


@pytest.mark.parametrize("mode", BAD)
def test_repeated_connection_failures_lose_nothing(
    behind: tuple[Machine, Proxy], mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine, proxy = behind
    machine.record(VISITS)
    machine.start(machine.uploader(gentle=True))
    recorder = Recorder(machine.store, visits(30, first=5000)[0])
    recorder.start()
    for _ in range(3):
        carried = proxy.up
        wait_until(lambda carried=carried: proxy.up > carried + 2000 or machine.is_drained())  # type: ignore[misc]
        proxy.be(mode)
        threading.Event().wait(0.1)
        proxy.be(Mode.PASS)
    recorder.require_all()
    wait_until(machine.is_drained)
    machine.end()
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", machine.firestore.host)
    assert_all_once(machine)


def test_lost_answers_make_no_duplicate_documents(
    behind: tuple[Machine, Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine, _ = behind
    control = machine.firestore.control
    machine.record(VISITS)
    for skip in range(4):
        control.fail("Commit", "UNAVAILABLE", applied=True, skip=skip)
    control.fail("BatchWrite", "UNAVAILABLE", applied=True)
    machine.drain()
    assert event_writes(machine) == 2 * VISITS
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", machine.firestore.host)
    assert_all_once(machine)
