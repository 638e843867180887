"""Who in the gallery comes nearest, and whether that is near enough."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

import numpy as np

from config.settings import MatchSettings
from tracker.identity.gallery import Gallery
from tracker.vision.faces import FloatArray

_PRODUCTS_AT_ONCE = 1 << 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearest:
    """The nearest person of a gallery.

    distance: Euclidean, to the nearest of the person's vectors. margin: how much farther the nearest other person is,
    or the nearest face marked as not this person; infinite where there is neither. limit: the person's own greatest
    distance, None where the setting holds. denied: everybody is out of question because a face marked as not theirs is
    nearer; this is the nearest of them, and the margin is negative.
    """

    person_id: str
    distance: float
    margin: float
    limit: float | None = None
    denied: bool = False

    def limit_by(self, settings: MatchSettings) -> float:
        """The greatest distance at which a face is this person's."""
        return settings.max_distance if self.limit is None else self.limit

    def within(self, settings: MatchSettings) -> bool:
        """Near enough to be the person, were there nobody else."""
        return self.distance <= self.limit_by(settings)


class Verdict(StrEnum):
    """What one face says. UNSURE: too far for a match and too near for a stranger, or torn between two people."""

    MATCH = "match"
    STRANGER = "stranger"
    UNSURE = "unsure"


def distances(gallery: Gallery, vectors: FloatArray) -> FloatArray:
    """(Q, P) float32: from each of Q vectors (Q, D) to the nearest vector of each of the gallery's P people.

    Good to about 1e-3 close to zero and 1e-5 elsewhere. Raises ValueError on another dimension or on NaN.
    """
    _require_dimension(gallery, vectors)
    _require_finite(vectors)
    found = np.empty((len(vectors), len(gallery.people)), np.float32)
    if not found.size:
        return found
    step = max(1, _PRODUCTS_AT_ONCE // len(gallery))
    for start in range(0, len(vectors), step):
        part = vectors[start : start + step]
        squared = _squared(gallery, part)
        found[start : start + step] = np.sqrt(np.minimum.reduceat(squared, gallery.starts[:-1], axis=1))
    return found


def nearest(gallery: Gallery, vectors: FloatArray) -> list[Nearest | None]:
    """For each of (Q, D) vectors the nearest person; None where the gallery is empty.

    Whoever has a negative nearer than any own vector is passed over. Raises ValueError on another dimension or on NaN.
    """
    _require_dimension(gallery, vectors)
    if not gallery.people:
        _require_finite(vectors)
        return [None] * len(vectors)
    negatives = gallery.negatives
    against = [{}] * len(vectors) if negatives is None else _against(gallery, negatives, vectors)
    if len(vectors) == 1:  # the usual case; a product of matrices takes longer for one row
        return [_nearest_of(gallery, vectors[0], gallery.vectors.dot(vectors[0]), against[0])]
    found: list[Nearest | None] = []
    step = max(1, _PRODUCTS_AT_ONCE // len(gallery))
    for start in range(0, len(vectors), step):
        part = vectors[start : start + step]
        products = part @ gallery.vectors.T
        found += map(partial(_nearest_of, gallery), part, products, against[start : start + step])
    return found


def judge(found: Nearest | None, settings: MatchSettings) -> Verdict:
    """What the nearest person means. Nobody to compare with makes a stranger.

    A person's own limit moves where a match ends; a stranger begins at `stranger_distance`, never before that limit.
    """
    if found is None or found.denied:
        return Verdict.STRANGER
    if found.within(settings):
        return Verdict.MATCH if found.margin >= settings.min_margin else Verdict.UNSURE
    return Verdict.STRANGER if found.distance > settings.stranger_distance else Verdict.UNSURE


def _against(gallery: Gallery, negatives: Gallery, vectors: FloatArray) -> list[dict[int, float]]:
    """For each vector, by a person's place, how far the nearest negative of that person is."""
    place = {person_id: index for index, person_id in enumerate(gallery.people)}
    columns = [column for column, person_id in enumerate(negatives.people) if person_id in place]
    people = [place[negatives.people[column]] for column in columns]
    apart = distances(negatives, vectors)[:, columns].tolist()
    return [dict(zip(people, row, strict=True)) for row in apart]


def _nearest_of(gallery: Gallery, vector: FloatArray, products: FloatArray, against: dict[int, float]) -> Nearest:
    """The nearest two of whom no negative is nearer, measured exactly.

    products: (N,) of the vector with each row; used up. against: as from `_against`.
    """
    closeness = np.subtract(products, gallery.halves, out=products)
    denied = _denied(gallery, vector, closeness, against) if against else []
    every = len(denied) == len(gallery.people)
    if denied and not every:
        for person in denied:
            closeness[gallery.rows_of(person)] = -math.inf
    person, distance, rival_distance = _best_two(gallery, vector, closeness)
    if not math.isfinite(distance):  # the gallery's vectors are finite; to look at all of the face's takes longer
        _require_finite(vector)
    person_id = gallery.people[person]
    return Nearest(
        person_id=person_id,
        distance=distance,
        margin=min(rival_distance, against.get(person, math.inf)) - distance,
        limit=gallery.limits.get(person_id),
        denied=every,
    )


def _best_two(gallery: Gallery, vector: FloatArray, closeness: FloatArray) -> tuple[int, float, float]:
    """Of the two people with the closest rows the nearer one's place and exact distance, and that of the other.

    Infinite where there is no other.
    """
    person = gallery.owners.item(closeness.argmax())
    own = gallery.rows_of(person)
    closeness[own] = -math.inf
    row = closeness.argmax()
    rival = gallery.owners.item(row)
    theirs = gallery.rows_of(rival) if closeness.item(row) > -math.inf else slice(0)
    apart = np.concatenate((gallery.vectors[own], gallery.vectors[theirs]), dtype=np.float64)
    apart -= vector
    squares, count = np.vecdot(apart, apart).tolist(), own.stop - own.start
    distance, other = math.sqrt(min(squares[:count])), math.sqrt(min(squares[count:], default=math.inf))
    return (person, distance, other) if distance <= other else (rival, other, distance)


def _denied(gallery: Gallery, vector: FloatArray, closeness: FloatArray, against: dict[int, float]) -> list[int]:
    """Places of the people of whom a negative is nearer than any own vector, by the distances of `distances`."""
    square = float(vector.dot(vector))
    best = {person: float(closeness[gallery.rows_of(person)].max()) for person in against}
    return [person for person, apart in against.items() if apart < math.sqrt(max(square - 2 * best[person], 0.0))]


def _squared(gallery: Gallery, vectors: FloatArray) -> FloatArray:
    squares = np.einsum("qd,qd->q", vectors, vectors)[:, None]
    found: FloatArray = np.maximum(squares + 2 * (gallery.halves - vectors @ gallery.vectors.T), 0)
    return found


def _require_dimension(gallery: Gallery, vectors: FloatArray) -> None:
    if vectors.ndim != 2 or (gallery.people and vectors.shape[1] != gallery.vectors.shape[1]):
        raise ValueError(f"vectors: expected (Q, {gallery.vectors.shape[1]}), got {vectors.shape}")


def _require_finite(vectors: FloatArray) -> None:
    if not np.isfinite(vectors).all():
        raise ValueError("vectors: expected finite numbers")
