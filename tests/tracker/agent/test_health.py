"""Health figures of one camera."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.tracker.fake_cameras import ManualClock, ScriptedCamera, at, picture
from tracker.agent.health import Meter
from tracker.presence.events import CameraRef
from tracker.presence.health import CameraState


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def camera(clock: ManualClock) -> ScriptedCamera:
    return ScriptedCamera([(0.0, picture())], clock, name="rtsp://***@door/live")


@pytest.fixture
def meter(camera: ScriptedCamera, clock: ManualClock) -> Meter:
    return Meter(CameraRef("gym", "door"), source=camera, clock=clock)


def tick(meter: Meter, clock: ManualClock, *, fps: float, for_s: float) -> None:
    for _ in range(round(fps * for_s)):
        clock.seconds += 1 / fps
        meter.tick(clock.now())


def test_before_the_first_frame_there_is_no_speed(meter: Meter, clock: ManualClock) -> None:
    health = meter.health(CameraState.LIVE)
    assert (health.fps, health.frames, health.last_frame_at, health.started_at) == (0.0, 0, None, at(0))
    meter.tick(clock.now())
    assert meter.fps == 0.0


def test_speed_is_that_of_the_last_ten_seconds(meter: Meter, clock: ManualClock) -> None:
    tick(meter, clock, fps=25, for_s=20)
    assert meter.fps == pytest.approx(25, rel=0.01)
    tick(meter, clock, fps=5, for_s=20)
    assert meter.fps == pytest.approx(5, rel=0.01)


def test_speed_falls_when_no_frames_come(meter: Meter, clock: ManualClock) -> None:
    tick(meter, clock, fps=10, for_s=10)
    clock.seconds += 5
    assert 4 < meter.fps < 6
    clock.seconds += 60
    assert meter.fps == 0.0


def test_record_joins_meter_and_source(meter: Meter, camera: ScriptedCamera, clock: ManualClock) -> None:
    camera.read()
    meter.tick(at(0))
    clock.seconds = 7
    health = meter.health(CameraState.ENDED)
    assert (health.site_id, health.camera_id, health.source) == ("gym", "door", "rtsp://***@door/live")
    assert (health.state, health.frames, health.last_frame_at, health.updated_at) == (
        CameraState.ENDED,
        1,
        at(0),
        at(7),
    )


def test_problem_is_that_of_the_agent_else_of_the_source(meter: Meter, camera: ScriptedCamera) -> None:
    assert meter.health(CameraState.LIVE).problem is None
    camera.problems = ("an older one", "cut off")
    assert meter.health(CameraState.LIVE).problem == "cut off"
    assert meter.health(CameraState.LOST, problem="no such camera").problem == "no such camera"


def test_coverage_lasts_while_frames_come_and_begins_again_after_an_outage(meter: Meter) -> None:
    def spans() -> list[tuple[datetime, datetime]]:
        assert {(each.site_id, each.camera_id) for each in meter.coverage} == {("gym", "door")}
        return [(each.started_at, each.ended_at) for each in meter.coverage]

    assert meter.coverage == ()
    for seconds in (0, 1, 61):
        meter.tick(at(seconds))
    assert spans() == [(at(0), at(61))]
    meter.tick(at(122))
    assert spans() == [(at(0), at(61)), (at(122), at(122))]
    meter.coverage_stored(meter.coverage)
    meter.tick(at(100))
    assert spans() == [(at(122), at(122)), (at(100), at(100))]
