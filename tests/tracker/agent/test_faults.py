"""What goes wrong around an agent: a store that fails, cameras that come and go, faults of ours, impatient people."""

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
from tests.tracker.puppets import (
    ADA,
    EVE,
    ScriptedCamera,
    Stage,
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
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path / "gym.sqlite3")


@pytest.fixture
def disk(stage: Stage) -> FullDisk:
    return FullDisk(stage.path).open()


def fill(disk: FullDisk, *, full: bool = True) -> None:
    disk.full = full


def test_full_disk_is_reported_once_and_loses_nothing(
    stage: Stage, disk: FullDisk, caplog: pytest.LogCaptureFixture
) -> None:
    ada = stage.enrol("Ada", ADA)
    script = [
        *scene(0, 1), lambda: fill(disk), *scene(1.5, 5, ADA), *scene(5.5, 45), *scene(45.5, 50, EVE),
        lambda: fill(disk, full=False), *scene(50.5, 80, EVE), *scene(80.5, 120),
    ]  # fmt: skip
    stage.agent(ScriptedCamera(script), store=disk).run(threading.Event())
    visitor = next(person_id for person_id in stage.names() if person_id != ada)
    assert stage.reported() == [
        (ada, "enter", 1.5, False), (ada, "exit", 5, False),
        (visitor, "enter", 45.5, False), (visitor, "exit", 80, False),
    ]  # fmt: skip
    assert [match.person_id for match in stage.store.matches.select()] == [ada, visitor]
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
    assert "the disk is full - free some space" in caplog.text
    assert "nothing was lost" in caplog.text


def test_disk_that_is_full_for_real_loses_nothing_when_it_is_freed(small_disk: SmallDisk) -> None:
    stage = Stage(small_disk.path / "gym.sqlite3")
    ada = stage.enrol("Ada", ADA)
    stage.play([*scene(0, 2), small_disk.fill, *scene(2.5, 9, ADA), *scene(9.5, 60), small_disk.free, *scene(60.5, 99)])
    assert stage.reported() == [(ada, "enter", 2.5, False), (ada, "exit", 9, False)]
    stage.store.close()


@pytest.fixture
def program(stage: Stage) -> Iterator[sqlite3.Connection]:
    """Another program that can keep the store."""
    with closing(sqlite3.connect(stage.path, isolation_level=None, check_same_thread=False)) as connection:
        yield connection


@pytest.mark.parametrize(
    ("free_at", "levels"),
    [pytest.param(5, [], id="for-a-moment"), pytest.param(40, ["ERROR", "WARNING"], id="for-long")],
)
def test_store_that_another_program_keeps_does_not_hold_up_the_camera(
    stage: Stage, program: sqlite3.Connection, free_at: float, levels: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    ada = stage.enrol("Ada", ADA)
    script = [
        *scene(0, 1), lambda: program.execute("BEGIN IMMEDIATE"), *scene(1.5, free_at, ADA),
        lambda: program.execute("ROLLBACK"), *scene(free_at + 0.5, 90),
    ]  # fmt: skip
    began = time.monotonic()
    patient = Store(stage.path, busy_timeout_s=60).open()
    stage.agent(ScriptedCamera(script), store=patient).run(threading.Event())
    assert time.monotonic() - began < 30
    assert stage.reported() == [(ada, "enter", 1.5, False), (ada, "exit", free_at, False)]
    assert [record.levelname for record in caplog.records] == levels


def test_last_write_of_a_run_waits_until_another_program_lets_go(stage: Stage, program: sqlite3.Connection) -> None:
    ada = stage.enrol("Ada", ADA)
    release = threading.Timer(2 * writer.PATIENCE_S, program.execute, ["ROLLBACK"])
    script = [*scene(0, 5, ADA), lambda: program.execute("BEGIN IMMEDIATE"), (5.5, picture(ADA)), release.start]
    stage.agent(ScriptedCamera(script)).run(threading.Event())
    release.join()
    assert stage.reported() == [(ada, "enter", 0, False), (ada, "exit", 5.5, True)]


def test_full_disk_is_tried_after_growing_pauses_and_not_at_every_frame(stage: Stage, disk: FullDisk) -> None:
    stage.enrol("Ada", ADA)
    script = [*scene(0, 1), lambda: fill(disk), *scene(1.5, 100, ADA), lambda: fill(disk, full=False)]
    stage.agent(ScriptedCamera(script), store=disk).run(threading.Event())
    assert 5 <= disk.refused <= 9


def test_store_that_fails_to_say_who_was_merged_is_asked_again(stage: Stage, disk: FullDisk) -> None:
    ada = stage.enrol("Ada", ADA)

    def merge() -> None:
        visitor = next(person_id for person_id in stage.names() if person_id != ada)
        disk.people.merge(visitor, ada)
        disk.forgetful = 2

    script = [*scene(0, 5, EVE), merge, *scene(5.5, 20, EVE), *scene(20.5, 60)]
    stage.agent(ScriptedCamera(script), store=disk).run(threading.Event())
    assert disk.forgetful == 0
    assert stage.visits(1000) == [(ada, 0, 20)]


def test_run_that_ends_on_a_full_disk_says_what_is_not_stored(stage: Stage, disk: FullDisk) -> None:
    stage.enrol("Ada", ADA)
    script = [*scene(0, 1), lambda: fill(disk), *scene(1.5, 5, ADA)]
    with pytest.raises(StoreError, match="the disk is full; 3 records of front are not stored") as caught:
        stage.agent(ScriptedCamera(script), store=disk).run(threading.Event())
    assert caught.value.fix == "free some space"
    fill(disk, full=False)
    stage.play(script)
    assert len(stage.reported()) == 2, "the same recording can be played again"


def test_agent_gives_up_before_the_memory_is_full(
    stage: Stage, disk: FullDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MOST_PENDING", 2)
    stage.enrol("Ada", ADA)
    camera = ScriptedCamera([lambda: fill(disk), *scene(0, 5, ADA), *scene(5.5, 100), *scene(100.5, 200, EVE)])
    with pytest.raises(StoreError, match="the disk is full"):
        stage.agent(camera, store=disk).run(threading.Event())
    assert camera.place < len(camera.script)
    assert camera.closed


def test_camera_that_cannot_be_opened_is_recorded_as_lost_and_keeps_who_is_in(stage: Stage) -> None:
    stage.enrol("Ada", ADA)
    stage.play(scene(0, 5, ADA), frames=6)
    camera = ScriptedCamera([], opening=[fault(CameraError, "device 0: no such camera")])
    with pytest.raises(CameraError):
        stage.agent(camera).run(threading.Event())
    health = stage.store.cameras.health()[0]
    assert (health.state, health.problem) == (CameraState.LOST, "device 0: no such camera")
    assert len(stage.store.cameras.presences()) == 1
    assert camera.closed


def test_camera_that_dies_and_comes_back_goes_on_with_the_visit(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agents_module, "FIRST_PAUSE_S", 0.001)
    ada = stage.enrol("Ada", ADA)
    dying = stage.agent(ScriptedCamera([*scene(0, 5, ADA), fault(CameraError), *scene(60, 70, ADA), *scene(70.5, 110)]))
    other = stage.agent(ScriptedCamera(scene(0, 3)), camera_id="back")
    assert run_all([dying, other], threading.Event(), quiet) == []
    assert stage.reported() == [(ada, "enter", 0, False), (ada, "exit", 70, False)]


def test_camera_comes_back_though_the_store_was_kept_by_another_program_while_it_was_away(
    stage: Stage, program: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents_module, "FIRST_PAUSE_S", 0.05)
    ada = stage.enrol("Ada", ADA)
    away = ScriptedCamera(scene(0, 5, ADA), opening=[fault(CameraError)] * 4)
    store = Store(stage.path, busy_timeout_s=0.05).open()
    other_camera = stage.agent(WaitingCamera([]), camera_id="b", store=store)
    agents = [stage.agent(away, camera_id="a", store=store), other_camera]
    stop, ended = threading.Event(), list[list[FootfallError]]()
    program.execute("BEGIN IMMEDIATE")
    thread = threading.Thread(target=lambda: ended.append(run_all(agents, stop, quiet)))
    thread.start()
    until(lambda: len(away.opening) <= 1)
    program.execute("ROLLBACK")
    until(lambda: away.place == len(away.script) and len(stage.store.events.select()) == 2)
    stop.set()
    thread.join(10)
    assert ended == [[]]
    assert stage.reported() == [(ada, "enter", 0, False), (ada, "exit", 5, True)]


def test_camera_that_dies_while_the_disk_is_full_loses_nothing(
    stage: Stage, disk: FullDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents_module, "FIRST_PAUSE_S", 0.001)
    ada = stage.enrol("Ada", ADA)
    script = [
        *scene(0, 1), lambda: fill(disk), *scene(1.5, 5, ADA), *[fault(CameraError)] * 2,
        lambda: fill(disk, full=False), *scene(60, 70, ADA), *scene(70.5, 110),
    ]  # fmt: skip
    agents = [stage.agent(ScriptedCamera(script), store=disk), stage.agent(ScriptedCamera([]), camera_id="back")]
    assert run_all(agents, threading.Event(), quiet) == []
    assert stage.reported() == [(ada, "enter", 1.5, False), (ada, "exit", 70, False)]
    assert [match.person_id for match in stage.store.matches.select()] == [ada, ada]


def test_what_is_not_stored_when_a_camera_that_is_away_is_stopped_is_said(
    stage: Stage, disk: FullDisk, caplog: pytest.LogCaptureFixture
) -> None:
    stage.enrol("Ada", ADA)
    script = [*scene(0, 1), lambda: fill(disk), *scene(1.5, 5, ADA), fault(CameraError)]
    agents = [stage.agent(ScriptedCamera(script), store=disk), stage.agent(WaitingCamera([]), camera_id="back")]
    stop, failures = threading.Event(), list[FootfallError]()
    thread = threading.Thread(target=lambda: failures.extend(run_all(agents, stop, quiet)))
    thread.start()
    until(lambda: "front: gone; trying again" in caplog.text)
    stop.set()
    thread.join(10)
    assert [failure.problem for failure in failures] == ["the disk is full; 2 records of front are not stored"]


def test_camera_that_dies_is_lost_at_once_and_live_again_when_it_is_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents_module, "FIRST_PAUSE_S", 0.001)
    known: list[tuple[CameraState, str | None]] = []

    def look() -> None:
        known.extend((each.state, each.problem) for each in stage.store.cameras.health() if each.camera_id == "front")

    script = [*scene(0, 1), look, fault(CameraError, "pulled out"), look, (1.1, picture()), look]
    agents = [stage.agent(ScriptedCamera(script)), stage.agent(ScriptedCamera([]), camera_id="back")]
    assert run_all(agents, threading.Event(), quiet) == []
    assert known == [(CameraState.LIVE, None), (CameraState.LOST, "pulled out"), (CameraState.LIVE, None)]


def quiet(_agent: Agent, _step: Step) -> None:
    pass


def test_failing_camera_does_not_stop_the_other_and_is_tried_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(agents_module, "FIRST_PAUSE_S", 0.001)
    ada = stage.enrol("Ada", ADA)
    late = ScriptedCamera(scene(0, 2, EVE), opening=[fault(CameraError, "no such camera")] * 3)
    agents = [stage.agent(late, camera_id="late"), stage.agent(ScriptedCamera(scene(0, 5, ADA)), camera_id="good")]
    assert run_all(agents, threading.Event(), quiet) == []
    assert {(event.camera_id, event.kind) for event in stage.store.events.select()} == {
        ("late", "enter"), ("late", "exit"), ("good", "enter"), ("good", "exit"),
    }  # fmt: skip
    assert ada in stage.names()
    assert caplog.text.count("late: no such camera; trying again") == 3


def test_pauses_before_a_camera_is_opened_again_are_reset_by_a_frame(
    stage: Stage, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents_module, "FIRST_PAUSE_S", 0.1)
    monkeypatch.setattr(agents_module, "LONGEST_PAUSE_S", 0.4)
    gone = fault(CameraError)
    script = [*[gone] * 3, *scene(0, 1), *[gone] * 2, *scene(2, 3), gone]
    agents = [stage.agent(ScriptedCamera(script), camera_id="a"), stage.agent(ScriptedCamera([]), camera_id="b")]
    assert run_all(agents, threading.Event(), quiet) == []
    pauses = [record.message.rpartition(" in ")[2] for record in caplog.records if "trying again" in record.message]
    assert pauses == ["0.1 s", "0.2 s", "0.4 s", "0.1 s", "0.2 s", "0.1 s"]


def test_recording_that_fails_is_reported_at_once_and_returned_when_the_other_is_over(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    waiting = WaitingCamera([])
    broken = ScriptedCamera([], opening=[fault(RecordingError, "b.mp4: no such file")])
    agents = [stage.agent(broken, camera_id="b"), stage.agent(waiting, camera_id="a")]
    failures: list[FootfallError] = []
    thread = threading.Thread(target=lambda: failures.extend(run_all(agents, threading.Event(), quiet)))
    thread.start()
    until(lambda: "b: b.mp4: no such file" in caplog.text)
    assert thread.is_alive()
    waiting.woken.set()
    thread.join(10)
    assert [str(failure) for failure in failures] == ["b.mp4: no such file - mend it"]


def test_only_camera_that_fails_ends_the_run(stage: Stage) -> None:
    camera = ScriptedCamera([], opening=[fault(CameraError)])
    (failure,) = run_all([stage.agent(camera)], threading.Event(), quiet)
    assert isinstance(failure, CameraError)


def test_fault_of_ours_is_raised_and_stops_the_others(stage: Stage) -> None:
    waiting = WaitingCamera([])
    agents = [
        stage.agent(ScriptedCamera([*scene(0, 1), ZeroDivisionError("ours")]), camera_id="a"),
        stage.agent(waiting, camera_id="b"),
    ]
    began = time.monotonic()
    with pytest.raises(ZeroDivisionError):
        run_all(agents, threading.Event(), quiet)
    assert time.monotonic() - began < 10
    assert waiting.closed


def test_stop_wakes_cameras_that_wait_for_a_frame(stage: Stage) -> None:
    ada = stage.enrol("Ada", ADA)
    stop, cameras = threading.Event(), [WaitingCamera(scene(0, 5, ADA)), WaitingCamera([])]
    agents = [stage.agent(camera, camera_id=name) for camera, name in zip(cameras, "ab", strict=True)]
    thread = threading.Thread(target=run_all, args=(agents, stop, quiet))
    thread.start()
    for camera in cameras:
        assert camera.waits.wait(10)
    stop.set()
    thread.join(5)
    assert not thread.is_alive()
    assert [each.person_id for each in stage.store.cameras.presences()] == [ada]
    assert {health.state for health in stage.store.cameras.health()} == {CameraState.STOPPED}


def test_stop_ends_the_wait_for_a_camera_that_keeps_failing_without_an_error(stage: Stage) -> None:
    stop = threading.Event()
    failing = ScriptedCamera([], opening=[fault(CameraError)] * 1000)
    agents = [stage.agent(failing, camera_id="a"), stage.agent(WaitingCamera([]), camera_id="b")]
    failures: list[list[FootfallError]] = []
    thread = threading.Thread(target=lambda: failures.append(run_all(agents, stop, quiet)))
    thread.start()
    until(lambda: len(failing.opening) < 1000)
    stop.set()
    thread.join(5)
    assert failures == [[]]


def test_camera_that_fails_when_it_is_stopped_is_no_failure(stage: Stage) -> None:
    stop = threading.Event()
    camera = ScriptedCamera([*scene(0, 1), stop.set, fault(CameraError)])
    assert run_all([stage.agent(camera)], stop, quiet) == []


def test_whoever_watches_may_fail_and_everything_seen_is_stored(stage: Stage) -> None:
    ada = stage.enrol("Ada", ADA)

    def broken_pipe(_agent: Agent, step: Step) -> None:
        if step.events:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        run_all([stage.agent(ScriptedCamera(scene(0, 5, ADA)))], threading.Event(), broken_pipe)
    assert stage.reported() == [(ada, "enter", 0, False)]
    assert [each.person_id for each in stage.store.cameras.presences()] == [ada]


def until(condition: object, timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    gate = threading.Event()
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        gate.wait(0.01)
