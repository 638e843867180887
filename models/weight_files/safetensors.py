"""Arrays of a .safetensors file: a header in JSON, then the numbers.

Source: the format's description in the README of huggingface/safetensors.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from config.errors import ModelError
from models.weight_files.size_limit import FloatArray, require_size

_MAX_HEADER = 1_000_000
"""Bytes: some thousand arrays, more than the networks here have."""
_METADATA = "__metadata__"
_TYPES: Mapping[str, str] = {"F16": "<f2", "F32": "<f4", "F64": "<f8"}
_BFLOAT16 = "BF16"
"""The upper half of a float32."""
_INTEGERS = frozenset({"BOOL", "U8", "I8", "U16", "I16", "U32", "I32", "U64", "I64"})
"""Counters and the like, which no network here needs."""


class _Entry(BaseModel):
    """An array. data_offsets: first byte and the one after the last, from the end of the header."""

    dtype: str
    shape: tuple[Annotated[int, Field(ge=0)], ...]
    data_offsets: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]]


_Header = TypeAdapter(dict[str, _Entry])


def read(path: Path) -> dict[str, FloatArray]:
    """The arrays of floating-point numbers by name, as float32. Raises ModelError when the file is no such file."""
    try:
        require_size(path.name, path.stat().st_size)
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})", fix="check the path and its rights") from error
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or length > min(_MAX_HEADER, len(content) - 8):
        raise _damaged(path, "no header, or it is cut off")
    try:
        header = json.loads(content[8 : 8 + length])
        if isinstance(header, dict):
            header.pop(_METADATA, None)
        entries = _Header.validate_python(header)
    except (ValueError, RecursionError) as error:
        problem = str(error.errors()[0]["msg"]) if isinstance(error, ValidationError) else str(error)
        raise _damaged(path, f"the header: {problem}") from error
    require_size(path.name, sum(4 * math.prod(entry.shape) for entry in entries.values()))
    data = memoryview(content)[8 + length :]
    return {name: _array(path, name, entry, data) for name, entry in entries.items() if entry.dtype not in _INTEGERS}


def _array(path: Path, name: str, entry: _Entry, data: memoryview) -> FloatArray:
    kind = "<u2" if entry.dtype == _BFLOAT16 else _TYPES.get(entry.dtype)
    if kind is None:
        raise ModelError(f"{path}: {name} is of the type {entry.dtype}", fix="save the weights as float32")
    start, end = entry.data_offsets
    if end > len(data) or end - start != math.prod(entry.shape) * np.dtype(kind).itemsize:
        raise _damaged(path, f"{name} is cut off or of another size")
    values = np.frombuffer(data[start:end], kind)
    if entry.dtype == _BFLOAT16:
        values = (values.astype("<u4") << 16).view("<f4")
    try:
        return values.astype(np.float32).reshape(entry.shape)
    except ValueError as error:  # dimensions that numpy does not have
        raise _damaged(path, f"{name}: {error}") from error


def _damaged(path: Path, problem: str) -> ModelError:
    return ModelError(f"{path}: not a .safetensors file ({problem})", fix="get the file again")
