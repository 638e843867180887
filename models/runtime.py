"""Inference of converted networks on LiteRT: numpy in, numpy out, without TensorFlow."""

from __future__ import annotations

import os
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from config.errors import ModelError
from config.settings import Precision
from models import model_folder
from models.build import build_in_subprocess
from models.catalog import CATALOG
from models.packs import Pack, file_name

FloatArray: TypeAlias = NDArray[np.float32]
Batch: TypeAlias = NDArray[np.float32] | NDArray[np.uint8]
Shape: TypeAlias = tuple[int, ...]

_MAX_CACHED_SHAPES = 48
"""Allocated interpreters cached per network: several frame sizes with ten pyramid levels each."""
_MAX_CACHED_PIXELS = 3_000_000
"""Limit on the input pixels of all cached interpreters, which take about 190 bytes of memory per pixel."""
_MAX_BATCH = 32
_MIN_PIXELS_FOR_THREADS = 2_304
"""Input pixels below which a second thread takes longer to start than it saves."""
_DELEGATE_LOG_LINE = b"Created TensorFlow Lite XNNPACK delegate"
_STDERR = 2
_stderr_lock = threading.Lock()
_delegate_logged = threading.Event()


@dataclass(frozen=True, slots=True, eq=False)
class _Allocated:
    """An interpreter allocated for one input shape. outputs: tensor indices in the network's order."""

    interpreter: Interpreter
    input: int
    outputs: tuple[int, ...]

    def run(self, batch: Batch) -> tuple[FloatArray, ...]:
        self.interpreter.set_tensor(self.input, batch)
        self.interpreter.invoke()
        return tuple(self.interpreter.get_tensor(index) for index in self.outputs)


class Network:
    """A TFLite network. Not thread-safe: one per thread."""

    def __init__(self, path: Path, *, threads: int = 2, content: bytes | None = None) -> None:
        """Load a file written by `models.convert`, without verification; see `open_network`.

        threads: upper bound, limited to the number of processors. content: the bytes of the file if already read.
        Raises ModelError when the file cannot be read or is not a TFLite network.
        """
        if content is None:
            content = _read(path)
        self._content = content
        self._path = path
        self._threads = max(1, min(threads, os.cpu_count() or 1))
        self._allocated: OrderedDict[Shape, _Allocated] = OrderedDict()
        try:
            details = Interpreter(model_content=content).get_input_details()[0]
            signature: Shape = tuple(details["shape_signature"])
        except (ValueError, RuntimeError, IndexError) as error:
            fix = "replace it: 'footfall models add PACK --force'; one of Footfall: 'footfall models build --force'"
            raise ModelError(f"{path}: not a TFLite network", fix=fix) from error
        self.input_shape = tuple(None if size < 0 else int(size) for size in signature)
        """NHWC, None for a free dimension."""
        self.input_type: type[np.generic] = details["dtype"]
        """float32, or uint8 for a quantised network that takes pixels."""

    def run(self, batch: Batch) -> tuple[FloatArray, ...]:
        """The outputs for a batch, in the order of `NetworkSpec.outputs`, as new arrays.

        batch: NHWC of `input_type`, any N including 0, whatever N the network takes at once, any H and W where
        `input_shape` has None. Raises ValueError on another type or shape, and on images smaller than the network's
        receptive field.
        """
        self._require_shape(batch)
        if len(batch) == 0:
            one = np.zeros((1, *batch.shape[1:]), batch.dtype)
            return tuple(output[:0] for output in self.run(one))
        parts = []
        start = 0
        while start < len(batch):
            count = _power_of_two(min(len(batch) - start, self.input_shape[0] or _MAX_BATCH))
            part = batch[start : start + count]
            parts.append(self._allocated_for(part.shape).run(part))
            start += count
        return parts[0] if len(parts) == 1 else tuple(np.concatenate(outputs) for outputs in zip(*parts, strict=True))

    def _require_shape(self, batch: Batch) -> None:
        fits = batch.ndim == len(self.input_shape) and all(
            want is None or want == got for want, got in zip(self.input_shape[1:], batch.shape[1:], strict=True)
        )
        if not fits or batch.dtype != self.input_type:
            shape = " ".join("any" if size is None else str(size) for size in self.input_shape)
            kind = np.dtype(self.input_type)
            raise ValueError(f"batch: expected {kind} of shape ({shape}), got {batch.dtype} {batch.shape}")

    def _allocated_for(self, shape: Shape) -> _Allocated:
        """A cached interpreter for a shape. Resizing one for each call would add half to the time of a frame."""
        cached = self._allocated.get(shape)
        if cached is None:
            cached = self._allocate(shape)
            self._allocated[shape] = cached
            self._evict_oldest()
        else:
            self._allocated.move_to_end(shape)
        return cached

    def _evict_oldest(self) -> None:
        while len(self._allocated) > 1 and (
            len(self._allocated) > _MAX_CACHED_SHAPES or sum(map(_pixels, self._allocated)) > _MAX_CACHED_PIXELS
        ):
            self._allocated.popitem(last=False)

    def _allocate(self, shape: Shape) -> _Allocated:
        threads = self._threads if _pixels(shape) >= _MIN_PIXELS_FOR_THREADS else 1
        interpreter = Interpreter(model_content=self._content, num_threads=threads)
        index = interpreter.get_input_details()[0]["index"]
        interpreter.resize_tensor_input(index, shape, strict=True)
        try:
            with _without_delegate_log():
                interpreter.allocate_tensors()
        except RuntimeError as error:
            raise ValueError(f"batch: {self._path.name} cannot take the shape {shape}") from error
        return _Allocated(interpreter, index, _outputs(interpreter))


def _outputs(interpreter: Interpreter) -> tuple[int, ...]:
    """The tensors of the outputs: by their names, or as they come in a published file without names."""
    if not interpreter.get_signature_list():
        return tuple(each["index"] for each in interpreter.get_output_details())
    named = interpreter.get_signature_runner().get_output_details()
    return tuple(named[name]["index"] for name in sorted(named))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        fix = model_folder.build_command(path.parent)
        raise ModelError(f"{path}: cannot be read ({error.strerror})", fix=fix) from error


def open_network(name: str, *, folder: Path, precision: Precision, threads: int) -> Network:
    """A network of the catalog from a model folder, verified against its manifest.

    Raises ModelError when it is missing, truncated, altered or built by another version of Footfall.
    """
    spec = CATALOG[name]
    content = model_folder.load(folder, spec, precision)
    return Network(folder / spec.file_name(precision), threads=threads, content=content)


def open_pack(pack: Pack, *, precision: Precision, threads: int) -> Network:
    """The network of an added model pack, in that precision or the best that it has, verified by its hash.

    Raises ModelError when it is missing or altered.
    """
    chosen = pack.closest(precision)
    return Network(pack.folder / file_name(pack.name, chosen), threads=threads, content=pack.content(chosen))


def has_network(name: str, *, folder: Path, precision: Precision) -> bool:
    """Whether a model folder has a network, intact. Raises ModelError when there is none."""
    return model_folder.status(folder, CATALOG[name], precision).state is model_folder.FileState.OK


def ensure_built(
    folder: Path, precision: Precision, names: Sequence[str], *, progress: Callable[[str, float], None] | None = None
) -> None:
    """Build what is missing in the model folder of the named networks, in a child process.

    progress: called with the step and the fraction done, 0..1; without it, a progress bar is shown on stderr.
    Raises ModelError when a network is missing and TensorFlow, which converts it, is not installed, or when its weights
    cannot be downloaded.
    """
    try:
        model_folder.verify(folder, precision, names)
    except ModelError as error:
        if not model_folder.can_build(names):
            problem = f"{error.problem}, and TensorFlow, which builds them, is not installed"
            raise ModelError(problem, fix=error.fix) from error
        build_in_subprocess(folder, precisions=(precision,), names=names, progress=progress)


@contextmanager
def _without_delegate_log() -> Iterator[None]:
    """Filter the line that LiteRT logs to stderr once per process when it allocates the first network.

    LiteRT has no option for it. Other output to stderr is passed on after the block.
    """
    if _delegate_logged.is_set():
        yield
        return
    with _stderr_lock, tempfile.TemporaryFile() as buffer:
        original = _redirect_stderr(buffer.fileno())
        try:
            yield
        finally:
            _delegate_logged.set()
            if original is not None:
                os.dup2(original, _STDERR)
                os.close(original)
                buffer.seek(0)
                for line in buffer:
                    if _DELEGATE_LOG_LINE not in line:
                        os.write(_STDERR, line)


def _redirect_stderr(target: int) -> int | None:
    """Redirect stderr to another descriptor; returns the original, None where a service has no stderr."""
    try:
        original = os.dup(_STDERR)
    except OSError:
        return None
    os.dup2(target, _STDERR)
    return original


def _pixels(shape: Shape) -> int:
    count, rows, columns, _ = shape
    return count * rows * columns


def _power_of_two(count: int) -> int:
    """The largest power of two up to `count`: few distinct shapes, and no padding of batches."""
    return 1 << (count.bit_length() - 1)
