"""Limits on what is read from a weight file, which may claim any size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from config.errors import ModelError

FloatArray = NDArray[np.float32]

MAX_BYTES = 1 << 30
"""Of one file and of the arrays in it; published networks that embed faces have up to 250 MB."""


def require_size(name: str, size: int) -> None:
    """Raises ModelError where a file, or what it unpacks to, is larger than any network that embeds faces."""
    if size > MAX_BYTES:
        problem = f"{name}: {size / 1e9:.1f} GB, more than weights of a network that embeds faces have"
        raise ModelError(problem, fix="give a file of weights alone, without the state of an optimiser")
