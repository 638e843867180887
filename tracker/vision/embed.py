"""Face embeddings by dlib's face recognition network on LiteRT."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from config.settings import Precision
from models.runtime import open_network
from tracker.vision.align import CHIP_SIDE
from tracker.vision.faces import FloatArray

_MAX_BATCH = 8
"""Larger batches exceed the processor's cache and take longer per face."""


class Embedder:
    """128-D vectors of aligned faces. Not thread-safe: one per thread.

    A Euclidean distance below 0.6 suggests the same person; the vectors are not of unit length.
    Raises ModelError when the network is missing or damaged.
    """

    dimension: ClassVar[int] = 128

    def __init__(self, *, folder: Path, precision: Precision, threads: int) -> None:
        self._network = open_network("dlib_resnet", folder=folder, precision=precision, threads=threads)

    def embed(self, chips: NDArray[np.uint8]) -> FloatArray:
        """(N, 128) float32, one row per chip; N may be 0.

        chips: (N, 150, 150, 3) uint8 RGB, as returned by `align`. Raises ValueError on anything else.
        """
        if chips.dtype != np.uint8 or chips.shape[1:] != (CHIP_SIDE, CHIP_SIDE, 3):
            raise ValueError(f"chips: expected uint8 (N, {CHIP_SIDE}, {CHIP_SIDE}, 3), got {chips.dtype} {chips.shape}")
        vectors = np.empty((len(chips), self.dimension), np.float32)
        for start in range(0, len(chips), _MAX_BATCH):
            rows = slice(start, start + _MAX_BATCH)
            vectors[rows] = self._network.run(chips[rows].astype(np.float32))[0]
        return vectors
