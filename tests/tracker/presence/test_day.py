"""Figures of local days: additive, and dependent only on the sessions that touch the day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from tracker.presence.day import DayFigures, day_document, day_figures, days_counted, evidence_range
from tracker.presence.occupancy import Passage, microseconds
from tracker.presence.rules import Rules
from tracker.presence.sessions import Segment, Session, session_of

RULES = Rules(zone=ZoneInfo("Europe/Berlin"))
DAY = date(2026, 3, 29)
"""A day of 23 hours in Berlin."""
MIDNIGHT = datetime(2026, 3, 28, 23, tzinfo=UTC)
NOTHING = DayFigures(
    day=DAY, zone="Europe/Berlin", entries=0, exits=0, unidentified=0, visitors=0, bounces=0, peak=0, peak_at=None,
    measured=0, dwell_s=0, gross_s=0,
)  # fmt: skip


def hours(number: float) -> datetime:
    return MIDNIGHT + timedelta(hours=number)


def session(*times: float | None, who: str = "ada", **other: bool) -> Session:
    """times: start and end of each segment, in hours after midnight; the last end may be None."""
    segments = tuple(
        Segment(hours(start or 0), None if end is None else hours(end))
        for start, end in zip(times[::2], times[1::2], strict=True)
    )
    flags = {"enter_inferred": False, "exit_inferred": False, **other}
    return session_of(
        f"{who}-{times}", ("gym", who), segments, now=hours(12), min_visit_s=600.0, enter_camera_id=None,
        exit_camera_id=None, **flags,
    )  # fmt: skip


def test_a_day_without_sessions_has_zeros() -> None:
    assert day_figures([], DAY, RULES, now=hours(12)) == NOTHING
    assert day_figures([session(-30, -20), session(30, 31)], DAY, RULES, now=hours(12)) == NOTHING


@pytest.mark.parametrize(
    ("found", "counts", "peak", "dwell"),
    [
        pytest.param([session(8, 10)], (1, 1, 1, 0), (1, 8), (1, 2, 2), id="one-visit"),
        pytest.param([session(8, 9, 10, 11)], (1, 1, 1, 0), (1, 8), (1, 2, 3), id="out-and-in-again"),
        pytest.param([session(8, 9), session(10, None)], (2, 1, 1, 0), (1, 8), (1, 1, 1), id="still-in"),
        pytest.param(
            [session(8, 10), session(9, 11, who="bob"), session(10, 12, who="eve")],
            (3, 3, 3, 0), (2, 9), (3, 6, 6),
            id="one-leaves-as-another-enters",
        ),
        pytest.param(
            [session(-2, 1), session(22, 25, who="bob")], (1, 1, 1, 0), (1, 0), (1, 3, 3), id="over-both-midnights"
        ),
        pytest.param(
            [session(8, 8.1), session(9, 10, enter_inferred=True), session(11, 11, exit_inferred=True)],
            (3, 3, 1, 1), (1, 8), (0, 0, 0),
            id="without-a-known-dwell",
        ),
    ],
)  # fmt: skip
def test_figures(
    found: list[Session], counts: tuple[int, ...], peak: tuple[int, float], dwell: tuple[float, ...]
) -> None:
    """counts: entries, exits, visitors, bounces. peak: people and hour. dwell: visits measured, net and gross hours."""
    expected = replace(
        NOTHING,
        **dict(zip(("entries", "exits", "visitors", "bounces"), counts, strict=True)),
        peak=peak[0],
        peak_at=hours(peak[1]),
        measured=int(dwell[0]),
        dwell_s=dwell[1] * 3600,
        gross_s=dwell[2] * 3600,
    )
    assert day_figures(found, DAY, RULES, now=hours(12)) == expected
    Random(1).shuffle(found)
    assert day_figures(found, DAY, RULES, now=hours(12)) == expected


def test_sums_over_days_count_every_session_once() -> None:
    found = [session(start, start + 3, who=f"p{start}") for start in range(-48, 48)]
    days = [day_figures(found, DAY + timedelta(days=number), RULES, now=hours(12)) for number in range(-4, 5)]
    assert sum(each.entries for each in days) == sum(each.exits for each in days) == len(found)
    assert sum(each.dwell_s for each in days) == sum(each.dwell_s for each in found)


def test_the_document_names_the_zone_and_not_the_day() -> None:
    document = day_document(day_figures([], DAY, RULES, now=hours(12)))
    assert (document["zone"], document["schema"], "day" in document) == ("Europe/Berlin", 1, False)
    assert day_figures([], DAY, Rules(), now=hours(12)).zone == "UTC"


# -- where everybody is counted

DOOR = frozenset({"door"})
COUNTED = Rules(zone=RULES.zone, entrances=DOOR, exits=DOOR, counted=DOOR, closes_at=time(22))
ROOM = Rules(zone=RULES.zone, rooms=frozenset({"hall"}))


def passages(text: str) -> list[Passage]:
    """ "a+8 ?-9.5" is ada in at 8 and somebody unidentified out at half past 9, hours after midnight.

    With a room: "a+8hall" and the same letter again for the exit.
    """
    found = []
    for number, word in enumerate(text.split()):
        who, enters, hour = word[0], word[1] == "+", word[2:].removesuffix("hall")
        camera, track = ("hall", who) if word.endswith("hall") else ("door", str(number))
        at_us = microseconds(hours(float(hour)))
        found.append(Passage(at_us, enters, camera, track, None if who == "?" else who))
    return found


@pytest.mark.parametrize(
    ("rules", "text", "counts", "peak"),
    [
        pytest.param(COUNTED, "a+8 ?+9 ?-10", (2, 1, 1), (2, 9), id="unidentified-shown-apart"),
        pytest.param(COUNTED, "?-8 a+9 ?+10 a-11", (2, 2, 1), (2, 10), id="an-exit-that-nobody-entered"),
        pytest.param(COUNTED, "?+-1 ?+0 ?-22.99 ?+23", (1, 1, 1), (2, 0), id="midnight-of-a-day-of-23-hours"),
        pytest.param(COUNTED, "?+-4 ?+8", (1, 0, 1), (1, 8), id="gone-by-closing-time"),
        pytest.param(COUNTED, "", (0, 0, 0), (0, None), id="nobody"),
        pytest.param(ROOM, "?+9hall ?-10hall", (1, 1, 0), (1, 8), id="one-alone-in-a-room-may-be-who-visits"),
        pytest.param(ROOM, "?+9hall ?-10hall b+9hall b-9.5hall", (1, 1, 0), (2, 9), id="two-in-a-room-are-two"),
    ],
)
def test_people_who_are_counted(
    rules: Rules, text: str, counts: tuple[int, ...], peak: tuple[int, float | None]
) -> None:
    """Beside one visit from 8 to 10. counts: entries, exits, unidentified."""
    found = day_figures([session(8, 10)], DAY, rules, now=hours(30), passages=passages(text))
    assert (found.entries, found.exits, found.unidentified) == counts
    assert (found.peak, found.peak_at) == (peak[0], None if peak[1] is None else hours(peak[1]))
    assert (found.visitors, found.measured, found.dwell_s) == (1, 1, 7200)


def test_what_is_later_than_now_does_not_count_yet() -> None:
    found = day_figures([], DAY, COUNTED, now=hours(8), passages=passages("?+8 ?+8.5"))
    assert (found.entries, found.unidentified, found.peak, found.peak_at) == (1, 1, 1, hours(8))


def test_the_evidence_begins_at_the_reset_before_the_day_and_with_views_that_last_until_then() -> None:
    assert evidence_range(DAY, COUNTED) == (hours(-2), hours(23) + timedelta(minutes=1))
    with_room = replace(COUNTED, rooms=frozenset({"hall"}))
    assert evidence_range(DAY, with_room)[0] == hours(-18)
    assert evidence_range(DAY, replace(COUNTED, closes_at=None))[0] == hours(-20)


@pytest.mark.parametrize(
    ("hour", "expected"),
    [(8, [29]), (-1, [28, 29]), (0, [28, 29]), (22, [29, 30]), (20.99, [29]), (-3, [28])],
)
def test_an_event_counts_until_the_count_is_reset(hour: float, expected: list[int]) -> None:
    """22:00 on the clock is 21 hours after midnight on this day, and 2 hours before it on the day before."""
    days = days_counted([hours(hour)], COUNTED, now=hours(100))
    assert days == {date(2026, 3, number) for number in expected}
    assert max(days_counted([hours(hour)], COUNTED, now=hours(22.5))) <= DAY
