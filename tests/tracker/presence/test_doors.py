"""Rooms and doors together, and closing time, as timelines of one person.

"D" is a door (a way in and out), "I" an entrance, "O" an exit, "a" and "b" are rooms.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta, timezone
from itertools import permutations
from zoneinfo import ZoneInfo

import pytest

from tests.tracker.presence.stories import at, events_of, presence, timelines
from tracker.presence.events import ANONYMOUS_PREFIX
from tracker.presence.rules import Closings, Rules
from tracker.presence.sessions import sessions

BOTH = Rules(entrances=frozenset("DI"), exits=frozenset("DO"))
IN_ONLY = Rules(entrances=frozenset("I"))
HOUR = 3600
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "visits"),
    [
        pytest.param("D+0 D-600", ["0-600"], id="in-and-out-by-the-door"),
        pytest.param("D+0:x D-600:x", ["0-600"], id="in-and-out-by-one-track"),
        pytest.param("I+0 O-600", ["0-600"], id="in-by-the-entrance-out-by-the-exit"),
        pytest.param("D+0", ["0-"], id="in-and-then-unseen"),
        pytest.param("D+0 a+60 a-90", ["0-"], id="lost-by-the-room-is-still-in"),
        pytest.param("D+0 a+60 a-90 a+5000 a-5100 D-6000", ["0-6000"], id="seen-now-and-then-until-the-door"),
        pytest.param("D+0 a+60 D-600 a-601", ["0-600"], id="out-by-the-door-while-the-room-still-looks"),
        pytest.param("D+0 a+60 D-600 a-900", ["0-600"], id="lost-by-the-room-within-the-merge-gap-of-the-door"),
        pytest.param("D+0 a+60 D-600 a-901", ["0-600", "?901-"], id="in-the-room-long-after-the-door"),
        pytest.param("a+0 D+2 D-600", ["0-600"], id="seen-by-the-room-before-the-door"),
        pytest.param("a+0 a-60 D-600", ["0-600"], id="missed-at-the-door"),
        pytest.param("a-60 D-600", ["?60-600"], id="found-in-the-room-only-when-lost"),
        pytest.param("D-600", ["?600-600"], id="missed-until-the-door"),
        pytest.param("D+0 a-60", ["0-"], id="lost-by-a-room-without-an-enter"),
        pytest.param("D+0 D+3:x D-600", ["0-600"], id="two-doors-see-one-entry"),
        pytest.param("D+0 O+3:x D-600", ["0-600"], id="an-exit-camera-that-reports-enter-is-a-door-too"),
        pytest.param("D+0 D+300:x D-600", ["0-600"], id="again-at-the-merge-gap-is-the-same-visit"),
        pytest.param("D+0 D+301:x D-600", ["0-0?", "301-600"], id="again-after-the-merge-gap-the-exit-was-missed"),
        pytest.param("D+0 a+60 a-90 D+5000 D-6000", ["0-90?", "5000-6000"], id="a-missed-exit-ends-at-last-evidence"),
        pytest.param("D+0 a+60 D+5000 a-5100 D-6000", ["0-6000"], id="one-sight-across-both-entries-mends-it"),
        pytest.param("D+0 D-60 D+90 D-600", ["0-60,90-600"], id="out-for-a-smoke"),
        pytest.param("D+0 D-60 O-63", ["0-60,63-63"], id="two-doors-see-one-exit"),
    ],
)
def test_where_ways_in_and_out_are_watched(text: str, visits: list[str]) -> None:
    for events in permutations(events_of(text)) if len(events_of(text)) < 6 else [events_of(text)]:
        assert timelines(sessions(events, rules=BOTH, now=at(10000))) == visits


@pytest.mark.parametrize(
    ("text", "visits"),
    [
        pytest.param("D+0", ["0-0?"], id="only-the-entry-was-seen"),
        pytest.param("D+0 a+60 a-90", ["0-90?"], id="seen-in-a-room"),
        pytest.param("D+0 a+60", ["0-60?"], id="in-sight-of-a-room"),
        pytest.param("D+0 D-600", ["0-600"], id="gone-before"),
        pytest.param("D+0 D-60 D+90", ["0-60,90-90?"], id="back-from-a-smoke"),
        pytest.param("D+0 D-600 D+5000", ["0-600", "5000-5000?"], id="the-last-visit-only"),
    ],
)
def test_a_forgotten_person_is_not_in(text: str, visits: list[str]) -> None:
    for events in permutations(events_of(text, f"{ANONYMOUS_PREFIX}1")):
        assert timelines(sessions(events, rules=BOTH, now=at(5001))) == visits


@pytest.mark.parametrize(
    ("text", "visits"),
    [
        pytest.param("I+0", ["0-"], id="in-until-other-evidence"),
        pytest.param("I+0 a+60 a-90", ["0-90"], id="lost-by-the-room-is-out"),
        pytest.param("I+0 a+60 b+80 a-90", ["0-"], id="another-room-still-sees"),
        pytest.param("I+0:x a+60 a-90 a-100:x", ["0-90,100-100"], id="an-entrance-has-nobody-in-sight"),
    ],
)
def test_where_only_ways_in_are_watched_the_room_decides(text: str, visits: list[str]) -> None:
    assert timelines(sessions(events_of(text), rules=IN_ONLY, now=at(10000))) == visits


def test_a_person_in_by_the_door_is_in_until_the_rules_end_it() -> None:
    events = events_of("D+0 a+60 a-90")
    assert timelines(sessions(events, rules=BOTH, now=at(90 + 16 * HOUR))) == ["0-"]
    assert timelines(sessions(events, rules=BOTH, now=at(91 + 16 * HOUR))) == ["0-90?"]


def test_a_presence_in_the_room_keeps_somebody_in_who_came_by_the_door() -> None:
    found = sessions(events_of("D+0 a+60"), rules=BOTH, now=at(17 * HOUR), presences=[presence("a", 60, 16.9 * HOUR)])
    assert timelines(found) == ["0-"]


@pytest.mark.parametrize(
    ("text", "now_h", "visits"),
    [
        pytest.param("a+0", 12, ["0-"], id="open-until-the-site-closes"),
        pytest.param("a+0", 13, ["0-0?"], id="closed-when-the-site-closes"),
        pytest.param("a+0 b+7200", 13, ["0-7200?"], id="closed-at-the-last-evidence"),
        pytest.param("a+0 a-50000", 24, ["0-50000"], id="in-one-sight-across-closing-time"),
        pytest.param("a+0 b-50000", 24, ["0-0?", "?50000-50000"], id="out-by-another-way-after-closing"),
        pytest.param("a+0 b+50000 b-50100", 24, ["0-0?", "50000-50100"], id="seen-elsewhere-after-closing"),
        pytest.param("a+0 a-46700 a+46900", 13.5, ["0-46700", "46900-"], id="closing-time-within-the-merge-gap"),
        pytest.param("a+0 a-46799 b+46800 b-46900", 14, ["0-46900"], id="handed-over-at-closing-time"),
        pytest.param("a+0 a-100 a+200", 12, ["0-100,200-"], id="the-merge-gap-while-open"),
    ],
)
def test_closing_time(text: str, now_h: float, visits: list[str]) -> None:
    """The stories start at 10:00 in Berlin; the site closes at 23:00, 13 hours later."""
    rules = Rules(closes_at=time(23), zone=BERLIN)
    assert timelines(sessions(events_of(text), rules=rules, now=at(now_h * HOUR))) == visits


@pytest.mark.parametrize(
    ("closes_at", "day", "utc"),
    [
        pytest.param(time(0), (2026, 1, 5), "2026-01-05T23:00", id="midnight"),
        pytest.param(time(22, 30), (2026, 7, 5), "2026-07-05T20:30", id="summer"),
        pytest.param(time(12), (2026, 3, 29), "2026-03-29T10:00", id="the-day-of-23-hours"),
        pytest.param(time(12), (2026, 10, 25), "2026-10-25T11:00", id="the-day-of-25-hours"),
        pytest.param(time(2, 30), (2026, 3, 29), "2026-03-29T01:30", id="an-hour-that-is-left-out"),
        pytest.param(time(2, 30), (2026, 10, 25), "2026-10-25T00:30", id="an-hour-that-comes-twice-counts-once"),
    ],
)
def test_when_a_site_closes(closes_at: time, day: tuple[int, int, int], utc: str) -> None:
    closings = Closings(Rules(closes_at=closes_at, zone=BERLIN))
    expected = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert closings.after(expected - timedelta(microseconds=1)) == expected
    assert closings.after(expected) - expected in {timedelta(hours=hours) for hours in (23, 24, 25)}
    local_noon = datetime(*day, 12, tzinfo=BERLIN)
    assert abs(expected - local_noon) <= timedelta(hours=13)
    assert closings.between(expected - timedelta(hours=1), expected)
    assert not closings.between(expected, expected + timedelta(hours=1))


def test_a_year_of_days_closes_once_each() -> None:
    closings = Closings(Rules(closes_at=time(2, 30), zone=BERLIN))
    closed_at, days = datetime(2026, 1, 1, tzinfo=UTC), []
    while closed_at.year == 2026:
        closed_at = closings.after(closed_at)
        days.append(closed_at.astimezone(BERLIN).date())
    assert len(days) == len(set(days)) == 366


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00"])
def test_minimum_and_maximum_times_are_handled(moment: str) -> None:
    rules = Rules(closes_at=time(2, 30), zone=timezone(timedelta(hours=14)))
    assert Closings(rules).after(datetime.fromisoformat(moment)).tzinfo is UTC
    assert rules.over_at(datetime.fromisoformat(moment)).tzinfo is UTC
    assert replace(rules, closes_at=None).over_at(datetime.fromisoformat(moment)).tzinfo is UTC


def test_how_long_silence_is_being_in() -> None:
    assert Rules().over_at(at(0)) == at(16 * HOUR)
    closing = Rules(closes_at=time(23), zone=BERLIN)
    assert closing.over_at(at(0)) == at(13 * HOUR) - timedelta(microseconds=1)
    assert Rules(closes_at=time(23), zone=BERLIN, max_visit=timedelta(hours=1)).over_at(at(0)) == at(HOUR)


def test_a_closing_time_with_a_zone_of_its_own_is_refused() -> None:
    with pytest.raises(ValueError, match="closes_at"):
        Rules(closes_at=time(23, tzinfo=UTC))
