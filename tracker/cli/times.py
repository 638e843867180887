"""Days, times and durations as people write them in options, on the site's clock."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from config.errors import ReportError
from tracker.cameras.clock import CLOCKS_APART
from tracker.cli.options import UsageError
from tracker.presence.events import EARLIEST
from tracker.reports.ranges import day_of, moment_of, utc_of

_CHECK_YEAR = "check the year: no camera recorded anything then"
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|min|m|h|d)\s*", re.ASCII)
_LONGEST = timedelta(days=7)

FromOption = Annotated[
    str | None,
    typer.Option("--from", metavar="DATE", help="First day, or time, as 2026-01-31 or 2026-01-31T08:00."),
]
ToOption = Annotated[
    str | None,
    typer.Option("--to", metavar="DATE", help="Last day, which is included, or the time to end at. Default: now."),
]


@contextmanager
def as_usage() -> Iterator[None]:
    """A day or time that cannot be read is wrong use: raises UsageError for a ReportError."""
    try:
        yield
    except ReportError as error:
        raise UsageError(error.problem, fix=error.fix) from error


def parse_time(text: str | None, zone: ZoneInfo, *, option: str, end_of_day: bool = False) -> datetime | None:
    """As `moment_of`. Raises UsageError."""
    with as_usage():
        return moment_of(text, zone, name=option, end_of_day=end_of_day)


def parse_past(text: str | None, zone: ZoneInfo, *, now: datetime, option: str) -> datetime | None:
    """As `parse_time`, and refuses what is later than now (UTC) by more than CLOCKS_APART, or before 1970."""
    moment = parse_time(text, zone, option=option)
    if moment is not None and moment < EARLIEST:
        raise UsageError(f"{option}: {text} is before 1970", fix=_CHECK_YEAR)
    if text is not None and moment is not None and moment > now + CLOCKS_APART:
        raise UsageError(f"{option}: {text[:40]} is in the future", fix="give a time in the past")
    return moment


@as_usage()
def parse_instant(text: str, zone: ZoneInfo, *, now: datetime, option: str) -> datetime:
    """A time in the past, on the site's clock or with an offset of its own; a time alone is of today -> UTC.

    now: UTC. Raises UsageError as `parse_past` does, and on a day alone.
    """
    fix = "write 2026-01-31T18:30, or 18:30 for today"
    try:
        if ":" in text[:3]:
            there = datetime.combine(now.astimezone(zone).date(), time.fromisoformat(text))
        elif day_of(text, name=option) is None:
            there = datetime.fromisoformat(text)
        else:
            raise UsageError(f"{option}: {text[:40]!r} has no time of day", fix=fix)
        moment = utc_of(there, zone, text, name=option)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{option}: {text[:40]!r} is not a time", fix=fix) from error
    if moment > now:
        raise UsageError(f"{option}: {text[:40]} is in the future", fix="give a time in the past")
    if moment < EARLIEST:
        raise UsageError(f"{option}: {text[:40]} is before 1970", fix=_CHECK_YEAR)
    return moment


def parse_duration(text: str, *, option: str) -> timedelta:
    """2s, 1.5h, 1h30m -> a duration of up to a week; 0 needs no unit. Raises UsageError on any other text."""
    position, seconds = 0, 0.0
    while found := _DURATION.match(text, position):
        seconds += float(found[1]) * _UNITS_S[found[2]]
        position = found.end()
    whole = position == len(text) and position > 0
    if not (whole or text.strip() == "0"):
        raise UsageError(f"{option}: {text[:40]!r} is not a duration", fix="write 2s, 10m, 1.5h or 500ms")
    if seconds > _LONGEST.total_seconds():
        raise UsageError(f"{option}: {text[:40]} is longer than a week", fix="give a shorter time")
    return timedelta(seconds=seconds)
