"""Uploader and agent under error statuses and missing answers of the server."""

from __future__ import annotations

import threading
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
    is_reported,
    patient_uploader,
    record_meanwhile,
    send_the_rest,
    waits_for_an_answer,
)
from tracker.cloud.client import Connection


@pytest.fixture
def machine(firestore_server: Firestore, tmp_path: Path) -> Iterator[Machine]:
    """A machine without a backlog, with long deadlines."""
    made = Machine(tmp_path / "store.sqlite3", firestore_server, timeout_s=FOR_EVER_S)
    made.record(5)
    made.drain()
    yield made
    made.close()


STATUSES = ["RESOURCE_EXHAUSTED", "PERMISSION_DENIED", "DEADLINE_EXCEEDED", "UNAVAILABLE", "ABORTED"]


@pytest.mark.parametrize("status", STATUSES)
def test_recording_never_waits_while_the_server_refuses(machine: Machine, status: str) -> None:
    """The next retry waits until the last event has been recorded."""
    machine.firestore.control.fail("", status, count=-1)
    machine.start(patient_uploader(machine))
    in_trouble = partial(is_reported, machine, status)
    record_meanwhile(machine, in_trouble, first=1000, delivered=partial(event_writes, machine))
    machine.firestore.control.heal()
    send_the_rest(machine)
    assert_all_once(machine)
    assert event_writes(machine) == 2 * 25


@pytest.mark.parametrize("status", STATUSES)
def test_recording_never_waits_for_a_refusal(machine: Machine, status: str) -> None:
    """It takes a request and refuses it after the last event has been recorded, not earlier."""
    machine.firestore.control.fail("", status, count=-1, delay_s=FOR_EVER_S)
    machine.start(machine.uploader(gentle=True))
    in_trouble = partial(waits_for_an_answer, machine)
    record_meanwhile(machine, in_trouble, first=1000, delivered=partial(event_writes, machine))
    machine.firestore.control.heal()
    _require_recovery(machine)
    assert event_writes(machine) == 2 * 25


@pytest.mark.parametrize("applied", [False, True], ids=["before-it-is-done", "after-it-was-done"])
def test_requests_answered_after_the_deadline_are_applied_once(machine: Machine, applied: bool) -> None:
    """They fail at their own deadline and are sent again, while the server may still do what it was asked first."""
    machine.terms = replace(machine.terms, timeout_s=0.5)
    control = machine.firestore.control
    control.fail("", "", applied=applied, count=-1, delay_s=FOR_EVER_S)
    machine.start(machine.uploader(gentle=True))
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
    """Credentials that are valid until revoked, and again after a renewal.

    answering: the token server blocks until it is set. asked: set by a request.
    """

    def __init__(self) -> None:
        super().__init__()
        self.good = True
        self.asked = threading.Event()
        self.answering = threading.Event()

    @property
    def valid(self) -> bool:
        return self.good and self.token is not None

    def refresh(self, request: object) -> None:
        del request
        self.asked.set()
        self.answering.wait(FOR_EVER_S)
        if not self.good:
            raise auth_errors.RefreshError("invalid_grant: the key was revoked")
        self.token = "a-token"


@pytest.fixture
def lease(machine: Machine) -> Iterator[Lease]:
    """The credentials of the machine's next connections."""
    found = Lease()
    connect = machine.connect

    def connecting() -> Connection:
        connection = connect()
        connection.client._credentials = found
        return connection

    machine.connect = connecting  # type: ignore[method-assign]
    yield found
    found.answering.set()


@pytest.mark.parametrize("sent_before", [True, False], ids=["while-sending", "before-the-first-request"])
def test_expired_credentials_reject_nothing_and_recording_continues(
    machine: Machine, lease: Lease, sent_before: bool
) -> None:
    lease.answering.set()
    lease.good = sent_before
    machine.start(patient_uploader(machine))
    if sent_before:
        machine.record(5, first=500)
        wait_until(machine.is_drained)
        lease.good = False
    in_trouble = partial(is_reported, machine, "invalid_grant")
    record_meanwhile(machine, in_trouble, first=1000, delivered=partial(event_writes, machine))
    assert machine.store.outbox.rejected() == []
    lease.good = True
    send_the_rest(machine)
    assert_all_once(machine)


def test_recording_never_waits_for_a_token(machine: Machine, lease: Lease) -> None:
    """The token server refuses after the last event has been recorded, not earlier."""
    lease.good = False
    machine.start(machine.uploader(gentle=True))
    record_meanwhile(machine, lease.asked.is_set, first=1000, delivered=partial(event_writes, machine))
    lease.answering.set()
    wait_until(partial(is_reported, machine, "invalid_grant"))
    lease.good = True
    _require_recovery(machine)


def _require_recovery(machine: Machine) -> None:
    """Wait until everything is uploaded without intervention."""
    wait_until(machine.is_drained)
    wait_until(lambda: not is_reported(machine))
    machine.end()
    assert_all_once(machine)
