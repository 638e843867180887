"""Native kernels: the parts of face detection that are written in C.

`build_hook.py` compiles `kernels.c` when Footfall is installed, if there is a C compiler. Without it, numpy and OpenCV
compute the same results, and detection takes about 1.5 times as long.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SOURCE = Path(__file__).with_name("kernels.c")
LIBRARY = Path(__file__).with_name("libkernels.dll" if sys.platform == "win32" else "libkernels.so")
SWITCH = "FOOTFALL_NATIVE"
"""Environment variable; `off` disables the native kernels."""

MAX_THREADS = 8

_INT64, _DOUBLE, _POINTER = ctypes.c_int64, ctypes.c_double, ctypes.c_void_p
_ARGUMENTS = {
    "footfall_resample": (_POINTER, *[_INT64] * 5, _POINTER, _POINTER, _INT64, _INT64, _POINTER, _POINTER),
    "footfall_sample_patches": (_POINTER, *[_INT64] * 4, _POINTER, _INT64, _POINTER, _POINTER),
    "footfall_first_layer": (_POINTER, *[_INT64] * 3, *[_POINTER] * 5, _INT64),
    "footfall_nms": (_INT64, _POINTER, _POINTER, _DOUBLE, _INT64, _POINTER, _POINTER),
    "footfall_haar_sums": (_POINTER, _INT64, _POINTER, _POINTER, _INT64, *[_POINTER] * 11),
}
FIX = (
    "install a C compiler (Debian, Ubuntu: apt install gcc), then reinstall Footfall "
    "(in a checkout: pip install --no-deps -e .)"
)


class NotCompiledError(Exception):
    """There is no usable library. The message has the reason, FIX the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FirstLayer:
    """P-Net's first layer with the normalisation of 8-bit BGR pixels folded in.

    kernel: (3, 3, 3, 16). bias, slope: (16,).
    """

    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]
    slope: NDArray[np.float32]

    @classmethod
    def of(cls, kernel: NDArray[np.float32], bias: NDArray[np.float32], slope: NDArray[np.float32]) -> FirstLayer:
        """kernel, bias, slope: those of the network, for RGB in (px - 127.5) / 128."""
        exact = kernel.astype(np.float64) / 128
        return cls(
            kernel=np.ascontiguousarray(exact[:, :, ::-1], np.float32),
            bias=(bias - 127.5 * exact.sum((0, 1, 2))).astype(np.float32),
            slope=np.ascontiguousarray(slope.reshape(-1), np.float32),
        )


class ScratchBuffer:
    """Reused memory: allocating it for each call takes as long as the computation. Not thread-safe."""

    def __init__(self) -> None:
        self._buffer = np.empty(0, np.float32)

    def floats(self, count: int) -> NDArray[np.float32]:
        """(count,) float32, uninitialised; valid until the next call."""
        if count > self._buffer.size:
            self._buffer = np.empty(count, np.float32)
        return self._buffer[:count]


class Kernels:
    """The functions of kernels.c for numpy arrays. Thread-safe.

    Raises NotCompiledError when the library is missing, damaged or compiled from another version of the source.
    """

    def __init__(self, library: Path = LIBRARY, source: Path = SOURCE) -> None:
        if not library.exists():
            raise NotCompiledError("not compiled when Footfall was installed")
        try:
            functions = ctypes.CDLL(str(library))
            source_digest = functions.footfall_source
        except (OSError, AttributeError) as error:
            raise NotCompiledError(f"{library}: cannot be loaded ({error})") from error
        source_digest.restype = ctypes.c_char_p
        if source_digest().decode() != digest(source):
            raise NotCompiledError(f"{library}: was compiled from another version of kernels.c")
        for name, arguments in _ARGUMENTS.items():
            function = getattr(functions, name)
            function.argtypes, function.restype = arguments, None
        self._functions = functions

    def resample(
        self,
        table: NDArray[np.int32],
        origin_xy: tuple[int, int],
        corners_xy: NDArray[np.integer[Any]],
        steps_xy: NDArray[np.float64],
        size_wh: tuple[int, int],
    ) -> NDArray[np.float32]:
        """(N, height, width, 3) float32; see `tracker.vision.pyramid.IntegralImage`. table: (H + 1, W + 1, 4)."""
        rows, columns = table.shape[:2]
        width, height = size_wh
        corners, steps = np.ascontiguousarray(corners_xy, np.int64), np.ascontiguousarray(steps_xy, np.float64)
        pixels = np.empty((len(corners), height, width, 3), np.float32)
        scratch = np.empty(11 * (width + 1))
        self._functions.footfall_resample(
            _address(table), columns, rows, *origin_xy, len(corners), _address(corners), _address(steps), width, height,
            _address(pixels), _address(scratch),
        )  # fmt: skip
        return pixels

    def sample_patches(
        self, image: NDArray[np.uint8], boxes_xyxy: NDArray[np.floating[Any]], size: int
    ) -> NDArray[np.float32]:
        """(N, size, size, 3) float32, normalised, of a BGR image; see `tracker.vision.patches.sample_patches`.

        Raises ValueError when the image or the patches are less than 2 px wide or high.
        """
        height, width = image.shape[:2]
        if min(width, height, size) < 2:
            raise ValueError(f"sample_patches: expected at least 2 px, got {width}x{height} and patches of {size}")
        pixels = image if image.strides[1:] == (3, 1) and image.strides[0] > 0 else np.ascontiguousarray(image)
        boxes = np.ascontiguousarray(boxes_xyxy, np.float64)
        patches = np.empty(len(boxes) * size * size * 3 + 1, np.float32)
        scratch = np.empty(2 * size + 3 * width + 1, np.float32)
        self._functions.footfall_sample_patches(
            _address(pixels),
            width,
            height,
            pixels.strides[0],
            len(boxes),
            _address(boxes),
            size,
            _address(patches),
            _address(scratch),
        )
        return patches[:-1].reshape(-1, size, size, 3)

    def first_layer(
        self, image: NDArray[np.uint8], layer: FirstLayer, *, threads: int, scratch: ScratchBuffer
    ) -> NDArray[np.float32]:
        """(1, h, w, 16) float32: the feature map of the network `pnet_stem` for a BGR image.

        It is a view of the scratch buffer, valid until the next call. Raises ValueError when the image is less than 3
        px wide or high.
        """
        height, width = image.shape[:2]
        if min(width, height) < 3:
            raise ValueError(f"first_layer: expected at least 3 px, got {width}x{height}")
        pixels = np.ascontiguousarray(image)
        rows, columns, count = (height - 1) // 2, (width - 1) // 2, min(max(threads, 1), MAX_THREADS)
        size = rows * columns * layer.bias.size
        buffer = scratch.floats(size + count * 12 * (width + 4))
        self._functions.footfall_first_layer(
            _address(pixels), width, height, 3 * width, _address(layer.kernel), _address(layer.bias),
            _address(layer.slope), _address(buffer), _address(buffer[size:]), count,
        )  # fmt: skip
        return buffer[:size].reshape(1, rows, columns, -1)

    def nms(
        self,
        boxes_xyxy: NDArray[np.floating[Any]],
        max_overlap: float,
        *,
        by_smaller: bool,
        groups: NDArray[np.integer[Any]] | None,
    ) -> NDArray[np.bool_]:
        """(N,) True for the boxes that are kept; see `tracker.vision.boxes.nms`."""
        boxes = np.ascontiguousarray(boxes_xyxy, np.float64)
        group_ids = None if groups is None else np.ascontiguousarray(groups, np.int64)
        kept = np.empty(len(boxes), np.bool_)
        scratch = np.empty(5 * len(boxes))
        self._functions.footfall_nms(
            len(boxes), _address(boxes), None if group_ids is None else _address(group_ids), max_overlap,
            int(by_smaller), _address(kept), _address(scratch),
        )  # fmt: skip
        return kept

    def haar_sums(
        self,
        table: NDArray[np.int32],
        starts: NDArray[np.int64],
        factors: NDArray[np.float64],
        cascade: Sequence[NDArray[Any]],
    ) -> NDArray[np.float64]:
        """(N,) the sum of the last stage for each window; see `tracker.vision.haar_cascade.HaarCascade`.

        cascade: its thresholds, ends, roots, features, limits, lefts, rights and leaves, the offsets of its rectangles
        and their weights. All arrays are contiguous.
        """
        sums = np.empty(len(starts))
        self._functions.footfall_haar_sums(
            _address(table), len(starts), _address(starts), _address(factors), len(cascade[0]),
            *map(_address, cascade), _address(sums),
        )  # fmt: skip
        return sums


def digest(source: Path) -> str:
    """SHA-256 of a source file, as a library compiled from it reports it."""
    return hashlib.sha256(source.read_bytes()).hexdigest()


def load() -> tuple[Kernels | None, str]:
    """The kernels, or None and the reason why they are not used."""
    if os.environ.get(SWITCH, "").strip().lower() in ("off", "0", "no", "false"):
        return None, f"disabled by the environment variable {SWITCH}"
    try:
        return Kernels(), ""
    except (NotCompiledError, OSError) as error:
        return None, str(error)


def _address(array: NDArray[Any]) -> int:
    address: int = array.__array_interface__["data"][0]
    return address


KERNELS, UNAVAILABLE_REASON = load()
