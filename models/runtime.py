"""Converted networks at work: numpy in, numpy out, without TensorFlow."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from config.errors import ModelError
from config.settings import Precision
from models import apart, greeting, manifest
from models.catalog import CATALOG

FloatArray: TypeAlias = NDArray[np.float32]
Shape: TypeAlias = tuple[int, ...]

_SHAPES_KEPT = 48
"""Allocated interpreters a network keeps at most: several frame sizes of ten pyramid levels each."""
_PIXELS_KEPT = 3_000_000
"""Input pixels of all of them together, at about 190 bytes each: ever new picture sizes must not fill the memory."""
_LARGEST_BATCH = 32
_WORTH_THREADS = 2_304
"""Input pixels below which waking a second thread takes longer than it saves."""


@dataclass(frozen=True, slots=True, eq=False)
class _Allocated:
    """One interpreter whose buffers fit one input shape. outputs: tensor indices in the network's order."""

    interpreter: Interpreter
    input: int
    outputs: tuple[int, ...]

    def run(self, batch: FloatArray) -> tuple[FloatArray, ...]:
        """One copy in, one copy out."""
        self.interpreter.set_tensor(self.input, batch)
        self.interpreter.invoke()
        return tuple(self.interpreter.get_tensor(index) for index in self.outputs)


class Network:
    """One TFLite network: numpy in, numpy out. Not thread-safe; one per thread."""

    def __init__(self, path: Path, *, threads: int = 2, content: bytes | None = None) -> None:
        """A file as `models.convert` writes it; no manifest is asked, `open_network` does that.

        threads: upper bound; never more than the machine has processors. content: the bytes of the file where they
        were read, and checked, already.
        Raises ModelError when the file cannot be read or is no such network.
        """
        if content is None:
            content = _bytes_of(path)
        self._content = content
        self._path = path
        self._threads = max(1, min(threads, os.cpu_count() or 1))
        self._allocated: OrderedDict[Shape, _Allocated] = OrderedDict()
        try:
            signature: Shape = tuple(Interpreter(model_content=content).get_input_details()[0]["shape_signature"])
        except (ValueError, RuntimeError, IndexError) as error:
            fix = manifest.build_command(path.parent, force=True)
            raise ModelError(f"{path}: not a TFLite network", fix=fix) from error
        self.input_shape = tuple(None if size < 0 else int(size) for size in signature)
        """NHWC, None where any size goes."""

    def run(self, batch: FloatArray) -> tuple[FloatArray, ...]:
        """The outputs for a batch, in the order of `NetworkSpec.outputs`; the arrays are the caller's own.

        batch: float32 NHWC, any N (0 too), any H and W where `input_shape` says None. Rows do not influence each
        other. Raises ValueError on another type or shape, and on a picture smaller than the network's field.
        """
        self._require_fit(batch)
        if len(batch) == 0:
            one = np.zeros((1, *batch.shape[1:]), np.float32)
            return tuple(output[:0] for output in self.run(one))
        parts = []
        start = 0
        while start < len(batch):
            count = _largest_power(min(len(batch) - start, _LARGEST_BATCH))
            part = batch[start : start + count]
            parts.append(self._for_shape(part.shape).run(part))
            start += count
        return parts[0] if len(parts) == 1 else tuple(np.concatenate(outputs) for outputs in zip(*parts, strict=True))

    def _require_fit(self, batch: FloatArray) -> None:
        fits = batch.ndim == len(self.input_shape) and all(
            want is None or want == got for want, got in zip(self.input_shape[1:], batch.shape[1:], strict=True)
        )
        if not fits or batch.dtype != np.float32:
            shape = " ".join("any" if size is None else str(size) for size in self.input_shape)
            raise ValueError(f"batch: expected float32 of shape ({shape}), got {batch.dtype} {batch.shape}")

    def _for_shape(self, shape: Shape) -> _Allocated:
        """The interpreter for a shape. Resizing one again and again would cost a third of a frame's time."""
        kept = self._allocated.get(shape)
        if kept is None:
            kept = self._allocate(shape)
            self._allocated[shape] = kept
            self._forget_oldest()
        else:
            self._allocated.move_to_end(shape)
        return kept

    def _forget_oldest(self) -> None:
        while len(self._allocated) > 1 and (
            len(self._allocated) > _SHAPES_KEPT or sum(map(_pixels, self._allocated)) > _PIXELS_KEPT
        ):
            self._allocated.popitem(last=False)

    def _allocate(self, shape: Shape) -> _Allocated:
        threads = self._threads if _pixels(shape) >= _WORTH_THREADS else 1
        interpreter = Interpreter(model_content=self._content, num_threads=threads)
        index = interpreter.get_input_details()[0]["index"]
        interpreter.resize_tensor_input(index, shape, strict=True)
        try:
            with greeting.unheard():
                interpreter.allocate_tensors()
        except RuntimeError as error:
            raise ValueError(f"batch: {self._path.name} cannot take the shape {shape}") from error
        named = interpreter.get_signature_runner().get_output_details()
        outputs = tuple(named[name]["index"] for name in sorted(named))
        return _Allocated(interpreter, index, outputs)


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        fix = manifest.build_command(path.parent)
        raise ModelError(f"{path}: cannot be read ({error.strerror})", fix=fix) from error


def open_network(name: str, *, folder: Path, precision: Precision, threads: int) -> Network:
    """A network of the catalog from a model folder; the bytes that run are the bytes that were checked.

    Raises ModelError when it is missing, cut short, altered or built by another version of Footfall.
    """
    spec = CATALOG[name]
    content = manifest.load(folder, spec, precision)
    return Network(folder / spec.file_name(precision), threads=threads, content=content)


def ensure_built(folder: Path, precision: Precision, *, progress: Callable[[str, float], None] | None = None) -> None:
    """Make the folder whole at first need: nothing when it is, else a build in a process of its own.

    progress: called with step and part done, 0..1; without it a bar is drawn on stderr.
    Raises ModelError when the folder is not whole and the packages that building needs are not installed.
    """
    try:
        manifest.verify(folder, precision)
    except ModelError as error:
        apart.require_packages(error)
        apart.build_apart(folder, precisions=(precision,), progress=progress)


def _pixels(shape: Shape) -> int:
    count, rows, columns, _ = shape
    return count * rows * columns


def _largest_power(count: int) -> int:
    """The largest power of two that is not above `count`: few shapes, and no row is computed for nothing."""
    return 1 << (count.bit_length() - 1)
