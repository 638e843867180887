"""Networks by the name that `--network` gives, and what their vectors are like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from config.errors import ModelError
from models.catalog import CATALOG
from tracker.identity.names import shown
from tracker.vision.embedders import EMBEDDERS, EmbedderSpec
from tracker.vision.faces import FloatArray

_LENGTHS: Mapping[str, tuple[float, float]] = MappingProxyType({"dlib_resnet": (1.1, 1.8)})
"""Lengths of the vectors of networks that do not scale them to 1; those of our pictures are between 1.33 and 1.48."""
_SAME_LENGTH = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VectorSpace:
    """The vectors of a network. lengths: of the shortest and longest; None where they are scaled to unit length."""

    embedder: EmbedderSpec
    dimension: int
    lengths: tuple[float, float] | None

    def vector(self, value: object) -> FloatArray:
        """The vector (D,) of numbers, as the network of this program makes it. Raises ValueError with the reason."""
        numbers = self._numbers(value)
        length = float(np.linalg.norm(numbers))
        if not np.isfinite(numbers).all() or not np.isfinite(length):
            raise ValueError("some of its numbers are missing or not finite")
        if not length:
            raise ValueError("all of its numbers are 0")
        if self.lengths is None:
            return (numbers / length).astype(np.float32)
        shortest, longest = self.lengths
        if abs(length - 1) < _SAME_LENGTH:
            raise ValueError(f"it was scaled to length 1, which vectors of {self.embedder.name} do not have")
        if not shortest <= length <= longest:
            raise ValueError(
                f"its length is {length:.3g}, that of vectors of {self.embedder.name} is {shortest:g} to {longest:g}"
            )
        return numbers.astype(np.float32)

    def _numbers(self, value: object) -> np.typing.NDArray[np.float64]:
        try:
            numbers = np.asarray(value, np.float64)
        except (ValueError, TypeError, OverflowError) as error:
            raise ValueError("it holds something else than numbers") from error
        if numbers.ndim != 1 or len(numbers) != self.dimension:
            got = " x ".join(map(str, numbers.shape)) or "1"
            raise ValueError(f"it has {got} numbers, vectors of {self.embedder.name} have {self.dimension}")
        return numbers


def vector_space(name: str) -> VectorSpace:
    """The vectors of the network of this name, or of this id in the store. Raises ModelError for an unknown one."""
    embedder = embedder_called(name)
    if embedder is None:
        known = ", ".join(EMBEDDERS)
        raise ModelError(f"no network is called {shown(name)}", fix=f"give one of {known}, or enrol from pictures")
    dimension = CATALOG[embedder.network].dimension
    if dimension is None:
        raise ModelError(f"{name} makes no vectors", fix="give a network that embeds faces")
    return VectorSpace(embedder=embedder, dimension=dimension, lengths=_LENGTHS.get(embedder.network))


def embedder_called(name: str) -> EmbedderSpec | None:
    """The embedder of this name, or of this id in the store; None for an unknown one."""
    wanted = name.strip().casefold()
    return next((spec for spec in EMBEDDERS.values() if wanted in (spec.name, spec.network)), None)
