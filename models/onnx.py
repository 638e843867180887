"""The initialisers (weights) of an ONNX file, read without the onnx package.

Source: onnx/onnx.proto (ModelProto.graph = 7, GraphProto.initializer = 5, TensorProto: dims = 1, data_type = 2,
float_data = 4, name = 8, raw_data = 9) and protobuf's encoding (a key of field number and wire type before each value).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from config.errors import ModelError

FloatArray = NDArray[np.float32]

_FLOAT = 1
"""`TensorProto.DataType.FLOAT`."""
_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5
"""Wire types."""


def read_onnx(content: bytes) -> dict[str, FloatArray]:
    """The float32 initialisers of a model by name, each in its shape; those of other types are left out.

    Raises ModelError when the file is truncated or not an ONNX model.
    """
    try:
        graphs = [value for number, value in _fields(memoryview(content)) if number == 7]
        tensors = [value for graph in graphs for number, value in _fields(_message(graph)) if number == 5]
        named = dict(filter(None, (_tensor(_message(tensor)) for tensor in tensors)))
    except (IndexError, ValueError) as error:
        raise ModelError(f"not an ONNX model ({error})", fix="give the published file") from error
    if not named:
        raise ModelError("not an ONNX model (it holds no weights)", fix="give the published file")
    return named


def _tensor(message: memoryview) -> tuple[str, FloatArray] | None:
    """Name and values of a TensorProto; None unless it is of float32."""
    shape: list[int] = []
    name, kind, values = "", 0, np.empty(0, np.float32)
    for number, value in _fields(message):
        match number:
            case 1:
                shape += [value] if isinstance(value, int) else _varints(value)
            case 2:
                kind = int(value) if isinstance(value, int) else 0
            case 4 | 9:
                values = np.frombuffer(_message(value), "<f4").astype(np.float32)
            case 8:
                name = bytes(_message(value)).decode()
    if kind != _FLOAT:
        return None
    if math.prod(shape) != values.size:
        raise ValueError(f"{name}: {values.size} numbers for the shape {shape}")
    return name, values.reshape(shape)


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field: an integer, or the bytes of everything else."""
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


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError(f"the number {value} instead of a message")
    return value


def _varints(packed: memoryview) -> list[int]:
    values, at = [], 0
    while at < len(packed):
        value, at = _varint(packed, at)
        values.append(value)
    return values


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """An integer of seven bits a byte, the lowest first, and the offset after it."""
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if byte < 0x80:
            return value, at
