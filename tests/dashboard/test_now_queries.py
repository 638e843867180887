"""What the page Now reads: where people were seen last, what is usual, what waits for its upload."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from config.settings import Settings
from dashboard.now_queries import upload_problems
from dashboard.queries import Board
from tests.dashboard import gym
from tests.dashboard.boards import NOW, Clock, minutes_ago, settings, stay
from tracker.presence.events import CameraRef
from tracker.presence.people import Person, PersonKind
from tracker.presence.room import Presence
from tracker.reports import selection
from tracker.reports.usual import Usual
from tracker.store.observation import Observation
from tracker.store.store import Store

WEEK_MIN = 7 * 24 * 60


def test_a_camera_that_has_somebody_in_sight_saw_them_last(store: Store, board: Board) -> None:
    stay(store, "p-ada", 40, None)
    stay(store, "p-vera", 30, None)
    presence = Presence(
        site_id=gym.SITE, camera_id="weights", person_id="p-ada", track_id="t", entered_at=minutes_ago(20),
        seen_at=minutes_ago(1), x_frac=0.5, y_frac=0.5,
    )  # fmt: skip
    store.record(Observation(camera=CameraRef(gym.SITE, "weights"), presences=[presence]))
    assert {row["name"]: (row["camera_id"], row["seen_at"]) for row in board.now_view().inside} == {
        "Ada": ("weights", minutes_ago(1)),
        "Vera": ("door", minutes_ago(30)),
    }


def test_who_may_not_be_here_is_marked(store: Store, board: Board) -> None:
    eve = Person(person_id="p-eve", name="Eve", created_at=NOW, access=False)
    store.people.add(eve, np.zeros((1, 128), np.float32))
    stay(store, "p-eve", 20, None)
    stay(store, "p-ada", 10, None)
    visitor = Person(person_id="v-1", name="Visitor 1", created_at=NOW, kind=PersonKind.VISITOR)
    store.record(Observation(visitors=[(visitor, np.zeros((1, 128), np.float32))]))
    stay(store, "v-1", 5, None)
    assert [(row["name"], row["authorised"], row["refused"]) for row in board.now_view().inside] == [
        ("Visitor 1", False, ""),
        ("Ada", True, ""),
        ("Eve", False, "no access"),
    ]


def test_groups_are_for_those_who_see_names(store: Store, path: Path, clock: Clock) -> None:
    yoga = Person(person_id="p-eve", name="Eve", created_at=NOW, groups=("Yoga",))
    store.people.add(yoga, np.zeros((1, 128), np.float32))
    stay(store, "p-eve", 20, None)
    for names, groups in ((True, ("Yoga",)), (False, ())):
        board = Board(path, settings(path), clock=clock, names_shown=lambda names=names: names)
        assert [row["groups"] for row in board.now_view().inside] == [groups]
        assert [row["groups"] for row in board.roll_call(clock.now).rows] == [groups]


def test_what_is_usual_is_said_from_three_weeks_on(store: Store, board: Board) -> None:
    for weeks in (1, 2):
        stay(store, "p-ada", weeks * WEEK_MIN + 60, weeks * WEEK_MIN + 30)
    assert board.now_view().usual is None
    for weeks in (3, 4):
        stay(store, "p-ada", weeks * WEEK_MIN + 60, weeks * WEEK_MIN - 30)
    stay(store, "v-1", 5 * WEEK_MIN, 5 * WEEK_MIN - 10)  # the records begin that day, which does not count
    assert board.now_view().usual == Usual(inside=0, entries=1, peak=1, days=4)


def test_the_days_that_are_over_are_read_once_a_day(
    store: Store, board: Board, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stay(store, "p-ada", 6 * WEEK_MIN, 6 * WEEK_MIN - 10)
    ranges = []
    select = selection.select

    def counted(store: Store, site: object, query: selection.ReportQuery, *more: object, **named: object) -> object:
        ranges.append(query.until)
        return select(store, site, query, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr("dashboard.queries.select", counted)
    board.now_view()
    assert len([until for until in ranges if until is not None]) == 8
    stay(store, "p-vera", 5, None)
    board.now_view()
    assert len([until for until in ranges if until is not None]) == 8


def shared(path: Path) -> Settings:
    one = settings(path)
    return one.model_copy(update={"store": one.store.model_copy(update={"url": "firestore://northside-gym-1"})})


def test_events_that_wait_long_for_their_upload_are_a_problem(store: Store, path: Path) -> None:
    assert upload_problems(store, shared(path), NOW) == ()
    stay(store, "p-ada", 5, None)
    assert upload_problems(store, shared(path), NOW) == ()
    later = NOW + timedelta(minutes=20)
    assert upload_problems(store, settings(path), later) == ()
    (problem,) = upload_problems(store, shared(path), later)
    assert problem.startswith("Nothing was uploaded to Firestore since ")
    assert "footfall status" in problem
