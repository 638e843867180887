"""Ranges of reports: days and times as people write them, on the site's clock."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from config.errors import ReportError
from tracker.reports.periods import Period
from tracker.reports.ranges import range_of

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        pytest.param("2026-03-01", "2026-03-02", (utc(2026, 2, 28, 23), utc(2026, 3, 2, 23)), id="both-days-included"),
        pytest.param("2026-03-09T08:00", None, (utc(2026, 3, 9, 7), NOW), id="until-now"),
        pytest.param("2026-03-09", "2026-04-01", (utc(2026, 3, 8, 23), NOW), id="not-beyond-now"),
        pytest.param(None, "2026-03-08", (utc(2026, 3, 1, 23), utc(2026, 3, 8, 23)), id="default-start"),
    ],
)
def test_a_range_ends_now_at_the_latest(
    since: str | None, until: str | None, expected: tuple[datetime, datetime]
) -> None:
    assert range_of(since, until, BERLIN, now=NOW, default=Period.DAY) == expected


@pytest.mark.parametrize(
    ("since", "until", "problem"),
    [
        pytest.param("2026-03-11", None, "--from is in the future", id="future"),
        pytest.param("2026-03-02", "2026-03-01", "--from is not before --to", id="swapped"),
        pytest.param(None, "1969-12-30", "--to is before 1970", id="too-early"),
        pytest.param("2026-W10", None, "--from: 2026-W10 is a week, not a day", id="week"),
        pytest.param("soon", None, "--from: 'soon' is not a date", id="no-date"),
    ],
)
def test_a_range_that_is_none_is_refused_by_the_name_of_the_option(
    since: str | None, until: str | None, problem: str
) -> None:
    with pytest.raises(ReportError, match=problem):
        range_of(since, until, BERLIN, now=NOW, default=Period.DAY, prefix="--")
