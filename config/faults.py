"""What is wrong with a setting, in the words of settings files, and what to write instead."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from datetime import date, time
from enum import StrEnum
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

EXAMPLES: Mapping[str, object] = {
    "camera.id": "entrance",
    "camera.role": "door",
    "camera.source": "0",
    "store.url": "sqlite:///footfall.sqlite3",
    "site.capacity": 40,
    "detect.max_faces": 10,
    "models.dir": "models-cache",
    "store.file": "footfall-copy.sqlite3",
    "cloud.credentials": "device-key.json",
    "presence.closes_at": "23:30",
    "presence.opens_at": "06:00",
    "camera.line": [[0.2, 0.6], [0.8, 0.6]],
    "camera.inside": "below",
    "camera.region": [0.0, 0.25, 1.0, 1.0],
}
"""By `section.setting` what may be written where the default shows nothing."""
_TEXT, _NUMBER, _WHOLE = "expected a text in quotes", "expected a number", "expected a whole number"
_TRUTH, _LIST, _TABLE = "expected true or false", "expected a list in [ ]", "expected names with values"
_REASONS: Mapping[str, str] = {
    "missing": "is missing",
    "bool_type": _TRUTH,
    "bool_parsing": _TRUTH,
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": _NUMBER,
    "string_type": _TEXT,
    "path_type": _TEXT,
    "string_too_short": "must not be empty",
    "tuple_type": _LIST,
    "dict_type": _TABLE,
    "model_type": _TABLE,
}


def reason(fault: ErrorDetails) -> str:
    """What one fault that pydantic found means."""
    kind, limits = fault["type"], fault.get("ctx", {})
    if fault["loc"] == ("camera",) and kind == "tuple_type":
        return "expected a list of cameras"
    if kind == "missing" and fault["loc"] and isinstance(fault["loc"][-1], int):
        return "a value is missing at its end"
    if kind == "too_long":
        return f"expected {limits['max_length']} values, not {limits['actual_length']}"
    if kind == "string_too_long":
        return f"must not be longer than {limits['max_length']} letters"
    words = fault["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    return _REASONS.get(kind, words)


def given(fault: ErrorDetails) -> str:
    """The value that is wrong, as somebody may have written it; empty where it says nothing or is said already."""
    value = fault["input"]
    if fault["type"] == "missing" or isinstance(value, Mapping) or fault["loc"] == ("camera",):
        return ""
    text = value.isoformat() if isinstance(value, date | time) else repr(value)
    text = text if len(text) <= 80 else f"{text[:80]}…"
    return "" if text in fault["msg"] else f", got {text}"


def advice(fault: ErrorDetails, field: FieldInfo | None, variable: str | None) -> str:
    """What to write instead. field: the setting that is wrong, None where it is a section or more than one setting.

    variable: the environment variable that says it, None where none does.
    """
    place = fault["loc"]
    more = "see docs/settings.md for types and ranges"
    if place == ("camera",) and fault["type"] == "tuple_type":
        if variable:
            return f'write a list, as {variable}=\'[{{"id": "entrance", "source": "0"}}]\'; {more}'
        return f"write [[camera]], in double brackets, above the settings of each camera; {more}"
    if len(place) == 1 and fault["type"] in ("dict_type", "model_type"):
        return f"write [{place[0]}], in single brackets, above its settings; {more}"
    if field is None:
        return more
    number = 1 if place[0] != "camera" else 2
    example = EXAMPLES.get(f"{place[0]}.{place[number]}", field.default)
    if example is None or example == () or example == {}:
        return more
    if variable:
        return f"write for instance {variable}={example if isinstance(example, str) else toml(example)}; {more}"
    return f"write for instance {place[number]} = {toml(example)}; {more}"


def toml(value: Any) -> str:
    """A value as a settings file has it."""
    return json.dumps(str(value) if isinstance(value, StrEnum) else value)


def nearest(name: str, valid: Iterable[str]) -> str:
    """Advice that names the closest valid name, or says where all of them stand."""
    plain = ".".join(part for part in name.split(".") if not part.isdigit())
    close = difflib.get_close_matches(plain, list(valid), n=1, cutoff=0.5)
    return f"did you mean {close[0]}?" if close else "remove it; docs/settings.md lists every setting"
