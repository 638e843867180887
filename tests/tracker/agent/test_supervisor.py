"""Several agents in one process: failures, stopping, and what an observer of steps raises."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from config.errors import CameraError, FootfallError
from tests.tracker.fake_cameras import (
    ADA,
    AgentHarness,
    ScriptedCamera,
    WaitingCamera,
    fault,
    scene,
)
from tracker.agent.loop import Agent, Step
from tracker.agent.supervisor import run_all
from tracker.presence.health import CameraState


def quiet(_agent: Agent, _step: Step) -> None:
    pass


@pytest.fixture
def harness(tmp_path: Path) -> AgentHarness:
    return AgentHarness(tmp_path / "gym.sqlite3")


def test_an_internal_error_is_raised_and_stops_the_others(harness: AgentHarness) -> None:
    waiting = WaitingCamera([])
    agents = [
        harness.agent(ScriptedCamera([*scene(0, 1), ZeroDivisionError("ours")]), camera_id="a"),
        harness.agent(waiting, camera_id="b"),
    ]
    began = time.monotonic()
    with pytest.raises(ZeroDivisionError):
        run_all(agents, threading.Event(), quiet)
    assert time.monotonic() - began < 10
    assert waiting.closed


def test_stop_wakes_cameras_that_wait_for_a_frame(harness: AgentHarness) -> None:
    ada = harness.enrol("Ada", ADA)
    stop, cameras = threading.Event(), [WaitingCamera(scene(0, 5, ADA)), WaitingCamera([])]
    agents = [harness.agent(camera, camera_id=name) for camera, name in zip(cameras, "ab", strict=True)]
    thread = threading.Thread(target=run_all, args=(agents, stop, quiet))
    thread.start()
    for camera in cameras:
        assert camera.waits.wait(10)
    stop.set()
    thread.join(5)
    assert not thread.is_alive()
    assert [each.person_id for each in harness.store.cameras.presences()] == [ada]
    assert {health.state for health in harness.store.cameras.health()} == {CameraState.STOPPED}


def test_stop_ends_the_wait_for_a_camera_that_keeps_failing_without_an_error(harness: AgentHarness) -> None:
    stop = threading.Event()
    failing = ScriptedCamera([], opening=[fault(CameraError)] * 1000)
    agents = [harness.agent(failing, camera_id="a"), harness.agent(WaitingCamera([]), camera_id="b")]
    failures: list[list[FootfallError]] = []
    thread = threading.Thread(target=lambda: failures.append(run_all(agents, stop, quiet)))
    thread.start()
    until(lambda: len(failing.opening) < 1000)
    stop.set()
    thread.join(5)
    assert failures == [[]]


def test_camera_that_fails_when_it_is_stopped_is_no_failure(harness: AgentHarness) -> None:
    stop = threading.Event()
    camera = ScriptedCamera([*scene(0, 1), stop.set, fault(CameraError)])
    assert run_all([harness.agent(camera)], stop, quiet) == []


def test_a_failing_observer_does_not_lose_events(harness: AgentHarness) -> None:
    ada = harness.enrol("Ada", ADA)

    def broken_pipe(_agent: Agent, step: Step) -> None:
        if step.events:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        run_all([harness.agent(ScriptedCamera(scene(0, 5, ADA)))], threading.Event(), broken_pipe)
    assert harness.reported() == [(ada, "enter", 0, False)]
    assert [each.person_id for each in harness.store.cameras.presences()] == [ada]


def until(condition: object, timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    gate = threading.Event()
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        gate.wait(0.01)
