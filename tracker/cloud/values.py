"""Values of documents as protobuf."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from google.cloud.firestore_v1.types import document as messages

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_MICROSECOND = timedelta(microseconds=1)

Document = messages.Document.pb()


def fill(fields: Any, document: Mapping[str, object]) -> None:
    """Write a document into a map of protobuf values by name.

    Raises ValueError (also UnicodeEncodeError) and TypeError on what Firestore cannot hold.
    """
    for name, value in document.items():
        set_value(fields[name], value)


def set_value(target: Any, value: object) -> None:  # noqa: C901 - one short branch a type
    """Write one value into a protobuf Value. Raises what `fill` raises."""
    if isinstance(value, bool):
        target.boolean_value = value
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, int):
        target.integer_value = value
    elif isinstance(value, float):
        target.double_value = value
    elif value is None:
        target.null_value = 0
    elif isinstance(value, datetime):
        since = value - _EPOCH
        seconds = since // _SECOND
        target.timestamp_value.seconds = seconds
        target.timestamp_value.nanos = (since - seconds * _SECOND) // _MICROSECOND * 1000
    elif isinstance(value, bytes):
        target.bytes_value = value
    elif isinstance(value, Mapping):
        target.map_value.SetInParent()
        fill(target.map_value.fields, value)
    elif isinstance(value, list | tuple):
        target.array_value.SetInParent()
        for each in value:
            set_value(target.array_value.values.add(), each)
    else:
        raise TypeError(f"no value of Firestore: {type(value).__name__}")
