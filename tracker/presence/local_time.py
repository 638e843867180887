"""Times on a site's clock as text. A time that the clock shows twice, when summer time ends, carries its zone."""

from __future__ import annotations

from datetime import datetime, tzinfo

MOMENT = "%Y-%m-%d %H:%M:%S"
MINUTE = "%Y-%m-%d %H:%M"
CLOCK = "%H:%M"


def local_text(at: datetime, zone: tzinfo, form: str = MOMENT) -> str:
    """The time in a `strftime` form: 2026-10-25 01:50:00, then 2026-10-25 02:50:00 CEST, 2026-10-25 02:10:00 CET."""
    there = at.astimezone(zone)
    text = there.strftime(form)
    return f"{text} {there.tzname()}" if is_ambiguous(there) else text


def is_ambiguous(there: datetime) -> bool:
    """Whether the clock of the time's own zone shows it twice."""
    return there.replace(fold=0).utcoffset() != there.replace(fold=1).utcoffset()
