"""An agent that counts bodies at a door: named, unidentified, named late, killed and resumed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.tracker.fake_cameras import ADA, BOB, ScriptStep, seconds
from tests.tracker.reassignment_kill_harness import ZOE
from tests.tracker.role_cameras import WAY, RoleCamera, empty, passing, people, picture, standing
from tracker.presence.events import Action, CameraRef, Event, is_unidentified, unidentified_id

ADA_ID, BOB_ID = f"p-{ADA:012x}", f"p-{BOB:012x}"
IN = [20, 26, 32, 38, 62, 68, 74, 80]
"""Crosses the line two seconds after its start."""
OUT = IN[::-1]


@pytest.fixture
def post(tmp_path: Path) -> RoleCamera:
    post = RoleCamera(tmp_path / "footfall.sqlite3", camera=WAY, bodies=True)
    post.enrol("Ada", ADA)
    post.enrol("Bob", BOB)
    return post


def events_of(post: RoleCamera, script: Sequence[ScriptStep]) -> list[Event]:
    post.watch(script)
    return post.store.events.select()


def told(events: Sequence[Event]) -> list[tuple[str, str, float]]:
    """(person, "u" for an unidentified one, kind, second) of each."""
    return [
        ("u" if is_unidentified(each.person_id) else each.person_id, each.kind, seconds(each.at)) for each in events
    ]


def test_feet_cross_under_the_name_of_the_face(post: RoleCamera) -> None:
    events = events_of(post, [*passing(0, IN, "ada"), *empty(4, 12), *passing(20, OUT, "bob"), *empty(24, 40)])
    assert told(events) == [(ADA_ID, "enter", 2), (BOB_ID, "exit", 22)]
    matches = {match.person_id: match.track_id for match in post.store.matches.select(site_id="gym")}
    assert [each.track_id for each in events] == [matches[ADA_ID], matches[BOB_ID]]
    assert post.store.events.corrections() == []
    assert post.store.cameras.line_states(site_id="gym", camera_id="way") == []


def test_somebody_with_the_back_to_the_camera_counts_without_a_name(post: RoleCamera) -> None:
    (event,) = events_of(post, [*passing(0, IN), *empty(4, 20)])
    assert told([event]) == [("u", "enter", 2)]
    assert event.person_id == unidentified_id(CameraRef("gym", "way"), event.track_id)
    assert [person.name for person in post.store.people.all()] == ["Ada", "Bob"]
    assert post.store.matches.select(site_id="gym") == []


def test_two_at_once_are_two(post: RoleCamera) -> None:
    script: list[ScriptStep] = [(i / 2, people(("ada", x), ("", 100 - x))) for i, x in enumerate(IN) if i not in (3, 4)]
    events = events_of(post, [*script, *empty(4, 20)])
    assert sorted(told(events)) == [(ADA_ID, "enter", 2.5), ("u", "exit", 2.5)]


@pytest.mark.parametrize(
    ("faced_at", "voided"),
    [pytest.param(6, 0, id="before-it-was-reported"), pytest.param(16, 1, id="after-it-was-reported")],
)
def test_a_name_that_comes_later_is_that_of_the_crossing(post: RoleCamera, faced_at: int, voided: int) -> None:
    script = [*passing(0, IN), *standing(4, faced_at - 0.5, ("", 80)), *standing(faced_at, faced_at + 4, ("ada", 80))]
    events = events_of(post, [*script, *empty(faced_at + 5, faced_at + 20)])
    assert told(events) == [(ADA_ID, "enter", 2)]
    assert len(post.store.events.corrections()) == voided


def test_a_face_goes_on_for_its_body(post: RoleCamera) -> None:
    """The body leaves the part that is looked at; the name comes from the face that is still in sight."""
    script = [*passing(0, IN), (4.0, people(("ada", 80))), *[(4.5 + i / 2, picture(ada=(80, 23))) for i in range(6)]]
    assert told(events_of(post, [*script, *empty(8, 30)])) == [(ADA_ID, "enter", 2)]


def test_a_crossing_is_reported_ten_seconds_after_it(post: RoleCamera) -> None:
    post.watch([*passing(0, IN), *standing(4, 11.5, ("", 80))], stopped=True)
    assert post.reported() == []
    post.watch([*passing(100, IN), *standing(104, 112, ("", 80))], stopped=True)
    assert [each[1:3] for each in post.reported()] == [("enter", 2), ("enter", 102)]


def test_a_face_without_a_body_crosses_by_itself(post: RoleCamera) -> None:
    close = [(index / 2, picture(ada=(x, 50))) for index, x in enumerate([20, 26, 32, 38, 62, 68, 74, 80])]
    assert told(events_of(post, [*close, *empty(4, 12)])) == [(ADA_ID, "enter", 2)]
    post.store.people.forget(ADA_ID, True)
    stranger = [(100 + index, picture(ada=(x, 50))) for index, x in enumerate([20, 80, 84])]
    assert told(events_of(post, [*stranger, *empty(104, 120)])) == []


def test_who_is_forgotten_on_the_way_crosses_without_a_name(post: RoleCamera) -> None:
    def forget() -> None:
        post.store.people.forget(ADA_ID, True)

    script = [*passing(0, [14, 17, 20], "ada"), forget, *passing(1.5, [20, 22, 24, 26, *IN])]
    assert told(events_of(post, [*script, *empty(8, 20)])) == [("u", "enter", 5.5)]


def turning(turn: int) -> list[ScriptStep]:
    """Somebody goes in, like Ada for the first `turn` frames and like Zoe after them."""
    xs = [*IN, *[80] * 12]
    return [(index / 2, people(("like_ada" if index < turn else "like_zoe", x))) for index, x in enumerate(xs)]


def test_a_wrong_name_is_corrected_on_the_crossing(post: RoleCamera) -> None:
    post.enrol("Zoe", ZOE)
    assert told(events_of(post, [*turning(6), *empty(11, 30)])) == [(f"p-{ZOE:012x}", "enter", 2)]
    assert [each.action for each in post.store.events.corrections()] == [Action.VOID]


def test_a_name_that_is_taken_away_leaves_the_crossing(post: RoleCamera) -> None:
    """It is nobody's for a moment, until the stranger is sure to be a visitor."""
    ((who, kind, second),) = told(events_of(post, [*turning(6), *empty(11, 30)]))
    assert (who[:2], kind, second) == ("v-", "enter", 2)


@pytest.mark.parametrize("xs", [[20] * 40, [44, 48, 52, 56, 52, 48] * 6, [20, 80]], ids=["aside", "on-it", "moment"])
def test_who_does_not_cross_is_nobody(post: RoleCamera, xs: list[float]) -> None:
    assert events_of(post, [*passing(0, xs), *empty(30, 50)]) == []


def test_a_recording_played_again_reports_the_same(post: RoleCamera) -> None:
    script = [*passing(0, IN), *empty(4, 12), *passing(20, OUT, "bob"), *empty(24, 30)]
    post.watch(script[:6], stopped=True)
    first = events_of(post, script)
    assert events_of(post, script) == first
    assert told(first) == [("u", "enter", 2), (BOB_ID, "exit", 22)]


KILLED = f"""
import os, signal, sys
from pathlib import Path
from tests.tracker.role_cameras import WAY, RoleCamera, passing

post = RoleCamera(Path(sys.argv[1]), camera=WAY, bodies=True)
post.watch([*passing(0, {IN}), lambda: os.kill(os.getpid(), signal.SIGKILL)])
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the store of an agent that was killed two seconds after a crossing."""
    folder, root = tmp_path_factory.mktemp("killed"), Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", KILLED, folder / "footfall.sqlite3"], cwd=root, timeout=60, check=False
    )
    assert done.returncode == -signal.SIGKILL
    return folder


@pytest.mark.skipif(os.name == "nt", reason="needs kill -9")
@pytest.mark.parametrize("then", [5, 60, 4000], ids=["at-once", "after-a-minute", "after-an-hour"])
def test_a_crossing_that_waits_at_a_kill_is_reported_once(killed: Path, tmp_path: Path, then: int) -> None:
    path = shutil.copytree(killed, tmp_path / "copy") / "footfall.sqlite3"
    post = RoleCamera(path, camera=WAY, bodies=True)
    assert post.reported() == []
    post.watch(empty(then, then + 20))
    post.watch(empty(then + 30, then + 50))
    assert [each[1:] for each in post.reported()] == [("enter", 2.0, False)]
