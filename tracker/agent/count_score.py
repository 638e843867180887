"""How right a count at a line is, beside what really happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

MATCH_WITHIN_S = 2.0
"""A counted passing and a true one are the same if they are no farther apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passing:
    """Somebody who crosses a line. at_s: seconds since the recording began. inward: from outside to inside."""

    at_s: float
    inward: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CountScore:
    """A count beside the truth, in one direction.

    right: counted and true. missed_at_s: of those that are true only. false_at_s: of those that were counted only.
    """

    inward: bool
    right: int
    missed_at_s: tuple[float, ...]
    false_at_s: tuple[float, ...]


def scored(counted: Sequence[Passing], truth: Sequence[Passing]) -> tuple[CountScore, CountScore]:
    """The score inwards and outwards: pairs of the same direction within MATCH_WITHIN_S, as many as can be."""
    return _scored(counted, truth, inward=True), _scored(counted, truth, inward=False)


def _scored(counted: Sequence[Passing], truth: Sequence[Passing], *, inward: bool) -> CountScore:
    ours = np.array([each.at_s for each in counted if each.inward is inward])
    real = np.array([each.at_s for each in truth if each.inward is inward])
    apart = abs(ours[:, None] - real[None])
    near = apart <= MATCH_WITHIN_S
    rows, columns = linear_sum_assignment(np.where(near, apart, 1e6))
    paired = near[rows, columns]
    return CountScore(
        inward=inward,
        right=int(paired.sum()),
        missed_at_s=tuple(np.delete(real, columns[paired]).tolist()),
        false_at_s=tuple(np.delete(ours, rows[paired]).tolist()),
    )
