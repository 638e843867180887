"""One camera: presences across restarts, gaps and clock changes."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest

from config.errors import StoreBusyError
from tests.tracker.fake_cameras import (
    ADA,
    BLURRED,
    BOB,
    EVE,
    NO_FRAME,
    AgentHarness,
    ManualClock,
    ScriptedCamera,
    ScriptStep,
    at,
    picture,
    scene,
)
from tracker.agent.loop import Step
from tracker.presence.events import ITSELF, Action
from tracker.presence.health import CameraState


@pytest.fixture
def harness(tmp_path: Path) -> AgentHarness:
    return AgentHarness(tmp_path / "gym.sqlite3")


def test_somebody_enters_at_the_first_and_leaves_at_the_last_sighting(harness: AgentHarness) -> None:
    ada = harness.enrol("Ada", ADA)
    harness.play([*scene(0, 3), *scene(3.5, 10, ADA), *scene(10.5, 60)])
    assert harness.reported() == [(ada, "enter", 3.5, False), (ada, "exit", 10, False)]
    assert harness.store.cameras.presences() == []


def test_steps_report_each_event_once_with_all_presences(harness: AgentHarness) -> None:
    ada, bob = harness.enrol("Ada", ADA), harness.enrol("Bob", BOB)
    steps = harness.play([*scene(0, 2, ADA), *scene(2.5, 5, ADA, BOB)])
    assert [(event.person_id, event.kind) for step in steps for event in step.events] == [
        (ada, "enter"), (bob, "enter"), (ada, "exit"), (bob, "exit"),
    ]  # fmt: skip
    assert {each.person_id for each in steps[-2].present} == {ada, bob}
    assert [face.person_id for face in steps[-2].faces] == [ada, bob]
    assert (steps[-1].frame, steps[-1].present) == (None, ())


def test_recording_that_ends_closes_every_visit_as_inferred(harness: AgentHarness) -> None:
    ada = harness.enrol("Ada", ADA)
    harness.play([*scene(0, 3, ADA), *scene(3.5, 5)])
    assert harness.reported() == [(ada, "enter", 0, False), (ada, "exit", 3, True)]
    assert harness.store.cameras.presences() == []
    health = harness.store.cameras.health()[0]
    assert (health.state, health.frames, health.last_frame_at) == (CameraState.ENDED, 11, at(5))


def test_returning_stranger_has_one_visitor_id(harness: AgentHarness) -> None:
    harness.play([*scene(0, 5, EVE), *scene(5.5, 400), *scene(400.5, 405, EVE)])
    reported = harness.reported()
    assert [(kind, second) for _, kind, second, _ in reported] == [
        ("enter", 0),
        ("exit", 5),
        ("enter", 400.5),
        ("exit", 405),
    ]
    assert len({person_id for person_id, *_ in reported}) == 1
    assert harness.names() == {reported[0][0]: "Visitor 1"}


def test_a_track_without_a_name_leaves_a_match_with_the_reason(harness: AgentHarness) -> None:
    harness.enrol("Ada", ADA)
    steps = harness.play(scene(0, 3, BLURRED + ADA))
    assert harness.reported() == []
    (match,) = harness.store.matches.select()
    assert (match.person_id, match.authorised, match.at) == (None, False, at(3))
    assert "too blurred" in match.reason
    assert steps[-1].matches == (match,)


def test_stopped_agent_leaves_presences_and_the_next_run_goes_on(harness: AgentHarness) -> None:
    ada = harness.enrol("Ada", ADA)
    harness.play(scene(0, 10, ADA), frames=8)
    assert harness.reported() == [(ada, "enter", 0, False)]
    assert [(each.person_id, each.seen_at) for each in harness.store.cameras.presences()] == [(ada, at(3.5))]
    assert harness.store.cameras.health()[0].state is CameraState.STOPPED
    harness.play([*scene(100, 110, ADA), *scene(110.5, 160)])
    assert harness.reported() == [(ada, "enter", 0, False), (ada, "exit", 110, False)]


@pytest.mark.parametrize(
    ("starts", "expected"),
    [
        pytest.param(50, ("exit", 3.5, False), id="restarted-soon-and-not-seen-again"),
        pytest.param(4000, ("exit", 3.5, True), id="restarted-late"),
    ],
)
def test_next_run_closes_at_the_last_sighting_of_the_run_before(
    harness: AgentHarness, starts: float, expected: tuple[str, float, bool]
) -> None:
    ada = harness.enrol("Ada", ADA)
    harness.play(scene(0, 10, ADA), frames=8)
    harness.play(scene(starts, starts + 40))
    assert harness.reported() == [(ada, "enter", 0, False), (ada, *expected)]


def test_restarted_late_with_the_same_person_in_sight_is_a_new_visit(harness: AgentHarness) -> None:
    ada = harness.enrol("Ada", ADA)
    harness.play(scene(0, 10, ADA), frames=8)
    harness.play(scene(4000, 4010, ADA))
    assert harness.visits(5000) == [(ada, 0, 3.5), (ada, 4000, 4010)]


SCRIPT = [
    *scene(0, 4, ADA), *scene(4.5, 8, ADA, EVE), *scene(8.5, 12, 0, EVE), *scene(12.5, 50), *scene(50.5, 56, EVE, ADA),
    *scene(56.5, 60, BOB), *scene(60.5, 95, 0),
]  # fmt: skip


@pytest.mark.parametrize("frames", [1, 3, 9, 12, 20, 60, 103, 115, 190])
def test_recording_stopped_after_any_frame_and_played_again_gives_every_event_once(tmp_path: Path, frames: int) -> None:
    whole, broken = AgentHarness(tmp_path / "whole.sqlite3"), AgentHarness(tmp_path / "broken.sqlite3")
    for harness in (whole, broken):
        harness.enrol("Ada", ADA)
        harness.enrol("Bob", BOB)
    whole.play(SCRIPT)
    broken.play(SCRIPT, frames=frames)
    broken.play(SCRIPT)
    assert broken.store.events.select() == whole.store.events.select()
    assert len(whole.store.events.select()) == 10
    assert broken.store.cameras.presences() == []


@pytest.mark.parametrize("frames", [3, 11, 20, 60, 103, 121])
def test_an_agent_resumed_after_any_frame_gives_the_same_visits(tmp_path: Path, frames: int) -> None:
    whole, broken = AgentHarness(tmp_path / "whole.sqlite3"), AgentHarness(tmp_path / "broken.sqlite3")
    for harness in (whole, broken):
        harness.enrol("Ada", ADA)
        harness.enrol("Bob", BOB)
    whole.play(SCRIPT)
    broken.play(SCRIPT, frames=frames)
    broken.play(SCRIPT[frames:])
    for (who, start, end), (true_who, true_start, true_end) in zip(broken.visits(200), whole.visits(200), strict=True):
        assert broken.names()[who] == whole.names()[true_who]
        assert end == true_end
        assert 0 <= start - true_start <= 2, "a name that was not found before the stop cannot reach back over it"


def test_recording_of_an_earlier_time_leaves_who_is_in_now_alone(harness: AgentHarness) -> None:
    ada, bob = harness.enrol("Ada", ADA), harness.enrol("Bob", BOB)
    harness.play(scene(1000, 1010, ADA), frames=10)
    harness.play(scene(0, 10, BOB))
    assert harness.reported() == [(bob, "enter", 0, False), (bob, "exit", 10, True), (ada, "enter", 1000, False)]
    assert [each.person_id for each in harness.store.cameras.presences()] == [ada]


def test_somebody_seen_earlier_than_the_presence_of_the_run_before_has_one_visit(harness: AgentHarness) -> None:
    ada = harness.enrol("Ada", ADA)
    harness.play(scene(20, 40, ADA), frames=10)
    harness.play([*scene(0, 50, ADA), *scene(50.5, 90)])
    assert harness.visits(1000) == [(ada, 0, 50)]
    assert harness.store.cameras.presences() == []


def test_a_short_outage_ends_no_visit(harness: AgentHarness) -> None:
    ada, bob = harness.enrol("Ada", ADA), harness.enrol("Bob", BOB)
    harness.play([*scene(0, 5, ADA, BOB), *scene(95, 140, ADA)])
    assert harness.reported() == [
        (ada, "enter", 0, False), (bob, "enter", 0, False), (bob, "exit", 5, False), (ada, "exit", 140, True),
    ]  # fmt: skip


def test_a_long_outage_ends_visits_at_the_last_sighting(
    harness: AgentHarness, caplog: pytest.LogCaptureFixture
) -> None:
    ada = harness.enrol("Ada", ADA)
    harness.play([*scene(0, 5, ADA), *scene(400, 410, ADA)])
    assert harness.visits(1000) == [(ada, 0, 5), (ada, 400, 410)]
    assert "no frame for 395 s" in caplog.text


@pytest.mark.parametrize(
    "between",
    [
        pytest.param([6.0 * count for count in range(2, 201)], id="a-frame-in-six-seconds"),
        pytest.param([6.0, 11.0, 300.0, 305.0, 600.0, 606.0, 900.0, 907.0], id="pairs-of-frames"),
        pytest.param([start + shot / 10 for start in (106, 310, 520, 800, 1000) for shot in range(30)], id="bursts"),
    ],
)
def test_somebody_absent_in_far_apart_frames_is_absent(
    harness: AgentHarness, caplog: pytest.LogCaptureFixture, between: list[float]
) -> None:
    """A camera that sends frames when something moves, and else one now and then."""
    ada = harness.enrol("Ada", ADA)
    empty = [(second, picture()) for second in between if second > 6]
    harness.play([*scene(1, 6, ADA, fps=10), *empty, *scene(1208, 1213, ADA, fps=10)])
    assert harness.visits(3000) == [(ada, 1, 6), (ada, 1208, 1213)]
    assert caplog.text.count("no frame for") == 1


@pytest.mark.parametrize("step_s", [2.0, 20.0, 60.0])
def test_somebody_in_every_frame_of_a_slow_camera_is_present_throughout(harness: AgentHarness, step_s: float) -> None:
    ada = harness.enrol("Ada", ADA)
    frames = [(step_s * count, picture(*([ADA] if 10 <= count <= 70 else []))) for count in range(100)]
    harness.play(frames)
    assert harness.visits(20_000) == [(ada, 10 * step_s, 70 * step_s)]
    assert len(harness.reported()) == 2


def jump(harness: AgentHarness) -> list[Step]:
    """Ada and Bob are in view; the clock jumps two hours ahead; Bob leaves, Eve enters and leaves; it is set back."""
    two_hours = 7200.0
    return harness.play([
        *scene(0, 5, ADA, BOB), *scene(5.5, 10, ADA, BOB),
        *scene(two_hours + 10.5, two_hours + 20, ADA, BOB, EVE), *scene(two_hours + 20.5, two_hours + 90, ADA),
        *scene(91, 100, ADA), *scene(100.5, 180),
    ])  # fmt: skip


def test_a_clock_set_ahead_and_back_voids_future_events(
    harness: AgentHarness, caplog: pytest.LogCaptureFixture
) -> None:
    ada, bob = harness.enrol("Ada", ADA), harness.enrol("Bob", BOB)
    jump(harness)
    assert sorted(harness.reported(), key=lambda each: (each[2], each[0])) == [
        (ada, "enter", 0, False), (bob, "enter", 0, False), (ada, "exit", 10, True), (bob, "exit", 10, True),
        (ada, "enter", 91, False), (ada, "exit", 100, False),
    ]  # fmt: skip
    assert harness.visits(1000) == [(ada, 0, 100), (bob, 0, 10)]
    assert "the clock was set back by 7199 s" in caplog.text


def test_voids_after_a_clock_was_set_back_are_corrections_of_the_agent(harness: AgentHarness) -> None:
    ada = harness.enrol("Ada", ADA)
    bob = harness.enrol("Bob", BOB)
    steps = jump(harness)
    corrections = harness.store.events.corrections()
    assert {(each.action, each.by, each.at) for each in corrections} == {(Action.VOID, ITSELF, at(91))}
    assert all("the clock of the camera was set back" in each.reason for each in corrections)
    retracted = [event for step in steps for event in step.retracted]
    eve = next(person_id for person_id in harness.names() if person_id.startswith("v-"))
    assert {(each.person_id, each.kind) for each in retracted} == {
        (ada, "enter"), (bob, "enter"), (bob, "exit"), (eve, "enter"), (eve, "exit"),
    }  # fmt: skip
    assert sorted(each.event_id for each in retracted) == sorted(each.event_id for each in corrections)
    assert {each for step in steps for each in step.corrections} == set(corrections)


def test_people_in_sight_stay_in_when_the_clock_is_set_back(harness: AgentHarness) -> None:
    ada, bob = harness.enrol("Ada", ADA), harness.enrol("Bob", BOB)
    script = [*scene(200, 500, ADA, fps=1), *scene(501, 510, ADA, BOB), *scene(400, 401, ADA, BOB)]
    steps = harness.play(script, frames=len(script))
    back = next(step for step in steps if step.retracted)
    assert [(each.person_id, each.entered_at, each.seen_at) for each in back.present] == [
        (ada, at(200), at(400)), (bob, at(400), at(400)),
    ]  # fmt: skip
    assert harness.reported() == [(ada, "enter", 200, False), (bob, "enter", 400, False)]
    assert harness.visits(402) == [(ada, 200, None), (bob, 400, None)]


def test_events_of_other_cameras_are_left_alone_when_the_clock_is_set_back(harness: AgentHarness) -> None:
    ada = harness.enrol("Ada", ADA)
    other = ScriptedCamera([*scene(1000, 1010, ADA), *scene(1010.5, 1050)])
    harness.agent(other, camera_id="back").run(threading.Event())
    harness.play([*scene(900, 910), *scene(200, 210)])
    assert harness.reported() == [(ada, "enter", 1000, False), (ada, "exit", 1010, False)]


def test_a_clock_slewed_back_is_held(harness: AgentHarness, caplog: pytest.LogCaptureFixture) -> None:
    ada = harness.enrol("Ada", ADA)
    harness.play([*scene(0, 10, ADA), *scene(8, 20, ADA), *scene(20.5, 55)])
    assert harness.reported() == [(ada, "enter", 0, False), (ada, "exit", 20, False)]
    assert caplog.text == ""


def test_second_agent_on_the_same_store_and_camera_is_refused(harness: AgentHarness) -> None:
    stop = threading.Event()

    def intrude() -> None:
        with pytest.raises(StoreBusyError, match=r"camera front is tracked into .* already, by this process"):
            harness.agent(ScriptedCamera(scene(0, 5, ADA))).run(stop)
        harness.agent(ScriptedCamera(scene(0, 5, ADA)), camera_id="back").run(stop)

    harness.play([*scene(0, 1), intrude, *scene(1.5, 2)])
    assert [health.camera_id for health in harness.store.cameras.health()] == ["back", "front"]


def test_camera_without_frames_is_recorded_as_lost_while_it_is_waited_for(harness: AgentHarness) -> None:
    camera = ScriptedCamera([])
    states = []

    def lose() -> None:
        camera.lost, camera.problems = True, ("front: cannot be opened; trying again",)
        camera.clock.seconds += 2

    def look() -> None:
        health = harness.store.cameras.health()[0]
        states.append((health.state, health.problem))

    camera.script = [*scene(0, 1), look, lose, NO_FRAME, look]
    harness.agent(camera).run(threading.Event())
    assert states == [(CameraState.LIVE, None), (CameraState.LOST, "front: cannot be opened; trying again")]


def test_problem_with_a_live_camera_is_reported_once_and_so_is_its_end(
    harness: AgentHarness, caplog: pytest.LogCaptureFixture
) -> None:
    camera = ScriptedCamera([])

    def problem(*problems: str) -> None:
        camera.problems = problems

    camera.script = [
        NO_FRAME, *scene(0, 1), NO_FRAME, lambda: problem("cannot be opened"), *[NO_FRAME] * 3,
        lambda: problem("gives no more frames"), *[NO_FRAME] * 3, problem, *scene(2, 3),
    ]  # fmt: skip
    harness.agent(camera).run(threading.Event())
    assert [record.message for record in caplog.records] == [
        "front: cannot be opened", "front: gives no more frames", "front: frames come again",
    ]  # fmt: skip


def commits(harness: AgentHarness, script: Sequence[ScriptStep]) -> list[float]:
    """When an agent changes the store while it follows the script: the seconds of the frames before which it had."""
    versions = [harness.store.version()]
    found: list[float] = []

    def noted(cue: ScriptStep) -> list[ScriptStep]:
        def note() -> None:
            version = harness.store.version()
            if version != versions[-1] and isinstance(cue, tuple):
                found.append(cue[0])
            versions.append(version)

        return [cue, note]

    harness.agent(ScriptedCamera([each for cue in script for each in noted(cue)])).run(threading.Event())
    return found


def test_an_idle_camera_is_written_every_thirty_seconds(harness: AgentHarness) -> None:
    assert commits(harness, scene(0, 180)) == [0, 30, 60, 90, 120, 150, 180]


def test_the_first_frame_of_a_camera_is_written_at_once(harness: AgentHarness) -> None:
    camera = ScriptedCamera([])
    known: list[datetime | None] = []

    def look() -> None:
        known.append(harness.store.cameras.health()[0].last_frame_at)

    camera.script = [NO_FRAME, look, NO_FRAME, *scene(0, 0), look, *scene(1, 5), look]
    harness.agent(camera).run(threading.Event())
    assert known == [None, at(0), at(0)]


def test_while_somebody_is_in_sight_the_store_is_written_every_five_seconds(harness: AgentHarness) -> None:
    harness.enrol("Ada", ADA)
    written = commits(harness, [*scene(0, 9.5), *scene(10, 70, ADA)])
    assert written == [0, 10.5, *[15.5 + 5 * number for number in range(11)]]


def test_events_are_written_at_once(harness: AgentHarness) -> None:
    """Ada's enter with her second face, her exit, and then every thirty seconds again."""
    harness.enrol("Ada", ADA)
    assert commits(harness, [*scene(0, 9.5), *scene(10, 12, ADA), *scene(12.5, 103)]) == [
        0, 10.5, 15.5, 20.5, 25.5, 30.5, 35.5, 40.5, 42, 72, 102,
    ]  # fmt: skip


def test_people_are_read_every_second_though_nothing_is_written(harness: AgentHarness) -> None:
    script = [*scene(0, 10), lambda: harness.enrol("Ada", ADA), *scene(10.5, 11), *scene(11.5, 13, ADA)]
    steps = harness.play(script)
    assert [(event.kind, event.at) for step in steps for event in step.events][:1] == [("enter", at(11.5))]


def test_frames_that_are_late_are_written_while_nothing_new_comes(harness: AgentHarness) -> None:
    """A live camera that is silent still has what was seen stored, and stays LIVE until it is lost."""
    harness.enrol("Ada", ADA)
    clock = ManualClock()
    seen: list[int] = []

    def pass_time() -> None:
        clock.seconds += 2
        seen.append(len(harness.store.cameras.presences()))

    script = [(0.0, picture(ADA)), (0.1, picture(ADA)), pass_time, NO_FRAME, pass_time]
    harness.agent(ScriptedCamera(script, clock)).run(threading.Event())
    assert seen == [1, 1]
