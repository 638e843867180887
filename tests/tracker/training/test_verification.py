"""Rates and limits from pairs of held-out pictures."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from tracker.training.verification import Verification, sample, verify


def pairs(same: object, different: object) -> Verification:
    return Verification(same=np.asarray(same, np.float32), different=np.asarray(different, np.float32))


def turned(*degrees: float) -> np.ndarray:
    radians = np.radians(degrees)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


def test_all_pairs_are_compared_by_their_distance() -> None:
    found = verify(turned(0, 60, 90), np.array([4, 4, 7]))
    assert found.same == pytest.approx([1.0])
    assert found.different == pytest.approx([math.sqrt(2), 2 * math.sin(math.radians(15))])


@pytest.mark.parametrize("labels", [[1, 1, 1], [1, 2, 3]], ids=["one-person", "one-picture-each"])
def test_without_pairs_there_is_nothing_to_tell(labels: list[int]) -> None:
    with pytest.raises(ValueError, match="expected pairs"):
        verify(turned(0, 60, 90), np.array(labels))


def test_rates_are_told_where_the_pairs_suffice() -> None:
    # 3,000 pairs suffice for 0.001, of which 3 may be accepted: the fourth nearest is at 0.503.
    found = pairs([0.4, 0.502, 0.504, 1.9], 0.5 + 0.001 * np.arange(3000))
    rates = {rate.far: rate.tar for rate in found.rates()}
    assert rates == {0.1: 0.75, 0.01: 0.75, 0.001: 0.5, 0.0001: None}
    assert found.measured_rate == 0.001


def test_few_pairs_tell_only_high_rates() -> None:
    assert pairs([0.1], np.ones(29)).rates()[0].tar is None
    assert pairs([0.1], np.ones(30)).rates()[0].tar == 1
    assert pairs([0.1], np.ones(29)).score().far == 0.1


def test_the_separation_is_in_standard_deviations() -> None:
    random = np.random.default_rng(0)
    found = pairs(random.normal(0.5, 0.1, 40_000), random.normal(1.2, 0.1, 40_000))
    assert found.score().separation == pytest.approx(7, rel=0.02)
    assert pairs([1.0, 1.0], [1.0, 1.0]).score().separation == 0


def test_limits_are_those_of_the_rates_where_pairs_are_many() -> None:
    different = norm.ppf((np.arange(200_000) + 0.5) / 200_000, 1.3, 0.08)
    small, middle, large = pairs([0.5], different).limits()
    assert [each.people for each in (small, middle, large)] == [10, 100, None]
    for limit, rate in ((small, 1e-3), (middle, 1e-4), (large, 1e-5)):
        assert limit.max_distance == pytest.approx(1.3 + 0.08 * norm.ppf(rate), abs=0.005)
        assert limit.stranger_distance == pytest.approx(1.3 + 0.08 * norm.ppf(0.01), abs=0.005)


def test_few_pairs_can_only_lower_a_limit() -> None:
    many = norm.ppf((np.arange(100_000) + 0.5) / 100_000, 1.3, 0.08)
    few = many[50::100]  # the same distribution, and nothing of its ends
    for less, more in zip(pairs([0.5], few).limits(), pairs([0.5], many).limits(), strict=True):
        assert less.max_distance <= more.max_distance + 0.005
    near = np.concatenate([few, [0.9]])  # two people who look alike
    assert pairs([0.5], near).limits()[1].max_distance < 0.9


def test_limits_stay_usable_where_a_network_tells_nobody_apart() -> None:
    for limit in pairs([1.0], np.full(100, 0.001)).limits():
        assert 0 < limit.max_distance <= limit.stranger_distance


def test_pictures_are_drawn_evenly_where_they_are_too_many() -> None:
    labels = np.repeat(np.arange(50), 100)
    rows = sample(labels, limit=1000)
    assert len(set(rows.tolist())) == 1000
    assert (rows == sample(labels, limit=1000)).all()
    assert np.bincount(labels[rows]).min() > 5
    assert (sample(labels[:30], limit=1000) == np.arange(30)).all()
