"""How often a threshold is right, from distances of pairs known to be the same person or different people.

Everywhere a pair is taken for the same person when its distance is at most the threshold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tracker.vision.faces import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """The receiver operating characteristic, one point a distinct distance, from strict to loose.

    thresholds, false_accepts, true_accepts: (K,) float32; the first point accepts nothing (threshold -inf).
    """

    thresholds: FloatArray
    false_accepts: FloatArray
    true_accepts: FloatArray


def accepted(distances: FloatArray, threshold: float) -> float:
    """Share of the pairs that the threshold takes for the same person; 0 of none is 0."""
    return float(np.mean(distances <= threshold)) if len(distances) else 0.0


def accuracy(same: FloatArray, different: FloatArray, threshold: float) -> float:
    """Share of all pairs that the threshold gets right. Raises ValueError without a pair."""
    if not len(same) + len(different):
        raise ValueError("same, different: expected at least one pair")
    right = np.count_nonzero(same <= threshold) + np.count_nonzero(different > threshold)
    return float(right) / (len(same) + len(different))


def best_threshold(same: FloatArray, different: FloatArray) -> float:
    """The threshold that gets most pairs right, in the middle of its gap; of several the strictest.

    Raises ValueError without a pair.
    """
    points = np.unique(np.concatenate([same, different]))
    if not len(points):
        raise ValueError("same, different: expected at least one pair")
    right = np.searchsorted(np.sort(same), points, side="right").astype(np.int64)
    wrong = np.searchsorted(np.sort(different), points, side="right")
    gains = np.concatenate([[0], right - wrong])  # what accepting up to a point gains over accepting nothing
    best = int(np.argmax(gains))
    if best == 0:
        return max(0.0, float(points[0]) - 0.01)
    return float(points[best - 1] + points[best]) / 2 if best < len(points) else float(points[-1])


def threshold_at(different: FloatArray, rate: float) -> float:
    """The loosest threshold that accepts at most that share of the pairs of different people; inf without a pair."""
    if not len(different):
        return math.inf
    allowed = math.floor(rate * len(different) + 1e-9)
    if allowed >= len(different):
        return math.inf
    return float(np.nextafter(np.sort(different)[allowed], -np.inf))


def pairs_needed(rate: float) -> int:
    """How many independent pairs of different people it takes to say that a rate is kept: with none wrong among them
    it is, with 95 % certainty (the rule of three). Source: Hanley and Lippman-Hand, JAMA 249 (1983) 1743.
    """
    return math.ceil(3 / rate)


def curve(same: FloatArray, different: FloatArray) -> Curve:
    """The curve of both. A kind without a pair has rate 0 everywhere."""
    thresholds = np.concatenate([[-np.inf], np.unique(np.concatenate([same, different]))])
    return Curve(
        thresholds=thresholds.astype(np.float32),
        false_accepts=_shares(different, thresholds),
        true_accepts=_shares(same, thresholds),
    )


def equal_error(rates: Curve) -> float:
    """The rate at which as many are wrongly accepted as wrongly refused."""
    apart = np.abs(rates.false_accepts - (1 - rates.true_accepts))
    nearest = int(np.argmin(apart))
    return float(rates.false_accepts[nearest] + 1 - rates.true_accepts[nearest]) / 2


def _shares(distances: FloatArray, thresholds: FloatArray) -> FloatArray:
    counts = np.searchsorted(np.sort(distances), thresholds, side="right")
    return (counts / max(1, len(distances))).astype(np.float32)
