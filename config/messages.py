"""Messages for invalid settings: the problem in terms of the settings file, and the fix."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from datetime import date, time
from enum import StrEnum
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from config.addresses import without_secrets

EXAMPLES: Mapping[str, object] = {
    "camera.id": "entrance",
    "camera.role": "door",
    "camera.source": "0",
    "store.url": "sqlite:///footfall.sqlite3",
    "site.capacity": 40,
    "site.kind": "gym",
    "detect.haar_cascade": "haarcascade_frontalface_alt2.xml",
    "detect.max_faces": 10,
    "models.dir": "models-cache",
    "recognition.embedder": "dlib_resnet",
    "recognition.shadow": "ours",
    "store.file": "footfall-copy.sqlite3",
    "cloud.credentials": "device-key.json",
    "presence.closes_at": "23:30",
    "presence.opens_at": "06:00",
    "camera.line": [[0.2, 0.6], [0.8, 0.6]],
    "camera.inside": "below",
    "dashboard.allowed_hosts": ["footfall.example"],
    "dashboard.tls": "self-signed",
    "dashboard.tls_cert": "cert.pem",
    "dashboard.tls_key": "key.pem",
    "camera.region": [0.0, 0.25, 1.0, 1.0],
}
"""By `section.setting`: an example, for settings without a default."""
_STRING, _NUMBER, _INTEGER = "expected a string in quotes", "expected a number", "expected an integer"
_BOOLEAN, _ARRAY, _TABLE = "expected true or false", "expected an array in [ ]", "expected a table"
_REASONS: Mapping[str, str] = {
    "missing": "is missing",
    "bool_type": _BOOLEAN,
    "bool_parsing": _BOOLEAN,
    "int_type": _INTEGER,
    "int_parsing": _INTEGER,
    "int_parsing_size": _INTEGER,
    "int_from_float": _INTEGER,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": _NUMBER,
    "string_type": _STRING,
    "path_type": _STRING,
    "string_too_short": "must not be empty",
    "tuple_type": _ARRAY,
    "dict_type": _TABLE,
    "model_type": _TABLE,
}


def reason(error: ErrorDetails) -> str:
    """The message for an error found by pydantic."""
    kind, limits = error["type"], error.get("ctx", {})
    if error["loc"] == ("camera",) and kind == "tuple_type":
        return "expected an array of cameras"
    if kind == "missing" and error["loc"] and isinstance(error["loc"][-1], int):
        return "the last value is missing"
    if kind == "too_long":
        return f"expected {limits['max_length']} values, not {limits['actual_length']}"
    if kind == "string_too_long":
        return f"must not be longer than {limits['max_length']} characters"
    words = error["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    return _REASONS.get(kind, words)


def given(error: ErrorDetails) -> str:
    """The invalid value as the user may have written it; empty where it is missing or part of the message."""
    value = error["input"]
    if error["type"] == "missing" or isinstance(value, Mapping) or error["loc"] == ("camera",):
        return ""
    text = without_secrets(value.isoformat() if isinstance(value, date | time) else repr(value))
    text = text if len(text) <= 80 else f"{text[:80]}…"
    return "" if text in error["msg"] else f", got {text}"


def advice(error: ErrorDetails, field: FieldInfo | None, variable: str | None) -> str:
    """The fix. field: the invalid setting, None for a section or several settings.

    variable: the environment variable that sets it, None without one.
    """
    location = error["loc"]
    more = "see docs/settings.md for types and ranges"
    if location == ("camera",) and error["type"] == "tuple_type":
        if variable:
            return f'write an array, such as {variable}=\'[{{"id": "entrance", "source": "0"}}]\'; {more}'
        return f"start the table of each camera with [[camera]], in double brackets; {more}"
    if len(location) == 1 and error["type"] in ("dict_type", "model_type"):
        return f"start the section with [{location[0]}], in single brackets; {more}"
    if location == ("audience",):
        return (
            "set kind in [site] to what the site is; at an office, a school or a lab expression = false in [audience]"
        )
    if field is None:
        return more
    number = 1 if location[0] != "camera" else 2
    example = EXAMPLES.get(f"{location[0]}.{location[number]}", field.default)
    if example is None or example == () or example == {}:
        return more
    if variable:
        return f"for example {variable}={example if isinstance(example, str) else toml(example)}; {more}"
    return f"for example {location[number]} = {toml(example)}; {more}"


def toml(value: Any) -> str:
    """A value in TOML."""
    return json.dumps(str(value) if isinstance(value, StrEnum) else value)


def nearest(name: str, valid: Iterable[str]) -> str:
    """A fix that suggests the closest valid name, or refers to the list of settings."""
    plain = ".".join(part for part in name.split(".") if not part.isdigit())
    close = difflib.get_close_matches(plain, list(valid), n=1, cutoff=0.5)
    return f"did you mean {close[0]}?" if close else "remove it; docs/settings.md lists every setting"
