"""Error rates of a threshold, from distances of labelled pairs.

A pair is accepted as the same person when its distance is at most the threshold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tracker.vision.faces import FloatArray

_TWO_SIDED_95 = 1.959963984540054
"""Standard deviations of a normal distribution."""
_RESAMPLES, _PERCENTILES, _SEED = 500, (2.5, 97.5), 20_240_101


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """The receiver operating characteristic, one point per distinct distance, by ascending threshold.

    thresholds, false_accepts, true_accepts: (K,) float32; the first point accepts nothing (threshold -inf).
    """

    thresholds: FloatArray
    false_accepts: FloatArray
    true_accepts: FloatArray


@dataclass(frozen=True, slots=True)
class Share:
    """So many of a number of trials."""

    count: int
    of: int

    @property
    def value(self) -> float | None:
        """0..1; None without a trial."""
        return self.count / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float]:
        """Where the rate is with 95 % confidence, for independent trials; from 0 to 1 without any.

        Source: Wilson, Journal of the American Statistical Association 22 (1927) 209.
        """
        if not self.of:
            return 0.0, 1.0
        rate, square = self.count / self.of, _TWO_SIDED_95**2
        centre = (rate + square / (2 * self.of)) / (1 + square / self.of)
        spread = math.sqrt(rate * (1 - rate) / self.of + square / (4 * self.of**2)) / (1 + square / self.of)
        return max(0.0, centre - _TWO_SIDED_95 * spread), min(1.0, centre + _TWO_SIDED_95 * spread)


def interval_of_pairs(hits: Sequence[bool], units: Sequence[tuple[object, object]]) -> tuple[float, float]:
    """Where the share of hits is with 95 % confidence, by resampling what the pairs have in common: their people.

    units: of each pair, numbers or ids of the two people, or twice that of the pair where they are not known. Pairs of
    one person are not independent, so that resampling pairs would give too narrow an interval. Never narrower than that
    of as many independent pairs: where all are hits, no resample differs. Raises ValueError without pairs.
    """
    outcomes = np.array(hits, np.float64)
    _, numbers = np.unique(np.array(units), return_inverse=True)
    first, second = numbers.reshape(-1, 2).T
    count = int(numbers.max()) + 1
    rng = np.random.default_rng(_SEED)
    shares = []
    for _ in range(_RESAMPLES):
        drawn = np.bincount(rng.integers(0, count, count), minlength=count)
        weights = np.where(first == second, drawn[first], drawn[first] * drawn[second])
        if weights.any():
            shares.append(float((weights * outcomes).sum() / weights.sum()))
    low, high = np.percentile(shares, _PERCENTILES).tolist()
    least, most = Share(int(outcomes.sum()), len(outcomes)).interval
    return min(low, least), max(high, most)


def sign_test(better: int, worse: int) -> float:
    """The two-sided p-value of an exact sign test: how likely numbers are so uneven when either is as likely.

    Source: McNemar, Psychometrika 12 (1947) 153, with binomial probabilities.
    """
    total = better + worse
    tail = sum(math.comb(total, count) for count in range(min(better, worse) + 1))
    return min(1.0, 2 * tail / float(2**total))


def accepted(distances: FloatArray, threshold: float) -> float:
    """Share of the pairs that the threshold accepts; 0 without pairs."""
    return float(np.mean(distances <= threshold)) if len(distances) else 0.0


def accuracy(same: FloatArray, different: FloatArray, threshold: float) -> float:
    """Share of all pairs that the threshold classifies correctly. Raises ValueError without pairs."""
    if not len(same) + len(different):
        raise ValueError("same, different: expected at least one pair")
    right = np.count_nonzero(same <= threshold) + np.count_nonzero(different > threshold)
    return float(right) / (len(same) + len(different))


def best_threshold(same: FloatArray, different: FloatArray) -> float:
    """The threshold with the highest accuracy, midway between two distances; of several, the lowest.

    Raises ValueError without pairs.
    """
    points = np.unique(np.concatenate([same, different]))
    if not len(points):
        raise ValueError("same, different: expected at least one pair")
    right = np.searchsorted(np.sort(same), points, side="right").astype(np.int64)
    wrong = np.searchsorted(np.sort(different), points, side="right")
    gains = np.concatenate([[0], right - wrong])  # pairs gained over accepting none
    best = int(np.argmax(gains))
    if best == 0:
        return max(0.0, float(points[0]) - 0.01)
    return float(points[best - 1] + points[best]) / 2 if best < len(points) else float(points[-1])


def threshold_at(different: FloatArray, rate: float) -> float:
    """The highest threshold with a false-accept rate of at most `rate`; infinite without pairs."""
    if not len(different):
        return math.inf
    allowed = math.floor(rate * len(different) + 1e-9)
    if allowed >= len(different):
        return math.inf
    return float(np.nextafter(np.sort(different)[allowed], -np.inf))


def pairs_needed(rate: float) -> int:
    """Independent pairs of different people, without a false accept, that confirm a rate with 95 % confidence.

    The rule of three. Source: Hanley and Lippman-Hand, JAMA 249 (1983) 1743.
    """
    return math.ceil(3 / rate)


def curve(same: FloatArray, different: FloatArray) -> Curve:
    """The curve of all pairs. Without pairs of one kind, their rate is 0 everywhere."""
    thresholds = np.concatenate([[-np.inf], np.unique(np.concatenate([same, different]))])
    return Curve(
        thresholds=thresholds.astype(np.float32),
        false_accepts=_shares(different, thresholds),
        true_accepts=_shares(same, thresholds),
    )


def equal_error(rates: Curve) -> float:
    """The equal error rate: where the false-accept and false-reject rates are equal."""
    differences = np.abs(rates.false_accepts - (1 - rates.true_accepts))
    nearest = int(np.argmin(differences))
    return float(rates.false_accepts[nearest] + 1 - rates.true_accepts[nearest]) / 2


def _shares(distances: FloatArray, thresholds: FloatArray) -> FloatArray:
    counts = np.searchsorted(np.sort(distances), thresholds, side="right")
    return (counts / max(1, len(distances))).astype(np.float32)
