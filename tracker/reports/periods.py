"""Hours, days, weeks and months of a site's clock, as instants."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum
from itertools import pairwise

from tracker.presence.days import day_edges, day_range, hour_edges

QUARTER = timedelta(minutes=15)
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

    The first one begins at `since` and the last one ends at `until`, so both may be cut short.
    """
    if period is Period.HOUR:
        return hour_edges(since, until, zone)
    days = day_edges(since, until, zone)
    if period is Period.DAY:
        return days
    return [days[0], *(at for at in days[1:-1] if _begins(period, at.astimezone(zone).date())), days[-1]]


def quarter_edges(since: datetime, until: datetime) -> list[datetime]:
    """The same for quarters of an hour. Every zone of today is off by whole quarters, so they need no zone."""
    since, until = since.astimezone(UTC), until.astimezone(UTC)
    at = since - (since - datetime.min.replace(tzinfo=UTC)) % QUARTER + QUARTER
    edges = [since]
    while at < until:
        edges.append(at)
        at += QUARTER
    return [*edges, until]


def names_of(period: Period, edges: Sequence[datetime], zone: tzinfo) -> list[str]:
    """What each period is called: 2026-10-25 14:00, 2026-10-25, 2026-W43, 2026-10.

    An hour that the clock shows twice carries the zone: 2026-10-25 02:00 CEST, 2026-10-25 02:00 CET.
    """
    starts = [at.astimezone(zone) for at in edges[:-1]]
    if period is not Period.HOUR:
        return [start.strftime(_FORMATS[period]) for start in starts]
    names = [start.strftime(_FORMATS[period]) for start in starts]
    twice = {name for name, after in pairwise(names) if name == after}
    return [f"{name} {start:%Z}" if name in twice else name for name, start in zip(names, starts, strict=True)]


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


_FORMATS = {
    Period.HOUR: "%Y-%m-%d %H:00",
    Period.DAY: "%Y-%m-%d",
    Period.WEEK: "%G-W%V",
    Period.MONTH: "%Y-%m",
}


def _begins(period: Period, day: date) -> bool:
    return day.weekday() == 0 if period is Period.WEEK else day.day == 1
