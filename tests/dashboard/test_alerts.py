"""What the page Now says needs attention."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from dashboard.alerts import Alert, alerts
from dashboard.inside_filter import InsideFilter
from dashboard.queries import Board
from dashboard.views import Condition
from tests.dashboard import gym
from tests.dashboard.boards import NOW, Clock, minutes_ago, settings, stay
from tracker.presence.health import CameraState
from tracker.presence.people import Person
from tracker.presence.rules import Rules, Site
from tracker.store.observation import Observation
from tracker.store.store import Store


@pytest.fixture(autouse=True)
def _no_application(monkeypatch: pytest.MonkeyPatch) -> None:
    """Addresses need a running application."""
    monkeypatch.setattr(InsideFilter, "link", lambda self: f"/?{'&'.join(self.parameters().values())}")


def found(board: Board) -> list[tuple[str, Condition, str]]:
    return [
        (each.text, each.condition, each.href)
        for each in alerts(board.now_view(), board.zone, lambda _visit: "/a-visit")
    ]


def enter(store: Store, number: int, *, access: bool) -> None:
    person = Person(person_id=f"p-{number}", name=f"Eve {number}", created_at=NOW, consented_at=NOW, access=access)
    store.people.add(person, np.zeros((1, 128), np.float32))
    stay(store, person.person_id, 30 + number, None)


def test_nothing_is_wrong_where_all_is_well(store: Store, board: Board) -> None:
    store.record(Observation(health=gym.health("door", NOW)))
    stay(store, "p-ada", 30, None)
    assert found(board) == []


def test_cameras_that_are_down_or_never_gave_a_frame(store: Store, board: Board) -> None:
    store.record(Observation(health=gym.health("door", NOW)))
    lost = gym.health("garage", minutes_ago(5), state=CameraState.LOST, problem="no answer")
    store.record(Observation(health=lost))
    never = replace(lost, camera_id="attic", last_frame_at=None, started_at=minutes_ago(9), problem=None)
    store.record(Observation(health=never))
    stopped = gym.health("old", minutes_ago(9000), state=CameraState.STOPPED)
    store.record(Observation(health=stopped))
    assert found(board) == [
        ("Camera attic has given no frame yet", Condition.BAD, ""),
        ("Camera garage has given no frames since 12:55: no answer", Condition.BAD, ""),
    ]


def test_people_who_are_not_authorised_come_first_and_lead_to_their_visit(store: Store, board: Board) -> None:
    store.record(Observation(health=gym.health("door", minutes_ago(1))))
    enter(store, 1, access=False)
    enter(store, 2, access=True)
    assert found(board) == [
        ("Eve 1 is in and not authorised: no access", Condition.BAD, "/a-visit"),
        ("Camera door has given no frames since 12:59", Condition.WARN, ""),
    ]


def test_many_people_with_one_problem_are_one_alert(store: Store, board: Board) -> None:
    for number in range(5):
        enter(store, number, access=False)
    assert found(board) == [("5 people are in who are not authorised", Condition.BAD, "/?unauthorised")]


def test_somebody_who_is_seen_for_longer_than_a_visit_may_last(store: Store, board: Board, clock: Clock) -> None:
    store.sites.save(Site(site_id=gym.SITE, rules=Rules(max_visit=timedelta(hours=1))))
    for ago_min in (90, 50, 10):
        stay(store, "p-ada", ago_min, None)
    assert found(board) == [("Ada has been in for more than 1 h 00 min, since 11:30", Condition.WARN, "/a-visit")]


def test_viewers_read_no_name_and_get_no_link(store: Store, path: Path, clock: Clock) -> None:
    enter(store, 1, access=False)
    board = Board(path, settings(path), clock=clock, names_shown=lambda: False)
    assert found(board) == [("Somebody is in and not authorised: no access", Condition.BAD, "")]


def test_uploads_that_fail(board: Board, store: Store) -> None:
    stay(store, "p-ada", 30, 20)
    view = replace(board.now_view(), upload_problems=("Nothing was uploaded to Firestore since 11:30.",))
    expected = Alert(text="Nothing was uploaded to Firestore since 11:30.", condition=Condition.WARN)
    assert alerts(view, board.zone, str) == (expected,)
