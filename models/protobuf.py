"""Messages in protobuf's encoding, read field by field without a schema.

Source: protobuf's encoding (a key of field number and wire type before each value).
"""

from __future__ import annotations

from collections.abc import Iterator

_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5
"""Wire types."""
_LONGEST_VARINT = 10


def fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field: an integer, or the bytes of everything else.

    Raises ValueError or IndexError while it is iterated where the message is truncated or none.
    """
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire_type = key >> 3, key & 7
        if wire_type == _VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        size = {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}.get(wire_type)
        if wire_type == _BYTES:
            size, at = _varint(message, at)
        if size is None or at + size > len(message):
            raise ValueError(f"field {number} of wire type {wire_type} at byte {at}")
        yield number, message[at : at + size]
        at += size


def submessage(value: int | memoryview) -> memoryview:
    """The bytes of a field. Raises ValueError where it holds an integer."""
    if isinstance(value, int):
        raise ValueError(f"the number {value} instead of a message")
    return value


def integer(value: int | memoryview) -> int:
    """The integer of a field. Raises ValueError where it holds bytes."""
    if not isinstance(value, int):
        raise ValueError(f"{len(value)} bytes instead of a number")
    return value


def varints(packed: memoryview) -> list[int]:
    """The integers of a packed field. Raises ValueError or IndexError where it is truncated."""
    values, at = [], 0
    while at < len(packed):
        value, at = _varint(packed, at)
        values.append(value)
    return values


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """An integer of seven bits a byte, the lowest first, and the offset after it."""
    value = 0
    for place in range(_LONGEST_VARINT):
        byte = message[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, at + place + 1
    raise ValueError(f"no integer at byte {at}")
