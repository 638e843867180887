"""Values: their order across types, their size and their validity, as Firestore documents them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from tests.firestore.server.names import check_field, document_place
from tests.firestore.server.protos import Document, Value
from tests.firestore.server.refusal import expect, invalid

MAX_DEPTH = 20
MAX_DOCUMENT_BYTES = 1_048_576
MAX_INDEXED_BYTES = 1500

TYPE_RANK = {
    "null_value": 0,
    "boolean_value": 1,
    "number": 2,
    "timestamp_value": 3,
    "string_value": 4,
    "bytes_value": 5,
    "reference_value": 6,
    "geo_point_value": 7,
    "array_value": 8,
    "vector": 9,
    "map_value": 10,
}
Key = tuple[Any, ...]
NULL_KEY: Key = (0,)
NAN_KEY: Key = (2, 0, 0)


def sort_key(value: Any) -> Key:
    """A tuple that compares as Firestore orders values: by type first, then by value. Equal numbers have equal keys."""
    return _KEYS[value.WhichOneof("value_type")](value)


def double_key(number: float) -> Key:
    return NAN_KEY if math.isnan(number) else (2, 1, number)


def map_key(value: Any) -> Key:
    fields = value.map_value.fields
    if is_vector(fields):
        numbers = tuple(sort_key(each) for each in fields["value"].array_value.values)
        return (9, len(numbers), numbers)
    return (10, tuple((name, sort_key(fields[name])) for name in sorted(fields)))


def is_vector(fields: Any) -> bool:
    return "__type__" in fields and fields["__type__"].string_value == "__vector__" and "value" in fields


def name_key(name: str) -> Key:
    return (6, tuple(name.split("/")))


_KEYS: dict[str | None, Callable[[Any], Key]] = {
    None: lambda _: NULL_KEY,
    "null_value": lambda _: NULL_KEY,
    "boolean_value": lambda value: (1, value.boolean_value),
    "integer_value": lambda value: (2, 1, value.integer_value),
    "double_value": lambda value: double_key(value.double_value),
    "timestamp_value": lambda value: (3, value.timestamp_value.seconds, value.timestamp_value.nanos),
    "string_value": lambda value: (4, value.string_value),
    "bytes_value": lambda value: (5, value.bytes_value),
    "reference_value": lambda value: name_key(value.reference_value),
    "geo_point_value": lambda value: (7, value.geo_point_value.latitude, value.geo_point_value.longitude),
    "array_value": lambda value: (8, tuple(sort_key(each) for each in value.array_value.values)),
    "map_value": map_key,
}


def find(fields: Any, path: tuple[str, ...]) -> Any | None:
    """The value at the path within a map of fields, or None."""
    value = None
    for depth, segment in enumerate(path):
        if depth:
            if value is None or value.WhichOneof("value_type") != "map_value":
                return None
            fields = value.map_value.fields
        if segment not in fields:
            return None
        value = fields[segment]
    return value


def checked_size(value: Any, depth: int = 1) -> int:
    """Bytes the value counts for. Refuses what cannot be stored; times are cut to microseconds in place."""
    kind = value.WhichOneof("value_type")
    if kind in _SIZES:
        return _SIZES[kind](value)
    if kind == "timestamp_value":
        value.timestamp_value.nanos -= value.timestamp_value.nanos % 1000
        return 8
    if kind == "reference_value":
        return name_size(document_place(value.reference_value).ids)
    expect(depth <= MAX_DEPTH, f"Property contains more than {MAX_DEPTH} levels of nested maps and arrays.")
    if kind == "array_value":
        values = value.array_value.values
        if any(each.WhichOneof("value_type") == "array_value" for each in values):
            raise invalid("Cannot convert an array value in an array value.")
        return sum(checked_size(each, depth + 1) for each in values)
    if kind == "map_value":
        fields = value.map_value.fields
        return fields_size(fields, depth + 1, named=not is_vector(fields))
    raise invalid("A value has no type that can be stored.")


_SIZES: dict[str | None, Callable[[Any], int]] = {
    "null_value": lambda _: 1,
    "boolean_value": lambda _: 1,
    "integer_value": lambda _: 8,
    "double_value": lambda _: 8,
    "string_value": lambda value: len(value.string_value.encode()) + 1,
    "bytes_value": lambda value: len(value.bytes_value),
    "geo_point_value": lambda _: 16,
}


def fields_size(fields: Any, depth: int = 1, *, named: bool = True) -> int:
    size = 0
    for name, value in fields.items():
        if named:
            check_field(name)
        size += len(name.encode()) + 1 + checked_size(value, depth)
    return size


def name_size(ids: tuple[str, ...]) -> int:
    return 16 + sum(len(each.encode()) + 1 for each in ids)


def check_document(document: Any, ids: tuple[str, ...]) -> None:
    """Refuse a document whose fields cannot be stored or that is larger than 1 MiB."""
    size = name_size(ids) + fields_size(document.fields) + 32
    if size > MAX_DOCUMENT_BYTES:
        raise invalid(
            f"Document '{document.name}' cannot be written because its size ({size:,} bytes) exceeds the maximum "
            f"allowed size of {MAX_DOCUMENT_BYTES:,} bytes."
        )


def time_value(time_us: int) -> Any:
    value = Value()
    set_time(value.timestamp_value, time_us)
    return value


def set_time(stamp: Timestamp, time_us: int) -> None:
    stamp.seconds, rest_us = divmod(time_us, 1_000_000)
    stamp.nanos = rest_us * 1000


def stamp_us(stamp: Timestamp) -> int:
    return stamp.seconds * 1_000_000 + stamp.nanos // 1000


def project_fields(document: Any, mask: list[tuple[str, ...]]) -> Any:
    """A copy of the document with the fields of the mask alone."""
    chosen = Document(name=document.name, create_time=document.create_time, update_time=document.update_time)
    for path in mask:
        value = find(document.fields, path)
        if value is not None:
            put(chosen.fields, path, value)
    return chosen


def put(fields: Any, path: tuple[str, ...], value: Any) -> None:
    """Set the value at the path, making maps of what is in the way."""
    for segment in path[:-1]:
        below = fields[segment]
        if below.WhichOneof("value_type") != "map_value":
            below.map_value.SetInParent()
        fields = below.map_value.fields
    fields[path[-1]].CopyFrom(value)


def drop(fields: Any, path: tuple[str, ...]) -> None:
    """Remove the value at the path, if it is there."""
    for segment in path[:-1]:
        if segment not in fields or fields[segment].WhichOneof("value_type") != "map_value":
            return
        fields = fields[segment].map_value.fields
    if path[-1] in fields:
        del fields[path[-1]]
