"""What a server's refusals and silences do to an uplink and to the agent that records beside it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from google.auth import exceptions as auth_errors
from google.auth.credentials import Credentials

from tests.firestore.fixtures import Firestore
from tests.tracker.cloud.machines import Machine, visits, wait_until
from tests.tracker.cloud.recording import (
    FOR_EVER_S,
    Recorder,
    assert_all_once,
    event_writes,
    is_told,
    record_meanwhile,
    waits_for_an_answer,
)
from tracker.cloud.connect import Connection

LEFT_ALONE_S = 600.0
"""Longer than an uplink leaves alone what is refused to it."""


@pytest.fixture
def machine(firestore_server: Firestore, tmp_path: Path) -> Iterator[Machine]:
    """A machine that has sent what it has, and waits patiently for answers."""
    made = Machine(tmp_path / "store.sqlite3", firestore_server, timeout_s=FOR_EVER_S)
    made.record(5)
    made.drain()
    yield made
    made.close()


@pytest.mark.parametrize("held", [False, True], ids=["at-once-and-always", "late"])
@pytest.mark.parametrize(
    "status", ["RESOURCE_EXHAUSTED", "PERMISSION_DENIED", "DEADLINE_EXCEEDED", "UNAVAILABLE", "ABORTED"]
)
def test_while_the_server_refuses_every_event_is_recorded_at_its_turn(
    machine: Machine, status: str, held: bool
) -> None:
    """Late: the server takes a request and says no after the last event has been recorded, not earlier."""
    ahead_s = 0.0
    machine.firestore.control.fail("", status, count=-1, delay_s=FOR_EVER_S if held else 0.0)
    machine.start(machine.uplink(monotonic=lambda: time.monotonic() + ahead_s))
    in_trouble = partial(waits_for_an_answer, machine) if held else partial(is_told, machine, status)
    record_meanwhile(machine, in_trouble, first=1000, delivered=partial(event_writes, machine))
    machine.firestore.control.heal()
    ahead_s = LEFT_ALONE_S
    wait_until(machine.is_drained)
    wait_until(lambda: not is_told(machine))
    machine.end()
    assert_all_once(machine)
    assert event_writes(machine) == 2 * 25


@pytest.mark.parametrize("applied", [False, True], ids=["before-it-is-done", "after-it-was-done"])
def test_a_request_that_nobody_answers_holds_up_no_write(machine: Machine, applied: bool) -> None:
    """It fails at its own deadline, which passes while events are recorded or after; then it is sent again."""
    machine.terms = replace(machine.terms, timeout_s=0.5)
    control = machine.firestore.control
    control.fail("", "", applied=applied, count=-1, delay_s=FOR_EVER_S)
    machine.start(machine.uplink(gentle=True))
    events, matches = visits(20, first=1000)
    Recorder(machine.store, events[:1])._run()
    recorder = Recorder(machine.store, events[1:], matches)
    wait_until(partial(waits_for_an_answer, machine))
    recorder.start()
    recorder.require_all()
    control.heal()
    wait_until(machine.is_drained)
    machine.end()
    assert_all_once(machine)


class Lease(Credentials):
    """Credentials that are good until they are revoked, and again once they are renewed."""

    def __init__(self) -> None:
        super().__init__()
        self.good = True

    @property
    def valid(self) -> bool:
        return self.good and self.token is not None

    def refresh(self, request: object) -> None:
        del request
        if not self.good:
            raise auth_errors.RefreshError("invalid_grant: the key was revoked")
        self.token = "a-token"


@pytest.mark.parametrize("sent_before", [True, False], ids=["while-sending", "before-the-first-request"])
def test_while_credentials_are_expired_every_event_is_recorded_and_none_is_parked(
    machine: Machine, sent_before: bool
) -> None:
    lease = Lease()
    lease.good = sent_before

    def connecting() -> Connection:
        connection = machine.connect()
        connection.client._credentials = lease
        return connection

    machine.start(machine.uplink(connecting, gentle=True))
    if sent_before:
        machine.record(5, first=500)
        wait_until(machine.is_drained)
        lease.good = False
    in_trouble = partial(is_told, machine, "invalid_grant")
    record_meanwhile(machine, in_trouble, first=1000, delivered=partial(event_writes, machine))
    assert machine.store.parked() == []
    lease.good = True
    wait_until(machine.is_drained)
    wait_until(lambda: not is_told(machine))
    machine.end()
    assert_all_once(machine)
