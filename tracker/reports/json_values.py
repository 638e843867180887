"""Values as JSON types, the same for command line, pages and HTTPS."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path

from tracker.presence.events import time_text


def plain(value: object) -> object:
    """The same in JSON's own types; infinite and undefined numbers become null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, datetime):
        return time_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return value if -float("inf") < value < float("inf") else None
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, str | int) or value is None:
        return value
    if isinstance(value, Sequence):
        return [plain(item) for item in value]
    raise TypeError(f"cannot print {type(value).__name__} as JSON")
