"""Accuracy of an embedder on pairs."""

from __future__ import annotations

import numpy as np

from tracker.bench.accuracy import pair_accuracy
from tracker.bench.collection import Collection
from tracker.identity.evaluation import Pair

VECTORS = {name: np.array(at, np.float32) for name, at in {"a": (0, 0), "b": (0, 1), "c": (3, 0), "d": (3, 4)}.items()}


def collection_of(*pairs: Pair) -> Collection:
    return Collection(
        title="points", pictures={}, pairs=pairs, units=tuple((number, number) for number in range(len(pairs)))
    )


def test_accuracy_at_the_limit() -> None:
    pairs = (Pair("a", "b", True), Pair("c", "d", True), Pair("a", "c", False), Pair("a", "d", False))
    found = pair_accuracy(collection_of(*pairs, Pair("a", "gone", True)), VECTORS, threshold=2.0)
    assert found is not None
    assert (found.evaluation.accuracy, len(found.evaluation.scored)) == (0.75, 4)
    assert found.low < 0.75 < found.high
    wide = pair_accuracy(collection_of(*pairs), VECTORS, threshold=4.5)
    assert wide is not None
    assert wide.evaluation.accuracy == 0.75
    assert pair_accuracy(collection_of(Pair("a", "gone", True)), VECTORS, threshold=2.0) is None
