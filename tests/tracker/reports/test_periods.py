"""Hours, days, weeks and months are those of the site's clock, across clock changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from config.errors import ReportError
from tests.tracker.reports.timelines import BERLIN, DAY
from tracker.reports.periods import (
    MOST_PERIODS,
    Period,
    cut_to_records,
    edges_of,
    lies_too_early,
    names_of,
    quarter_edges,
    start_of_default,
)


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("day", "hours"),
    [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)],
    ids=["clock-forward", "clock-back", "plain"],
)
def test_a_day_has_as_many_hours_as_it_has(day: str, hours: int) -> None:
    since, until = berlin(day), berlin(day).replace(hour=0) + timedelta(days=1)
    assert len(edges_of(Period.HOUR, since, until, BERLIN)) == hours + 1
    assert len(quarter_edges(since, until)) == 4 * hours + 1
    [length] = [end - start for start, end in pairwise(edges_of(Period.DAY, since, until, BERLIN))]
    assert length == timedelta(hours=hours)


def test_a_repeated_hour_has_its_zone() -> None:
    since, until = berlin("2026-10-25T01:00"), berlin("2026-10-25T04:00")
    names = names_of(Period.HOUR, edges_of(Period.HOUR, since, until, BERLIN), BERLIN)
    assert names == ["2026-10-25 01:00", "2026-10-25 02:00 CEST", "2026-10-25 02:00 CET", "2026-10-25 03:00"]


@pytest.mark.parametrize(
    ("period", "since", "until", "names"),
    [
        pytest.param(
            Period.DAY, "2026-01-31T18:00", "2026-02-02", ["2026-01-31", "2026-02-01"], id="days-cut-at-the-start"
        ),
        pytest.param(
            Period.WEEK, "2025-12-27", "2026-01-06", ["2025-W52", "2026-W01", "2026-W02"], id="weeks-begin-on-monday"
        ),
        pytest.param(
            Period.MONTH, "2026-01-15", "2026-03-02", ["2026-01", "2026-02", "2026-03"], id="months-of-any-length"
        ),
    ],
)
def test_periods_touched_by_a_range(period: Period, since: str, until: str, names: list[str]) -> None:
    edges = edges_of(period, berlin(since), berlin(until), BERLIN)
    assert names_of(period, edges, BERLIN) == names
    assert (edges[0], edges[-1]) == (berlin(since), berlin(until))
    assert all(edge.astimezone(BERLIN).hour == 0 for edge in edges[1:-1])


def test_quarters_are_aligned_in_kathmandu() -> None:
    kathmandu = ZoneInfo("Asia/Kathmandu")
    edges = quarter_edges(datetime(2026, 1, 5, 9, 7, tzinfo=kathmandu), datetime(2026, 1, 5, 9, 50, tzinfo=kathmandu))
    assert [f"{edge.astimezone(kathmandu):%H:%M}" for edge in edges] == ["09:07", "09:15", "09:30", "09:45", "09:50"]


@pytest.mark.parametrize(
    ("period", "start"),
    [
        (Period.HOUR, "2026-11-22"),
        (Period.DAY, "2026-11-16"),
        (Period.WEEK, "2026-09-28"),
        (Period.MONTH, "2025-12-01"),
    ],
)
def test_without_a_start_the_range_is_of_a_useful_length(period: Period, start: str) -> None:
    assert start_of_default(period, berlin("2026-11-22T14:00"), BERLIN) == berlin(start)


def test_a_range_that_ends_at_midnight_ends_with_the_day_before() -> None:
    assert start_of_default(Period.HOUR, DAY, BERLIN) == DAY - timedelta(days=1)
    assert start_of_default(Period.HOUR, DAY, BERLIN).tzinfo is UTC


@pytest.mark.parametrize(
    ("period", "length"),
    [(Period.HOUR, timedelta(hours=1)), (Period.DAY, timedelta(days=1)), (Period.WEEK, timedelta(weeks=1))],
)
def test_more_periods_than_a_report_holds_are_refused(period: Period, length: timedelta) -> None:
    since = datetime(2000, 1, 3, tzinfo=UTC)
    assert len(edges_of(period, since, since + MOST_PERIODS * length, UTC)) == MOST_PERIODS + 1
    with pytest.raises(ReportError, match=f"10,001 {period.value}s, one report 10,000"):
        edges_of(period, since, since + (MOST_PERIODS + 1) * length, UTC)


def test_quarters_reach_as_far_as_hours() -> None:
    since = datetime(2000, 1, 3, tzinfo=UTC)
    assert len(quarter_edges(since, since + timedelta(hours=MOST_PERIODS))) == 4 * MOST_PERIODS + 1
    with pytest.raises(ReportError, match="ask for a shorter time"):
        quarter_edges(since, since + timedelta(hours=MOST_PERIODS, minutes=15))


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Pacific/Kiritimati"])
def test_1970_begins_by_the_clock_of_the_site(zone: str) -> None:
    begin = datetime(1970, 1, 1, tzinfo=ZoneInfo(zone))
    assert not lies_too_early(begin.astimezone(UTC), ZoneInfo(zone))
    assert lies_too_early(begin.astimezone(UTC) - timedelta(microseconds=1), ZoneInfo(zone))
    assert lies_too_early(datetime.min.replace(tzinfo=UTC), ZoneInfo(zone))


@pytest.mark.parametrize(
    ("recorded_since", "cut"),
    [
        pytest.param("2026-01-10T15:00", "2026-01-10", id="to-the-day-on-which-they-begin"),
        pytest.param("2025-12-01T15:00", "2026-01-05T12:00", id="not-at-all"),
        pytest.param("0001-01-01T15:00", "2026-01-05T12:00", id="a-record-of-the-year-1"),
        pytest.param("9999-12-31T15:00", "2026-01-20", id="to-its-last-day-before-they-begin"),
        pytest.param(None, "2026-01-20", id="to-its-last-day-without-any"),
    ],
)
def test_a_range_is_cut_to_what_was_recorded(recorded_since: str | None, cut: str) -> None:
    since, until = berlin("2026-01-05T12:00"), berlin("2026-01-20T12:00")
    begin = None if recorded_since is None else datetime.fromisoformat(recorded_since).replace(tzinfo=UTC)
    assert cut_to_records(since, until, begin, BERLIN) == berlin(cut)


def test_a_range_that_ends_at_midnight_without_records_is_its_last_moment() -> None:
    until = berlin("2026-01-20")
    assert cut_to_records(berlin("2026-01-05"), until, None, BERLIN) == until - timedelta(microseconds=1)
