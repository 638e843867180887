"""Lengths of time as people write them."""

from __future__ import annotations

import re
from datetime import timedelta

from tracker.cli.door import UsageError

_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_FORM = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|min|m|h|d)\s*", re.ASCII)
_LONGEST = timedelta(days=7)


def parse_length(text: str, *, option: str) -> timedelta:
    """2s, 1.5h, 1h30m -> a length of time up to a week; 0 needs no unit. Raises UsageError on any other text."""
    position, seconds = 0, 0.0
    while found := _FORM.match(text, position):
        seconds += float(found[1]) * _UNITS_S[found[2]]
        position = found.end()
    whole = position == len(text) and position > 0
    if not (whole or text.strip() == "0"):
        raise UsageError(f"{option}: {text[:40]!r} is no length of time", fix="write 2s, 10m, 1.5h or 500ms")
    if seconds > _LONGEST.total_seconds():
        raise UsageError(f"{option}: {text[:40]} is longer than a week", fix="give a shorter time")
    return timedelta(seconds=seconds)
