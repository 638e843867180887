"""Days and hours of a site, across clock changes and in zones with offsets of part of an hour."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from tests.tracker.reports.timelines import BERLIN, DAY, at
from tracker.presence.calendar import day_edges, day_range, hour_edges


@pytest.mark.parametrize(
    ("zone", "day", "hours", "names"),
    [
        pytest.param("Europe/Berlin", date(2026, 3, 29), 23, ["00", "01", "03", "04"], id="spring-has-23"),
        pytest.param("Europe/Berlin", date(2026, 10, 25), 25, ["00", "01", "02", "02", "03"], id="autumn-has-25"),
        pytest.param("Asia/Kathmandu", date(2026, 3, 1), 24, ["00", "01", "02"], id="zone-off-by-three-quarters"),
        pytest.param("Africa/Cairo", date(2026, 4, 24), 23, ["01", "02"], id="midnight-that-does-not-exist"),
        pytest.param("Australia/Lord_Howe", date(2026, 4, 5), 24.5, ["00", "01", "02"], id="shift-of-half-an-hour"),
    ],
)
def test_days_and_hours_are_right_when_clocks_change(zone: str, day: date, hours: float, names: list[str]) -> None:
    since, until = day_range(day, ZoneInfo(zone))
    assert until - since == timedelta(hours=hours)
    edges = hour_edges(since, until, ZoneInfo(zone))
    assert [edge.astimezone(ZoneInfo(zone)).strftime("%H") for edge in edges][: len(names)] == names
    assert (edges[0], edges[-1]) == (since, until)
    assert all(earlier < later for earlier, later in pairwise(edges))
    assert day_edges(since, until, ZoneInfo(zone)) == [since, until]


def test_hours_and_days_of_a_range_that_begins_and_ends_within_one() -> None:
    assert hour_edges(at("8:20"), at("9:10"), BERLIN) == [at("8:20"), at("9:00"), at("9:10")]
    assert day_edges(at("8:20"), at("9:10", day=1), BERLIN) == [at("8:20"), at("0:00", day=1), at("9:10", day=1)]


def test_a_range_of_no_length_has_no_hours_and_no_days() -> None:
    assert hour_edges(DAY, DAY, BERLIN) == day_edges(DAY, DAY, BERLIN) == [DAY]
