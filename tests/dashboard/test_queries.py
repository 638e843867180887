"""The queries of the pages, over stores filled by the public API."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from config.errors import StoreError
from config.settings import PresenceSettings, Settings
from dashboard.queries import Board
from dashboard.views import Condition, Days
from tests.dashboard import gym
from tests.dashboard.boards import NOW, Clock, minutes_ago, over, settings, stay, watch
from tracker.presence.events import EventKind
from tracker.presence.health import CameraState
from tracker.presence.people import Person, PersonKind
from tracker.presence.rules import Rules, Site
from tracker.store.observation import Observation
from tracker.store.store import Store

ENTER, EXIT = EventKind.ENTER, EventKind.EXIT


def test_figures_that_stand_together_count_everybody(store: Store, board: Board) -> None:
    stay(store, "p-ada", 50, None)
    stay(store, "p-vera", 120, None, camera="office")
    stay(store, "v-1", 90, 60)
    view = board.now_view()
    assert [(row["name"], row["camera_id"]) for row in view.inside] == [("Ada", "door"), ("Vera", "office")]
    assert view.figures["occupancy"] == view.points[-1]["people"] == 2
    assert (view.figures["entries"], view.figures["visitors"]) == (3, 3)
    assert view.figures["median_dwell_s"] == 30 * 60
    assert (view.figures["peak_at"], view.figures["peak"]) == (minutes_ago(90), 2)


def test_entries_and_exits_come_latest_first_and_by_name(store: Store, board: Board) -> None:
    for number in range(12):
        stay(store, f"v-{number}", 100 - number, None)
    stay(store, "p-ada", 5, 1)
    events = board.now_view().events
    assert [(row.name, row.kind) for row in events[:2]] == [("Ada", EXIT), ("Ada", ENTER)]
    assert len(events) == 8
    assert [row.at for row in events] == sorted((row.at for row in events), reverse=True)


def test_entries_and_exits_of_the_last_day_are_listed_while_today_has_few(store: Store, board: Board) -> None:
    midnight = 13 * 60  # so many minutes ago
    stay(store, "v-0", 25 * 60, midnight + 90)
    stay(store, "v-1", midnight + 60, midnight + 30)
    stay(store, "v-2", midnight + 20, midnight - 20)
    stay(store, "p-ada", 5, None)
    ago = [5, midnight - 20, midnight + 20, midnight + 30, midnight + 60, midnight + 90]
    assert [row.at for row in board.now_view().events][:6] == [minutes_ago(minutes) for minutes in ago]


def test_going_from_room_to_room_is_neither_an_entry_nor_an_exit(store: Store, board: Board) -> None:
    for room, from_min, to_min in (("lobby", 50, 40), ("weights", 39.5, 30), ("lobby", 29, 20), ("weights", 19, None)):
        stay(store, "p-ada", from_min, to_min, camera=room)
    assert [(row.kind, row.at, row.camera_id) for row in board.now_view().events] == [(ENTER, minutes_ago(50), "lobby")]


def test_control_characters_in_names_of_older_stores_are_escaped(store: Store, board: Board) -> None:
    person = Person(person_id="v-1", name="Eve\x1b[31m\u202e", kind=PersonKind.VISITOR, created_at=NOW)
    store.record(Observation(visitors=[(person, np.zeros((0, 128), np.float32))]))
    stay(store, "v-1", 20, None)
    days, shown = Days.until(board.today(), days=1), "Eve\\x1b[31m\\u202e"
    now = board.now_view()
    assert [row["name"] for row in now.inside] == [row.name for row in now.events] == [shown]
    assert [row["name"] for row in board.visits(over(days)).rows] == [shown]
    assert [row["name"] for row in board.usage(days).people] == [shown]


def test_a_visit_from_last_night_is_still_in_after_midnight(store: Store, board: Board) -> None:
    stay(store, "p-ada", 14 * 60, None)  # 23:00 in Berlin, the evening before
    view = board.now_view()
    assert len(view.inside) == 1
    assert view.figures["entries"] == 0


def test_an_empty_store_is_not_started_and_names_the_sites_it_knows(store: Store, board: Board, path: Path) -> None:
    assert not board.now_view().started
    store.record(Observation(health=gym.health("door", NOW)))
    assert board.now_view().started
    assert board.now_view().cameras[0].condition is Condition.GOOD
    other = Board(path, settings(path, id="office"), clock=lambda: NOW).now_view()
    assert (other.started, other.other_sites) == (False, (gym.SITE,))


def test_the_pulse_changes_with_events_heartbeats_people_and_time(store: Store, board: Board, clock: Clock) -> None:
    first = board.pulse()
    assert board.pulse() == first
    store.record(Observation(health=gym.health("door", NOW)))
    heartbeat = board.pulse()
    assert heartbeat.anything != first.anything
    assert heartbeat.history == first.history
    stay(store, "p-ada", 30, None)
    after_event = board.pulse()
    assert after_event.history != heartbeat.history
    store.people.rename("p-ada", "Ada B.")
    renamed = board.pulse()
    assert renamed.history != after_event.history
    clock.now = NOW + timedelta(seconds=60)
    assert (board.pulse().history, board.pulse().anything) != (renamed.history, renamed.anything)
    clock.now = NOW + timedelta(minutes=6)
    assert board.pulse().history != renamed.history


def test_the_pulse_changes_when_time_closes_a_visit(store: Store, board: Board, clock: Clock) -> None:
    store.sites.save(Site(site_id=gym.SITE, rules=Rules(max_visit=timedelta(minutes=31))))
    stay(store, "p-ada", 30, None)
    before, inside = board.pulse(), len(board.now_view().inside)
    clock.now = NOW + timedelta(minutes=2)
    assert (inside, len(board.now_view().inside)) == (1, 0)
    assert board.pulse().history != before.history


def test_callbacks_of_one_page_share_an_answer(store: Store, board: Board) -> None:
    days = Days.until(board.today(), days=7)
    first = board.usage(days)
    assert board.usage(days) is first
    stay(store, "p-ada", 30, None)
    assert board.usage(days) is not first


def test_somebody_in_for_days_is_on_every_page(store: Store, board: Board) -> None:
    store.sites.save(Site(site_id=gym.SITE, rules=Rules(max_visit=timedelta(days=9))))
    stay(store, "p-ada", 41 * 60, None)
    assert [row["started_at"] for row in board.now_view().inside] == [minutes_ago(41 * 60)]
    for count in (1, 7):
        days = Days.until(board.today(), days=count)
        assert [(row["started_at"], row["enter_inferred"]) for row in board.visits(over(days)).rows] == [
            (minutes_ago(41 * 60), False)
        ]
        assert [row["inside_s"] > 0 for row in board.usage(days).people] == [True]


def test_a_visit_more_than_a_year_ago_counts_as_returning(store: Store, board: Board) -> None:
    stay(store, "p-ada", 400 * 24 * 60, 400 * 24 * 60 - 30)
    stay(store, "p-ada", 60, 30)
    assert board.usage(Days.until(board.today(), days=7)).figures["returning"] == 1


def test_a_late_event_is_shown(store: Store, board: Board) -> None:
    days = Days.until(board.today(), days=2)
    stay(store, "p-ada", 10, 5)
    assert len(board.visits(over(days)).rows) == 1
    stay(store, "v-1", 300, 200)
    assert [row["person_id"] for row in board.visits(over(days)).rows] == ["p-ada", "v-1"]


def test_a_camera_that_never_gave_a_frame_leaves_the_figures_unknown(store: Store, board: Board) -> None:
    dead = replace(
        gym.health("door", NOW), state=CameraState.LOST, last_frame_at=None, started_at=minutes_ago(90), frames=0
    )
    store.record(Observation(health=dead))
    view = board.now_view()
    assert (view.watching, view.coverage.share, view.coverage.mostly_missed) == (False, 0, True)
    assert view.coverage.notes[-1].startswith("Camera door did not watch from 11:30 to now (1 h 30 min).")
    usage = board.usage(Days.until(board.today(), days=1))
    assert (usage.figures["entries"], usage.coverage.mostly_missed) == (None, True)


def test_a_camera_that_is_down_is_not_watching(store: Store, board: Board) -> None:
    store.record(Observation(health=gym.health("door", NOW)))
    assert board.now_view().watching is True
    store.record(Observation(health=gym.health("door", NOW, state=CameraState.LOST)))
    assert board.now_view().watching is False


def test_usage_excludes_staff_and_has_returning_visitors(store: Store, board: Board) -> None:
    stay(store, "p-ada", 3 * 24 * 60, 3 * 24 * 60 - 30)
    stay(store, "p-ada", 180, 120)
    stay(store, "v-1", 100, 99.5)
    stay(store, "p-vera", 300, 10)
    view = board.usage(Days.until(board.today(), days=1))
    figures = view.figures
    assert (figures["entries"], figures["visitors"], figures["returning"]) == (2, 2, 1)
    assert figures["bounce_rate"] == 0.5
    assert (view.dwell["visits"], view.dwell["median_s"]) == (1, 3600)
    assert view.hours[10] == 1
    assert view.hours[11] == 1
    assert sum(view.hours) == 2
    assert [(row["name"], row["visits"]) for row in view.people] == [("Ada", 1), ("v-1", 1)]
    assert board.usage(Days.until(board.today(), days=7)).figures["entries"] == 3


def test_only_the_count_of_everybody_is_compared_with_the_capacity(store: Store, board: Board) -> None:
    days = Days.until(board.today(), days=1)
    stay(store, "p-ada", 180, 120)
    stay(store, "p-vera", 170, 10)
    view = board.usage(days)
    assert (view.capacity, view.figures["peak_at"], view.figures["peak"]) == (None, minutes_ago(180), 1)
    store.people.forget("p-vera", erase_history=True)
    assert board.usage(days).capacity == 10


def test_merged_and_forgotten_people_read_as_they_should(store: Store, board: Board) -> None:
    stranger = Person(person_id="v-1", name="Visitor 1", created_at=NOW, kind=PersonKind.VISITOR)
    store.record(Observation(visitors=[(stranger, np.zeros((1, 128), np.float32))]))
    stay(store, "v-1", 100, 90)
    stay(store, "p-ada", 50, 40)
    days = Days.until(board.today(), days=1)
    assert [row["name"] for row in board.visits(over(days)).rows] == ["Ada", "Visitor 1"]
    store.people.merge("v-1", "p-ada")
    assert [row["name"] for row in board.visits(over(days)).rows] == ["Ada", "Ada"]
    store.people.forget("p-ada", erase_history=False)
    assert {row["name"] for row in board.visits(over(days)).rows} == {"Forgotten person"}
    assert {event.name for event in board.now_view().events} == {"Forgotten person"}


def test_a_store_may_be_missing_appear_and_be_replaced(path: Path) -> None:
    board = Board(path, settings(path), clock=lambda: NOW)
    with pytest.raises(StoreError, match=r"no store at .*footfall track"):
        board.pulse()
    with gym.open_store(path) as store:
        stay(store, "v-1", 30, 20)
    assert len(board.visits(over(Days.until(board.today(), days=1))).rows) == 1
    for part in path.parent.glob(f"{path.name}*"):
        part.unlink()
    with pytest.raises(StoreError):
        board.now_view()
    with gym.open_store(path):
        pass
    assert board.visits(over(Days.until(board.today(), days=1))).rows == []


def test_a_file_that_is_no_store_is_reported(path: Path) -> None:
    path.write_text("this is a text and not a store, long enough to be looked at by SQLite " * 9)
    with pytest.raises(StoreError) as caught:
        Board(path, settings(path), clock=lambda: NOW).pulse()
    assert caught.value.fix


def test_printed_commands_run_as_shown(path: Path) -> None:
    spaced = path.with_name("my store.sqlite3")
    command = Board(spaced, settings(spaced)).command("track", "--camera", "0")
    assert command == f"footfall track --camera 0 --store 'sqlite:///{spaced}'"
    chosen = Board(spaced, settings(spaced), settings_file=Path("my gym.toml")).command("report", "people")
    assert chosen == f"footfall report people --settings 'my gym.toml' --store 'sqlite:///{spaced}'"
    usual = Settings()
    assert Board(usual.store.path, usual).command("demo") == "footfall demo"


def test_a_month_at_the_gym_adds_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.queries.PEOPLE_SHOWN", 1_000)
    with gym.open_store(path) as store:
        gym.fill(store, now=NOW, zone=settings(path).site.zone)
    board = Board(path, settings(path), clock=lambda: NOW)
    view = board.usage(Days.until(board.today(), days=30))
    assert view.figures["entries"] == sum(view.hours) == sum(row["visits"] for row in view.people)
    assert view.figures["visitors"] == len({row["person_id"] for row in view.people if row["visits"]})
    now = board.now_view()
    assert len(now.inside) == now.points[-1]["people"] == now.figures["occupancy"] > view.points[-1]["people"]


def test_an_outage_is_noted_and_has_no_counts(store: Store, board: Board) -> None:
    watch(store, 6000, 240)
    watch(store, 90, 0)
    watch(store, 6000, 0, "back")
    stay(store, "p-ada", 50, 40)
    coverage = board.now_view().coverage
    (blind,) = coverage.blind
    assert (blind.since, blind.until, blind.share) == (minutes_ago(240), minutes_ago(90), 0.5)
    note = "Camera door did not watch from 09:00 to 11:30 (2 h 30 min). What happened then is not counted."
    assert coverage.notes == board.visits(over(Days.until(board.today(), days=1))).coverage.notes == (note,)
    assert not coverage.nothing


def test_an_unwatched_day_is_not_an_empty_day(store: Store, board: Board) -> None:
    watch(store, 6000, 2000)
    view = board.usage(Days.until(board.today(), days=1))
    assert (view.figures["entries"], view.coverage.nothing) == (None, True)
    assert view.coverage.notes[0].startswith("Camera door did not watch from 00:00 to now (13 h 00 min).")
    assert view.hours_watched == (*[0.0] * 13, *[None] * 11)
    week = board.usage(Days.until(board.today(), days=7))
    assert 2 < week.days_watched < 4


def test_hours_of_the_day_are_the_mean_of_the_days(store: Store, board: Board) -> None:
    day = 24 * 60
    watch(store, 3 * day, day + 60)  # to 12:00 in Berlin yesterday
    watch(store, day, 0)  # from 13:00 on
    view = board.usage(Days.until(board.today(), days=2))
    assert [view.hours_watched[hour] for hour in (11, 12, 13)] == [1.0, 0.5, 1.0]


def test_nights_are_no_outages_where_opening_hours_are_set(store: Store, path: Path) -> None:
    watch(store, 3000, 15 * 60)  # to 22:00 in Berlin yesterday
    watch(store, 7 * 60, 0)  # from 06:00 today
    hours = {"opens_at": "06:00", "closes_at": "22:00"}
    for presence, note in (({}, 1), (hours, 0)):
        chosen = settings(path).model_copy(update={"presence": PresenceSettings.model_validate(presence)})
        board = Board(path, chosen, clock=lambda: NOW)
        assert len(board.visits(over(Days.until(board.today(), days=2))).coverage.notes) == note


def test_without_a_camera_there_are_no_outages(store: Store, board: Board) -> None:
    stay(store, "p-ada", 50, 40)
    view = board.usage(Days.until(board.today(), days=7))
    assert (view.coverage.notes, view.coverage.nothing, view.days_watched > 0) == ((), False, True)


def test_many_outages_are_summed_up(store: Store, board: Board) -> None:
    for start in (600, 480, 360, 240):
        watch(store, start, start - 100)
    watch(store, 120, 0)
    (_, note) = board.visits(over(Days.until(board.today(), days=1))).coverage.notes
    assert note.startswith("Camera door did not watch for 1 h 20 min in 4 stretches, the longest from ")
