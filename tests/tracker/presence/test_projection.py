"""Visits made anew between two clean ones are those that all events tell of; where that cannot be known, it is said."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from tracker.presence.events import Event, EventKind
from tracker.presence.projection import Next, changed_days, entries_before, entries_of, usage_by_day
from tracker.presence.rules import Rules
from tracker.presence.sessions import sessions

START = datetime(2026, 3, 28, 6, tzinfo=UTC)
KEY = ("gym", "ada")
DOOR = frozenset({"door"})
RULES = {
    "rooms": Rules(),
    "door": Rules(entrances=DOOR, exits=DOOR, closes_at=time(22), zone=ZoneInfo("Europe/Berlin")),
    "proven": Rules(entrances=DOOR, exits=DOOR, rooms=frozenset({"a", "b"})),
}


def event(kind: str, minutes: float, camera: str, track: str) -> Event:
    at = START + timedelta(minutes=minutes)
    return Event(kind=EventKind(kind), site_id="gym", camera_id=camera, person_id="ada", at=at, track_id=track)


def anything(seed: int, count: int = 60) -> list[Event]:
    """Events of one person that make little sense: of two rooms and a door, some at once, some without an end."""
    dice = Random(seed)
    events, minutes = [], 0.0
    for number in range(count):
        minutes += dice.choice([0, 0.01, 1, 4, 8, 30, 200, 900])
        camera, kind = dice.choice(["a", "b", "door"]), dice.choice(["enter", "exit"])
        events.append(event(kind, minutes, camera, f"{camera}{dice.randint(max(0, number - 8), number) // 3}"))
    return events


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("seed", range(25))
def test_between_two_clean_visits_the_rest_does_not_matter(name: str, seed: int) -> None:
    events, rules = anything(seed), RULES[name]
    now = events[-1].at + timedelta(hours=1)
    whole = entries_of(events, key=KEY, rules=rules, now=now)
    assert [each.session for each in whole] == sessions(events, rules=rules, now=now)
    clean = [place for place, each in enumerate(whole) if each.clean]
    starts = [None, *clean]
    for first in starts:
        since = None if first is None else whole[first].session.started_at
        for last in clean:
            if first is not None and last <= first:
                continue
            after = Next(whole[last].session.session_id, whole[last].session.started_at)
            part = [each for each in events if (since is None or each.at >= since) and each.at <= after.started_at]
            found = entries_before(part, after, key=KEY, rules=rules, now=now)
            assert found == whole[first or 0 : last]


def test_a_visit_that_does_not_begin_so_any_more_is_noticed() -> None:
    events = [event("enter", 0, "a", "t1"), event("exit", 10, "a", "t1"), event("enter", 60, "a", "t2")]
    (_, second) = entries_of(events, key=KEY, rules=Rules(), now=START + timedelta(hours=2))
    after = Next(second.session.session_id, second.session.started_at)
    late = event("exit", 58, "b", "t9")  # so that 60 is within the same visit
    assert entries_before([*events, late], after, key=KEY, rules=Rules(), now=START) is None
    in_sight = event("enter", 5, "b", "t8")  # and here somebody has not lost them yet
    assert entries_before([*events, in_sight], after, key=KEY, rules=Rules(), now=START) is None
    assert entries_before(events[:2], after, key=KEY, rules=Rules(), now=START) is None
    assert entries_before([], after, key=KEY, rules=Rules(), now=START) is None


def test_an_open_visit_tells_when_it_is_due() -> None:
    rules = Rules(max_visit=timedelta(hours=3))
    (entry,) = entries_of([event("enter", 0, "a", "t")], key=KEY, rules=rules, now=START)
    assert (entry.clean, entry.due_at) == (True, START + timedelta(hours=3))
    (entry,) = entries_of([event("enter", 0, "a", "t")], key=KEY, rules=rules, now=START + timedelta(hours=4))
    assert (entry.session.ended_at, entry.due_at) == (START, None)


def test_usage_lies_in_local_days_and_changes_name_them() -> None:
    berlin = RULES["door"].zone
    night = [
        event("enter", 16 * 60 + 30, "door", "1"),
        event("exit", 17 * 60 + 30, "door", "2"),
    ]  # the clock goes forward
    rules = Rules(entrances=DOOR, exits=DOOR, zone=berlin)
    before = [each.session for each in entries_of(night[:1], key=KEY, rules=rules, now=START)]
    after = [each.session for each in entries_of(night, key=KEY, rules=rules, now=START)]
    days = usage_by_day(after, berlin)
    assert {str(day): sum(hour[2] for hour in hours.values()) / 6e7 for day, hours in days.items()} == {
        "2026-03-28": 30,
        "2026-03-29": 30,
    }
    assert {str(day) for day in changed_days(before, after, berlin)} == {"2026-03-28", "2026-03-29"}
    assert changed_days(after, after, berlin) == set()
