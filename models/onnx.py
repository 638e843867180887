"""The initialisers (weights) of an ONNX file, read without the onnx package.

Source: onnx/onnx.proto (ModelProto.graph = 7, GraphProto.initializer = 5, TensorProto: dims = 1, data_type = 2,
float_data = 4, name = 8, raw_data = 9).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from config.errors import ModelError
from models.protobuf import fields, submessage, varints

FloatArray = NDArray[np.float32]

_FLOAT = 1
"""`TensorProto.DataType.FLOAT`."""


def read_onnx(content: bytes) -> dict[str, FloatArray]:
    """The float32 initialisers of a model by name, each in its shape; those of other types are left out.

    Raises ModelError when the file is truncated or not an ONNX model.
    """
    try:
        graphs = [value for number, value in fields(memoryview(content)) if number == 7]
        tensors = [value for graph in graphs for number, value in fields(submessage(graph)) if number == 5]
        named = dict(filter(None, (_tensor(submessage(tensor)) for tensor in tensors)))
    except (IndexError, ValueError) as error:
        raise ModelError(f"not an ONNX model ({error})", fix="give the published file") from error
    if not named:
        raise ModelError("not an ONNX model (it holds no weights)", fix="give the published file")
    return named


def _tensor(message: memoryview) -> tuple[str, FloatArray] | None:
    """Name and values of a TensorProto; None unless it is of float32."""
    shape: list[int] = []
    name, kind, values = "", 0, np.empty(0, np.float32)
    for number, value in fields(message):
        match number:
            case 1:
                shape += [value] if isinstance(value, int) else varints(value)
            case 2:
                kind = int(value) if isinstance(value, int) else 0
            case 4 | 9:
                values = np.frombuffer(submessage(value), "<f4").astype(np.float32)
            case 8:
                name = bytes(submessage(value)).decode()
    if kind != _FLOAT:
        return None
    if math.prod(shape) != values.size:
        raise ValueError(f"{name}: {values.size} numbers for the shape {shape}")
    return name, values.reshape(shape)
