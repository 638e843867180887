"""Accuracy of an embedder on pairs, with the interval in which it lies."""

from __future__ import annotations

from dataclasses import dataclass

from tracker.bench.collection import Collection
from tracker.identity.evaluation import Evaluation, PictureVectors, evaluate
from tracker.identity.rates import interval_of_pairs
from tracker.vision.faces import FloatArray


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
    low, high = interval_of_pairs(right, [unit for _, unit in scored])
    return PairAccuracy(evaluation=found, low=low, high=high)
