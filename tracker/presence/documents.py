"""Records as documents and back: the form in which they are exported, uploaded and downloaded.

A document is a dict of JSON values whose keys are the field names; times are text as `time_text` writes it, days as
ISO 8601. Decoding is
strict: every field must be there with the right type and range, and no other. Standard library only.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache, partial
from types import NoneType
from typing import Any, TypeAlias, TypeVar, cast, get_args, get_origin, get_type_hints

from config.errors import RecordError
from config.text import control_character, without_control_characters
from tracker.presence.events import SCHEMA, as_utc, time_text

Document: TypeAlias = dict[str, Any]
"""JSON values by field name."""

_LARGEST_COUNT = 2**63 - 1
"""Of SQLite and Firestore."""

_Decoder: TypeAlias = Callable[[Any], object]
"""Turns one JSON value into a field's value. Raises ValueError("expected ...") when it cannot."""
_Record = TypeVar("_Record")


def encode(record: Any) -> Document:
    """The document of a record (a dataclass); records within it become documents within it."""
    return {field.name: _encoded(getattr(record, field.name)) for field in fields(record)}


def decode(kind: type[_Record], document: object) -> _Record:
    """The record of a document. Raises RecordError naming the field."""
    title, decoders = _title(cast("type", kind)), _decoders(cast("type", kind))
    if not isinstance(document, Mapping):
        raise _refused(title, f"expected an object with fields, got {_shown(document)}", decoders)
    unknown = sorted(str(key) for key in document if key not in decoders)
    if unknown:
        raise _refused(title, f"unknown field {unknown[0][:50]!r}", decoders)
    values: dict[str, object] = {}
    for name, decoder in decoders.items():
        if name not in document:
            raise _refused(title, f"{name} is missing", decoders)
        try:
            values[name] = decoder(document[name])
        except ValueError as error:
            raise RecordError(
                f"{title}: {name}: {error}, got {_shown(document[name])}",
                fix=f"correct {name} at the source of the {title}",
            ) from error
    try:
        return kind(**values)
    except (ValueError, OverflowError) as error:
        raise RecordError(f"{title}: {error}", fix=f"correct it at the source of the {title}") from error


def _encoded(value: object) -> object:
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime):
        return time_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_encoded(part) for part in value]
    if is_dataclass(value):
        return encode(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None  # the margin where there is no runner-up; JSON has no infinity
    return value


@cache
def _title(kind: type) -> str:
    return re.sub("(?<=[a-z])(?=[A-Z])", " ", kind.__name__).lower()


@cache
def _decoders(kind: type) -> Mapping[str, _Decoder]:
    """The decoder of each field, by its name where the type alone is not enough."""
    hints = get_type_hints(kind)
    return {field.name: _decoder(field.name, hints[field.name]) for field in fields(kind)}


def _decoder(name: str, hint: Any) -> _Decoder:
    present = [part for part in get_args(hint) if part is not NoneType]
    if NoneType in get_args(hint):
        return partial(_optional, _decoder(name, present[0]))
    if name in _BY_NAME:
        return _BY_NAME[name]
    if get_origin(hint) is tuple:
        return partial(_several, name, _decoder("", present[0]))
    if is_dataclass(hint):
        return partial(decode, cast("type", hint))
    if issubclass(hint, StrEnum):
        return partial(_choice, hint)
    return _BY_TYPE[hint]


def _refused(title: str, problem: str, decoders: Mapping[str, _Decoder]) -> RecordError:
    return RecordError(f"{title}: {problem}", fix=f"give exactly the fields {', '.join(decoders)}")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _optional(decoder: _Decoder, value: object) -> object:
    return None if value is None else decoder(value)


def _several(name: str, decoder: _Decoder, value: object) -> tuple[object, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"expected a list of {name}")
    return tuple(decoder(part) for part in value)


def _choice(kind: type[StrEnum], value: object) -> StrEnum:
    valid = {member.value: member for member in kind}
    if not isinstance(value, str) or value not in valid:
        raise ValueError(f"expected {' or '.join(valid)}")
    return valid[value]


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("expected a text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("expected a text of whole characters") from None
    return value


def _note(value: object) -> str:
    text = _text(value)
    control = control_character(text)
    if control is not None:
        raise ValueError(f"expected a text without control characters ({control})")
    return text


def _id(value: object) -> str:
    text = _text(value)
    if not text.strip():
        raise ValueError("expected a text that is not empty")
    return _note(text)


def _message(value: object) -> str:
    """A message of a driver or library, which may hold anything."""
    return without_control_characters(_text(value))


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("expected true or false")
    return value


def _number(value: object) -> float:
    """A finite number; JSON has no infinity and no NaN."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("expected a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError("expected a finite number")
    return number


def _amount(value: object) -> float:
    number = _number(value)
    if number < 0:
        raise ValueError("expected 0 or more")
    return number


def _fraction(value: object) -> float:
    number = _number(value)
    if not 0 <= number <= 1:
        raise ValueError("expected 0..1")
    return number


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("expected a whole number, 0 or more")
    if value > _LARGEST_COUNT:
        raise ValueError("expected a whole number of at most 63 bits")
    return value


def _schema(value: object) -> int:
    if isinstance(value, bool) or value != SCHEMA:
        raise ValueError(f"expected version {SCHEMA}, the one that this Footfall reads")
    return SCHEMA


def _time(value: object) -> datetime:
    """A time as text, or as Firestore has it."""
    try:
        return as_utc(value if isinstance(value, datetime) else datetime.fromisoformat(_text(value)))
    except (ValueError, OverflowError):
        raise ValueError("expected an ISO 8601 time with a zone, such as 2026-01-31T09:30:00Z") from None


def _day(value: object) -> date:
    try:
        return date.fromisoformat(_text(value))
    except ValueError:
        raise ValueError("expected a day such as 2026-01-31") from None


_BY_TYPE: Mapping[type, _Decoder] = {str: _id, bool: _flag, int: _count, float: _amount, datetime: _time, date: _day}
_BY_NAME: Mapping[str, _Decoder] = {
    "schema": _schema,
    "x_frac": _fraction,
    "y_frac": _fraction,
    "quality": _fraction,
    "margin": _number,
    "reason": _note,
    "consent_version": _note,
    "consent_by": _note,
    "source": _message,
    "problem": _message,
}
