"""Arrays in a folder of numpy's files: a `.npz` for each layer, or a `.npy` for each array."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from pathlib import Path
from tokenize import TokenError

import numpy as np
from numpy.lib import format as npy

from config.errors import ModelError
from models.weight_files.archive import opened
from models.weight_files.size_limit import FloatArray, require_size

_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_AGAIN = "write it again with numpy.save or numpy.savez"
_DAMAGED = (ValueError, KeyError, TypeError, SyntaxError, TokenError, RecursionError, MemoryError)
"""What numpy raises for a damaged header, which is a literal of Python."""


def read(folder: Path) -> dict[str, FloatArray]:
    """Arrays by FILE/KEY of a .npz, and by FILE of a .npy, without the suffix; those of other types are left out.

    Raises ModelError naming the file that is truncated or holds Python objects.
    """
    files = sorted(path for path in folder.iterdir() if path.suffix in (".npz", ".npy"))
    require_size(folder.name, sum(path.stat().st_size for path in files))
    arrays: dict[str, FloatArray] = {}
    unpacked = 0
    for path in files:
        for name, content in _contents(path):
            unpacked += len(content)
            require_size(folder.name, unpacked)
            values = _array(path.name, content)
            if values is not None:
                arrays[name] = values
    return arrays


def _contents(path: Path) -> Iterator[tuple[str, bytes]]:
    """The name and the bytes of each array."""
    if path.suffix == ".npy":
        yield path.stem, path.read_bytes()
        return
    try:
        with opened(path) as archive:
            for member in archive.infolist():
                yield f"{path.stem}/{member.filename.removesuffix('.npy')}", archive.read(member)
    except ValueError as error:
        raise ModelError(f"{path.name}: not a whole .npz ({error})", fix="write it again with numpy.savez") from error


def _array(file_name: str, content: bytes) -> FloatArray | None:
    """The values of an array in numpy's format, None where they are no floats."""
    stream = io.BytesIO(content)
    try:
        header = _HEADERS[npy.read_magic(stream)]
        shape, columns_first, dtype = header(stream)
    except _DAMAGED as error:
        problem = f"{file_name}: not an array of numpy ({error})"
        raise ModelError(problem, fix=_AGAIN) from error
    if dtype.hasobject:
        raise ModelError(f"{file_name}: holds Python objects, which are not read", fix="save plain arrays of floats")
    data = content[stream.tell() :]
    if len(data) != math.prod(shape) * dtype.itemsize:
        problem = f"{file_name}: truncated, {len(data)} bytes for the shape {shape}"
        raise ModelError(problem, fix="copy the whole file again")
    if dtype.kind != "f":
        return None
    try:
        values = np.frombuffer(data, dtype).reshape(shape, order="F" if columns_first else "C")
    except ValueError as error:  # dimensions that numpy does not have
        problem = f"{file_name}: not an array of numpy ({error})"
        raise ModelError(problem, fix=_AGAIN) from error
    return values.astype(np.float32, order="C")
