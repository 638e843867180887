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
    infinite where there is no other.
    """

    person_id: str
    distance: float
    margin: float


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

    Raises ValueError on another dimension or on NaN.
    """
    rough = distances(gallery, vectors)
    if not gallery.people:
        return [None] * len(vectors)
    return [_nearest_of(gallery, vector, row) for vector, row in zip(vectors, rough, strict=True)]


def judge(found: Nearest | None, settings: MatchSettings) -> Verdict:
    """What the nearest person means. Nobody to compare with makes a stranger."""
    if found is None or found.distance > settings.stranger_distance:
        return Verdict.STRANGER
    if found.distance <= settings.max_distance and found.margin >= settings.min_margin:
        return Verdict.MATCH
    return Verdict.UNSURE


def _nearest_of(gallery: Gallery, vector: FloatArray, rough: FloatArray) -> Nearest:
    """The best two by the rough distances, measured exactly."""
    best = np.argpartition(rough, 1)[:2] if len(rough) > 1 else np.array([0])
    exact = sorted((_exact(gallery, vector, int(person)), int(person)) for person in best)
    distance, person = exact[0]
    return Nearest(
        person_id=gallery.people[person],
        distance=distance,
        margin=exact[1][0] - distance if len(exact) > 1 else math.inf,
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
