"""Rules as JSON text and back: the form in which they are stored and shared."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, time, timedelta, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from tracker.presence.rules import Rules

_UNREADABLE = (KeyError, OSError, OverflowError, RecursionError, TypeError, ValueError)
"""What malformed rules raise: wrong types, a directory as time zone, out-of-range durations, endless nesting."""


def written(rules: Rules) -> str:
    """The rules as JSON, the same text for the same rules. Raises ValueError on a zone that has no name."""
    return json.dumps({field.name: _plain(getattr(rules, field.name)) for field in fields(rules)}, sort_keys=True)


@lru_cache(maxsize=8)
def read(text: str) -> Rules:
    """The rules of a text that `written` made. Raises ValueError on any other, whatever it says."""
    try:
        return _rules(json.loads(text))
    except _UNREADABLE as error:
        reason = f"{type(error).__name__} {error}"[:120]
        raise ValueError(f"expected the rules of visits, got {text[:60]!r} ({reason})") from error


def _rules(values: Any) -> Rules:
    if not isinstance(values, dict):
        raise ValueError("expected an object")
    closes_at = values.pop("closes_at")
    zone = values.pop("zone")
    entrances, exits = values.pop("entrances"), values.pop("exits")
    rooms = values.pop("rooms", [])  # a text of an older version has none
    return Rules(
        closes_at=None if closes_at is None else time.fromisoformat(closes_at),
        zone=UTC if zone == "UTC" else ZoneInfo(zone),
        entrances=_cameras(entrances),
        exits=_cameras(exits),
        rooms=_cameras(rooms),
        **{name: timedelta(seconds=seconds) for name, seconds in values.items()},
    )


def _cameras(said: object) -> frozenset[str]:
    if not isinstance(said, list) or not all(isinstance(each, str) for each in said):
        raise ValueError("expected a list with the ids of cameras")
    return frozenset(said)


def _plain(value: object) -> object:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, time):
        return value.isoformat()
    if isinstance(value, tzinfo):
        name = getattr(value, "key", None) or ("UTC" if value is UTC else None)
        if name is None:
            raise ValueError(f"zone: expected UTC or an IANA zone, got {value}")
        return name
    return value
