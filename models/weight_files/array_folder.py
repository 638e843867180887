"""Arrays in a folder of numpy's files: a `.npz` for each layer, or a `.npy` for each array."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from config.errors import ModelError
from models.weight_files.archive import opened
from models.weight_files.array_format import PickledArrayError, read_array
from models.weight_files.size_limit import FloatArray, require_size


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
    try:
        values = read_array(content)
    except PickledArrayError as error:
        raise ModelError(f"{file_name}: {error}", fix="save plain arrays of floats") from error
    except ValueError as error:
        problem = f"{file_name}: {error}"
        raise ModelError(
            problem, fix="copy the whole file again, or write it with numpy.save or numpy.savez"
        ) from error
    return values.astype(np.float32, order="C") if values.dtype.kind == "f" else None
