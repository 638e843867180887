"""The hourly job writes `days/{date}` of today and of the days whose sessions changed, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from google.cloud.firestore import SERVER_TIMESTAMP

from functions import days
from functions.days import CURSOR, EVENTS_CURSOR, update_days
from functions.site import site_of
from tests.firestore.fixtures import Firestore
from tests.functions.gym import RULES, SITE, Gym, at, event, visit
from tracker.cloud.documents import FUNCTIONS
from tracker.cloud.paths import Collection, path_of
from tracker.presence.events import OPERATOR, Action, CameraRef, Correction, Event, unidentified_id

DAY = 24 * 60
FIRST, SECOND = "2026-03-02", "2026-03-03"
HOUR = timedelta(hours=1)
_TOMORROW = datetime.now(RULES.zone) + timedelta(days=1)
START = _TOMORROW.replace(hour=6).astimezone(UTC)
"""Later than the server receives anything, and long before midnight at the site."""
TODAY = str(_TOMORROW.date())


def run(gym: Gym, *, hours: int = 0) -> int:
    """The job, so many hours after the first run."""
    return update_days(gym.client, site_of(SITE, gym.site_document()), now=START + hours * HOUR)


def figures(gym: Gym) -> dict[str, dict[str, Any]]:
    """The documents of the days before today, by date."""
    own = (CURSOR, EVENTS_CURSOR, "schema", "zone")
    found = gym.documents(Collection.DAYS)
    return {
        day: {name: value for name, value in each.items() if name not in own}
        for day, each in found.items()
        if day < TODAY
    }


def void(one: Event) -> Correction:
    return Correction(action=Action.VOID, event_id=one.event_id, by="op", at=START)


def test_each_day_has_its_figures_and_today_has_a_document_without_visits(gym: Gym) -> None:
    gym.send([*visit(0, 60), *visit(30, 90, "bob"), *visit(120, 121, "bob"), *visit(DAY, DAY + 30)])
    run(gym)
    assert figures(gym) == {
        FIRST: {
            "entries": 3, "exits": 3, "unidentified": 0, "visitors": 2, "bounces": 0, "peak": 2, "peak_at": at(30),
            "measured": 3, "dwell_s": 7260.0, "gross_s": 7260.0,
        },
        SECOND: {
            "entries": 1, "exits": 1, "unidentified": 0, "visitors": 1, "bounces": 0, "peak": 1, "peak_at": at(DAY),
            "measured": 1, "dwell_s": 1800.0, "gross_s": 1800.0,
        },
    }  # fmt: skip
    today = gym.documents(Collection.DAYS)[TODAY]
    assert (today["entries"], today["peak"], today["zone"]) == (0, 0, "Europe/Berlin")


def test_a_visit_over_midnight_is_in_both_days(gym: Gym) -> None:
    gym.rules = RULES.__class__(zone=RULES.zone)
    gym.open()
    gym.send(visit(14 * 60, 17 * 60))
    run(gym)
    found = {day: (each["entries"], each["exits"], each["peak"]) for day, each in figures(gym).items()}
    assert found == {FIRST: (1, 0, 1), SECOND: (0, 1, 1)}


def test_only_days_whose_sessions_changed_are_written_again(gym: Gym, firestore_server: Firestore) -> None:
    gym.send([*visit(0, 60), *visit(DAY, DAY + 30)])
    assert run(gym) == 3
    firestore_server.control.reset()
    assert run(gym, hours=1) == 0
    assert firestore_server.control.counts()["reads"] <= 6
    gym.send(visit(120, 130))
    assert run(gym, hours=2) == 1
    assert figures(gym)[FIRST]["entries"] == 2


def test_a_day_from_which_a_session_was_removed_is_written_again(gym: Gym) -> None:
    gym.send([*visit(0, 60), *visit(DAY, DAY + 30)])
    run(gym)
    for one in visit(0, 60):
        gym.correct(void(one))
    assert len(gym.visits()) == 1
    assert run(gym, hours=1) == 1
    assert {day: each["entries"] for day, each in figures(gym).items()} == {FIRST: 0, SECOND: 1}
    assert run(gym, hours=2) == 0


def test_a_session_that_begins_later_leaves_the_day_it_began_on(gym: Gym) -> None:
    gym.rules = RULES.__class__(zone=RULES.zone)
    gym.open()
    wrong, enter, last = event("enter", 0), event("enter", 16 * 60), event("exit", 17 * 60)
    gym.send([wrong, enter, last])
    run(gym)
    gym.correct(void(wrong))
    run(gym, hours=1)
    assert {day: (each["entries"], each["exits"]) for day, each in figures(gym).items()} == {
        FIRST: (0, 0),
        SECOND: (1, 1),
    }


def test_a_session_removed_while_the_day_is_written_counts(gym: Gym, monkeypatch: pytest.MonkeyPatch) -> None:
    gym.send(visit(0, 60))
    real, todo = days.day_figures, visit(0, 60)

    def interrupted(*args: Any, **others: Any) -> Any:
        found = real(*args, **others)
        while todo:
            gym.correct(void(todo.pop()))
        return found

    monkeypatch.setattr(days, "day_figures", interrupted)
    run(gym)
    assert figures(gym)[FIRST]["entries"] == 0


def test_a_long_backlog_is_written_in_several_runs(gym: Gym, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(days, "_MAX_DAYS", 3)
    monkeypatch.setattr(days, "_MAX_CHANGED", 4)
    gym.send([each for number in range(10) for each in visit(number * DAY, number * DAY + 30)])
    counts = [run(gym, hours=number) for number in range(8)]
    assert max(counts) <= 4
    assert [each["entries"] for each in figures(gym).values()] == [1] * 10
    assert counts[-1] == 0


def test_sessions_that_the_server_received_at_one_time_are_not_split(gym: Gym, monkeypatch: pytest.MonkeyPatch) -> None:
    gym.put([each for number in range(6) for each in visit(number * DAY, number * DAY + 30)])
    gym.deliver([event("enter", 0)])  # one transaction
    monkeypatch.setattr(days, "_MAX_DAYS", 2)
    run(gym)
    assert [each["entries"] for each in figures(gym).values()] == [1] * 6


def test_where_a_machine_derives_it_writes_nothing(gym: Gym) -> None:
    gym.send(visit(0, 60))
    gym.open(derived_by="m-1")
    assert run(gym) == 0
    assert gym.documents(Collection.DAYS) == {}


# -- where everybody is counted


def nobody(kind: str, minutes: float) -> Event:
    """An event of somebody unidentified."""
    track = f"n{minutes}"
    return event(kind, minutes, unidentified_id(CameraRef(SITE, "door-1"), track), track=track)


def counted(gym: Gym) -> dict[str, tuple[int, ...]]:
    keys = ("entries", "exits", "unidentified", "peak")
    return {day: tuple(each[key] for key in keys) for day, each in figures(gym).items()}


@pytest.fixture
def counting(gym: Gym) -> Gym:
    """A gym whose door counts everybody."""
    gym.rules = replace(RULES, counted=RULES.entrances)
    gym.open()
    return gym


def test_people_without_a_name_are_in_the_figures(counting: Gym) -> None:
    counting.send([*visit(0, 60), nobody("enter", 10), nobody("enter", 20), nobody("exit", 30)])
    run(counting)
    assert counted(counting) == {FIRST: (3, 2, 2, 3)}
    assert figures(counting)[FIRST]["visitors"] == 1


def test_a_site_where_nobody_has_a_name_is_claimed(counting: Gym) -> None:
    counting.open(derived_by="")
    assert run(counting) == 0
    assert counting.site_document()["derived_by"] == ""
    counting.send([nobody("enter", 0), nobody("exit", 5)])
    run(counting)
    assert counted(counting) == {FIRST: (1, 1, 1, 1)}
    assert counting.site_document()["derived_by"] == FUNCTIONS


def test_the_first_without_a_name_changes_the_days_before(counting: Gym) -> None:
    counting.send([*visit(0, 60), *visit(62, 70), *visit(DAY, DAY + 30)])
    run(counting)
    assert counted(counting) == {FIRST: (1, 1, 0, 1), SECOND: (1, 1, 0, 1)}
    counting.send([nobody("enter", DAY + 10)])
    assert run(counting, hours=1) == 2
    assert counted(counting) == {FIRST: (2, 2, 0, 1), SECOND: (2, 1, 1, 2)}


def test_a_late_event_of_somebody_without_a_name_has_its_day_written_again(counting: Gym) -> None:
    counting.send([nobody("enter", 0), nobody("enter", DAY)])
    assert run(counting) == 3
    assert run(counting, hours=1) == 0
    counting.send([nobody("exit", 5)])
    assert run(counting, hours=2) == 1
    assert counted(counting) == {FIRST: (1, 1, 1, 1), SECOND: (1, 0, 1, 1)}


def test_a_corrected_event_has_its_day_counted_again(counting: Gym) -> None:
    wrong, right = nobody("enter", 0), nobody("enter", DAY)
    counting.send([wrong, right])
    run(counting)
    counting.correct(void(wrong), wrong.person_id)
    added = event("enter", DAY + 5, "ada", OPERATOR)
    counting.correct(Correction(action=Action.ADD, event_id=added.event_id, event=added, by="op", at=START))
    assert run(counting, hours=1) == 2
    assert counted(counting) == {FIRST: (0, 0, 0, 0), SECOND: (2, 0, 1, 2)}
    assert run(counting, hours=2) == 0


def test_an_event_near_midnight_has_the_next_day_written_too(counting: Gym) -> None:
    counting.rules = replace(counting.rules, closes_at=None)
    counting.open()
    counting.send([nobody("enter", 14 * 60)])
    run(counting)
    assert counted(counting) == {FIRST: (1, 0, 1, 1), SECOND: (0, 0, 0, 1)}


def test_what_people_without_a_name_cost(counting: Gym, firestore_server: Firestore) -> None:
    """As documented; a site where nobody was recorded without a name pays for one question an hour."""

    def reads(hours: int) -> int:
        firestore_server.control.reset()
        run(counting, hours=hours)
        return int(firestore_server.control.counts()["reads"])

    counting.send(visit(0, 60))
    run(counting)
    idle = reads(1)
    counting.send([event("enter", 120, "bob"), event("exit", 130, "bob")])
    without = reads(2)
    counting.rules = RULES
    counting.open()
    assert reads(3) == idle - 1
    counting.rules = replace(RULES, counted=RULES.entrances)
    counting.open()
    counting.send([event("enter", 140, "eve"), event("exit", 150, "eve"), nobody("enter", 160)])
    reads(4)
    counting.send([event("enter", 170, "joe"), event("exit", 180, "joe")])
    assert counted(counting)[FIRST][0] == 4
    # the question, the cursor, the two events, their day: 9 events, their corrections, and those that users added
    assert reads(5) - without - 2 == 1 + 2 + 9 + 1 + 1


def test_malformed_documents_are_left_out(gym: Gym, caplog: pytest.LogCaptureFixture) -> None:
    gym.send(visit(0, 60))
    session = gym.client.document(path_of(SITE, Collection.SESSIONS, "bad"))
    session.set({"started_at": at(5), "ended_at": at(6), "state": "open", "received_at": SERVER_TIMESTAMP})
    gym.client.document(path_of(SITE, Collection.DAYS, "tomorrow")).set({"stale": True})
    run(gym)
    assert figures(gym)[FIRST]["entries"] == 1
    assert "sessions/bad left out" in caplog.text
    assert "days/tomorrow: expected a date" in caplog.text


def test_the_days_of_a_session_without_usable_times_are_none() -> None:
    zone, now = RULES.zone, at(0)
    for wrong in ({}, {"started_at": "today"}, {"started_at": datetime(1, 1, 1, tzinfo=UTC)}):
        assert days.local_days(wrong, zone, now) == set()
    assert days.local_days({"started_at": at(0), "ended_at": None}, zone, at(DAY)) == {
        date(2026, 3, 2),
        date(2026, 3, 3),
    }
    endless = {"started_at": at(0), "ended_at": datetime(2999, 1, 1, tzinfo=UTC)}
    assert len(days.local_days(endless, zone, now)) == 61
