"""Who in the gallery comes nearest, and whether that is near enough."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from config.settings import MatchSettings
from tracker.faces.faces import FloatArray
from tracker.identity.gallery import Gallery

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
    _require_comparable(gallery, vectors)
    found = np.empty((len(vectors), len(gallery.people)), np.float32)
    if not found.size:
        return found
    step = max(1, _PRODUCTS_AT_ONCE // len(gallery))
    for start in range(0, len(vectors), step):
        part = vectors[start : start + step]
        squared = _squared(gallery, part)
        found[start : start + step] = np.sqrt(np.minimum.reduceat(squared, gallery.starts, axis=1))
    return found


def nearest(gallery: Gallery, vectors: FloatArray) -> list[Nearest | None]:
    """For each of (Q, D) vectors the nearest person; None where the gallery is empty.

    Whoever has a negative nearer than any own vector is passed over. Raises ValueError on another dimension or on NaN.
    """
    rough = distances(gallery, vectors)
    if not gallery.people:
        return [None] * len(vectors)
    against = _against(gallery, vectors)
    return [_nearest_of(gallery, *each) for each in zip(vectors, rough, against, strict=True)]


def judge(found: Nearest | None, settings: MatchSettings) -> Verdict:
    """What the nearest person means. Nobody to compare with makes a stranger.

    A person's own limit moves where a match ends; a stranger begins at `stranger_distance`, never before that limit.
    """
    if found is None or found.denied:
        return Verdict.STRANGER
    if found.within(settings):
        return Verdict.MATCH if found.margin >= settings.min_margin else Verdict.UNSURE
    return Verdict.STRANGER if found.distance > settings.stranger_distance else Verdict.UNSURE


def _against(gallery: Gallery, vectors: FloatArray) -> FloatArray:
    """(Q, P): from each vector to the nearest negative of each person, infinite where there is none."""
    found = np.full((len(vectors), len(gallery.people)), np.inf, np.float32)
    if gallery.negatives is not None:
        place = {person_id: index for index, person_id in enumerate(gallery.people)}
        apart = distances(gallery.negatives, vectors)
        for column, person_id in enumerate(gallery.negatives.people):
            if person_id in place:
                found[:, place[person_id]] = apart[:, column]
    return found


def _nearest_of(gallery: Gallery, vector: FloatArray, rough: FloatArray, against: FloatArray) -> Nearest:
    """The best two by the rough distances of whom no negative is nearer, measured exactly."""
    denied = against < rough
    every = bool(denied.all())
    ranked = np.where(denied, np.inf, rough) if not every else rough
    best = np.argpartition(ranked, 1)[:2] if len(rough) > 1 else np.array([0])
    counted = [int(person) for person in best if np.isfinite(ranked[person])]
    exact = sorted((_exact(gallery, vector, person), person) for person in counted)
    distance, person = exact[0]
    rival = exact[1][0] if len(exact) > 1 else math.inf
    return Nearest(
        person_id=gallery.people[person],
        distance=distance,
        margin=min(rival, float(against[person])) - distance,
        limit=gallery.limits.get(gallery.people[person]),
        denied=every,
    )


def _exact(gallery: Gallery, vector: FloatArray, person: int) -> float:
    apart = gallery.vectors[gallery.rows_of(person)].astype(np.float64) - vector
    return float(np.sqrt(np.einsum("nd,nd->n", apart, apart).min()))


def _squared(gallery: Gallery, vectors: FloatArray) -> FloatArray:
    squares = np.einsum("qd,qd->q", vectors, vectors)[:, None]
    found: FloatArray = np.maximum(squares + gallery.squares - 2 * (vectors @ gallery.vectors.T), 0)
    return found


def _require_comparable(gallery: Gallery, vectors: FloatArray) -> None:
    if vectors.ndim != 2 or (len(gallery) and vectors.shape[1] != gallery.vectors.shape[1]):
        raise ValueError(f"vectors: expected (Q, {gallery.vectors.shape[1]}), got {vectors.shape}")
    if not np.isfinite(vectors).all():
        raise ValueError("vectors: expected finite numbers")
