"""Failures around an agent: a failing store, lost cameras, internal errors, repeated interrupts."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from config.errors import CameraError, FootfallError, RecordingError, StoreError
from tests.tracker.conftest import SmallDisk
from tests.tracker.fake_cameras import (
    ADA,
    EVE,
    AgentHarness,
    ScriptedCamera,
    WaitingCamera,
    fault,
    picture,
    scene,
)
from tracker.agent import supervisor as agents_module
from tracker.agent import writer
from tracker.agent.loop import Agent, Step
from tracker.agent.supervisor import run_all
from tracker.presence.health import CameraState
from tracker.presence.people import Person
from tracker.store.observation import Observation
from tracker.store.people import People
from tracker.store.store import Store


class FullDisk(Store):
    """A store whose disk can be filled and freed, and that may not find people when asked."""

    full = False
    refused = 0
    forgetful = 0

    def __init__(self, path: Path, **options: Any) -> None:
        super().__init__(path, **options)
        self.people = ForgetfulPeople(self)

    def record(self, found: Observation) -> int:
        if self.full:
            self.refused += 1
            raise StoreError("the disk is full", fix="free some space")
        return super().record(found)


class ForgetfulPeople(People):
    def get(self, person_id: str) -> Person | None:
        disk = self._file
        if isinstance(disk, FullDisk) and disk.forgetful:
            disk.forgetful -= 1
            raise StoreError("the disk reports an error", fix="check the disk")
        return super().get(person_id)


@pytest.fixture
def harness(tmp_path: Path) -> AgentHarness:
    return AgentHarness(tmp_path / "gym.sqlite3")


@pytest.fixture
def disk(harness: AgentHarness) -> FullDisk:
    return FullDisk(harness.path).open()


def fill(disk: FullDisk, *, full: bool = True) -> None:
    disk.full = full


def test_full_disk_is_reported_once_and_loses_nothing(
    harness: AgentHarness, disk: FullDisk, caplog: pytest.LogCaptureFixture
) -> None:
    ada = harness.enrol("Ada", ADA)
    script = [
        *scene(0, 1), lambda: fill(disk), *scene(1.5, 5, ADA), *scene(5.5, 45), *scene(45.5, 50, EVE),
        lambda: fill(disk, full=False), *scene(50.5, 80, EVE), *scene(80.5, 120),
    ]  # fmt: skip
    harness.agent(ScriptedCamera(script), store=disk).run(threading.Event())
    visitor = next(person_id for person_id in harness.names() if person_id != ada)
    assert harness.reported() == [
        (ada, "enter", 1.5, False), (ada, "exit", 5, False),
        (visitor, "enter", 45.5, False), (visitor, "exit", 80, False),
    ]  # fmt: skip
    assert [match.person_id for match in harness.store.matches.select()] == [ada, visitor]
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
    assert "the disk is full - free some space" in caplog.text
    assert "nothing was lost" in caplog.text


def test_a_really_full_disk_loses_nothing_once_space_is_freed(small_disk: SmallDisk) -> None:
    harness = AgentHarness(small_disk.path / "gym.sqlite3")
    ada = harness.enrol("Ada", ADA)
    harness.play(
        [*scene(0, 2), small_disk.fill, *scene(2.5, 9, ADA), *scene(9.5, 60), small_disk.free, *scene(60.5, 99)]
    )
    assert harness.reported() == [(ada, "enter", 2.5, False), (ada, "exit", 9, False)]
    harness.store.close()


@pytest.fixture
def program(harness: AgentHarness) -> Iterator[sqlite3.Connection]:
    """Another program that can keep the store."""
    with closing(sqlite3.connect(harness.path, isolation_level=None, check_same_thread=False)) as connection:
        yield connection


@pytest.mark.parametrize(
    ("free_at", "levels"),
    [pytest.param(5, [], id="for-a-moment"), pytest.param(40, ["ERROR", "WARNING"], id="for-long")],
)
def test_a_store_locked_by_another_program_does_not_block_the_camera(
    harness: AgentHarness,
    program: sqlite3.Connection,
    free_at: float,
    levels: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    ada = harness.enrol("Ada", ADA)
    script = [
        *scene(0, 1), lambda: program.execute("BEGIN IMMEDIATE"), *scene(1.5, free_at, ADA),
        lambda: program.execute("ROLLBACK"), *scene(free_at + 0.5, 90),
    ]  # fmt: skip
    began = time.monotonic()
    patient = Store(harness.path, busy_timeout_s=60).open()
    harness.agent(ScriptedCamera(script), store=patient).run(threading.Event())
    assert time.monotonic() - began < 30
    assert harness.reported() == [(ada, "enter", 1.5, False), (ada, "exit", free_at, False)]
    assert [record.levelname for record in caplog.records] == levels


def test_last_write_of_a_run_waits_until_another_program_lets_go(
    harness: AgentHarness, program: sqlite3.Connection
) -> None:
    ada = harness.enrol("Ada", ADA)
    release = threading.Timer(2 * writer.PATIENCE_S, program.execute, ["ROLLBACK"])
    script = [*scene(0, 5, ADA), lambda: program.execute("BEGIN IMMEDIATE"), (5.5, picture(ADA)), release.start]
    harness.agent(ScriptedCamera(script)).run(threading.Event())
    release.join()
    assert harness.reported() == [(ada, "enter", 0, False), (ada, "exit", 5.5, True)]


def test_writes_to_a_full_disk_back_off_exponentially(harness: AgentHarness, disk: FullDisk) -> None:
    harness.enrol("Ada", ADA)
    script = [*scene(0, 1), lambda: fill(disk), *scene(1.5, 100, ADA), lambda: fill(disk, full=False)]
    harness.agent(ScriptedCamera(script), store=disk).run(threading.Event())
    assert 5 <= disk.refused <= 9


def test_a_failed_read_of_merges_is_retried(harness: AgentHarness, disk: FullDisk) -> None:
    ada = harness.enrol("Ada", ADA)

    def merge() -> None:
        visitor = next(person_id for person_id in harness.names() if person_id != ada)
        disk.people.merge(visitor, ada)
        disk.forgetful = 2

    script = [*scene(0, 5, EVE), merge, *scene(5.5, 20, EVE), *scene(20.5, 60)]
    harness.agent(ScriptedCamera(script), store=disk).run(threading.Event())
    assert disk.forgetful == 0
    assert harness.visits(1000) == [(ada, 0, 20)]


def test_a_run_that_ends_on_a_full_disk_reports_what_is_not_stored(harness: AgentHarness, disk: FullDisk) -> None:
    harness.enrol("Ada", ADA)
    script = [*scene(0, 1), lambda: fill(disk), *scene(1.5, 5, ADA)]
    with pytest.raises(StoreError, match="the disk is full; 3 records of front are not stored") as caught:
        harness.agent(ScriptedCamera(script), store=disk).run(threading.Event())
    assert caught.value.fix == "free some space"
    fill(disk, full=False)
    harness.play(script)
    assert len(harness.reported()) == 2, "the same recording can be played again"


def test_agent_gives_up_before_the_memory_is_full(
    harness: AgentHarness, disk: FullDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MOST_PENDING", 2)
    harness.enrol("Ada", ADA)
    camera = ScriptedCamera([lambda: fill(disk), *scene(0, 5, ADA), *scene(5.5, 100), *scene(100.5, 200, EVE)])
    with pytest.raises(StoreError, match="the disk is full"):
        harness.agent(camera, store=disk).run(threading.Event())
    assert camera.place < len(camera.script)
    assert camera.closed


def test_camera_that_cannot_be_opened_is_recorded_as_lost_and_keeps_who_is_in(harness: AgentHarness) -> None:
    harness.enrol("Ada", ADA)
    harness.play(scene(0, 5, ADA), frames=6)
    camera = ScriptedCamera([], opening=[fault(CameraError, "device 0: no such camera")])
    with pytest.raises(CameraError):
        harness.agent(camera).run(threading.Event())
    health = harness.store.cameras.health()[0]
    assert (health.state, health.problem) == (CameraState.LOST, "device 0: no such camera")
    assert len(harness.store.cameras.presences()) == 1
    assert camera.closed


def test_a_camera_that_is_lost_and_returns_continues_the_visit(
    harness: AgentHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents_module, "FIRST_PAUSE_S", 0.001)
    ada = harness.enrol("Ada", ADA)
    dying = harness.agent(
        ScriptedCamera([*scene(0, 5, ADA), fault(CameraError), *scene(60, 70, ADA), *scene(70.5, 110)])
    )
    other = harness.agent(ScriptedCamera(scene(0, 3)), camera_id="back")
    assert run_all([dying, other], threading.Event(), quiet) == []
    assert harness.reported() == [(ada, "enter", 0, False), (ada, "exit", 70, False)]


def test_a_camera_returns_after_the_store_was_locked_meanwhile(
    harness: AgentHarness, program: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents_module, "FIRST_PAUSE_S", 0.05)
    ada = harness.enrol("Ada", ADA)
    away = ScriptedCamera(scene(0, 5, ADA), opening=[fault(CameraError)] * 4)
    store = Store(harness.path, busy_timeout_s=0.05).open()
    other_camera = harness.agent(WaitingCamera([]), camera_id="b", store=store)
    agents = [harness.agent(away, camera_id="a", store=store), other_camera]
    stop, ended = threading.Event(), list[list[FootfallError]]()
    program.execute("BEGIN IMMEDIATE")
    thread = threading.Thread(target=lambda: ended.append(run_all(agents, stop, quiet)))
    thread.start()
    until(lambda: len(away.opening) <= 1)
    program.execute("ROLLBACK")
    until(lambda: away.place == len(away.script) and len(harness.store.events.select()) == 2)
    stop.set()
    thread.join(10)
    assert ended == [[]]
    assert harness.reported() == [(ada, "enter", 0, False), (ada, "exit", 5, True)]


def test_camera_that_dies_while_the_disk_is_full_loses_nothing(
    harness: AgentHarness, disk: FullDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents_module, "FIRST_PAUSE_S", 0.001)
    ada = harness.enrol("Ada", ADA)
    script = [
        *scene(0, 1), lambda: fill(disk), *scene(1.5, 5, ADA), *[fault(CameraError)] * 2,
        lambda: fill(disk, full=False), *scene(60, 70, ADA), *scene(70.5, 110),
    ]  # fmt: skip
    agents = [harness.agent(ScriptedCamera(script), store=disk), harness.agent(ScriptedCamera([]), camera_id="back")]
    assert run_all(agents, threading.Event(), quiet) == []
    assert harness.reported() == [(ada, "enter", 1.5, False), (ada, "exit", 70, False)]
    assert [match.person_id for match in harness.store.matches.select()] == [ada, ada]


def test_stopping_a_lost_camera_reports_what_is_not_stored(
    harness: AgentHarness, disk: FullDisk, caplog: pytest.LogCaptureFixture
) -> None:
    harness.enrol("Ada", ADA)
    script = [*scene(0, 1), lambda: fill(disk), *scene(1.5, 5, ADA), fault(CameraError)]
    agents = [harness.agent(ScriptedCamera(script), store=disk), harness.agent(WaitingCamera([]), camera_id="back")]
    stop, failures = threading.Event(), list[FootfallError]()
    thread = threading.Thread(target=lambda: failures.extend(run_all(agents, stop, quiet)))
    thread.start()
    until(lambda: "front: gone; trying again" in caplog.text)
    stop.set()
    thread.join(10)
    assert [failure.problem for failure in failures] == ["the disk is full; 2 records of front are not stored"]


def test_camera_that_dies_is_lost_at_once_and_live_again_when_it_is_back(
    harness: AgentHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents_module, "FIRST_PAUSE_S", 0.001)
    known: list[tuple[CameraState, str | None]] = []

    def look() -> None:
        known.extend((each.state, each.problem) for each in harness.store.cameras.health() if each.camera_id == "front")

    script = [*scene(0, 1), look, fault(CameraError, "pulled out"), look, (1.1, picture()), look]
    agents = [harness.agent(ScriptedCamera(script)), harness.agent(ScriptedCamera([]), camera_id="back")]
    assert run_all(agents, threading.Event(), quiet) == []
    assert known == [(CameraState.LIVE, None), (CameraState.LOST, "pulled out"), (CameraState.LIVE, None)]


def quiet(_agent: Agent, _step: Step) -> None:
    pass


def test_a_failing_camera_does_not_stop_others_and_is_retried(
    harness: AgentHarness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(agents_module, "FIRST_PAUSE_S", 0.001)
    ada = harness.enrol("Ada", ADA)
    late = ScriptedCamera(scene(0, 2, EVE), opening=[fault(CameraError, "no such camera")] * 3)
    agents = [harness.agent(late, camera_id="late"), harness.agent(ScriptedCamera(scene(0, 5, ADA)), camera_id="good")]
    assert run_all(agents, threading.Event(), quiet) == []
    assert {(event.camera_id, event.kind) for event in harness.store.events.select()} == {
        ("late", "enter"), ("late", "exit"), ("good", "enter"), ("good", "exit"),
    }  # fmt: skip
    assert ada in harness.names()
    assert caplog.text.count("late: no such camera; trying again") == 3


def test_pauses_before_a_camera_is_opened_again_are_reset_by_a_frame(
    harness: AgentHarness, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents_module, "FIRST_PAUSE_S", 0.1)
    monkeypatch.setattr(agents_module, "LONGEST_PAUSE_S", 0.4)
    gone = fault(CameraError)
    script = [*[gone] * 3, *scene(0, 1), *[gone] * 2, *scene(2, 3), gone]
    agents = [harness.agent(ScriptedCamera(script), camera_id="a"), harness.agent(ScriptedCamera([]), camera_id="b")]
    assert run_all(agents, threading.Event(), quiet) == []
    pauses = [record.message.rpartition(" in ")[2] for record in caplog.records if "trying again" in record.message]
    assert pauses == ["0.1 s", "0.2 s", "0.4 s", "0.1 s", "0.2 s", "0.1 s"]


def test_recording_that_fails_is_reported_at_once_and_returned_when_the_other_is_over(
    harness: AgentHarness, caplog: pytest.LogCaptureFixture
) -> None:
    waiting = WaitingCamera([])
    broken = ScriptedCamera([], opening=[fault(RecordingError, "b.mp4: no such file")])
    agents = [harness.agent(broken, camera_id="b"), harness.agent(waiting, camera_id="a")]
    failures: list[FootfallError] = []
    thread = threading.Thread(target=lambda: failures.extend(run_all(agents, threading.Event(), quiet)))
    thread.start()
    until(lambda: "b: b.mp4: no such file" in caplog.text)
    assert thread.is_alive()
    waiting.woken.set()
    thread.join(10)
    assert [str(failure) for failure in failures] == ["b.mp4: no such file - fix it"]


def test_only_camera_that_fails_ends_the_run(harness: AgentHarness) -> None:
    camera = ScriptedCamera([], opening=[fault(CameraError)])
    (failure,) = run_all([harness.agent(camera)], threading.Event(), quiet)
    assert isinstance(failure, CameraError)


def until(condition: object, timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    gate = threading.Event()
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        gate.wait(0.01)
