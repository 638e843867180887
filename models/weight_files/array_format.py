"""An array in NumPy's format (.npy), read without pickles and without believing the size in its header."""

from __future__ import annotations

import io
import math
from tokenize import TokenError

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_DAMAGED = (ValueError, KeyError, TypeError, SyntaxError, TokenError, RecursionError, MemoryError)
"""What numpy raises for a damaged header, which is a literal of Python."""
_LAST_CHARACTER = 0x10FFFF


class PickledArrayError(ValueError):
    """An array of Python objects, which are a pickle."""


def read_array(content: bytes) -> NDArray[np.generic]:
    """The array of a .npy file, of any type but Python objects.

    Raises PickledArrayError for those, and ValueError where the content is damaged, or not as long as its header says.
    """
    stream = io.BytesIO(content)
    try:
        shape, columns_first, dtype = _HEADERS[npy.read_magic(stream)](stream)
    except _DAMAGED as error:
        raise ValueError(f"not an array of numpy ({error})") from error
    if dtype.hasobject:
        raise PickledArrayError("holds Python objects, which are not read")
    data = content[stream.tell() :]
    if not dtype.itemsize or any(side < 0 for side in shape):
        raise ValueError(f"not an array of numpy (shape {shape}, type {dtype})")
    if len(data) != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"truncated, {len(data)} bytes for the shape {shape}")
    if dtype.kind == "U" and (np.frombuffer(data, dtype.str[0] + "u4") > _LAST_CHARACTER).any():
        raise ValueError("a text with a character that there is not")
    try:
        return np.frombuffer(data, dtype).reshape(shape, order="F" if columns_first else "C")
    except ValueError as error:  # more dimensions than numpy has
        raise ValueError(f"not an array of numpy ({error})") from error
