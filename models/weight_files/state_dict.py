"""Tensors of a PyTorch state dict, read without PyTorch and without unpickling.

Source: torch/serialization.py (the archive: data.pkl and a file for each storage; before version 1.6 a stream of
pickles and storages) and torch/_utils.py (_rebuild_tensor_v2, _rebuild_parameter).
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config.errors import ModelError
from models.weight_files import pickle_values
from models.weight_files.archive import opened
from models.weight_files.pickle_values import Call, Global, Reference
from models.weight_files.size_limit import FloatArray, require_size

STREAM_MAGIC = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
"""How files of PyTorch before 1.6 begin: a pickle of the number 0x1950a86a20f9469cfc6c."""
_INDEX = "data.pkl"
_STREAM_VERSION = 1001
_TYPES = {"FloatStorage": "f4", "HalfStorage": "f2", "DoubleStorage": "f8", "LongStorage": "i8", "IntStorage": "i4"}
_REBUILD = "torch._utils _rebuild_tensor_v2"
_PARAMETER = "torch._utils _rebuild_parameter"
_NESTED = "state_dict"
"""Where a checkpoint of a training keeps the state dict among other values."""
_FIX = "save a state dict: torch.save(model.state_dict(), 'facenet.pt')"

Storages = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class _Tensor:
    """A view of a storage. offset and strides: elements."""

    storage: str
    kind: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read(path: Path) -> dict[str, FloatArray]:
    """Tensors of floats by name; tensors of integers are left out.

    Raises ModelError when the file is truncated or holds Python objects other than a dictionary of tensors.
    """
    require_size(path.name, path.stat().st_size)
    try:
        value, storages = _read_stream(path) if _is_stream(path) else _read_archive(path)
        tensors = _tensors(value)
        require_size(path.name, sum(4 * math.prod(each.shape) for each in tensors.values()))
        return {name: _view(name, each, storages) for name, each in tensors.items() if each.kind[0] == "f"}
    except (ValueError, KeyError, IndexError, TypeError, OverflowError, AttributeError, OSError) as error:
        problem = f"{path.name}: not a state dict, or truncated ({error})"
        raise ModelError(problem, fix=_FIX) from error


def is_archive(path: Path) -> bool:
    """Whether a zip file is one of PyTorch, or too damaged to tell; others are those of numpy and of Keras."""
    try:
        with opened(path) as archive:
            return any(name.rpartition("/")[2] == _INDEX for name in archive.namelist())
    except ValueError:
        return True


def _is_stream(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(STREAM_MAGIC)) == STREAM_MAGIC


def _read_archive(path: Path) -> tuple[Any, Storages]:
    with opened(path) as archive:
        names = archive.namelist()
        index = next((name for name in names if name.rpartition("/")[2] == _INDEX), None)
        if index is None:
            raise ValueError(f"no {_INDEX}")
        folder = index.removesuffix(_INDEX)
        order = archive.read(f"{folder}byteorder") if f"{folder}byteorder" in names else b"little"
        value = pickle_values.read(io.BytesIO(archive.read(index)), _tensor)
        storages = {
            key: np.frombuffer(archive.read(f"{folder}data/{key}"), _dtype(kind, order))
            for key, kind in _kinds(value).items()
        }
    return value, storages


def _read_stream(path: Path) -> tuple[Any, Storages]:
    """A file of PyTorch before 1.6: magic, version, system, value, and keys of the storages; then each storage."""
    content = path.read_bytes()
    stream = io.BytesIO(content)  # a file would allocate whatever length a damaged pickle claims
    stream.seek(len(STREAM_MAGIC))
    if pickle_values.read(stream, _refused) != _STREAM_VERSION:
        raise ValueError("another version of PyTorch's format")
    system = pickle_values.read(stream, _refused)
    value = pickle_values.read(stream, _tensor)
    keys = pickle_values.read(stream, _refused)
    kinds = _kinds(value)
    order = b"little" if system.get("little_endian", True) else b"big"
    storages = {}
    for key in keys:
        count = int.from_bytes(stream.read(8), "little" if order == b"little" else "big")
        dtype = _dtype(kinds[key], order)
        storages[key] = np.frombuffer(content, dtype, count, stream.tell())
        stream.seek(count * dtype.itemsize, io.SEEK_CUR)
    return value, storages


def _tensors(value: Any) -> dict[str, _Tensor]:
    """The tensors of a state dict, or of the one in a checkpoint; other values of a checkpoint are left out."""
    if isinstance(value, Mapping) and isinstance(value.get(_NESTED), Mapping):
        value = value[_NESTED]
    if not isinstance(value, Mapping):
        raise ValueError("no dictionary")
    tensors = {str(name): each for name, each in value.items() if isinstance(each, _Tensor)}
    if not tensors:
        raise ValueError("no tensors")
    return tensors


def _kinds(value: Any) -> dict[str, str]:
    """The type of each storage of a state dict; several tensors may share one."""
    return {each.storage: each.kind for each in _tensors(value).values()}


def _tensor(call: Call) -> Any:
    """What a call in a state dict gives: a dictionary or a tensor. Raises ValueError for every other one."""
    match call.function.name, call.arguments:
        case "collections OrderedDict", ():
            return {}
        case name, (
            Reference(identifier=("storage", Global(name=kind), str(key), *_)),
            int(offset),
            shape,
            strides,
            *_,
        ) if name == _REBUILD and _are_integers(shape) and _are_integers(strides):
            return _Tensor(key, _kind(kind), offset, tuple(shape), tuple(strides))
        case name, (_Tensor() as tensor, *_) if name == _PARAMETER:
            return tensor
    raise ValueError(f"it refers to Python's {call.function.name.replace(' ', '.')}")


def _are_integers(values: Any) -> bool:
    return isinstance(values, tuple | list) and all(isinstance(each, int) for each in values)


def _refused(call: Call) -> Any:
    raise ValueError(f"it refers to Python's {call.function.name.replace(' ', '.')}")


def _kind(storage: str) -> str:
    kind = _TYPES.get(storage.removeprefix("torch "))
    if kind is None:
        raise ValueError(f"tensors of type {storage.replace(' ', '.')}; convert them by model.float()")
    return kind


def _dtype(kind: str, order: bytes) -> np.dtype[Any]:
    return np.dtype(("<" if order == b"little" else ">") + kind)


def _view(name: str, tensor: _Tensor, storages: Storages) -> FloatArray:
    storage = storages[tensor.storage]
    if len(tensor.shape) != len(tensor.strides) or min((tensor.offset, *tensor.strides, *tensor.shape)) < 0:
        raise ValueError(f"{name}: no valid view of its storage")
    last = tensor.offset + sum((side - 1) * step for side, step in zip(tensor.shape, tensor.strides, strict=True))
    if 0 not in tensor.shape and last >= len(storage):
        raise ValueError(f"{name}: {len(storage)} numbers, element {last} is needed")
    strides = [step * storage.itemsize for step in tensor.strides]
    view = np.lib.stride_tricks.as_strided(storage[tensor.offset :], tensor.shape, strides, writeable=False)
    return np.array(view, np.float32)
