"""The compiled parts of face detection, and what stands in for them where they were not compiled.

`build_hook.py` compiles `kernels.c` while Footfall is installed, if the machine has a compiler. Everything works
without: then numpy and OpenCV do the same, in about half as much time again.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SOURCE = Path(__file__).with_name("kernels.c")
LIBRARY = Path(__file__).with_name("libkernels.dll" if sys.platform == "win32" else "libkernels.so")
SWITCH = "FOOTFALL_NATIVE"
"""Environment variable: `off` leaves the compiled parts alone."""

MOST_THREADS = 8

_INTEGER, _NUMBER, _ARRAY = ctypes.c_int64, ctypes.c_double, ctypes.c_void_p
_ARGUMENTS = {
    "footfall_draw": (_ARRAY, *[_INTEGER] * 5, _ARRAY, _ARRAY, _INTEGER, _INTEGER, _ARRAY, _ARRAY),
    "footfall_cut": (_ARRAY, *[_INTEGER] * 4, _ARRAY, _INTEGER, _ARRAY, _ARRAY),
    "footfall_first": (_ARRAY, *[_INTEGER] * 3, *[_ARRAY] * 5, _INTEGER),
    "footfall_survive": (_INTEGER, _ARRAY, _ARRAY, _NUMBER, _INTEGER, _ARRAY, _ARRAY),
}
FIX = (
    "install a C compiler (Debian, Ubuntu: apt install gcc), then Footfall anew "
    "(in a checkout: pip install --no-deps -e .)"
)


class NotCompiledError(Exception):
    """There is no library that fits. The text says why; FIX says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FirstLayer:
    """The first layer of P-Net for bytes: kernel (3, 3, 3, 16) of blue green red, bias (16,), slope (16,)."""

    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]
    slope: NDArray[np.float32]

    @classmethod
    def of(cls, kernel: NDArray[np.float32], bias: NDArray[np.float32], slope: NDArray[np.float32]) -> FirstLayer:
        """kernel, bias, slope: as the network has them, for red green blue in (px - 127.5) / 128."""
        exact = kernel.astype(np.float64) / 128
        return cls(
            kernel=np.ascontiguousarray(exact[:, :, ::-1], np.float32),
            bias=(bias - 127.5 * exact.sum((0, 1, 2))).astype(np.float32),
            slope=np.ascontiguousarray(slope.reshape(-1), np.float32),
        )


class Room:
    """Memory that is used again and again: fresh memory costs as much as what is computed there."""

    def __init__(self) -> None:
        self._kept = np.empty(0, np.float32)

    def floats(self, count: int) -> NDArray[np.float32]:
        """(count,) float32 of anything."""
        if count > self._kept.size:
            self._kept = np.empty(count, np.float32)
        return self._kept[:count]


class Kernels:
    """The functions of kernels.c for arrays. Any number of threads may call them at once.

    Raises NotCompiledError when the library is missing, damaged or compiled of another source.
    """

    def __init__(self, library: Path = LIBRARY, source: Path = SOURCE) -> None:
        if not library.exists():
            raise NotCompiledError("not compiled when Footfall was installed")
        try:
            functions = ctypes.CDLL(str(library))
            compiled_of = functions.footfall_source
        except (OSError, AttributeError) as error:
            raise NotCompiledError(f"{library}: cannot be loaded ({error})") from error
        compiled_of.restype = ctypes.c_char_p
        if compiled_of().decode() != digest(source):
            raise NotCompiledError(f"{library}: was compiled of another source")
        for name, arguments in _ARGUMENTS.items():
            function = getattr(functions, name)
            function.argtypes, function.restype = arguments, None
        self._functions = functions

    def draw(
        self,
        table: NDArray[np.int32],
        origin_xy: tuple[int, int],
        corners_xy: NDArray[np.integer[Any]],
        steps_xy: NDArray[np.float64],
        size_wh: tuple[int, int],
    ) -> NDArray[np.float32]:
        """(N, height, width, 3) float32; see `tracker.vision.integral.Sums.drawn`. table: (H + 1, W + 1, 4)."""
        rows, columns = table.shape[:2]
        width, height = size_wh
        corners, steps = np.ascontiguousarray(corners_xy, np.int64), np.ascontiguousarray(steps_xy, np.float64)
        drawn = np.empty((len(corners), height, width, 3), np.float32)
        room = np.empty(11 * (width + 1))
        self._functions.footfall_draw(
            _at(table), columns, rows, *origin_xy, len(corners), _at(corners), _at(steps), width, height, _at(drawn),
            _at(room),
        )  # fmt: skip
        return drawn

    def cut(self, image: NDArray[np.uint8], boxes_xyxy: NDArray[np.floating[Any]], size: int) -> NDArray[np.float32]:
        """(N, size, size, 3) float32 of a BGR picture; see `tracker.vision.patches.cut_patches`, which takes it
        normalised. Raises ValueError where the picture is not two px wide and high, or the size below 2."""
        height, width = image.shape[:2]
        if min(width, height, size) < 2:
            raise ValueError(f"cut: expected at least 2 px, got {width}x{height} and patches of {size}")
        picture = image if image.strides[1:] == (3, 1) and image.strides[0] > 0 else np.ascontiguousarray(image)
        boxes = np.ascontiguousarray(boxes_xyxy, np.float64)
        patches = np.empty(len(boxes) * size * size * 3 + 1, np.float32)
        room = np.empty(2 * size + 3 * width + 1, np.float32)
        self._functions.footfall_cut(
            _at(picture), width, height, picture.strides[0], len(boxes), _at(boxes), size, _at(patches), _at(room)
        )
        return patches[:-1].reshape(-1, size, size, 3)

    def first(self, image: NDArray[np.uint8], layer: FirstLayer, *, threads: int, room: Room) -> NDArray[np.float32]:
        """(1, h, w, 16) float32, the map of the network `pnet_first` for a BGR picture; it lies in the room, and holds
        until that is used again. Raises ValueError where the picture is not three px wide and high."""
        height, width = image.shape[:2]
        if min(width, height) < 3:
            raise ValueError(f"first: expected at least 3 px, got {width}x{height}")
        picture = np.ascontiguousarray(image)
        rows, columns, count = (height - 1) // 2, (width - 1) // 2, min(max(threads, 1), MOST_THREADS)
        size = rows * columns * layer.bias.size
        both = room.floats(size + count * 12 * (width + 4))
        self._functions.footfall_first(
            _at(picture), width, height, 3 * width, _at(layer.kernel), _at(layer.bias), _at(layer.slope), _at(both),
            _at(both[size:]), count,
        )  # fmt: skip
        return both[:size].reshape(1, rows, columns, -1)

    def survive(
        self,
        boxes_xyxy: NDArray[np.floating[Any]],
        max_overlap: float,
        *,
        by_smaller: bool,
        groups: NDArray[np.integer[Any]] | None,
    ) -> NDArray[np.bool_]:
        """(N,) which boxes survive; see `tracker.vision.boxes.suppress`."""
        boxes = np.ascontiguousarray(boxes_xyxy, np.float64)
        of_groups = None if groups is None else np.ascontiguousarray(groups, np.int64)
        kept = np.empty(len(boxes), np.bool_)
        room = np.empty(5 * len(boxes))
        self._functions.footfall_survive(
            len(boxes), _at(boxes), None if of_groups is None else _at(of_groups), max_overlap, int(by_smaller),
            _at(kept), _at(room),
        )  # fmt: skip
        return kept


def digest(source: Path) -> str:
    """What a library says of the source that it was compiled of."""
    return hashlib.sha256(source.read_bytes()).hexdigest()


def opened() -> tuple[Kernels | None, str]:
    """The compiled parts, or None and why they are not used."""
    if os.environ.get(SWITCH, "").strip().lower() in ("off", "0", "no", "false"):
        return None, f"switched off by the environment variable {SWITCH}"
    try:
        return Kernels(), ""
    except (NotCompiledError, OSError) as error:
        return None, str(error)


def _at(array: NDArray[Any]) -> int:
    address: int = array.__array_interface__["data"][0]
    return address


KERNELS, WHY_NOT = opened()
