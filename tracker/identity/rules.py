"""Rules that rank the people of a gallery for a face, where the nearest vector alone does not decide.

A rule chooses among the people within their limits, and says how sure it is. Distances keep their meaning: without
anybody within a limit, and for strangers, the nearest person decides as without a rule.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from config.recognition import MatchSettings
from tracker.identity.gallery import Gallery
from tracker.identity.match import Nearest, distances, nearest
from tracker.vision.faces import FloatArray


class Rule(Protocol):
    """Ranks the people of one gallery."""

    def scores(self, vectors: FloatArray, allowed: NDArray[np.bool_]) -> NDArray[np.float64]:
        """(Q, P) the higher, the likelier is a person; the difference of two is their log odds.

        vectors: (Q, D). allowed: (Q, P), false for people who are known not to be the one. -inf where there is nothing
        that speaks for a person.
        """


class Neighbours:
    """The nearest vectors of all people vote: k nearest neighbours.

    A vote is heavier the farther below the distance of strangers, or the person's own limit where that is greater.
    Vectors beyond it do not vote, so that people with few vectors are not outvoted from afar. Of vectors as far as the
    last that votes, all vote.
    """

    def __init__(self, gallery: Gallery, settings: MatchSettings) -> None:
        self._gallery = gallery
        self._count = settings.neighbours
        reach = np.maximum(_limits(gallery, settings), settings.stranger_distance)
        self._reach = reach[gallery.owners]

    def scores(self, vectors: FloatArray, allowed: NDArray[np.bool_]) -> NDArray[np.float64]:
        """See `Rule`: logarithms of the weight of a person's votes."""
        gallery, votes = self._gallery, np.zeros(allowed.shape)
        last = min(self._count, len(gallery)) - 1
        for row, vector in enumerate(vectors):
            squared = float(vector.dot(vector)) + 2 * (gallery.halves - gallery.vectors.dot(vector))
            apart = np.sqrt(np.maximum(squared, 0))
            if not allowed[row].all():
                apart[~allowed[row][gallery.owners]] = np.inf
            near = np.flatnonzero(apart <= np.partition(apart, last)[last])
            voting = near[apart[near] < self._reach[near]]
            np.add.at(votes[row], gallery.owners[voting], self._reach[voting] - apart[voting])
        with np.errstate(divide="ignore"):
            return np.log(votes)


@dataclass(frozen=True, slots=True, eq=False)
class LinearRule:
    """A linear function of the vector for each person, as softmax and linear SVM are.

    weights: (P, D + 1) float32 in the order of `people`, the offset last. people: of the gallery, in its order.
    Raises ValueError when the shapes do not match or a number is not finite.
    """

    people: tuple[str, ...]
    weights: FloatArray

    def __post_init__(self) -> None:
        if self.weights.ndim != 2 or len(self.weights) != len(self.people) or self.weights.shape[1] < 2:
            raise ValueError(f"weights: expected ({len(self.people)}, D + 1), got {self.weights.shape}")
        if not np.isfinite(self.weights).all():
            raise ValueError("weights: expected finite numbers")

    def in_order(self, people: tuple[str, ...]) -> LinearRule:
        """The same rule for a gallery with another order of people. Raises KeyError for somebody unknown."""
        row_of = {person_id: row for row, person_id in enumerate(self.people)}
        return LinearRule(people, self.weights[[row_of[person_id] for person_id in people]])

    def scores(self, vectors: FloatArray, allowed: NDArray[np.bool_]) -> NDArray[np.float64]:
        """See `Rule`."""
        found = vectors.astype(np.float64) @ self.weights[:, :-1].T + self.weights[:, -1]
        return np.where(allowed, found, -np.inf)


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """What faces are compared with: a gallery, the distances that decide, and a rule.

    rule: None for the nearest. limits: (P,) the maximum distance of each person; only with a rule.
    """

    gallery: Gallery
    settings: MatchSettings
    rule: Rule | None = None
    limits: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        limits = np.empty(0) if self.rule is None else _limits(self.gallery, self.settings)
        object.__setattr__(self, "limits", limits)

    def closest(self, vectors: FloatArray) -> list[Nearest | None]:
        """The person of each of (Q, D) vectors; None where the gallery is empty. Raises ValueError as `nearest`.

        With a rule, the one whom it ranks highest among the people within their limits; without any, the nearest. A
        negative less than `min_margin` farther than the person's own vectors rules the person out of that choice.
        """
        found = nearest(self.gallery, vectors)
        if self.rule is None or len(self.gallery.people) < 2:
            return found
        farthest = float(self.limits.max())
        rows = [row for row, each in enumerate(found) if each is not None and each.distance <= farthest]
        if rows:
            ranked = _Ranked.of(self, self.rule, vectors[rows])
            for place, row in enumerate(rows):
                found[row] = ranked.choice(place, found[row], vectors[row])
        return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Ranked:
    """All people for (Q, D) vectors.

    apart: (Q, P) distances. candidates: (Q, P) people among whom the rule chooses. scores: (Q, P) of the rule.
    """

    gallery: Gallery
    apart: NDArray[np.float64]
    candidates: NDArray[np.bool_]
    scores: NDArray[np.float64]

    @classmethod
    def of(cls, compared: Comparison, rule: Rule, vectors: FloatArray) -> _Ranked:
        gallery = compared.gallery
        apart = distances(gallery, vectors).astype(np.float64)
        negatives = _negative_distances(gallery, vectors)
        allowed = negatives >= apart
        return cls(
            gallery=gallery,
            apart=apart,
            candidates=allowed & (apart <= compared.limits) & (negatives - apart >= compared.settings.min_margin),
            scores=rule.scores(vectors, allowed),
        )

    def choice(self, row: int, found: Nearest | None, vector: FloatArray) -> Nearest | None:
        """The candidate with the highest score; of equal ones the nearer. Without candidates, `found`, the nearest."""
        candidates = np.flatnonzero(self.candidates[row]).tolist()
        if found is None or not candidates:
            return found
        people, scores, apart = self.gallery.people, self.scores[row], self.apart[row]
        best = max(candidates, key=lambda person: (scores[person], -apart[person], people[person]))
        confidence = _confidence(float(scores[best]), float(np.delete(scores, best).max()))
        if people[best] == found.person_id:
            return replace(found, confidence=confidence)
        differences = self.gallery.vectors[self.gallery.rows_of(best)].astype(np.float64) - vector
        distance = float(np.sqrt(np.vecdot(differences, differences).min()))
        return Nearest(
            person_id=people[best],
            distance=distance,
            margin=found.distance - distance,  # negatives are farther, or the person would be no candidate
            limit=self.gallery.limits.get(people[best]),
            confidence=confidence,
        )


def _confidence(best: float, other: float) -> float:
    """The share of the best against the next, of their scores; one half where nothing speaks for either."""
    if best == other:
        return 0.5
    lead = best - other
    return 1 / (1 + math.exp(-lead)) if lead >= 0 else 1 - 1 / (1 + math.exp(lead))


def _limits(gallery: Gallery, settings: MatchSettings) -> NDArray[np.float64]:
    """(P,) the maximum distance of each person."""
    own: Mapping[str, float] = gallery.limits
    return np.array([own.get(person_id, settings.max_distance) for person_id in gallery.people], np.float64)


def _negative_distances(gallery: Gallery, vectors: FloatArray) -> NDArray[np.float64]:
    """(Q, P) distance of each vector to the nearest negative of each person, infinite without."""
    found = np.full((len(vectors), len(gallery.people)), np.inf)
    if gallery.negatives is not None:
        index_of = {person_id: index for index, person_id in enumerate(gallery.people)}
        measured = distances(gallery.negatives, vectors)
        for column, person_id in enumerate(gallery.negatives.people):
            if person_id in index_of:
                found[:, index_of[person_id]] = measured[:, column]
    return found
