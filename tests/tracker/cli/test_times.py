"""Days, times and durations in options."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tracker.cli.options import UsageError
from tracker.cli.times import parse_duration, parse_instant, parse_time


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2s", 2), ("10m", 600), ("10min", 600), ("1h", 3600), ("1.5h", 5400), ("500ms", 0.5), ("1h30m", 5400),
        (" 1 h 30 m ", 5400), ("0", 0), ("0s", 0), ("7d", 604_800),
    ],
)  # fmt: skip
def test_a_length_of_time_is_read_with_its_unit(text: str, seconds: float) -> None:
    assert parse_duration(text, option="--skew") == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", " ", "2", "s", "2x", "-2s", "2s3", "1e3s", "٢s", "8d", "nan", "9" * 400 + "s"])
def test_an_invalid_duration_is_refused_with_the_option(text: str) -> None:
    with pytest.raises(UsageError, match="--skew"):
        parse_duration(text, option="--skew")


BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize("text", ["2026-11-03", "20261103", "2026-W45-2", "2026W452"])
def test_a_day_in_any_form_ends_at_its_end(text: str) -> None:
    assert parse_time(text, BERLIN, option="--from") == datetime(2026, 11, 2, 23, tzinfo=UTC)
    assert parse_time(text, BERLIN, option="--to", end_of_day=True) == datetime(2026, 11, 3, 23, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2026-11-03T08:00", "20261103T0800", "2026-11-03 08:00:00", "2026-11-03T07:00Z"])
def test_a_time_is_that_time_wherever_the_range_ends(text: str) -> None:
    for end_of_day in (False, True):
        found = parse_time(text, BERLIN, option="--to", end_of_day=end_of_day)
        assert found == datetime(2026, 11, 3, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "problem", "fix"),
    [
        pytest.param("2026-W45", "is a week, not a day", "2026-11-02", id="week"),
        pytest.param("2026W45", "is a week, not a day", "2026-11-08", id="week-without-dash"),
        pytest.param("2026-W99", "is not a date", "2026-01-31", id="no-such-week"),
        pytest.param("2026-11", "is not a date", "2026-01-31", id="month"),
        pytest.param("03.11.2026", "is not a date", "2026-01-31", id="day-first"),
        pytest.param("2026-10-25T02:30", "showed 2026-10-25T02:30 twice", "2026-10-25T02:30:00+02:00", id="repeated"),
        pytest.param("2026-03-29T02:30", "skipped 2026-03-29T02:30", "a time that the clock showed", id="skipped"),
    ],
)
def test_an_ambiguous_time_is_refused_with_a_fix(text: str, problem: str, fix: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_time(text, BERLIN, option="--to", end_of_day=True)
    assert problem in raised.value.problem
    assert raised.value.problem.startswith("--to: ")
    assert fix in raised.value.fix


def test_an_offset_selects_one_of_the_repeated_hours() -> None:
    first, second = (
        parse_time(f"2026-10-25T02:30+0{hours}:00", BERLIN, option="--to", end_of_day=True) for hours in (2, 1)
    )
    assert first is not None
    assert second is not None
    assert second - first == timedelta(hours=1)


@pytest.mark.parametrize("text", ["20261103", "2026-W45-2", "2026-11-03"])
def test_an_instant_needs_a_time_of_day(text: str) -> None:
    with pytest.raises(UsageError, match="has no time of day"):
        parse_instant(text, BERLIN, now=datetime(2026, 11, 4, tzinfo=UTC), option="--at")


def test_an_instant_in_compact_form_is_read() -> None:
    found = parse_instant("20261103T1830", BERLIN, now=datetime(2026, 11, 4, tzinfo=UTC), option="--at")
    assert found == datetime(2026, 11, 3, 17, 30, tzinfo=UTC)
