"""The pages of visits: rows, counts, filters, the opened one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from dashboard.address import PAGE_SIZE
from dashboard.queries import Board
from dashboard.views import Days
from tests.dashboard import gym
from tests.dashboard.boards import minutes_ago, over, stay
from tracker.presence.events import EventKind
from tracker.reports.visit_filter import State, Who
from tracker.store.observation import Observation
from tracker.store.store import Store

ENTER, EXIT = EventKind.ENTER, EventKind.EXIT


def test_visits_carry_flags_and_the_camera_that_saw_them_begin(store: Store, board: Board) -> None:
    store.record(
        Observation(
            events=[
                gym.event(ENTER, "p-ada", minutes_ago(100), camera="door"),
                gym.event(EXIT, "p-ada", minutes_ago(80), camera="door"),
                gym.event(ENTER, "p-ada", minutes_ago(78), camera="weights"),
                gym.event(EXIT, "p-ada", minutes_ago(60), inferred=True, camera="weights"),
                gym.event(ENTER, "v-1", minutes_ago(40), camera="weights"),
                gym.event(EXIT, "v-1", minutes_ago(39.5), camera="weights"),
            ]
        )
    )
    short, long = board.visits(over(Days.until(board.today(), days=1))).rows
    assert (short["bounce"], short["exit_inferred"], short["enter_camera_id"]) == (True, False, "weights")
    assert (long["bounce"], long["exit_inferred"], long["enter_camera_id"]) == (False, True, "door")
    assert (long["segments"], long["dwell_s"], long["gross_s"]) == (2, 38 * 60, 40 * 60)


def test_visits_of_other_days_stay_away(store: Store, board: Board) -> None:
    stay(store, "p-ada", 24 * 60 + 30, 24 * 60)
    stay(store, "v-1", 30, 20)
    yesterday = date(2026, 3, 9)
    assert [row["name"] for row in board.visits(over(Days(yesterday, yesterday))).rows] == ["Ada"]
    assert board.visits(over(Days(date(2026, 3, 1), date(2026, 3, 2)))).rows == []


def test_a_page_has_its_rows_and_counts_all(store: Store, board: Board) -> None:
    for number in range(PAGE_SIZE + 2):
        stay(store, f"v-{number}", 100 - number, 60)
    stay(store, "p-vera", 10, None)
    query = over(Days.until(board.today(), days=1))
    first, last, beyond = (board.visits(replace(query, page=page)) for page in (1, 2, 9))
    assert [row["person_id"] for row in first.rows[:2]] == ["p-vera", f"v-{PAGE_SIZE + 1}"]
    assert (len(first.rows), len(last.rows), beyond.rows) == (PAGE_SIZE, 3, last.rows)
    assert (first.visits, first.people, first.still_in, first.with_staff) == (28, 28, 1, True)
    assert (first.page, beyond.page, first.pages) == (1, 2, 2)


def test_the_summary_follows_the_filter(store: Store, board: Board) -> None:
    stay(store, "p-ada", 90, 60)
    stay(store, "p-ada", 50, None)
    stay(store, "p-vera", 80, None)
    days = Days.until(board.today(), days=1)
    view = board.visits(over(days, text="ADA"))
    assert (view.visits, view.people, view.still_in, view.with_staff, view.of_range) == (2, 1, 1, False, 3)
    assert [row["name"] for row in board.visits(over(days, who=Who.STAFF)).rows] == ["Vera"]
    assert [row["name"] for row in board.visits(over(days, state=State.LEFT)).rows] == ["Ada"]
    assert board.visits(over(days, person_id="p-ada")).person == "Ada"


def test_a_visit_is_opened_with_its_parts(store: Store, board: Board) -> None:
    stay(store, "p-ada", 90, 60)
    stay(store, "p-ada", 58, 40)
    query = over(Days.until(board.today(), days=1))
    (row,) = board.visits(query).rows
    opened = board.visits(replace(query, visit=row["session_id"])).opened
    assert opened is not None
    assert opened.row == row
    assert opened.segments == ((minutes_ago(90), minutes_ago(60)), (minutes_ago(58), minutes_ago(40)))
    assert board.visits(replace(query, visit="nothing")).opened is None


def test_all_rows_come_in_portions(store: Store, board: Board) -> None:
    for number in range(PAGE_SIZE + 5):
        stay(store, f"v-{number}", 100 - number, 60)
    query = over(Days.until(board.today(), days=1))
    rows = [row for portion in board.visit_rows(replace(query, page=2)) for row in portion]
    assert [row["person_id"] for row in rows] == [f"v-{number}" for number in range(PAGE_SIZE + 4, -1, -1)]
