"""The projection: derivation between clean sessions, due times, differences."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from tracker.presence.events import Event, EventKind
from tracker.presence.projection import CleanStart, changes, project, project_before
from tracker.presence.rules import Rules
from tracker.presence.sessions import sessions

START = datetime(2026, 3, 28, 6, tzinfo=UTC)
KEY = ("gym", "ada")
DOOR = frozenset({"door"})
LATER = START + timedelta(hours=2)
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
    whole = project(events, key=KEY, rules=rules, now=now)
    assert [each.session for each in whole] == sessions(events, rules=rules, now=now)
    clean = [place for place, each in enumerate(whole) if each.clean]
    starts = [None, *clean]
    for first in starts:
        since = None if first is None else whole[first].session.started_at
        for last in clean:
            if first is not None and last <= first:
                continue
            after = CleanStart(whole[last].session.session_id, whole[last].session.started_at)
            part = [each for each in events if (since is None or each.at >= since) and each.at <= after.started_at]
            found = project_before(part, after, key=KEY, rules=rules, now=now)
            assert found == whole[first or 0 : last]


def test_a_visit_that_does_not_begin_so_any_more_is_noticed() -> None:
    events = [event("enter", 0, "a", "t1"), event("exit", 10, "a", "t1"), event("enter", 60, "a", "t2")]
    (_, second) = project(events, key=KEY, rules=Rules(), now=START + timedelta(hours=2))
    after = CleanStart(second.session.session_id, second.session.started_at)
    late = event("exit", 58, "b", "t9")  # so that 60 is within the same visit
    assert project_before([*events, late], after, key=KEY, rules=Rules(), now=LATER) is None
    in_sight = event("enter", 5, "b", "t8")  # and here somebody has not lost them yet
    assert project_before([*events, in_sight], after, key=KEY, rules=Rules(), now=LATER) is None
    assert project_before(events[:2], after, key=KEY, rules=Rules(), now=LATER) is None
    assert project_before([], after, key=KEY, rules=Rules(), now=LATER) is None


def test_an_open_visit_has_a_due_time() -> None:
    rules = Rules(max_visit=timedelta(hours=3))
    (entry,) = project([event("enter", 0, "a", "t")], key=KEY, rules=rules, now=START)
    assert (entry.clean, entry.due_at) == (True, START + timedelta(hours=3))
    (entry,) = project([event("enter", 0, "a", "t")], key=KEY, rules=rules, now=START + timedelta(hours=4))
    assert (entry.session.ended_at, entry.due_at) == (START, START + timedelta(hours=3))


def test_changes_are_the_differences() -> None:
    found = changes({"a": 1, "b": 2, "c": 3}, {"b": 2, "c": 4, "d": 5})
    assert (found.write, found.delete) == ({"c": 4, "d": 5}, ("a",))


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("seed", range(12))
def test_time_closes_a_session_exactly_when_it_is_due(name: str, seed: int) -> None:
    events, rules = anything(seed), RULES[name]
    known = project(events, key=KEY, rules=rules, now=events[-1].at)
    if not known or known[-1].due_at is None or known[-1].session.ended_at is not None:
        return
    due = known[-1].due_at
    still = project(events, key=KEY, rules=rules, now=due)
    assert [each.session.session_id for each in still] == [each.session.session_id for each in known]
    assert (still[-1].session.ended_at, still[-1].due_at) == (None, due)
    after = project(events, key=KEY, rules=rules, now=due + timedelta(microseconds=1))
    assert all(each.session.ended_at is not None for each in after)
    if len(after) == len(known):
        assert after[-1].due_at == due
