"""Accuracy of an embedder on pairs, and its interval."""

from __future__ import annotations

import numpy as np
import pytest

from tracker.bench.accuracy import interval, pair_accuracy
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


def test_the_interval_of_independent_pairs_is_the_binomial_one() -> None:
    right = [True] * 180 + [False] * 20
    low, high = interval(right, tuple((number, number) for number in range(200)))
    spread = 1.96 * np.sqrt(0.9 * 0.1 / 200)
    assert (low, high) == pytest.approx((0.9 - spread, 0.9 + spread), abs=0.012)
    assert interval(right, tuple((number, number) for number in range(200))) == (low, high)


@pytest.mark.parametrize(("pairs", "least"), [(4, 0.51), (50, 0.929), (3_000, 0.9987)])
def test_pairs_that_are_all_right_leave_doubt(pairs: int, least: float) -> None:
    low, high = interval([True] * pairs, tuple((number, number) for number in range(pairs)))
    assert (low, high) == (pytest.approx(least, abs=0.001), 1)


def test_pairs_of_one_person_count_together() -> None:
    """Ten people of whom one fails in all 20 pairs: as uncertain as one of ten, not as 20 of 200."""
    right = [person != 0 for person in range(10) for _ in range(20)]
    low, high = interval(right, tuple((person, person) for person in range(10) for _ in range(20)))
    alone, _ = interval(right, tuple((number, number) for number in range(200)))
    assert low < alone - 0.05
    assert high == 1


def test_pairs_of_two_people_count_where_both_were_drawn() -> None:
    people = [(first, second) for first in range(12) for second in range(first)]
    right = [0 not in pair for pair in people]
    low, high = interval(right, tuple(people))
    assert low < np.mean(right) - 0.1
    assert high == 1
