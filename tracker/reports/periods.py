"""Hours, days, weeks and months of a site's clock, as instants."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum

from config.errors import ReportError
from tracker.presence.calendar import day_edges, day_range, hour_edges, local_text
from tracker.presence.events import EARLIEST, FIRST_INSTANT

QUARTER = timedelta(minutes=15)
MOST_PERIODS = 10_000
"""Periods that one report counts by. One by quarters of an hour reaches as far as one by the hour."""
_DAYS_BACK = {"hour": 0, "day": 6, "week": 7 * 7, "month": 0}
_MONTHS_BACK = 11


class Period(StrEnum):
    """What a report counts by. Weeks begin on Monday."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


def edges_of(period: Period, since: datetime, until: datetime, zone: tzinfo) -> list[datetime]:
    """Where the periods that [since, until) touches begin, and the range's end; UTC, ascending.

    The first one begins at `since` and the last one ends at `until`, so both may be cut short. Raises ReportError for
    more than MOST_PERIODS.
    """
    require_few(f"{period.value}s", (until - since) // _LENGTHS[period], MOST_PERIODS)
    if period is Period.HOUR:
        return hour_edges(since, until, zone)
    days = day_edges(since, until, zone)
    if period is Period.DAY:
        return days
    return [days[0], *(at for at in days[1:-1] if _begins(period, at.astimezone(zone).date())), days[-1]]


def quarter_edges(since: datetime, until: datetime) -> list[datetime]:
    """The same for quarters of an hour. Every zone of today is off by whole quarters, so they need no zone."""
    require_few("quarters of an hour", (until - since) // QUARTER, MOST_PERIODS * _QUARTERS)
    since, until = since.astimezone(UTC), until.astimezone(UTC)
    at = since - (since - FIRST_INSTANT) % QUARTER + QUARTER
    edges = [since]
    while at < until:
        edges.append(at)
        at += QUARTER
    return [*edges, until]


def names_of(period: Period, edges: Sequence[datetime], zone: tzinfo) -> list[str]:
    """What each period is called: 2026-10-25 14:00, 2026-10-25, 2026-W43, 2026-10.

    An hour that the clock shows twice carries the zone: 2026-10-25 02:00 CEST, 2026-10-25 02:00 CET.
    """
    if period is Period.HOUR:
        return [local_text(at, zone, _FORMATS[period]) for at in edges[:-1]]
    return [at.astimezone(zone).strftime(_FORMATS[period]) for at in edges[:-1]]


def require_few(what: str, count: int, most: int) -> None:
    """Raises ReportError where a report would have more lines of a kind than it can hold."""
    if count > most:
        raise ReportError(
            f"the range holds {count:,} {what}, one report {most:,} at most",
            fix="ask for a shorter time, or for usage with a coarser 'by'",
        )


def lies_too_early(at: datetime, zone: tzinfo) -> bool:
    """Whether a moment lies before 1970 on the site's clock: no record is of that time, and no range reaches there."""
    return at < EARLIEST.replace(tzinfo=zone)


def cut_to_records(since: datetime, until: datetime, recorded_since: datetime | None, zone: tzinfo) -> datetime:
    """Where a range begins that has a line for every piece of it: not before the day on which the records begin.

    Where there are none before it ends, it begins on its last day.
    """
    begin = until if recorded_since is None else min(recorded_since, until)
    if begin > since:
        since = max(since, day_range(begin.astimezone(zone).date(), zone)[0])
    return since if since < until else until - timedelta(microseconds=1)


def start_of_default(period: Period, until: datetime, zone: tzinfo) -> datetime:
    """Where a range that ends at `until` begins unless told: that day, 7 days, 8 weeks or 12 months, by the clock."""
    last = (until - timedelta(microseconds=1)).astimezone(zone).date()
    first = last - timedelta(days=_DAYS_BACK[period])
    if period is Period.WEEK:
        first -= timedelta(days=first.weekday())
    if period is Period.MONTH:
        months = last.year * 12 + last.month - 1 - _MONTHS_BACK
        first = date(months // 12, months % 12 + 1, 1)
    return day_range(first, zone)[0]


_QUARTERS = 4
_LENGTHS = {
    Period.HOUR: timedelta(hours=1),
    Period.DAY: timedelta(days=1),
    Period.WEEK: timedelta(weeks=1),
    Period.MONTH: timedelta(days=30),
}
_FORMATS = {
    Period.HOUR: "%Y-%m-%d %H:00",
    Period.DAY: "%Y-%m-%d",
    Period.WEEK: "%G-W%V",
    Period.MONTH: "%Y-%m",
}


def _begins(period: Period, day: date) -> bool:
    return day.weekday() == 0 if period is Period.WEEK else day.day == 1
