"""Types of settings, with their validation."""

from __future__ import annotations

import re
from datetime import time
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from config.text import ID, control_character

_TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


def _is_id(value: str) -> str:
    if not ID.fullmatch(value):
        raise ValueError("expected 1 to 64 characters from a-z, A-Z, 0-9, . _ -, starting with a letter or digit")
    return value


def _as_time_of_day(value: object) -> object:
    if isinstance(value, time) and value == value.replace(second=0, microsecond=0, tzinfo=None):
        value = f"{value:%H:%M}"
    if not isinstance(value, str) or not _TIME_OF_DAY.fullmatch(value):
        raise ValueError('expected a time of day in the form HH:MM, "00:00" to "23:59"')
    return value


def _as_source(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else value


def _has_area(region: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = region
    if not (x1 < x2 and y1 < y2):
        raise ValueError("left and top must be less than right and bottom, as in [0.1, 0.2, 0.9, 1.0]")
    return region


def _is_name(name: str) -> str:
    if not name.strip():
        raise ValueError("a name must not be blank")
    control = control_character(name)
    if control is not None:
        raise ValueError(f"a name must not hold control characters ({control})")
    return name


Id = Annotated[str, AfterValidator(_is_id)]
"""An id in records: letters, digits, . _ -"""

TimeOfDay = Annotated[str, BeforeValidator(_as_time_of_day)]
"""HH:MM, such as "23:30"; a TOML local time of whole minutes is accepted."""

Source = Annotated[str, BeforeValidator(_as_source)]
"""A frame source; an integer is a device number."""

SiteName = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_is_name)]
ZoneName = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_is_name)]

Fraction = Annotated[float, Field(ge=0, le=1)]
Point = tuple[Fraction, Fraction]
"""A point in the frame, (x, y) as fractions of its width and height, y downwards."""

Region = Annotated[tuple[Fraction, Fraction, Fraction, Fraction], AfterValidator(_has_area)]
"""A part of the frame: x1, y1, x2, y2 as fractions of its width and height, y downwards."""
