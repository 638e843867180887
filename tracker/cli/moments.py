"""Days and moments as people write them, on the site's clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from tracker.cameras.clock import CLOCKS_APART
from tracker.cli.door import UsageError
from tracker.presence.events import EARLIEST

_PAST = "check the year: no camera told anything then"

FromOption = Annotated[
    str | None, typer.Option("--from", metavar="DATE", help="First day or moment, as 2026-01-31 or 2026-01-31T08:00.")
]
ToOption = Annotated[
    str | None, typer.Option("--to", metavar="DATE", help="Last day, or the moment up to which; default: now.")
]


def parse_moment(text: str | None, zone: ZoneInfo, *, option: str, end_of_day: bool = False) -> datetime | None:
    """A day or moment on the site's clock -> UTC; None for None. Raises UsageError on any other text."""
    if text is None:
        return None
    try:
        if len(text) == len("2026-01-31"):
            day = date.fromisoformat(text) + timedelta(days=1 if end_of_day else 0)
            return datetime.combine(day, time(), zone).astimezone(UTC)
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{option}: {text[:40]!r} is no date", fix="write 2026-01-31 or 2026-01-31T08:00") from error


def parse_begun(text: str | None, zone: ZoneInfo, *, now: datetime, option: str) -> datetime | None:
    """As `parse_moment`, and refuses what is later than now (UTC) by more than CLOCKS_APART, or before 1970."""
    moment = parse_moment(text, zone, option=option)
    if moment is not None and moment < EARLIEST:
        raise UsageError(f"{option}: {text} lies before 1970", fix=_PAST)
    if text is not None and moment is not None and moment > now + CLOCKS_APART:
        raise UsageError(f"{option}: {text[:40]} is still to come", fix="give a time that is over")
    return moment


def parse_instant(text: str, zone: ZoneInfo, *, now: datetime, option: str) -> datetime:
    """A moment that is over, on the site's clock or with an offset of its own; a time alone is of today -> UTC.

    now: UTC. Raises UsageError on any other text, on a day alone, on a moment to come, and on one that the clock of
    the site skipped or showed twice.
    """
    fix = "write 2026-01-31T18:30, or 18:30 for today"
    try:
        if len(text) <= len("2026-01-31") and ":" not in text:
            raise UsageError(f"{option}: {text[:40]!r} has no time of day", fix=fix)
        is_time = "-" not in text[:5]
        day = now.astimezone(zone).date()
        there = datetime.combine(day, time.fromisoformat(text)) if is_time else datetime.fromisoformat(text)
        moment = (there if there.tzinfo else there.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{option}: {text[:40]!r} is no time", fix=fix) from error
    if there.tzinfo is None and moment.astimezone(zone).replace(tzinfo=None) != there:
        raise UsageError(f"{option}: the clock of the site skipped {text[:40]}", fix="give the time that it showed")
    if there.tzinfo is None and there.replace(tzinfo=zone, fold=1).astimezone(UTC) != moment:
        offset = f"{there.replace(tzinfo=zone):%z}"
        fix = f"add the offset, as {there.isoformat()}{offset[:3]}:{offset[3:]}"
        raise UsageError(f"{option}: the clock of the site showed {text[:40]} twice", fix=fix)
    if moment > now:
        raise UsageError(f"{option}: {text[:40]} is still to come", fix="give a time that is over")
    if moment < EARLIEST:
        raise UsageError(f"{option}: {text[:40]} lies before 1970", fix=_PAST)
    return moment
