"""The gallery: face vectors of known people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tracker.vision.faces import FloatArray

_CACHE_LINE = 64
NO_VECTORS: FloatArray = np.empty((0, 0), np.float32)
"""(0, 0): of no network."""


@dataclass(frozen=True, slots=True, eq=False)
class Gallery:
    """Vectors with their person ids, grouped by person.

    vectors: (N, D) float32, as returned by the network. person_ids: one per row. Rows may be given in any order; they
    are grouped, with people in the order of their first row. limits: by person_id, maximum match distances that differ
    from the setting. negatives: vectors of faces that are known not to be the person of their id.
    people: the distinct ids. starts: (P + 1,) first row of each person, then N. owners: (N,) index in `people` of each
    row. halves: (N,) half of each vector's squared norm.
    Raises ValueError when the shapes do not match or a value is not finite.
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
        index_of = {person_id: index for index, person_id in enumerate(people)}
        codes = np.array([index_of[person_id] for person_id in self.person_ids], np.intp)
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
    def empty(cls) -> Self:
        """A gallery without vectors, which takes those of any network."""
        return cls(NO_VECTORS, ())

    @classmethod
    def of(cls, vectors: FloatArray, person_ids: Sequence[str]) -> Self:
        """A gallery of the store's rows."""
        return cls(vectors, tuple(person_ids))

    def with_person(self, person_id: str, vectors: FloatArray) -> Self:
        """The gallery with (K, D) more vectors of a known or new person."""
        return self.with_rows(vectors, (person_id,) * len(vectors))

    def with_rows(self, vectors: FloatArray, person_ids: Sequence[str]) -> Self:
        """The gallery with (K, D) more vectors of known or new people, one id per row."""
        parts = [rows for rows in (self.vectors, vectors) if len(rows)]
        stacked = np.concatenate(parts) if parts else NO_VECTORS
        return replace(self, vectors=stacked, person_ids=(*self.person_ids, *person_ids))

    def without(self, person_id: str) -> Self:
        """The gallery without a person; an unknown id is ignored."""
        if person_id not in self.people:
            return self
        kept = [row for row, owner in enumerate(self.person_ids) if owner != person_id]
        return replace(self, vectors=self.vectors[kept], person_ids=tuple(self.person_ids[row] for row in kept))

    def with_exceptions(self, limits: Mapping[str, float], negatives: FloatArray, person_ids: Sequence[str]) -> Self:
        """The gallery with limits and negatives: (M, D) vectors known not to be the person of their id."""
        excluded = Gallery.of(negatives, person_ids) if len(negatives) else None
        return replace(self, limits=MappingProxyType(dict(limits)), negatives=excluded)

    def rows_of(self, person: int) -> slice:
        """The rows of the person with that index in `people`."""
        return slice(self.starts.item(person), self.starts.item(person + 1))


def _aligned(shape: tuple[int, int]) -> FloatArray:
    """An uninitialised array aligned to a cache line; products with it take a sixth less time."""
    count = shape[0] * shape[1]
    buffer = np.empty(count + _CACHE_LINE // 4, np.float32)
    start = -buffer.ctypes.data % _CACHE_LINE // 4
    return buffer[start : start + count].reshape(shape)
