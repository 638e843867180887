"""A track that had one name and turns out to be somebody else's: what was reported of the first is retracted.

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
from tests.tracker.posts import DOOR, HALL, Post, empty
from tests.tracker.posts import picture as placed
from tests.tracker.puppets import ADA, EVE, Cue, Stage, at, face_of, scene
from tests.tracker.turn_theatre import LIKE_ADA, LIKE_ZOE, TURNS, ZOE
from tracker.presence.events import ITSELF, Action

ADA_ID, ZOE_ID = f"p-{ADA:012x}", f"p-{ZOE:012x}"


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    stage = Stage(tmp_path / "gym.sqlite3")
    stage.enrol("Ada", ADA)
    stage.enrol("Zoe", ZOE)
    return stage


def said(stage: Stage) -> list[tuple[str, str, str]]:
    """(action, person id, kind) of each correction, by time."""
    about = {each.event_id: stage.store.events.find(each.event_id)[0][0] for each in stage.store.events.corrections()}
    return [
        (each.action, about[each.event_id].person_id, about[each.event_id].kind)
        for each in stage.store.events.corrections()
        if each.by == ITSELF and each.reason
    ]


def test_the_false_visit_is_retracted_and_the_right_one_reaches_back(stage: Stage) -> None:
    steps = stage.play([*TURNS, *scene(20.5, 60)])
    assert stage.reported() == [(ZOE_ID, "enter", 10, False), (ZOE_ID, "exit", 20, False)]
    assert stage.visits(1000) == [(ZOE_ID, 10, 20)]
    assert said(stage) == [("void", ADA_ID, "enter")]
    assert [each.person_id for step in steps for each in step.retracted] == [ADA_ID]


def test_who_is_in_sight_follows_at_once(stage: Stage) -> None:
    steps = stage.play(TURNS, frames=len(TURNS))
    assert [{each.person_id for each in step.present} for step in steps if step.present][-1] == {ZOE_ID}
    assert [(each.person_id, each.entered_at) for each in stage.store.cameras.presences()] == [(ZOE_ID, at(10))]


def test_one_who_was_in_by_another_track_keeps_that_visit(stage: Stage) -> None:
    stage.play([*scene(0, 5, ADA), *scene(5.5, 9.5), *TURNS, *scene(20.5, 60)])
    assert stage.visits(1000) == [(ADA_ID, 0, 5), (ZOE_ID, 10, 20)]
    assert [each[:2] for each in said(stage)] == []


def test_one_who_comes_back_by_another_track_is_in_since_then(stage: Stage) -> None:
    """The wrong track began the presence; she is in from where a track of her own begins."""
    script: list[Cue] = [*scene(10, 12, LIKE_ADA), *scene(12.5, 13.5, LIKE_ZOE)]
    script += [*scene(14, 20, LIKE_ZOE), *scene(20.5, 26, 0, 0, ADA), *scene(26.5, 60)]
    stage.play(script)
    assert stage.visits(1000) == [(ZOE_ID, 10, 20), (ADA_ID, 20.5, 26)]


def test_a_name_that_turns_back_is_given_back(stage: Stage) -> None:
    script = [*TURNS, *scene(20.5, 40, LIKE_ADA), *scene(40.5, 90)]
    stage.play(script)
    assert stage.visits(1000) == [(ADA_ID, 10, 40)]
    first, *later = said(stage)
    assert first == ("void", ADA_ID, "enter")
    assert sorted(later) == [("add", ADA_ID, "enter"), ("void", ZOE_ID, "enter")]


def test_a_track_that_passes_from_one_to_the_other_leaves_each_a_visit(stage: Stage) -> None:
    """Ada was there for a minute: it was her, until Zoe stepped in front of her."""
    stage.play([*scene(0, 60, LIKE_ADA), *scene(60.5, 120, LIKE_ZOE), *scene(120.5, 200)])
    (ada, begun, gone), (zoe, came, left) = stage.visits(1000)
    assert (ada, begun, zoe, came, left) == (ADA_ID, 0, ZOE_ID, 60.5, 120)
    assert gone is not None
    assert 60 <= gone < 100
    assert said(stage) == []


def test_a_visitor_who_turns_out_to_be_enrolled_never_was(stage: Stage) -> None:
    def enrol() -> None:
        stage.enrol("Eve", EVE)

    stage.play([*scene(0, 10, EVE), enrol, *scene(10.5, 40, EVE), *scene(40.5, 80)])
    eve = f"p-{EVE:012x}"
    assert stage.visits(1000) == [(eve, 0, 40)]
    assert [(action, who[:2]) for action, who, _ in said(stage)] == [("void", "v-")]


def test_not_this_person_retracts_the_visit_however_long_it_lasted(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "hers.sqlite3")
    stage.enrol("Ada", ADA)

    def deny() -> None:
        stage.store.people.add_negatives(ADA_ID, face_of(LIKE_ADA)[None])

    stage.play([*scene(0, 60, LIKE_ADA), deny, *scene(60.5, 120, LIKE_ADA), *scene(120.5, 200)])
    ((who, begun, left),) = stage.visits(1000)
    assert (who[:2], begun, left) == ("v-", 0, 120)


def test_a_recording_played_again_reports_the_same(stage: Stage) -> None:
    script = [*TURNS, *scene(20.5, 60)]
    stage.play(script)
    before = stage.reported(), stage.store.events.corrections()
    stage.play(script[:6], frames=5)
    stage.play(script)
    assert (stage.reported(), stage.store.events.corrections()) == before


def test_what_an_operator_says_of_it_holds(stage: Stage) -> None:
    stage.play([*TURNS, *scene(20.5, 60)])
    (mistaken,) = stage.store.events.corrections()
    event = stage.store.events.find(mistaken.event_id)[0][0]
    said_so = replace(mistaken, action=Action.ADD, event=event, by="Ann", at=at(5000), correction_id="")
    stage.store.events.correct([said_so])
    stage.play([*TURNS, *scene(20.5, 60)])
    assert (ADA_ID, "enter", 10, False) in stage.reported()


def test_somebody_forgotten_before_the_turn_is_not_missed(stage: Stage) -> None:
    def forget() -> None:
        stage.store.people.forget(ADA_ID, True)

    stage.play([*scene(10, 12, LIKE_ADA), forget, *scene(12.5, 20, LIKE_ZOE), *scene(20.5, 60)])
    assert [each[0] for each in stage.visits(1000)] == [ZOE_ID]


@pytest.fixture
def post(tmp_path: Path) -> Post:
    post = Post(tmp_path / "post.sqlite3")
    post.enrol("Ada", ADA)
    post.enrol("Zoe", ZOE)
    return post


def steps(ys: list[float], *, x: float = 50, turn: int, start: float = 0) -> list[Cue]:
    """Somebody goes from place to place, like Ada for the first `turn` frames and like Zoe after them."""
    return [
        (start + index / 2, placed(**{"like_ada" if index < turn else "like_zoe": (x, y)}))
        for index, y in enumerate(ys)
    ]


def test_a_crossing_is_reported_of_the_right_person(post: Post) -> None:
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
    post: Post, role: CameraRole, reported: list[tuple[str, str, float, bool]]
) -> None:
    post.camera = CameraSettings(id="way", source="0", role=role)
    post.watch([*steps([50] * 16, turn=4), *empty(9, 60)])
    assert post.reported() == reported


def test_stays_in_zones_go_to_the_right_person(post: Post) -> None:
    post.camera = HALL
    script = [(index / 2, placed(like_ada=(20, 50))) for index in range(3)]
    script += [(1.5 + index / 2, placed(like_zoe=(20 + 4 * index, 50))) for index in range(14)]
    post.watch([*script, *empty(9, 60)])
    found = [(each.person_id, each.zone) for each in post.store.cameras.zone_stays(site_id="gym")]
    assert found == [(ZOE_ID, "left"), (ZOE_ID, "right")]
    (left, *_), (right, *_) = [(each[1], each[3]) for each in post.stays()], post.stays()
    assert left == (0.5, True)
    assert right


def test_doors_wait_for_a_name_that_is_not_known_yet(post: Post) -> None:
    """The second person is a stranger who is not sure to be a visitor at first."""
    post.camera = DOOR
    assert np.linalg.norm(face_of(LIKE_ADA) - face_of(LIKE_ZOE)) < 0.6
    post.store.people.forget(ZOE_ID, True)
    post.watch([*steps([20, 30, 40, 60, *[70] * 20], turn=6), *empty(13, 30)])
    ((who, kind, second, _),) = post.reported()
    assert (who[:2], kind, second) == ("v-", "enter", 1.5)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and kill -9")
def test_killed_before_any_statement_of_a_write_a_turn_is_whole_or_not_at_all() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.tracker.turn_theatre"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"wrong": [], "left": [[], [ADA_ID], [ZOE_ID]]}
