"""Arrays of an HDF5 file that Keras wrote: weights alone, or a whole model of which only the weights are read.

Nothing in it is run: the description of the model, which may hold compiled Python code, is not looked at.
"""

from __future__ import annotations

import math
from pathlib import Path

import h5py
import numpy as np

from config.errors import ModelError
from models.weight_files.size_limit import FloatArray, require_size

MAGIC = b"\x89HDF\r\n\x1a\n"
_VARIABLES = "vars"
"""The group of a layer's weights in files of Keras 3; its attribute `name` is that of the layer."""
_DAMAGED = "get the file again; h5ls shows what a whole one holds"


def read(path: Path) -> dict[str, FloatArray]:
    """Arrays of floats by their path in the file; in files of Keras 3 by the name of the layer and a number.

    Raises ModelError when the file is truncated or refers to other files.
    """
    try:
        with h5py.File(path, "r", locking=False) as file:
            return {_name(dataset): _values(dataset) for dataset in _datasets(file, path.name)}
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise ModelError(f"{path.name}: truncated or damaged ({error})", fix=_DAMAGED) from error


def _datasets(file: h5py.File, file_name: str) -> list[h5py.Dataset]:
    """The datasets of floats, without following links to other files."""
    found: list[h5py.Dataset] = []

    def visit(_: str, node: h5py.Group | h5py.Dataset) -> None:
        if isinstance(node, h5py.Dataset) and node.dtype.kind == "f":
            found.append(node)

    file.visititems(visit)
    for dataset in found:
        if dataset.external or dataset.is_virtual:
            problem = f"{file_name}: {dataset.name} refers to another file"
            raise ModelError(problem, fix="give a file that Keras saved: model.save_weights('facenet.h5')")
    require_size(file_name, sum(math.prod(dataset.shape) * dataset.dtype.itemsize for dataset in found))
    return found


def _name(dataset: h5py.Dataset) -> str:
    group = dataset.parent
    number = dataset.name.rpartition("/")[2]
    if group.name.endswith(f"/{_VARIABLES}") and isinstance(group.attrs.get("name"), str):
        return f"{group.attrs['name']}/{number}"
    return str(dataset.name)


def _values(dataset: h5py.Dataset) -> FloatArray:
    return np.asarray(dataset[()], np.float32)
