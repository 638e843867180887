"""Face embeddings on LiteRT."""

from __future__ import annotations

import logging
import math
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from config.settings import Precision
from models.catalog import Pixels
from models.runtime import Network, open_network, open_pack
from tracker.vision.embedders import EmbedderSpec
from tracker.vision.faces import FloatArray

log = logging.getLogger("footfall.models")


class Embedder:
    """Vectors of aligned faces. Not thread-safe: one per thread.

    dimension: length of the vectors. Raises ModelError when the network is missing or damaged.
    """

    def __init__(self, spec: EmbedderSpec, *, folder: Path, precision: Precision, threads: int) -> None:
        self.spec = spec
        self._network: Network
        if spec.pack is None:
            self._network = open_network(spec.network, folder=folder, precision=precision, threads=threads)
        else:
            self._network = open_pack(spec.pack, precision=precision, threads=threads)
        self.dimension = spec.dimension
        self._warned = False

    def embed(self, chips: NDArray[np.uint8]) -> FloatArray:
        """(N, dimension) float32, one row per chip; N may be 0. Of unit length where the network's distance is cosine.

        A row is NaN throughout where the network gives NaN, infinity, or a vector without a direction; the first one is
        warned of. chips: (N, side, side, 3) uint8 RGB, as returned by `cut` for the layout of the embedder. Raises
        ValueError on anything else.
        """
        side = self.spec.chip.side
        if chips.dtype != np.uint8 or chips.shape[1:] != (side, side, 3):
            raise ValueError(f"chips: expected uint8 (N, {side}, {side}, 3), got {chips.dtype} {chips.shape}")
        vectors = np.empty((len(chips), self.dimension), np.float32)
        batch = self.spec.embedding.batch
        for start in range(0, len(chips), batch):
            rows = slice(start, start + batch)
            vectors[rows] = self._network.run(as_input(chips[rows], self.spec.pixels))[0]
        if self.spec.unit_length:
            with np.errstate(invalid="ignore"):  # a vector of zeros becomes NaN
                vectors /= np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
        faulty = ~has_vector(vectors)
        if faulty.any():
            vectors[faulty] = np.nan
            self._warn()
        return vectors

    def _warn(self) -> None:
        if not self._warned:
            self._warned = True
            log.warning("%s gives no finite vector for some faces; they are not used", self.spec.name)


def has_vector(vectors: FloatArray) -> NDArray[np.bool_]:
    """(N,) which of the vectors (N, D) are finite."""
    return np.asarray(np.isfinite(vectors).all(axis=1))


def as_input(images: NDArray[np.uint8], pixels: Pixels) -> FloatArray:
    """(N, H, W, 3) float32, or (N, H, W, 1) in grey, as a network takes images. images: (N, H, W, 3) uint8 RGB."""
    values = _in_order(images, pixels.channels).astype(np.float32)
    if pixels.whitened:
        axes = (1, 2, 3)
        mean = values.mean(axis=axes, keepdims=True, dtype=np.float64).astype(np.float32)
        spread = values.std(axis=axes, keepdims=True, dtype=np.float64).astype(np.float32)
        least = np.float32(1 / math.sqrt(math.prod(values.shape[1:])))
        whitened: FloatArray = (values - mean) / np.maximum(spread, least)
        return whitened
    if pixels.offset:
        values -= np.float32(pixels.offset)
    if pixels.divisor != 1:
        values /= np.float32(pixels.divisor)
    return values


def _in_order(images: NDArray[np.uint8], channels: str) -> NDArray[np.uint8]:
    """RGB images with other channels."""
    if channels != "grey":
        return images if channels == "RGB" else images[..., ::-1]
    grey = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in images]
    return np.array(grey, np.uint8).reshape(*images.shape[:3], 1)
