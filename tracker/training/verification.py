"""How well a network tells people apart whom it was not taught, and the distances that follow for recognition.

Vectors are of unit length and compared by their Euclidean distance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from models.embedding import Limits
from models.training.sampling import Rows
from models.training.state import Score
from tracker.identity.rates import accepted, pairs_needed, threshold_at
from tracker.vision.faces import FloatArray

RATES = (0.1, 0.01, 0.001, 0.0001)
"""False-accept rates that are reported, as far as the pairs suffice to tell."""
LIMIT_RATES = ((10, 1e-3), (100, 1e-4), (None, 1e-5))
"""By size of the gallery, the false-accept rate of its limit: about one in a hundred faces of strangers is taken for
somebody of the largest gallery of each row."""
_STRANGER_RATE = 1e-2
_LEAST_LIMIT = 0.05
"""Of a limit, where a network tells nobody apart."""
_MAX_PICTURES = 3000
"""Pictures that are compared with one another; more are drawn from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A true-accept rate. far: the false-accept rate. tar: None where the pairs are too few to tell."""

    far: float
    tar: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Verification:
    """Distances of all pairs of held-out pictures. same: (S,) of one person. different: (D,) of two."""

    same: FloatArray
    different: FloatArray

    @property
    def measured_rate(self) -> float:
        """The lowest of `RATES` that the pairs suffice to tell; the highest where they suffice for none."""
        return min((far for far in RATES if len(self.different) >= pairs_needed(far)), default=RATES[0])

    def rates(self) -> list[Rate]:
        """The true-accept rate at each of `RATES`."""
        return [self._rate(far) for far in RATES]

    def tar(self, far: float) -> float:
        """The true-accept rate at a false-accept rate."""
        return accepted(self.same, threshold_at(self.different, far))

    def score(self) -> Score:
        """What the best epoch is chosen by."""
        spread = math.sqrt((float(self.same.var()) + float(self.different.var())) / 2)
        gap = float(self.different.mean()) - float(self.same.mean())
        return Score(tar=self.tar(self.measured_rate), separation=gap / max(spread, 1e-6), far=self.measured_rate)

    def limits(self) -> tuple[Limits, ...]:
        """Distances for recognition, by size of the gallery.

        Of each rate the lower of two thresholds: where that share of the pairs of different people is nearer, or all
        are farther where the pairs are too few; and where that share would be nearer if their distances were normally
        distributed. Few pairs can only lower a limit so. Strangers are farther than the threshold at 0.01.
        """
        stranger = self._limit(_STRANGER_RATE)
        found = [
            Limits(people=people, max_distance=limit, stranger_distance=max(limit, stranger))
            for people, limit in ((people, self._limit(rate)) for people, rate in LIMIT_RATES)
        ]
        return tuple(found)

    def _limit(self, rate: float) -> float:
        mean, deviation = float(self.different.mean()), float(self.different.std())
        normal = mean + float(norm.ppf(rate)) * deviation
        limit = min(threshold_at(self.different, rate), normal)
        return max(math.floor(limit * 1e4) / 1e4, _LEAST_LIMIT)

    def _rate(self, far: float) -> Rate:
        return Rate(far=far, tar=None if len(self.different) < pairs_needed(far) else self.tar(far))


def sample(labels: Rows, *, limit: int = _MAX_PICTURES) -> Rows:
    """The rows of pictures to compare: all, or as many as the limit, drawn evenly, always the same."""
    if len(labels) <= limit:
        return np.arange(len(labels))
    return np.sort(np.random.default_rng(0).choice(len(labels), limit, replace=False))


def verify(vectors: FloatArray, labels: Rows) -> Verification:
    """Compare all pictures. vectors: (N, D), of unit length. labels: (N,).

    Raises ValueError without a pair of one person, or of two.
    """
    first, second = np.triu_indices(len(vectors), 1)
    cosines = (vectors @ vectors.T)[first, second]
    distances = np.sqrt(np.maximum(2 - 2 * cosines, 0)).astype(np.float32)
    same = labels[first] == labels[second]
    if not same.any() or same.all():
        raise ValueError("labels: expected pairs of one person, and of two")
    return Verification(same=distances[same], different=distances[~same])
