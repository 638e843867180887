"""Constants of a frozen TensorFlow graph, read without TensorFlow.

Source: tensorflow/core/framework/graph.proto (GraphDef: node = 1), node_def.proto (NodeDef: name = 1, op = 2,
attr = 5), attr_value.proto (AttrValue: tensor = 8), tensor.proto (TensorProto: dtype = 1, tensor_shape = 2,
tensor_content = 4, float_val = 5) and tensor_shape.proto (TensorShapeProto: dim = 2, Dim: size = 1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from config.errors import ModelError
from models.protobuf import fields, integer, submessage
from models.weight_files.size_limit import FloatArray, require_size

FIRST_BYTE = b"\x0a"
"""Key of the first node."""
_CONSTANT = b"Const"
_FLOAT = 1
"""`DataType.DT_FLOAT`."""
_FREEZE = "give a frozen graph, as TensorFlow's freeze_graph writes it"


@dataclass(frozen=True, slots=True, eq=False)
class _Constant:
    """Values of a TensorProto. values: the last one stands for those up to the size of the shape."""

    name: str
    shape: tuple[int, ...]
    values: FloatArray

    def filled(self) -> FloatArray:
        """All of them, in their shape."""
        count = math.prod(self.shape)
        rest = np.full(count - len(self.values), self.values[-1:].sum(), np.float32)
        return np.concatenate([self.values, rest]).reshape(self.shape)


def read(path: Path) -> dict[str, FloatArray]:
    """Constants of float32 by the name of their node; those of other types are left out.

    Raises ModelError when the file is truncated, no graph, or has no such constants.
    """
    require_size(path.name, path.stat().st_size)
    try:
        nodes = [submessage(value) for number, value in fields(memoryview(path.read_bytes())) if number == 1]
        constants = {each.name: each for each in filter(None, map(_constant, nodes))}
        require_size(path.name, sum(4 * math.prod(each.shape) for each in constants.values()))
        weights = {name: each.filled() for name, each in constants.items()}
    except (IndexError, ValueError) as error:
        raise ModelError(f"{path.name}: truncated, or not a TensorFlow graph ({error})", fix=_FREEZE) from error
    if not weights:
        problem = f"{path.name}: a graph of {len(nodes)} nodes without weights; variables are stored elsewhere"
        raise ModelError(problem, fix=_FREEZE)
    return weights


def _constant(node: memoryview) -> _Constant | None:
    """The values of a node, None unless it is a constant of float32."""
    name, kind, value = "", b"", None
    for number, content in fields(node):
        match number:
            case 1:
                name = bytes(submessage(content)).decode()
            case 2:
                kind = bytes(submessage(content))
            case 5 if kind == _CONSTANT:  # the serialiser writes fields by number
                value = _attribute(submessage(content), b"value") or value
    return None if value is None else _tensor(name, value)


def _attribute(entry: memoryview, name: bytes) -> memoryview | None:
    """The tensor of a node's attribute, None where the entry is another one."""
    parts = dict(fields(entry))
    if bytes(submessage(parts.get(1, memoryview(b"")))) != name:
        return None
    return submessage(dict(fields(submessage(parts.get(2, memoryview(b""))))).get(8, memoryview(b"")))


def _tensor(name: str, message: memoryview) -> _Constant | None:
    """Values of a TensorProto, None unless it is of float32."""
    kind, content = 0, []
    shape: tuple[int, ...] = ()
    for number, value in fields(message):
        match number:
            case 1:
                kind = integer(value)
            case 2:
                shape = tuple(_side(submessage(each)) for key, each in fields(submessage(value)) if key == 2)
            case 4 | 5:
                content.append(submessage(value))
    if kind != _FLOAT:
        return None
    values = np.frombuffer(b"".join(content), "<f4").astype(np.float32)
    count = math.prod(shape)
    if len(values) > count or (count and not len(values)):
        raise ValueError(f"{name}: {len(values)} numbers for the shape {shape}")
    return _Constant(name, shape, values)


def _side(dimension: memoryview) -> int:
    return next((integer(value) for number, value in fields(dimension) if number == 1), 0)
