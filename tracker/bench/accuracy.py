"""Accuracy of an embedder on pairs, with the interval in which it lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tracker.bench.collection import SEED, Collection, Units
from tracker.identity.evaluation import Evaluation, PictureVectors, evaluate
from tracker.identity.rates import Share
from tracker.vision.faces import FloatArray

_RESAMPLES = 500
_INTERVAL = (2.5, 97.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairAccuracy:
    """An evaluation, and the 95 % interval of its accuracy at the embedder's own limit."""

    evaluation: Evaluation
    low: float
    high: float


def pair_accuracy(collection: Collection, vectors: dict[str, FloatArray], *, threshold: float) -> PairAccuracy | None:
    """The accuracy on the pairs with a face in both pictures; None where there are none. vectors: (D,) by picture."""
    scored = [
        (pair, unit)
        for pair, unit in zip(collection.pairs, collection.units, strict=True)
        if pair.first in vectors and pair.second in vectors
    ]
    if not scored:
        return None
    given = PictureVectors(by_file=vectors, no_face=(), unreadable=())
    found = evaluate([pair for pair, _ in scored], given, threshold=threshold)
    right = [(pair.distance <= threshold) == pair.same for pair in found.scored]
    low, high = interval(right, tuple(unit for _, unit in scored))
    return PairAccuracy(evaluation=found, low=low, high=high)


def interval(right: Sequence[bool], units: Units) -> tuple[float, float]:
    """The 95 % interval of the share of right pairs, by resampling what the pairs have in common: their people.

    units: of each pair, see `Collection`. Pairs of one person are not independent, so that resampling pairs would give
    too narrow an interval. Never narrower than that of as many independent pairs: where all are right, no resample
    differs.
    """
    outcomes, sides = np.array(right, np.float64), np.array(units)
    _, numbers = np.unique(sides, return_inverse=True)
    first, second = numbers.reshape(-1, 2).T
    count = int(numbers.max()) + 1
    rng = np.random.default_rng(SEED)
    shares = []
    for _ in range(_RESAMPLES):
        drawn = np.bincount(rng.integers(0, count, count), minlength=count)
        weights = np.where(first == second, drawn[first], drawn[first] * drawn[second])
        if weights.any():
            shares.append(float((weights * outcomes).sum() / weights.sum()))
    low, high = np.percentile(shares, _INTERVAL).tolist()
    least, most = Share(int(outcomes.sum()), len(outcomes)).interval
    return min(low, least), max(high, most)
