"""The range of a report, from days and times as people write them: on the command line and in requests alike."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from config.errors import ReportError
from tracker.presence.calendar import is_ambiguous
from tracker.reports.periods import Period, lies_too_early, start_of_default

_WEEK = re.compile(r"\d{4}-?W\d\d", re.ASCII)


def range_of(
    since: str | None, until: str | None, zone: ZoneInfo, *, now: datetime, default: Period, prefix: str = ""
) -> tuple[datetime, datetime]:
    """The range [since, until) in UTC, up to `now` at most; without a start that of the period.

    prefix: of the names in messages, such as `--`. Raises ReportError.
    """
    names = f"{prefix}from", f"{prefix}to"
    start, end = moment_of(since, zone, name=names[0]), moment_of(until, zone, name=names[1], end_of_day=True) or now
    for name, at in zip(names, (start, end), strict=True):
        if at is not None and lies_too_early(at, zone):
            raise ReportError(f"{name} is before 1970", fix="give a later day")
    if start is not None and start >= now:
        raise ReportError(f"{names[0]} is in the future", fix="give a day that has begun")
    if start is not None and start >= end:
        raise ReportError(f"{names[0]} is not before {names[1]}", fix="swap them, or leave one out")
    end = min(end, now)
    return start or start_of_default(default, end, zone), end


def moment_of(text: str | None, zone: ZoneInfo, *, name: str, end_of_day: bool = False) -> datetime | None:
    """A day or a time on the site's clock -> UTC; None for None.

    A day, in any form of ISO 8601, is its start, or with `end_of_day` its end. name: in messages. Raises ReportError on
    any other text, on a week, and on a time that the clock skipped or shows twice.
    """
    if text is None:
        return None
    try:
        day = day_of(text, name=name)
        if day is None:
            return utc_of(datetime.fromisoformat(text), zone, text, name=name)
        return datetime.combine(day + timedelta(days=end_of_day), time(), zone).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        fix = "write 2026-01-31 or 2026-01-31T08:00"
        raise ReportError(f"{name}: {text[:40]!r} is not a date", fix=fix) from error


def day_of(text: str, *, name: str) -> date | None:
    """The day, where the text is one: 2026-11-03, 20261103, 2026-W45-2. Raises ReportError on a week."""
    if _WEEK.fullmatch(text):
        first = date.fromisoformat(text)
        fix = f"write its first day, {first}, or its last, {first + timedelta(days=6)}"
        raise ReportError(f"{name}: {text} is a week, not a day", fix=fix)
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def utc_of(there: datetime, zone: ZoneInfo, text: str, *, name: str) -> datetime:
    """The time in UTC, by its own offset or else the site's clock. Raises ReportError on a skipped or repeated time."""
    if there.tzinfo is not None:
        return there.astimezone(UTC)
    local = there.replace(tzinfo=zone)
    moment = local.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != there:
        fix = "give a time that the clock showed"
        raise ReportError(f"{name}: the site's clock skipped {text[:40]}", fix=fix)
    if is_ambiguous(local):
        fix = f"add the offset, as {local.isoformat()}"
        raise ReportError(f"{name}: the site's clock showed {text[:40]} twice", fix=fix)
    return moment
