"""Uploader and agent under kills and clock jumps: every event is uploaded once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from tests.firestore.fixtures import Firestore
from tests.firestore.processes import ROOT, ServerProcess
from tests.tracker.cloud.machines import LATER, SITE, START, Cloud, Machine, person, visits, wait_until
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
from tracker.presence.health import CameraHealth, CameraState
from tracker.store.observation import Observation

VISITS = 300


def test_a_killed_server_has_all_events_after_its_restart(
    durable_firestore: ServerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", durable_firestore.host)
    machine = Machine(tmp_path / "store.sqlite3", Firestore("ours", durable_firestore.host, "faults"), timeout_s=5.0)
    machine.record(VISITS)
    machine.start()
    for _ in range(2):
        before = sum(machine.store.outbox.backlog().counts.values())
        wait_until(lambda before=before: machine.is_drained() or _left(machine) < before)  # type: ignore[misc]
        durable_firestore.kill()
        machine.record(20, first=VISITS + before)
        durable_firestore.start()
    wait_until(machine.is_drained)
    machine.end()
    assert_all_once(machine)
    machine.close()


def _left(machine: Machine) -> int:
    return machine.store.outbox.backlog().total


@pytest.mark.parametrize("applied", [False, True], ids=["before-a-batch-is-done", "before-it-is-answered"])
def test_recording_never_waits_while_the_server_is_down(
    durable_firestore: ServerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, applied: bool
) -> None:
    """Killed in the middle of a batch; it stays away until the last event is in the store."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", durable_firestore.host)
    firestore = Firestore("ours", durable_firestore.host, "faults")
    machine = Machine(tmp_path / "store.sqlite3", firestore)
    firestore.control.fail("", "", applied=applied, count=-1, skip=2, delay_s=FOR_EVER_S)
    machine.record(VISITS)
    machine.start(patient_uploader(machine))
    wait_until(partial(waits_for_an_answer, machine))
    durable_firestore.kill()
    wait_until(partial(is_reported, machine))
    events, matches = visits(20, first=5000)
    recorder = Recorder(machine.store, events, matches)
    recorder.start()
    recorder.require_all()
    assert _left(machine) >= len(events)
    durable_firestore.start()
    send_the_rest(machine)
    assert_all_once(machine)
    machine.close()


def test_a_killed_uploader_leaves_no_gap_and_no_duplicate(firestore_server: Firestore, tmp_path: Path) -> None:
    """Killed at random instants, some between the server's commit and its answer."""
    path = tmp_path / "store.sqlite3"
    firestore_server.control.delay("", 0.02, count=-1)
    command = [sys.executable, "-m", "tests.tracker.cloud.killer", str(path), firestore_server.project]
    done = subprocess.run(command, cwd=ROOT, env=firestore_server.env, capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    assert result["killed"] == result["trials"]
    firestore_server.control.heal()
    machine = Machine(path, firestore_server)
    machine.drain()
    assert event_writes(machine) == result["events"]  # none was written twice
    assert result["events"] == len(machine.store.events.select())
    assert_all_once(machine)
    machine.close()


def test_an_agent_killed_while_uploading_loses_nothing(firestore_server: Firestore, tmp_path: Path) -> None:
    """What the killed one had recorded is there, and the next one waits neither for what the killed one had under way
    nor for the network: all of its events are in the store before any request is answered again.
    """
    machine = Machine(tmp_path / "store.sqlite3", firestore_server)
    machine.record(2 * VISITS)
    control = firestore_server.control
    control.delay("", FOR_EVER_S, skip=2, count=-1)
    with _agent(machine, first=1000, visits=1000) as killed:
        printed = [_line(killed) for _ in range(10)]
        wait_until(partial(waits_for_an_answer, machine))
        printed += [_line(killed) for _ in range(10)]
        killed.kill()
        printed += killed.communicate()[0].split()
    sent = event_writes(machine)
    with _agent(machine, first=3000, visits=20) as following:
        printed += [_line(following) for _ in range(40)]
        recorded = [each.event_id for each in machine.store.events.select()]
        assert set(printed) <= set(recorded)
        assert event_writes(machine) == sent
        assert 0 < sent < 4 * VISITS  # in the middle of it
        control.heal()
        wait_until(machine.is_drained)
        following.communicate(timeout=60)
    assert following.returncode == 0
    assert event_writes(machine) == len(recorded) == len(machine.store.events.select())
    assert_all_once(machine)
    machine.close()


@contextmanager
def _agent(machine: Machine, *, first: int, visits: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.tracker.cloud.recording_agent", str(machine.store.path)]
    command += [machine.firestore.project, str(first), str(visits)]
    process = subprocess.Popen(
        command, cwd=ROOT, env=machine.firestore.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _line(process: subprocess.Popen[str]) -> str:
    """The next event id printed by the process. Fails when it has ended."""
    line = process.stdout.readline() if process.stdout else ""
    assert line, "the process has ended"
    return line.strip()


# -- clocks


@pytest.mark.parametrize("jump", [timedelta(days=100), timedelta(days=-100)], ids=["forwards", "backwards"])
def test_events_are_recorded_and_uploaded_during_clock_jumps(
    firestore_server: Firestore, tmp_path: Path, jump: timedelta
) -> None:
    """It jumps while events are recorded and a request is under way that is answered after the last of them."""
    machine = Machine(tmp_path / "store.sqlite3", firestore_server, timeout_s=FOR_EVER_S)
    minute = 200 * 24 * 60
    machine.now = START + timedelta(minutes=minute)
    machine.start(machine.uploader(gentle=True))
    machine.record(5, first=minute - 100)
    wait_until(machine.is_drained)
    firestore_server.control.delay("", FOR_EVER_S, count=-1)
    held = partial(waits_for_an_answer, machine)
    for _ in range(2):
        record_meanwhile(machine, held, first=minute, delivered=partial(event_writes, machine))
        minute += jump // timedelta(minutes=1)
        machine.now += jump
    firestore_server.control.heal()
    wait_until(machine.is_drained)  # although it is wrong still
    assert event_writes(machine) == 2 * 45
    machine.end()
    machine.now = LATER  # set right
    machine.stop.clear()
    machine.drain()
    assert_all_once(machine)
    machine.close()


def test_clock_jumps_delay_no_heartbeat(firestore_server: Firestore, tmp_path: Path) -> None:
    machine = Machine(tmp_path / "store.sqlite3", firestore_server, heartbeat_s=10.0)
    cloud = Cloud(firestore_server)
    for number, jump in enumerate([timedelta(), timedelta(days=-400), timedelta(days=3), timedelta(hours=-1)]):
        machine.now = START + timedelta(days=500) + jump
        machine.record(5, first=100 * number)
        machine.store.record(Observation(health=_health(machine)))
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


def test_a_visit_closed_by_a_wrong_clock_is_opened_again(firestore_server: Firestore, tmp_path: Path) -> None:
    """A clock far ahead closed visits; after it is corrected they are open, and close at their time."""
    machine, cloud = Machine(tmp_path / "store.sqlite3", firestore_server), Cloud(firestore_server)
    (enter, _), _ = visits(1)
    (other, _), _ = visits(1, first=1)

    def result(now: timedelta) -> dict[str, str]:
        machine.now = START + now
        machine.drain()
        return {each["person_id"]: each["state"] for each in cloud.documents("sessions").values()}

    machine.store.record(Observation(events=[enter]))
    assert result(timedelta(minutes=1)) == {person(0): "open"}
    assert "open" not in result(timedelta(days=100)).values()
    assert result(timedelta(minutes=2)) == {person(0): "open"}
    machine.store.record(Observation(events=[other]))
    assert result(timedelta(minutes=3)) == {person(0): "open", person(1): "open"}
    assert "open" not in result(timedelta(days=2)).values()
    machine.now = LATER
    machine.drain()
    assert_all_once(machine)
    machine.close()
    cloud.close()
