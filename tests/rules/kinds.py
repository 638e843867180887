"""Values of the rules language: types, equality, methods and functions.

Source: https://firebase.google.com/docs/reference/rules, the interfaces and namespaces there.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any


class RuleError(Exception):
    """An error of an expression, such as an absent field; the rule denies."""


@dataclass(frozen=True, slots=True)
class Place:
    """A path; ids from the root, the database's own included."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Several:
    """A set."""

    items: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """The result of `after.diff(before)`."""

    after: Mapping[str, Any]
    before: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Namespace:
    functions: Mapping[str, Callable[..., Any]]


class Unknown:
    """A value that a query does not have, such as the id of the document; using it is an error."""


UNKNOWN = Unknown()


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


TYPES: Mapping[str, Callable[[Any], bool]] = {
    "bool": lambda value: isinstance(value, bool),
    "bytes": lambda value: isinstance(value, bytes),
    "float": lambda value: isinstance(value, float),
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "list": lambda value: isinstance(value, list),
    "map": lambda value: isinstance(value, Mapping),
    "number": is_number,
    "path": lambda value: isinstance(value, Place),
    "string": lambda value: isinstance(value, str),
    "timestamp": lambda value: isinstance(value, datetime),
    "duration": lambda value: isinstance(value, timedelta),
}


def same(left: Any, right: Any) -> bool:
    """Equality of the language: numbers by value, everything else only within its type."""
    if is_number(left) and is_number(right):
        return bool(left == right)
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, Several) and isinstance(right, Several):
        return all(among(each, right.items) for each in left.items) and len(left.items) == len(right.items)
    return type(left) is type(right) and bool(left == right)


def among(value: Any, items: Any) -> bool:
    return any(same(value, each) for each in items)


def items_of(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    if isinstance(value, Several):
        return list(value.items)
    raise RuleError(f"expected a list or a set, got {kind_of(value)}")


def kind_of(value: Any) -> str:
    return "null" if value is None else next((name for name, test in TYPES.items() if test(value)), "value")


def distinct(items: list[Any]) -> Several:
    found: list[Any] = []
    for each in items:
        if not among(each, found):
            found.append(each)
    return Several(tuple(found))


def _get(target: Mapping[str, Any], key: Any, default: Any) -> Any:
    keys = key if isinstance(key, list) else [key]
    value: Any = target
    for each in keys:
        if not isinstance(each, str):
            raise RuleError(f"expected a text as key, got {kind_of(each)}")
        if not isinstance(value, Mapping) or each not in value:
            return default
        value = value[each]
    return value


def _changed(diff: Difference) -> list[str]:
    both = diff.after.keys() & diff.before.keys()
    return [key for key in both if not same(diff.after[key], diff.before[key])]


def _matches(text: str, pattern: Any) -> bool:
    if not isinstance(pattern, str):
        raise RuleError("expected a pattern as text")
    return re.fullmatch(pattern, text) is not None


def _join(target: list[Any], separator: Any) -> str:
    if not isinstance(separator, str) or not all(isinstance(each, str) for each in target):
        raise RuleError("join: expected texts")
    return separator.join(target)


_COLLECTIONS: dict[str, Callable[..., Any]] = {
    "size": lambda target: len(items_of(target)),
    "hasAll": lambda target, wanted: all(among(each, items_of(target)) for each in items_of(wanted)),
    "hasAny": lambda target, wanted: any(among(each, items_of(target)) for each in items_of(wanted)),
    "hasOnly": lambda target, allowed: all(among(each, items_of(allowed)) for each in items_of(target)),
}
METHODS: Mapping[type, Mapping[str, Callable[..., Any]]] = {
    str: {"size": len, "matches": _matches, "lower": str.lower, "upper": str.upper, "trim": str.strip},
    bytes: {"size": len},
    list: {
        **_COLLECTIONS,
        "concat": lambda target, other: [*target, *items_of(other)],
        "removeAll": lambda target, other: [each for each in target if not among(each, items_of(other))],
        "toSet": distinct,
        "join": _join,
    },
    Several: _COLLECTIONS,
    dict: {
        "get": _get,
        "keys": list,
        "values": lambda target: list(target.values()),
        "size": len,
        "diff": Difference,
    },
    Difference: {
        "addedKeys": lambda diff: Several(tuple(diff.after.keys() - diff.before.keys())),
        "removedKeys": lambda diff: Several(tuple(diff.before.keys() - diff.after.keys())),
        "changedKeys": lambda diff: Several(tuple(_changed(diff))),
        "affectedKeys": lambda diff: Several((*(diff.after.keys() ^ diff.before.keys()), *_changed(diff))),
    },
    datetime: {"toMillis": lambda at: int(at.timestamp() * 1000), "year": lambda at: at.year},
    timedelta: {"seconds": lambda span: int(span.total_seconds())},
}
"""By type of the target: what can be called on it, the target being the first argument."""
_UNITS_S = {"w": 604800.0, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3}


def _duration(amount: Any, unit: Any) -> timedelta:
    if not TYPES["int"](amount) or unit not in _UNITS_S:
        raise RuleError("duration.value: expected a whole number and a unit")
    return timedelta(seconds=amount * _UNITS_S[unit])


def _date(year: Any, month: Any, day: Any) -> datetime:
    try:
        return datetime(year, month, day, tzinfo=UTC)
    except (TypeError, ValueError) as error:
        raise RuleError(f"timestamp.date: {error}") from error


NAMESPACES: Mapping[str, Namespace] = {
    "duration": Namespace({"value": _duration}),
    "timestamp": Namespace({"date": _date}),
    "hashing": Namespace({"sha256": lambda value: hashlib.sha256(value.encode()).digest()}),
    "math": Namespace({"abs": abs}),
}
