"""One write of a commit: precondition, mask, transforms; the document before and after."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from grpc import StatusCode

from tests.firestore.server.names import Place, document_place, field_path
from tests.firestore.server.protos import Document, Value, WriteResult
from tests.firestore.server.refusal import RefusedError, expect, invalid
from tests.firestore.server.values import (
    NAN_KEY,
    check_document,
    checked_size,
    drop,
    find,
    put,
    set_time,
    sort_key,
    stamp_us,
    time_value,
)

MAX_TRANSFORMS = 500
MIN_INTEGER, MAX_INTEGER = -(2**63), 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a write makes of a document. changed False: it is as it was, and so is its update time."""

    place: Place
    after: Any | None
    changed: bool
    result: Any


def target(write: Any) -> Place:
    """Whose document the write is about."""
    kind = write.WhichOneof("operation")
    if kind == "update":
        return document_place(write.update.name)
    if kind == "delete":
        return document_place(write.delete)
    if kind == "transform":
        return document_place(write.transform.document)
    raise invalid("A write says neither update nor delete nor transform.")


def apply(write: Any, place: Place, before: Any | None, time_us: int) -> Outcome:
    """The outcome of a write on the document as it is; `before` is left alone."""
    check_precondition(write.current_document, place, before)
    if write.WhichOneof("operation") == "delete":
        return Outcome(place=place, after=None, changed=before is not None, result=WriteResult())
    after = Document(name=place.name)
    if write.WhichOneof("operation") == "transform":
        _copy_fields(before, after)
        transforms = write.transform.field_transforms
    else:
        _update(write, before, after)
        transforms = write.update_transforms
    result = WriteResult()
    expect(len(transforms) <= MAX_TRANSFORMS, f"A document takes at most {MAX_TRANSFORMS} transforms in a commit.")
    for transform in transforms:
        result.transform_results.append(_transform(after.fields, transform, time_us))
    check_document(after, place.ids)
    changed = before is None or before.fields != after.fields
    if before is None:
        set_time(after.create_time, time_us)
    else:
        after.create_time.CopyFrom(before.create_time)
    if changed:
        set_time(after.update_time, time_us)
    else:
        after.update_time.CopyFrom(before.update_time)
    result.update_time.CopyFrom(after.update_time)
    return Outcome(place=place, after=after, changed=changed, result=result)


def check_precondition(asked: Any, place: Place, before: Any | None) -> None:
    kind = asked.WhichOneof("condition_type")
    if kind == "exists":
        if asked.exists and before is None:
            raise RefusedError(StatusCode.NOT_FOUND, f"No document to update: {place.name}")
        if not asked.exists and before is not None:
            raise RefusedError(StatusCode.ALREADY_EXISTS, f"Document already exists: {place.name}")
    elif kind == "update_time":
        if before is None:
            raise RefusedError(StatusCode.FAILED_PRECONDITION, f"No document to update: {place.name}")
        if stamp_us(asked.update_time) != stamp_us(before.update_time):
            raise RefusedError(
                StatusCode.FAILED_PRECONDITION,
                f"The stored version ({stamp_us(before.update_time)}) does not match the required base version "
                f"({stamp_us(asked.update_time)}).",
            )


def _copy_fields(source: Any | None, copy: Any) -> None:
    if source is not None:
        copy.MergeFrom(Document(fields=source.fields))


def _update(write: Any, before: Any | None, after: Any) -> None:
    if not write.HasField("update_mask"):
        _copy_fields(write.update, after)
        return
    _copy_fields(before, after)
    for text in write.update_mask.field_paths:
        path = field_path(text)
        value = find(write.update.fields, path)
        if value is None:
            drop(after.fields, path)
        else:
            put(after.fields, path, value)


def _transform(fields: Any, transform: Any, time_us: int) -> Any:
    """Transform one field in place; returns the transform result."""
    path = field_path(transform.field_path)
    kind = transform.WhichOneof("transform_type")
    if kind not in _TRANSFORMS:
        raise invalid("A transform says nothing to do.")
    if kind == "set_to_server_value":
        expect(transform.set_to_server_value == 1, "The only server value is the time of the request.")
        result = new = time_value(time_us - time_us % 1000)
    else:
        operand = getattr(transform, kind)
        new = _TRANSFORMS[kind](find(fields, path), operand)
        result = Value(null_value=0) if kind in _OF_ARRAYS else new
    put(fields, path, new)
    return result


def _number(value: Any | None) -> int | float | None:
    kind = None if value is None else value.WhichOneof("value_type")
    if value is None or kind not in ("integer_value", "double_value"):
        return None
    number: int | float = value.integer_value if kind == "integer_value" else value.double_value
    return number


def _operand(value: Any) -> int | float:
    number = _number(value)
    if number is None:
        raise invalid("Increment, maximum and minimum take a number.")
    return number


def _increment(old: Any | None, by: Any) -> Any:
    added, number = _operand(by), _number(old)
    if number is None:
        return by
    if isinstance(number, float) or isinstance(added, float):
        return Value(double_value=float(number) + float(added))
    return Value(integer_value=min(max(number + added, MIN_INTEGER), MAX_INTEGER))


def _extreme(better: Callable[[float, float], bool]) -> Callable[[Any | None, Any], Any]:
    def choose(old: Any | None, new: Any) -> Any:
        given, number = _operand(new), _number(old)
        if old is None or number is None:
            return new
        if NAN_KEY in (sort_key(old), sort_key(new)):
            return Value(double_value=math.nan)
        return new if better(given, number) else old

    return choose


def _union(old: Any | None, new: Any) -> Any:
    result = Value()
    result.array_value.SetInParent()
    values = result.array_value.values
    if old is not None and old.WhichOneof("value_type") == "array_value":
        values.extend(old.array_value.values)
    known = {sort_key(each) for each in values}
    for each in new.values:
        checked_size(each)
        if sort_key(each) not in known:
            known.add(sort_key(each))
            values.append(each)
    return result


def _without(old: Any | None, gone: Any) -> Any:
    result = Value()
    result.array_value.SetInParent()
    if old is not None and old.WhichOneof("value_type") == "array_value":
        unwanted = {sort_key(each) for each in gone.values}
        result.array_value.values.extend(each for each in old.array_value.values if sort_key(each) not in unwanted)
    return result


_TRANSFORMS: dict[str | None, Callable[[Any | None, Any], Any]] = {
    "set_to_server_value": lambda _, new: new,
    "increment": _increment,
    "maximum": _extreme(lambda given, number: given > number),
    "minimum": _extreme(lambda given, number: given < number),
    "append_missing_elements": _union,
    "remove_all_from_array": _without,
}
_OF_ARRAYS = ("append_missing_elements", "remove_all_from_array")
