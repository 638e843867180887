"""The roll-call: who may see it, what it lists, and what it says where cameras are down."""

from __future__ import annotations

import csv
import re
from datetime import timedelta

import pytest

from dashboard.plain.roll_call import notes
from dashboard.queries import Board
from tests.dashboard import gym
from tests.dashboard.access.conftest import Site
from tests.dashboard.boards import NOW, Clock, minutes_ago, stay
from tracker.presence.events import EventKind
from tracker.presence.health import CameraState
from tracker.store.observation import Observation
from tracker.store.store import Store
from tracker.store.users import UserRole

PATHS = ("/roll-call", "/roll-call.csv")


@pytest.mark.parametrize("role", [UserRole.DESK, UserRole.ADMIN])
def test_desk_and_admin_get_the_list(site: Site, role: UserRole) -> None:
    client = site.signed_in(role)
    page, file = (client.get(path) for path in PATHS)
    assert (page.status_code, file.status_code) == (200, 200)
    rows = list(csv.DictReader(file.text.removeprefix("\ufeff").splitlines()))
    assert gym.AT_THE_DESK in {row["name"] for row in rows}
    assert page.text.count("<tr data-visit=") == len(rows)
    assert all(f'<th scope="row">{row["name"]}</th>' in page.text for row in rows)
    assert re.fullmatch(
        r'attachment; filename="roll-call_\d{4}-\d\d-\d\d_\d{4}\.csv"', file.headers["Content-Disposition"]
    )


def test_for_a_viewer_it_is_not_there(site: Site) -> None:
    client = site.signed_in(UserRole.VIEWER)
    for path in PATHS:
        answer = client.get(path)
        assert answer.status_code == client.get("/nope").status_code == 404
        assert gym.AT_THE_DESK not in answer.text
    layout = client.get("/_dash-layout").text
    assert "roll-call" not in layout


def test_nobody_gets_it_without_a_sign_in(site: Site) -> None:
    assert {site.client().get(path).status_code for path in PATHS} == {303}


def test_who_left_since_it_was_opened_stays_on_the_list(site: Site) -> None:
    client = site.signed_in(UserRole.DESK)
    opened = re.search(r'data-since="([^"]+)"', client.get("/roll-call").text)
    assert opened
    desk = next(each for each in site.store.people.all() if each.name == gym.AT_THE_DESK)
    site.store.record(Observation(events=[gym.event(EventKind.EXIT, desk.person_id, site.store.now())]))
    assert gym.AT_THE_DESK not in client.get("/roll-call").text
    page = client.get("/roll-call", query_string={"since": opened[1]}).text
    assert re.search(rf'class="left">.*?{gym.AT_THE_DESK}.*?<td>left \d\d:\d\d</td>', page, re.DOTALL)
    assert "1 left since the list was opened" in page


@pytest.mark.parametrize("since", ["", "yesterday", "2026-01-01", "2999-01-01T00:00:00+00:00", "2001-01-01T00:00:00Z"])
def test_a_time_that_makes_no_sense_lists_who_is_in(site: Site, since: str) -> None:
    client = site.signed_in(UserRole.DESK)
    page = client.get("/roll-call", query_string={"since": since})
    assert page.status_code == 200
    assert 'class="left"' not in page.text


# -- what it lists


def test_people_by_name_with_where_they_were_seen_last(store: Store, board: Board, clock: Clock) -> None:
    stay(store, "p-vera", 50, None)
    stay(store, "p-ada", 40, None)
    stay(store, "p-ada", 10, None, camera="weights")
    stay(store, "v-1", 30, 5)
    rows = board.roll_call(clock.now).rows
    assert [(row["name"], row["camera_id"], row["seen_at"]) for row in rows] == [
        ("Ada", "weights", minutes_ago(10)),
        ("Vera", "door", minutes_ago(50)),
    ]
    since = board.roll_call(clock.now - timedelta(minutes=6)).rows
    assert [(row["name"], row["ended_at"]) for row in since] == [("Ada", None), ("v-1", minutes_ago(5)), ("Vera", None)]


def test_it_says_which_camera_did_not_see_who_left(store: Store, board: Board, clock: Clock) -> None:
    stay(store, "p-ada", 40, None)
    store.record(Observation(health=gym.health("door", NOW)))
    assert list(notes(board.roll_call(clock.now), board)) == []
    store.record(Observation(health=gym.health("back", minutes_ago(58), state=CameraState.LOST)))
    down = "back gave no frames since 12:02; people may have left since."
    assert list(notes(board.roll_call(clock.now), board)) == [down]
    store.record(Observation(health=gym.health("door", minutes_ago(3), state=CameraState.LOST)))
    nothing, *each = notes(board.roll_call(clock.now), board)
    assert nothing.startswith("No camera is watching: this is the last known state.")
    assert each == [down, "door gave no frames since 12:57; people may have left since."]
    assert [row["name"] for row in board.roll_call(clock.now).rows] == ["Ada"]
