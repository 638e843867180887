"""NumPy's .npy and .npz files, read without pickles and without believing the sizes in their headers."""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from config.errors import PeopleError
from models.weight_files.array_format import PickledArrayError, read_array
from tracker.moving.json_files import ImportedFile
from tracker.moving.pickles import Pickled, PickledError
from tracker.moving.records import ImportedPerson

MOST_BYTES = 256_000_000
"""Of a file, and of what is in it when unpacked."""
_NOBODY = frozenset({"embeddings", "encodings", "vectors", "features", "faces", "known", "database", "db", "data"})
"""Names of files that are not those of a person."""
_LABELS = ("names", "labels")
_FIX = "give an array of names and one of as many vectors, or an array for each name"
_ARCHIVE_ERRORS = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, EOFError, RuntimeError, ValueError, OSError,
)  # fmt: skip
_Array = NDArray[np.generic]


def read_npz(path: Path, content: bytes) -> ImportedFile:
    """The people of a .npz file: an array for each name, or one of names and one of as many vectors.

    Raises PeopleError, and PickledError where an array is a pickle.
    """
    arrays = dict(_members(path, content))
    texts = [array for array in arrays.values() if array.ndim == 1 and array.dtype.kind == "U"]
    numbers = [array for array in arrays.values() if array.ndim == 2 and array.dtype.kind == "f"]
    fits = [array for array in numbers if len(texts) == 1 and len(array) == len(texts[0])]
    if len(fits) == 1:
        return ImportedFile(people=tuple(_named(texts[0], fits[0])))
    if texts or not arrays:
        raise PeopleError(f"{path}: no names with vectors found in it", fix=_FIX)
    return ImportedFile(people=tuple(_by_name(arrays)))


def read_npy(path: Path, content: bytes) -> ImportedFile:
    """The people of a .npy file: of the names in a file beside it, or of one person after whom the file is named.

    Raises PeopleError, and PickledError where it is a pickle.
    """
    besides = [each for name in _LABELS if (each := path.with_name(f"{name}.npy")).is_file() and each != path]
    objects = Pickled.NAMES if path.stem in _LABELS else Pickled.ROWS if besides else Pickled.NUMPY
    array = _array(path, content, path.name, objects)
    if path.stem not in _LABELS:
        for beside in besides:
            labels = _array(beside, _content(beside), beside.name, Pickled.NAMES)
            if labels.dtype.kind == "U" and labels.ndim == 1 and array.ndim == 2 and len(labels) == len(array):
                return ImportedFile(people=tuple(_named(labels, array)))
    stem = path.stem.casefold()
    if array.dtype.kind == "U":
        raise PeopleError(f"{path}: texts, no vectors", fix="give the file of the vectors; the names lie beside it")
    if stem in _NOBODY or stem.removeprefix("known_").removeprefix("face_") in _NOBODY:
        raise PeopleError(f"{path}: vectors without names", fix="put names.npy beside it, or name it after its person")
    return ImportedFile(people=tuple(_by_name({path.stem: array})))


def _named(names: _Array, vectors: _Array) -> Iterator[ImportedPerson]:
    by_name: dict[str, list[object]] = {}
    for name, vector in zip(names.tolist(), vectors, strict=True):
        by_name.setdefault(str(name), []).append(vector)
    for name, rows in by_name.items():
        yield ImportedPerson(name=name, keys=(name,), vectors=tuple(rows))


def _by_name(arrays: Mapping[str, _Array]) -> Iterator[ImportedPerson]:
    for name, array in arrays.items():
        yield ImportedPerson(
            name=name, keys=(name,), vectors=tuple(np.atleast_2d(array)) if array.ndim < 3 else (array,)
        )


def _members(path: Path, content: bytes) -> Iterator[tuple[str, _Array]]:
    """The arrays of a .npz file, by name."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = archive.infolist()
            if any(info.filename.endswith(".pkl") for info in infos):
                raise PickledError(path, Pickled.TORCH)
            if sum(info.file_size for info in infos) > MOST_BYTES:
                raise PeopleError(f"{path}: it unpacks to more than {MOST_BYTES // 10**6} MB", fix="divide the file")
            for info in infos:
                if info.filename.endswith(".npy"):
                    yield info.filename.removesuffix(".npy"), _array(path, archive.read(info), info.filename)
    except _ARCHIVE_ERRORS as error:
        raise PeopleError(f"{path}: damaged, or not a .npz file ({error})", fix="export it again") from error


def _array(path: Path, content: bytes, name: str, objects: Pickled = Pickled.NUMPY) -> _Array:
    """The array of a .npy file, of numbers or texts. objects: what it is where it holds objects."""
    try:
        array = read_array(content)
    except PickledArrayError as error:
        raise PickledError(path, objects) from error
    except ValueError as error:
        place = str(path) if name == path.name else f"{path}: {name}"
        raise PeopleError(f"{place}: {error}", fix="export it again") from error
    if array.dtype.kind not in "fiuU":
        raise PeopleError(f"{path}: {name} is no array of numbers or texts", fix="export it again")
    return array


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise PeopleError(f"{path}: more than {MOST_BYTES // 10**6} MB", fix="divide the file")
        return path.read_bytes()
    except OSError as error:
        raise PeopleError(f"{path}: cannot be read ({error.strerror})", fix="make the file readable") from error
