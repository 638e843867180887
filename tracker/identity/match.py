"""Matching: the nearest person of the gallery, and whether the distance is small enough."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

import numpy as np

from config.recognition import MatchSettings
from tracker.identity.gallery import Gallery
from tracker.vision.faces import FloatArray

_MAX_PRODUCTS = 1 << 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearest:
    """The nearest person of a gallery.

    distance: Euclidean, to the nearest of the person's vectors. margin: difference to the distance of the next person
    or of the nearest negative of this person; infinite without either. limit: the person's own maximum distance, None
    where the setting applies. excluded: everybody has a negative nearer than any own vector; this is the nearest of
    them, with a negative margin. confidence: of a rule that ranked the people within their limits, 0..1, against the
    next person, None where the margin decides. Such a rule may name somebody who is not the nearest; then the margin is
    negative.
    """

    person_id: str
    distance: float
    margin: float
    limit: float | None = None
    excluded: bool = False
    confidence: float | None = None

    def limit_by(self, settings: MatchSettings) -> float:
        """The maximum distance of a match."""
        return settings.max_distance if self.limit is None else self.limit

    def within(self, settings: MatchSettings) -> bool:
        """Whether the distance is within the limit, regardless of the margin."""
        return self.distance <= self.limit_by(settings)

    def is_clear(self, settings: MatchSettings) -> bool:
        """Whether it is this person rather than the next one, regardless of the distance."""
        if self.confidence is None:
            return self.margin >= settings.min_margin
        return self.confidence >= settings.min_confidence


class Verdict(StrEnum):
    """Verdict on one face. UNSURE: between match and stranger, or too close to call between two people."""

    MATCH = "match"
    STRANGER = "stranger"
    UNSURE = "unsure"


def distances(gallery: Gallery, vectors: FloatArray) -> FloatArray:
    """(Q, P) float32: distance of each of Q vectors (Q, D) to the nearest vector of each of P people.

    Accurate to about 1e-3 close to zero and 1e-5 elsewhere. Raises ValueError on another dimension or on NaN.
    """
    _require_dimension(gallery, vectors)
    _require_finite(vectors)
    found = np.empty((len(vectors), len(gallery.people)), np.float32)
    if not found.size:
        return found
    step = max(1, _MAX_PRODUCTS // len(gallery))
    for start in range(0, len(vectors), step):
        part = vectors[start : start + step]
        squared = _squared(gallery, part)
        found[start : start + step] = np.sqrt(np.minimum.reduceat(squared, gallery.starts[:-1], axis=1))
    return found


def nearest(gallery: Gallery, vectors: FloatArray) -> list[Nearest | None]:
    """The nearest person for each of (Q, D) vectors; None where the gallery is empty.

    People with a negative nearer than any own vector are skipped. Raises ValueError on another dimension or on NaN.
    """
    _require_dimension(gallery, vectors)
    if not gallery.people:
        _require_finite(vectors)
        return [None] * len(vectors)
    negatives = gallery.negatives
    negative_distances = [{}] * len(vectors) if negatives is None else _negative_distances(gallery, negatives, vectors)
    if len(vectors) == 1:  # the usual case; faster than a matrix product
        return [_nearest_of(gallery, vectors[0], gallery.vectors.dot(vectors[0]), negative_distances[0])]
    found: list[Nearest | None] = []
    step = max(1, _MAX_PRODUCTS // len(gallery))
    for start in range(0, len(vectors), step):
        part = vectors[start : start + step]
        products = part @ gallery.vectors.T
        found += map(partial(_nearest_of, gallery), part, products, negative_distances[start : start + step])
    return found


def classify(found: Nearest | None, settings: MatchSettings) -> Verdict:
    """The verdict on a face. Without anybody to compare with, it is a stranger.

    A match is within the limit and clear. A person's own limit replaces `max_distance`; strangers start at
    `stranger_distance`, never below that limit.
    """
    if found is None or found.excluded:
        return Verdict.STRANGER
    if found.within(settings):
        return Verdict.MATCH if found.is_clear(settings) else Verdict.UNSURE
    return Verdict.STRANGER if found.distance > settings.stranger_distance else Verdict.UNSURE


def _negative_distances(gallery: Gallery, negatives: Gallery, vectors: FloatArray) -> list[dict[int, float]]:
    """For each vector, by index in `gallery.people`, the distance of the person's nearest negative."""
    index_of = {person_id: index for index, person_id in enumerate(gallery.people)}
    columns = [column for column, person_id in enumerate(negatives.people) if person_id in index_of]
    people = [index_of[negatives.people[column]] for column in columns]
    measured = distances(negatives, vectors)[:, columns].tolist()
    return [dict(zip(people, row, strict=True)) for row in measured]


def _nearest_of(
    gallery: Gallery, vector: FloatArray, products: FloatArray, negative_distances: dict[int, float]
) -> Nearest:
    """The nearest person without a nearer negative, with exact distances.

    products: (N,) of the vector with each row; overwritten. negative_distances: see `_negative_distances`.
    """
    closeness = np.subtract(products, gallery.halves, out=products)
    excluded = _excluded(gallery, vector, closeness, negative_distances) if negative_distances else []
    every = len(excluded) == len(gallery.people)
    if excluded and not every:
        for person in excluded:
            closeness[gallery.rows_of(person)] = -math.inf
    person, distance, rival_distance = _best_two(gallery, vector, closeness)
    if not math.isfinite(distance):  # the gallery is finite; cheaper than checking every vector
        _require_finite(vector)
    person_id = gallery.people[person]
    return Nearest(
        person_id=person_id,
        distance=distance,
        margin=min(rival_distance, negative_distances.get(person, math.inf)) - distance,
        limit=gallery.limits.get(person_id),
        excluded=every,
    )


def _best_two(gallery: Gallery, vector: FloatArray, closeness: FloatArray) -> tuple[int, float, float]:
    """Index and exact distance of the nearest person, and the exact distance of the next (infinite without one)."""
    person = gallery.owners.item(closeness.argmax())
    own = gallery.rows_of(person)
    closeness[own] = -math.inf
    row = closeness.argmax()
    rival = gallery.owners.item(row)
    rival_rows = gallery.rows_of(rival) if closeness.item(row) > -math.inf else slice(0)
    differences = np.concatenate((gallery.vectors[own], gallery.vectors[rival_rows]), dtype=np.float64)
    differences -= vector
    squares, count = np.vecdot(differences, differences).tolist(), own.stop - own.start
    distance, other = math.sqrt(min(squares[:count])), math.sqrt(min(squares[count:], default=math.inf))
    return (person, distance, other) if distance <= other else (rival, other, distance)


def _excluded(
    gallery: Gallery, vector: FloatArray, closeness: FloatArray, negative_distances: dict[int, float]
) -> list[int]:
    """Indices of people with a negative nearer than any own vector, at the accuracy of `distances`."""
    square = float(vector.dot(vector))
    best = {person: float(closeness[gallery.rows_of(person)].max()) for person in negative_distances}
    return [
        person
        for person, distance in negative_distances.items()
        if distance < math.sqrt(max(square - 2 * best[person], 0.0))
    ]


def _squared(gallery: Gallery, vectors: FloatArray) -> FloatArray:
    squares = np.einsum("qd,qd->q", vectors, vectors)[:, None]
    found: FloatArray = np.maximum(squares + 2 * (gallery.halves - vectors @ gallery.vectors.T), 0)
    return found


def _require_dimension(gallery: Gallery, vectors: FloatArray) -> None:
    if vectors.ndim != 2 or (len(vectors) and gallery.people and vectors.shape[1] != gallery.vectors.shape[1]):
        raise ValueError(f"vectors: expected (Q, {gallery.vectors.shape[1]}), got {vectors.shape}")


def _require_finite(vectors: FloatArray) -> None:
    if not np.isfinite(vectors).all():
        raise ValueError("vectors: expected finite numbers")
