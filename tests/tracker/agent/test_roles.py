"""An agent at a door, an entrance, an exit, and in a room with zones."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from config.errors import CameraError, StoreError
from config.settings import CameraRole, CameraSettings
from tests.tracker.fake_cameras import ADA, BOB, NO_FRAME, ScriptStep, fault
from tests.tracker.role_cameras import HALL, RoleCamera, empty, picture, walk


@pytest.fixture
def post(tmp_path: Path) -> RoleCamera:
    post = RoleCamera(tmp_path / "footfall.sqlite3")
    post.enrol("Ada", ADA)
    post.enrol("Bob", BOB)
    return post


ADA_ID, BOB_ID = f"p-{ADA:012x}", f"p-{BOB:012x}"


def test_a_door_reports_who_went_in_and_who_went_out(post: RoleCamera) -> None:
    post.watch([*walk(0, range(20, 90, 10)), *empty(4, 12), *walk(20, range(80, 10, -10), name="bob"), *empty(24, 30)])
    assert post.reported() == [(ADA_ID, "enter", 2.0, False), (BOB_ID, "exit", 22.0, False)]
    assert post.store.cameras.presences() == []
    assert post.store.cameras.line_states(site_id="gym", camera_id="door") == []


def test_a_track_that_has_lost_its_name_crosses_without_it(post: RoleCamera) -> None:
    """Ada is forgotten on her way: from then on the track shows a stranger."""

    def forget() -> None:
        post.store.people.forget(ADA_ID, False)

    post.watch([*walk(0, [20, 25, 30, 35]), forget, *walk(2, [40, 45, *[75] * 20]), *empty(13, 30)])
    ((who, kind, _, _),) = post.reported()
    assert (who[:2], kind) == ("v-", "enter")


def test_standing_at_a_door_reports_nothing(post: RoleCamera) -> None:
    post.watch(walk(0, [45, 50, 52, 49, 50, 51, 48, 50, 52] * 4))
    assert post.reported() == []


def test_the_side_is_kept_over_a_restart(post: RoleCamera) -> None:
    """The second run begins where the first one stopped; the person has another track there."""
    post.watch(walk(0, [20, 25, 30, 35]))
    before = post.store.cameras.line_states(site_id="gym", camera_id="door")
    assert before == []  # the recording was over, so its tracks are
    post.watch(walk(10, [20, 25, 30, 35]), stopped=True)
    (state,) = post.store.cameras.line_states(site_id="gym", camera_id="door")
    assert (state.person_id, state.held is not None) == (ADA_ID, True)
    post.watch([*walk(13, [65, 70, 75, 80]), *empty(15, 25)])
    assert post.reported() == [(ADA_ID, "enter", 13.0, False)]


SLOW_START = [NO_FRAME, NO_FRAME]


def unplugged(post: RoleCamera) -> None:
    with pytest.raises(CameraError):
        post.watch([fault(CameraError)])


def stopped_before_a_frame(post: RoleCamera) -> None:
    post.watch([], stopped=True)


@pytest.mark.parametrize(
    ("between", "opening"),
    [
        pytest.param([], SLOW_START, id="first-frame-is-late"),
        pytest.param([unplugged], [], id="camera-was-unplugged-at-a-start"),
        pytest.param([stopped_before_a_frame], [], id="stopped-before-a-frame"),
        pytest.param([stopped_before_a_frame, unplugged], SLOW_START, id="all-of-it"),
    ],
)
def test_a_pending_crossing_survives_starts_without_a_frame(
    post: RoleCamera, between: Sequence[Callable[[RoleCamera], None]], opening: Sequence[ScriptStep]
) -> None:
    post.watch(walk(0, [20, 25, 30, 35, 65]), stopped=True)  # one frame inside, one more is to prove it
    for start in between:
        start(post)
    assert len(post.store.cameras.line_states(site_id="gym", camera_id="door")) == 1
    post.watch([*opening, *empty(4, 60)])
    assert post.reported() == [(ADA_ID, "enter", 2.0, False)]


def test_a_pending_crossing_survives_an_unreadable_store_at_the_first_frame(post: RoleCamera) -> None:
    post.watch(walk(0, [20, 25, 30, 35, 65]), stopped=True)
    with sqlite3.connect(post.path) as damage:
        (text,) = damage.execute("SELECT state FROM line_states").fetchone()
        damage.execute("UPDATE line_states SET state = 'torn'")
    with pytest.raises(StoreError):
        post.watch(empty(4, 60))
    with damage:
        assert damage.execute("UPDATE line_states SET state = ?", (text,)).rowcount == 1
    damage.close()
    post.watch(empty(4, 60))
    assert post.reported() == [(ADA_ID, "enter", 2.0, False)]


def test_a_recording_played_again_reports_the_same(post: RoleCamera) -> None:
    script = [*walk(0, range(20, 90, 10)), *empty(4, 12)]
    post.watch(script[:5], stopped=True)
    post.watch(script[:7], stopped=True)
    post.watch(script)
    assert post.reported() == [(ADA_ID, "enter", 2.0, False)]
    post.watch(script)
    assert len(post.reported()) == 1


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        pytest.param(CameraRole.ENTRANCE, [("enter", 0.0, False)], id="entrance"),
        pytest.param(CameraRole.EXIT, [("exit", 2.0, False)], id="exit"),
    ],
)
def test_a_camera_at_a_way_in_or_out_reports_one_kind(
    post: RoleCamera, role: CameraRole, expected: list[tuple[str, float, bool]]
) -> None:
    post.camera = replace_role(role)
    post.watch([*walk(0, [40, 45, 50, 55, 60]), *empty(3, 50)])
    assert [each[1:] for each in post.reported()] == expected


def test_the_end_of_a_recording_at_an_exit_is_a_way_out_too(post: RoleCamera) -> None:
    post.camera = replace_role(CameraRole.EXIT)
    post.watch(walk(0, [40, 45, 50, 55, 60]))
    assert [each[1:] for each in post.reported()] == [("exit", 2.0, False)]


def test_a_room_reports_who_is_in_which_zone(post: RoleCamera) -> None:
    post.camera = HALL
    places = [10, 20, 30, 40, 60, 70, 80]
    post.watch([(index, picture(ada=(x, 50))) for index, x in enumerate(places)])
    assert post.stays() == [("left", 1.0, 3.0, True), ("right", 4.0, 6.0, True)]
    assert [each[1] for each in post.reported()] == ["enter", "exit"]


def test_zone_stays_continue_after_a_restart(post: RoleCamera) -> None:
    post.camera = HALL
    script = [(index, picture(ada=(20, 50))) for index in range(10)]
    post.watch(script[:5], stopped=True)
    assert post.stays() == [("left", 1.0, 4.0, False)]
    post.watch([*script[6:], *empty(10, 20)])
    assert post.stays() == [("left", 1.0, 9.0, True)]


def replace_role(role: CameraRole) -> CameraSettings:
    return CameraSettings(id="way", source="0", role=role)
