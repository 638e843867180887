"""The faces we know, as vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tracker.vision.faces import FloatArray

DIMENSION = 128
_CACHE_LINE = 64


@dataclass(frozen=True, slots=True, eq=False)
class Gallery:
    """Vectors and whose they are, the rows of one person side by side.

    vectors: (N, D) float32, as the network gives them. person_ids: one a row. Rows may come in any order; they are
    kept grouped, people in the order of their first row. limits: by person_id the greatest distance at which a face is
    theirs, where it differs from the setting. negatives: faces that are not the person under whose id they stand.
    people: each person once. starts: (P + 1,) first row of each, then N. owners: (N,) place in `people` of each row's
    person. halves: (N,) half the square of each vector's length.
    Raises ValueError when the shapes do not fit or a number is not finite.
    """

    vectors: FloatArray
    person_ids: tuple[str, ...]
    limits: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    negatives: Gallery | None = None
    people: tuple[str, ...] = field(init=False)
    starts: NDArray[np.intp] = field(init=False)
    owners: NDArray[np.int32] = field(init=False)
    halves: FloatArray = field(init=False)

    def __post_init__(self) -> None:
        vectors = np.asarray(self.vectors, np.float32)
        if vectors.ndim != 2 or len(vectors) != len(self.person_ids):
            raise ValueError(f"vectors: expected ({len(self.person_ids)}, D), got {vectors.shape}")
        if not np.isfinite(vectors).all():
            raise ValueError("vectors: expected finite numbers")
        people = tuple(dict.fromkeys(self.person_ids))
        place = {person_id: index for index, person_id in enumerate(people)}
        codes = np.array([place[person_id] for person_id in self.person_ids], np.intp)
        order = np.argsort(codes, kind="stable")
        grouped = _aligned(vectors.shape)
        np.take(vectors, order, axis=0, out=grouped)
        object.__setattr__(self, "vectors", grouped)
        object.__setattr__(self, "person_ids", tuple(self.person_ids[row] for row in order))
        object.__setattr__(self, "people", people)
        object.__setattr__(self, "starts", np.searchsorted(codes[order], np.arange(len(people) + 1)))
        object.__setattr__(self, "owners", codes[order].astype(np.int32))
        object.__setattr__(self, "halves", np.einsum("nd,nd->n", grouped, grouped) / 2)

    def __len__(self) -> int:
        return len(self.person_ids)

    @classmethod
    def empty(cls, dimension: int = DIMENSION) -> Self:
        """Nobody."""
        return cls(np.empty((0, dimension), np.float32), ())

    @classmethod
    def of(cls, vectors: FloatArray, person_ids: Sequence[str]) -> Self:
        """From rows as the store keeps them."""
        return cls(vectors, tuple(person_ids))

    def with_person(self, person_id: str, vectors: FloatArray) -> Self:
        """The same with (K, D) more vectors of one person, known or new."""
        stacked = np.concatenate([self.vectors, vectors])
        return replace(self, vectors=stacked, person_ids=self.person_ids + (person_id,) * len(vectors))

    def without(self, person_id: str) -> Self:
        """The same less one person; an unknown id changes nothing."""
        kept = [row for row, owner in enumerate(self.person_ids) if owner != person_id]
        return replace(self, vectors=self.vectors[kept], person_ids=tuple(self.person_ids[row] for row in kept))

    def with_exceptions(self, limits: Mapping[str, float], negatives: FloatArray, person_ids: Sequence[str]) -> Self:
        """The same with limits of single people and faces that are not somebody: (M, D), whom not in person_ids."""
        denied = Gallery.of(negatives, person_ids) if len(negatives) else None
        return replace(self, limits=MappingProxyType(dict(limits)), negatives=denied)

    def rows_of(self, person: int) -> slice:
        """The rows of the person of that place in `people`."""
        return slice(self.starts.item(person), self.starts.item(person + 1))


def _aligned(shape: tuple[int, int]) -> FloatArray:
    """An empty array that begins where a line of the processor's cache does; products with it take a sixth less."""
    count = shape[0] * shape[1]
    room = np.empty(count + _CACHE_LINE // 4, np.float32)
    start = -room.ctypes.data % _CACHE_LINE // 4
    return room[start : start + count].reshape(shape)
