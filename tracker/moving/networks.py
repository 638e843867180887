"""Networks by the name that `--network` gives or by the id of their vectors, and what their vectors are like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from config.errors import ModelError
from tracker.identity.names import shown
from tracker.vision.embedders import DLIB, SFACE, EmbedderSpec, known_embedders
from tracker.vision.faces import FloatArray

_UNIT = (0.95, 1.05)
"""Length of vectors that were scaled to 1, and perhaps rounded."""
_LENGTHS: Mapping[str, tuple[tuple[float, float], ...]] = MappingProxyType(
    {DLIB.network: ((1.1, 1.8),), SFACE.network: (_UNIT, (4.0, 25.0))}
)
"""Lengths of the vectors of networks, before they are scaled to 1 where the network's are.

Of a hundred faces of the demo and the test clips, bright, dark, small and blurred, those of dlib are between 1.31 and
1.52; those of SFace, as OpenCV returns them, between 7.7 and 13.6, and 4.5 for noise.
"""
_ELSEWHERE: Mapping[str, EmbedderSpec] = MappingProxyType({"dlib": DLIB})
"""What other programs call networks of the catalog."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VectorSpace:
    """The vectors of a network."""

    embedder: EmbedderSpec

    def vector(self, value: object) -> FloatArray:
        """The vector (D,) of numbers, as the network of this program makes it. Raises ValueError with the reason."""
        numbers = self._numbers(value)
        length = float(np.linalg.norm(numbers))
        if not np.isfinite(numbers).all() or not np.isfinite(length):
            raise ValueError("some of its numbers are missing or not finite")
        if not length:
            raise ValueError("all of its numbers are 0")
        self._require(length)
        scaled = self.embedder.unit_length or self.embedder is SFACE
        return (numbers / length if scaled else numbers).astype(np.float32)

    def _require(self, length: float) -> None:
        """Raises ValueError for a length that vectors of the network do not have."""
        name, ranges = self.embedder.name, _LENGTHS.get(self.embedder.network)
        if ranges is None or any(least <= length <= most for least, most in ranges):
            return
        if _UNIT[0] <= length <= _UNIT[1]:
            raise ValueError(f"it was scaled to length 1, which vectors of {name} do not have")
        usual = " or ".join("1" if each is _UNIT else f"{each[0]:g} to {each[1]:g}" for each in ranges)
        raise ValueError(f"its length is {length:.3g}, that of vectors of {name} is {usual}")

    def _numbers(self, value: object) -> np.typing.NDArray[np.float64]:
        name, dimension = self.embedder.name, self.embedder.dimension
        try:
            numbers = np.asarray(value, np.float64)
        except (ValueError, TypeError, OverflowError) as error:
            raise ValueError("it holds something else than numbers") from error
        if numbers.ndim != 1 or len(numbers) != dimension:
            got = " x ".join(map(str, numbers.shape)) or "1"
            raise ValueError(f"it has {got} numbers, vectors of {name} have {dimension}")
        return numbers


def vector_space(name: str, models: Path) -> VectorSpace:
    """The vectors of the network of this name. models: the model folder. Raises ModelError for an unknown one."""
    embedder = embedder_called(name, models)
    if embedder is None:
        names = ", ".join(spec.name for spec in known_embedders(models))
        raise ModelError(
            f"no network is called {shown(name)}",
            fix=f"give one of {names}, add a pack with 'footfall models add', or import the pictures instead",
        )
    return VectorSpace(embedder=embedder)


def space_of(network: str, models: Path) -> VectorSpace:
    """The vectors of the network of this id. Raises ModelError where that is not here, or another one has its name."""
    name = network.partition("@")[0]
    for embedder in known_embedders(models):
        if embedder.network == network:
            return VectorSpace(embedder=embedder)
        if embedder.name == name:
            raise ModelError(
                f"the vectors are of another network named {name} ({network}) than is here ({embedder.network})",
                fix="add the model pack of the other machine with 'footfall models add PACK --force'",
            )
    raise ModelError(
        f"the vectors are of the network {shown(network)}, which is not in {models}",
        fix="add the model pack of the other machine with 'footfall models add PACK'",
    )


def embedder_called(name: str, models: Path) -> EmbedderSpec | None:
    """The embedder of this name, here or elsewhere, or of this id of vectors; None for an unknown one.

    Raises ModelError.
    """
    wanted = name.strip().casefold()
    named = (spec for spec in known_embedders(models) if wanted in (spec.name.casefold(), spec.network.casefold()))
    return next(named, _ELSEWHERE.get(wanted))
