"""Thresholds and their error rates."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binomtest

from tracker.identity.rates import (
    Share,
    accepted,
    accuracy,
    best_threshold,
    curve,
    equal_error,
    interval_of_pairs,
    pairs_needed,
    sign_test,
    threshold_at,
)

SAME = np.array([0.2, 0.3, 0.4, 0.7])
DIFFERENT = np.array([0.5, 0.8, 0.9, 0.9, 1.0])
NONE = np.empty(0)


def test_accuracy_counts_both_kinds_of_error() -> None:
    assert accuracy(SAME, DIFFERENT, 0.45) == pytest.approx(8 / 9)
    assert accuracy(SAME, DIFFERENT, 0.5) == pytest.approx(7 / 9)  # the limit itself is accepted
    assert accuracy(SAME, DIFFERENT, 0.1) == pytest.approx(5 / 9)
    assert (accepted(SAME, 0.3), accepted(NONE, 0.3)) == (0.5, 0.0)


def test_best_threshold_is_midway_and_optimal() -> None:
    best = best_threshold(SAME, DIFFERENT)
    assert best == pytest.approx(0.45)
    tried = np.linspace(0, 1.2, 500)
    assert max(accuracy(SAME, DIFFERENT, one) for one in tried) == accuracy(SAME, DIFFERENT, best)


@pytest.mark.parametrize("seed", range(5))
def test_best_threshold_matches_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    same, different = rng.normal(0.5, 0.2, 40).round(2), rng.normal(0.7, 0.2, 60).round(2)
    tried = [accuracy(same, different, one) for one in np.linspace(-1, 2, 3001)]
    assert accuracy(same, different, best_threshold(same, different)) == max(tried)


def test_best_threshold_with_one_kind_only() -> None:
    assert accuracy(SAME, NONE, best_threshold(SAME, NONE)) == 1
    assert accuracy(NONE, DIFFERENT, best_threshold(NONE, DIFFERENT)) == 1
    for nothing in (accuracy, lambda same, different, _: best_threshold(same, different)):
        with pytest.raises(ValueError, match="at least one pair"):
            nothing(NONE, NONE, 0.5)


@pytest.mark.parametrize(
    ("rate", "kept"),
    [
        pytest.param(0.0, 0.0, id="none"),
        pytest.param(0.19, 0.0, id="less-than-one-pair-is-none"),
        pytest.param(0.2, 0.2, id="one"),
        pytest.param(0.79, 0.4, id="ties-go-together"),
        pytest.param(1.0, 1.0, id="all"),
    ],
)
def test_threshold_at_a_rate_is_the_highest_possible(rate: float, kept: float) -> None:
    threshold = threshold_at(DIFFERENT, rate)
    assert accepted(DIFFERENT, threshold) == kept <= rate
    looser = np.nextafter(threshold, math.inf)
    assert rate == 1 or accepted(DIFFERENT, looser) > rate


def test_without_different_people_the_threshold_is_infinite() -> None:
    assert threshold_at(NONE, 0.01) == math.inf


def test_pairs_needed() -> None:
    assert (pairs_needed(0.01), pairs_needed(0.001)) == (300, 3000)
    assert (1 - 0.01) ** pairs_needed(0.01) < 0.05


def test_curve_is_monotonic() -> None:
    rates = curve(SAME, DIFFERENT)
    assert (rates.false_accepts[0], rates.true_accepts[0]) == (0, 0)
    assert (rates.false_accepts[-1], rates.true_accepts[-1]) == (1, 1)
    assert (np.diff(rates.false_accepts) >= 0).all()
    assert (np.diff(rates.true_accepts) >= 0).all()
    for threshold, false, true in zip(rates.thresholds, rates.false_accepts, rates.true_accepts, strict=True):
        just_above = float(threshold) + 1e-6
        assert (false, true) == pytest.approx((accepted(DIFFERENT, just_above), accepted(SAME, just_above)))


def test_equal_error_rate_of_separable_and_inseparable_pairs() -> None:
    assert equal_error(curve(SAME[:3], DIFFERENT)) == 0
    assert equal_error(curve(SAME, SAME)) == pytest.approx(0.5)


@pytest.mark.parametrize(("count", "of"), [(0, 1), (1, 1), (0, 20), (7, 20), (20, 20), (390, 400)])
def test_interval_of_a_share_is_that_of_scipy(count: int, of: int) -> None:
    expected = binomtest(count, of).proportion_ci(confidence_level=0.95, method="wilson")
    assert Share(count, of).interval == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert Share(count, of).value == count / of


def test_share_of_nothing_is_unknown() -> None:
    assert (Share(0, 0).value, Share(0, 0).interval) == (None, (0.0, 1.0))


@pytest.mark.parametrize(("better", "worse"), [(0, 1), (3, 0), (8, 0), (5, 5), (9, 2), (30, 60)])
def test_sign_test_is_that_of_scipy_and_symmetric(better: int, worse: int) -> None:
    assert sign_test(better, worse) == pytest.approx(binomtest(better, better + worse).pvalue, abs=1e-12)
    assert sign_test(worse, better) == sign_test(better, worse)


def test_sign_test_without_a_difference_is_one() -> None:
    assert sign_test(0, 0) == 1.0


def test_the_interval_of_independent_pairs_is_the_binomial_one() -> None:
    right = [True] * 180 + [False] * 20
    low, high = interval_of_pairs(right, [(number, number) for number in range(200)])
    spread = 1.96 * np.sqrt(0.9 * 0.1 / 200)
    assert (low, high) == pytest.approx((0.9 - spread, 0.9 + spread), abs=0.012)
    assert interval_of_pairs(right, [(number, number) for number in range(200)]) == (low, high)


@pytest.mark.parametrize(("pairs", "least"), [(4, 0.51), (50, 0.929), (3_000, 0.9987)])
def test_pairs_that_are_all_right_leave_doubt(pairs: int, least: float) -> None:
    low, high = interval_of_pairs([True] * pairs, [(number, number) for number in range(pairs)])
    assert (low, high) == (pytest.approx(least, abs=0.001), 1)


def test_pairs_of_one_person_count_together() -> None:
    """Ten people of whom one fails in all 20 pairs: as uncertain as one of ten, not as 20 of 200."""
    right = [person != 0 for person in range(10) for _ in range(20)]
    low, high = interval_of_pairs(right, [(person, person) for person in range(10) for _ in range(20)])
    alone, _ = interval_of_pairs(right, [(number, number) for number in range(200)])
    assert low < alone - 0.05
    assert high == 1


def test_pairs_of_two_people_count_where_both_were_drawn() -> None:
    people = [(first, second) for first in range(12) for second in range(first)]
    right = [0 not in pair for pair in people]
    low, high = interval_of_pairs(right, people)
    assert low < np.mean(right) - 0.1
    assert high == 1
