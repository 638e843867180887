"""Face embeddings on LiteRT."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from config.settings import Precision
from models.runtime import open_network
from tracker.vision.embedders import EmbedderSpec
from tracker.vision.faces import FloatArray


class Embedder:
    """128-D vectors of aligned faces. Not thread-safe: one per thread.

    Raises ModelError when the network is missing or damaged.
    """

    dimension = 128

    def __init__(self, spec: EmbedderSpec, *, folder: Path, precision: Precision, threads: int) -> None:
        self.spec = spec
        self._network = open_network(spec.network, folder=folder, precision=precision, threads=threads)

    def embed(self, chips: NDArray[np.uint8]) -> FloatArray:
        """(N, 128) float32, one row per chip; N may be 0.

        chips: (N, side, side, 3) uint8 RGB, as returned by `align` for the layout of the embedder. Raises ValueError
        on anything else.
        """
        side = self.spec.chip.side
        if chips.dtype != np.uint8 or chips.shape[1:] != (side, side, 3):
            raise ValueError(f"chips: expected uint8 (N, {side}, {side}, 3), got {chips.dtype} {chips.shape}")
        vectors = np.empty((len(chips), self.dimension), np.float32)
        for start in range(0, len(chips), self.spec.batch):
            rows = slice(start, start + self.spec.batch)
            vectors[rows] = self._network.run(chips[rows].astype(np.float32))[0]
        return vectors
