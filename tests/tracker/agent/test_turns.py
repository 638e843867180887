"""Reassigned tracks: what was reported about the first person is retracted.

Ada's face points along one axis, Zoe's is turned from it by 50 degrees. At 20 a face is Ada's, at 45 Zoe's, and both
are near enough to each other to be of one track.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from config.settings import CameraRole, CameraSettings
from tests.tracker.fake_cameras import ADA, EVE, AgentHarness, ScriptStep, at, face_of, scene
from tests.tracker.reassignment_kill_harness import LIKE_ADA, LIKE_ZOE, TURNS, ZOE
from tests.tracker.role_cameras import DOOR, HALL, RoleCamera, empty
from tests.tracker.role_cameras import picture as placed
from tracker.presence.events import ITSELF, Action

ADA_ID, ZOE_ID = f"p-{ADA:012x}", f"p-{ZOE:012x}"


@pytest.fixture
def harness(tmp_path: Path) -> AgentHarness:
    harness = AgentHarness(tmp_path / "gym.sqlite3")
    harness.enrol("Ada", ADA)
    harness.enrol("Zoe", ZOE)
    return harness


def corrections_of(harness: AgentHarness) -> list[tuple[str, str, str]]:
    """(action, person id, kind) of each correction, by time."""
    about = {
        each.event_id: harness.store.events.find(each.event_id)[0][0] for each in harness.store.events.corrections()
    }
    return [
        (each.action, about[each.event_id].person_id, about[each.event_id].kind)
        for each in harness.store.events.corrections()
        if each.by == ITSELF and each.reason
    ]


def test_the_false_visit_is_retracted_and_the_right_one_reaches_back(harness: AgentHarness) -> None:
    steps = harness.play([*TURNS, *scene(20.5, 60)])
    assert harness.reported() == [(ZOE_ID, "enter", 10, False), (ZOE_ID, "exit", 20, False)]
    assert harness.visits(1000) == [(ZOE_ID, 10, 20)]
    assert corrections_of(harness) == [("void", ADA_ID, "enter")]
    assert [each.person_id for step in steps for each in step.retracted] == [ADA_ID]


def test_presences_are_reassigned_at_once(harness: AgentHarness) -> None:
    steps = harness.play(TURNS, frames=len(TURNS))
    assert [{each.person_id for each in step.present} for step in steps if step.present][-1] == {ZOE_ID}
    assert [(each.person_id, each.entered_at) for each in harness.store.cameras.presences()] == [(ZOE_ID, at(10))]


def test_a_person_in_by_another_track_keeps_the_visit(harness: AgentHarness) -> None:
    harness.play([*scene(0, 5, ADA), *scene(5.5, 9.5), *TURNS, *scene(20.5, 60)])
    assert harness.visits(1000) == [(ADA_ID, 0, 5), (ZOE_ID, 10, 20)]
    assert [each[:2] for each in corrections_of(harness)] == []


def test_a_person_back_by_another_track_is_in_since_then(harness: AgentHarness) -> None:
    """The wrong track began the presence; she is in from where a track of her own begins."""
    script: list[ScriptStep] = [*scene(10, 12, LIKE_ADA), *scene(12.5, 13.5, LIKE_ZOE)]
    script += [*scene(14, 20, LIKE_ZOE), *scene(20.5, 26, 0, 0, ADA), *scene(26.5, 60)]
    harness.play(script)
    assert harness.visits(1000) == [(ZOE_ID, 10, 20), (ADA_ID, 20.5, 26)]


def test_a_name_reassigned_back_restores_the_visit(harness: AgentHarness) -> None:
    script = [*TURNS, *scene(20.5, 40, LIKE_ADA), *scene(40.5, 90)]
    harness.play(script)
    assert harness.visits(1000) == [(ADA_ID, 10, 40)]
    first, *later = corrections_of(harness)
    assert first == ("void", ADA_ID, "enter")
    assert sorted(later) == [("add", ADA_ID, "enter"), ("void", ZOE_ID, "enter")]


def test_a_track_of_two_people_leaves_each_a_visit(harness: AgentHarness) -> None:
    """Ada was there for a minute: it was her, until Zoe stepped in front of her."""
    harness.play([*scene(0, 60, LIKE_ADA), *scene(60.5, 120, LIKE_ZOE), *scene(120.5, 200)])
    (ada, begun, gone), (zoe, came, left) = harness.visits(1000)
    assert (ada, begun, zoe, came, left) == (ADA_ID, 0, ZOE_ID, 60.5, 120)
    assert gone is not None
    assert 60 <= gone < 100
    assert corrections_of(harness) == []


def test_a_visitor_recognised_as_enrolled_is_removed(harness: AgentHarness) -> None:
    def enrol() -> None:
        harness.enrol("Eve", EVE)

    harness.play([*scene(0, 10, EVE), enrol, *scene(10.5, 40, EVE), *scene(40.5, 80)])
    eve = f"p-{EVE:012x}"
    assert harness.visits(1000) == [(eve, 0, 40)]
    assert [(action, who[:2]) for action, who, _ in corrections_of(harness)] == [("void", "v-")]


def test_not_this_person_retracts_the_visit_however_long_it_lasted(tmp_path: Path) -> None:
    harness = AgentHarness(tmp_path / "hers.sqlite3")
    harness.enrol("Ada", ADA)

    def deny() -> None:
        harness.store.people.add_negatives(ADA_ID, face_of(LIKE_ADA)[None])

    harness.play([*scene(0, 60, LIKE_ADA), deny, *scene(60.5, 120, LIKE_ADA), *scene(120.5, 200)])
    ((who, begun, left),) = harness.visits(1000)
    assert (who[:2], begun, left) == ("v-", 0, 120)


def test_a_recording_played_again_reports_the_same(harness: AgentHarness) -> None:
    script = [*TURNS, *scene(20.5, 60)]
    harness.play(script)
    before = harness.reported(), harness.store.events.corrections()
    harness.play(script[:6], frames=5)
    harness.play(script)
    assert (harness.reported(), harness.store.events.corrections()) == before


def test_corrections_by_an_operator_take_precedence(harness: AgentHarness) -> None:
    harness.play([*TURNS, *scene(20.5, 60)])
    (mistaken,) = harness.store.events.corrections()
    event = harness.store.events.find(mistaken.event_id)[0][0]
    said_so = replace(mistaken, action=Action.ADD, event=event, by="Ann", at=at(5000), correction_id="")
    harness.store.events.correct([said_so])
    harness.play([*TURNS, *scene(20.5, 60)])
    assert (ADA_ID, "enter", 10, False) in harness.reported()


def test_a_person_forgotten_before_the_reassignment_is_ignored(harness: AgentHarness) -> None:
    def forget() -> None:
        harness.store.people.forget(ADA_ID, True)

    harness.play([*scene(10, 12, LIKE_ADA), forget, *scene(12.5, 20, LIKE_ZOE), *scene(20.5, 60)])
    assert [each[0] for each in harness.visits(1000)] == [ZOE_ID]


@pytest.fixture
def post(tmp_path: Path) -> RoleCamera:
    post = RoleCamera(tmp_path / "post.sqlite3")
    post.enrol("Ada", ADA)
    post.enrol("Zoe", ZOE)
    return post


def steps(ys: list[float], *, x: float = 50, turn: int, start: float = 0) -> list[ScriptStep]:
    """Somebody goes from place to place, like Ada for the first `turn` frames and like Zoe after them."""
    return [
        (start + index / 2, placed(**{"like_ada" if index < turn else "like_zoe": (x, y)}))
        for index, y in enumerate(ys)
    ]


def test_a_crossing_is_reported_of_the_right_person(post: RoleCamera) -> None:
    post.watch([*steps([20, 30, 40, 60, 70, 70, 70, 70, 70, 70, 70, 70, 70, 70, 70, 70], turn=6), *empty(9, 20)])
    assert post.reported() == [(ZOE_ID, "enter", 1.5, False)]


@pytest.mark.parametrize(
    ("role", "reported"),
    [
        (CameraRole.ENTRANCE, [(ZOE_ID, "enter", 0.0, False)]),
        (CameraRole.EXIT, [(ZOE_ID, "exit", 7.5, False)]),
    ],
)
def test_a_passage_is_reported_of_the_right_person(
    post: RoleCamera, role: CameraRole, reported: list[tuple[str, str, float, bool]]
) -> None:
    post.camera = CameraSettings(id="way", source="0", role=role)
    post.watch([*steps([50] * 16, turn=4), *empty(9, 60)])
    assert post.reported() == reported


def test_zone_stays_are_reassigned(post: RoleCamera) -> None:
    post.camera = HALL
    script = [(index / 2, placed(like_ada=(20, 50))) for index in range(3)]
    script += [(1.5 + index / 2, placed(like_zoe=(20 + 4 * index, 50))) for index in range(14)]
    post.watch([*script, *empty(9, 60)])
    found = [(each.person_id, each.zone) for each in post.store.cameras.zone_stays(site_id="gym")]
    assert found == [(ZOE_ID, "left"), (ZOE_ID, "right")]
    (left, *_), (right, *_) = [(each[1], each[3]) for each in post.stays()], post.stays()
    assert left == (0.5, True)
    assert right


def test_doors_wait_for_a_name(post: RoleCamera) -> None:
    """The second person is a stranger who is not sure to be a visitor at first."""
    post.camera = DOOR
    assert np.linalg.norm(face_of(LIKE_ADA) - face_of(LIKE_ZOE)) < 0.6
    post.store.people.forget(ZOE_ID, True)
    post.watch([*steps([20, 30, 40, 60, *[70] * 20], turn=6), *empty(13, 30)])
    ((who, kind, second, _),) = post.reported()
    assert (who[:2], kind, second) == ("v-", "enter", 1.5)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and kill -9")
def test_a_reassignment_is_atomic_when_the_agent_is_killed_before_any_statement() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.tracker.reassignment_kill_harness"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"errors": [], "left": [[], [ADA_ID], [ZOE_ID]]}
