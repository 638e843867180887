"""An agent that counts bodies in a room: turned away, without a name, named late."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.settings import CameraSettings
from tests.tracker.fake_cameras import ADA, BOB, seconds
from tests.tracker.role_cameras import HALL, RoleCamera, empty, people, standing
from tracker.presence.events import Action, is_unidentified

ADA_ID, BOB_ID = f"p-{ADA:012x}", f"p-{BOB:012x}"


@pytest.fixture
def room(tmp_path: Path) -> RoleCamera:
    room = RoleCamera(tmp_path / "footfall.sqlite3", camera=CameraSettings(id="hall", source="0"), bodies=True)
    room.enrol("Ada", ADA)
    room.enrol("Bob", BOB)
    return room


def told(room: RoleCamera) -> list[tuple[str, str, float]]:
    """(person, "u" for an unidentified one, kind, second) of each event that counts."""
    found = room.store.events.select()
    return [("u" if is_unidentified(each.person_id) else each.person_id, each.kind, seconds(each.at)) for each in found]


def test_who_turned_away_is_still_there(room: RoleCamera) -> None:
    room.watch([*standing(0, 5, ("ada", 30)), *standing(5.5, 60, ("", 30)), *empty(61, 120)])
    assert told(room) == [(ADA_ID, "enter", 0), (ADA_ID, "exit", 60)]
    assert len({each.track_id for each in room.store.events.select()}) == 1


def test_who_turns_back_is_the_same_visit(room: RoleCamera) -> None:
    script = [*standing(0, 5, ("ada", 30)), *standing(5.5, 60, ("", 30)), *standing(60.5, 70, ("ada", 30))]
    room.watch([*script, *empty(71, 120)])
    assert told(room) == [(ADA_ID, "enter", 0), (ADA_ID, "exit", 70)]


def test_two_side_by_side_keep_their_names(room: RoleCamera) -> None:
    both = standing(0, 5, ("ada", 20), ("bob", 70))
    room.watch([*both, *standing(5.5, 40, ("", 20), ("", 70)), *standing(40.5, 60, ("", 70)), *empty(61, 120)])
    assert told(room) == [(ADA_ID, "enter", 0), (BOB_ID, "enter", 0), (ADA_ID, "exit", 40), (BOB_ID, "exit", 60)]


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        pytest.param(29, [], id="for-a-moment"),
        pytest.param(50, [("u", "enter", 0), ("u", "exit", 50)], id="for-longer"),
    ],
)
def test_a_body_without_a_name_counts_after_a_while(
    room: RoleCamera, until: float, expected: list[tuple[str, str, float]]
) -> None:
    room.watch([*standing(0, until, ("", 30)), *empty(until + 1, until + 60)])
    assert told(room) == expected
    assert [person.name for person in room.store.people.all()] == ["Ada", "Bob"]
    assert room.store.matches.select(site_id="gym") == []


def test_a_name_that_comes_late_reaches_back_to_the_start_of_the_body(room: RoleCamera) -> None:
    room.watch([*standing(0, 49.5, ("", 30)), *standing(50, 60, ("ada", 30)), *empty(61, 120)])
    assert told(room) == [(ADA_ID, "enter", 0), (ADA_ID, "exit", 60)]
    (void,) = room.store.events.corrections()
    assert void.action is Action.VOID


def test_an_unidentified_presence_is_closed_after_a_restart(room: RoleCamera) -> None:
    room.watch(standing(0, 50, ("", 30)), stopped=True)
    assert told(room) == [("u", "enter", 0)]
    room.watch(empty(55, 120))
    assert told(room) == [("u", "enter", 0), ("u", "exit", 50)]


def test_a_forgotten_person_who_turned_away_is_not_there_any_more(room: RoleCamera) -> None:
    def forget() -> None:
        room.store.people.forget(ADA_ID, True)

    room.watch([*standing(0, 5, ("ada", 30)), forget, *standing(5.5, 30, ("", 30)), *empty(31, 90)])
    assert [who for who, _, _ in told(room) if who == ADA_ID] == []


def test_zones_are_of_named_people(room: RoleCamera) -> None:
    room.camera = HALL
    room.watch([*standing(0, 5, ("ada", 30)), *standing(5.5, 50, ("", 30), ("", 80)), *empty(51, 100)])
    stays = room.store.cameras.zone_stays(site_id="gym")
    assert [(each.person_id, each.zone, seconds(each.seen_at)) for each in stays] == [(ADA_ID, "left", 50)]
    assert sorted(who for who, kind, _ in told(room) if kind == "enter") == [ADA_ID, "u"]


def test_a_wrong_name_is_retracted_from_the_body_too(room: RoleCamera) -> None:
    """A face like Ada's turns out to be a visitor's; what it showed while it was turned away goes with it."""
    room.store.people.forget(BOB_ID, True)
    first = [(index / 2, people(("like_ada", 30))) for index in range(4)]
    script = [*first, *standing(2, 10, ("", 30)), *standing(10.5, 30, ("like_zoe", 30))]
    room.watch([*script, *empty(31, 90)])
    assert {who[:2] for who, _, _ in told(room)} <= {"v-", "p-"}
    assert [kind for _, kind, _ in told(room)].count("enter") == [kind for _, kind, _ in told(room)].count("exit")
