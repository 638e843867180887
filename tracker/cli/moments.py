"""Days and moments as people write them, on the site's clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from tracker.cli.door import UsageError

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
