"""How long visits lasted: median, mean, p90 and a histogram."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tracker.presence.sessions import Session

_MAX_BINS = 12
_BIN_WIDTHS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Visits that lasted from_s or longer and less than to_s."""

    from_s: float
    to_s: float
    visits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dwell:
    """How long measured visits lasted, seconds; figures are None and there are no bins without any.

    p90_s: nine of ten visits were shorter (linear between ranks). bins: from 0, of one round width, at most 12.
    """

    visits: int
    median_s: float | None
    mean_s: float | None
    p90_s: float | None
    bins: tuple[Bin, ...]


def dwell_of(sessions: Iterable[Session], *, gross: bool = False) -> Dwell:
    """How long these visits lasted: net, or with their gaps if `gross`.

    Left out: open visits, bounces, visits whose entry nobody saw, visits of which only the entry is known.
    """
    times_s = sorted(
        session.gross_s if gross else session.dwell_s
        for session in sessions
        if session.dwell_known and not session.bounce
    )
    if not times_s:
        return Dwell(visits=0, median_s=None, mean_s=None, p90_s=None, bins=())
    return Dwell(
        visits=len(times_s),
        median_s=_quantile(times_s, 0.5),
        mean_s=math.fsum(times_s) / len(times_s),
        p90_s=_quantile(times_s, 0.9),
        bins=_bins(times_s),
    )


def _quantile(ascending: Sequence[float], share: float) -> float:
    """Linear between the two nearest ranks, as numpy and pandas do by default."""
    rank = (len(ascending) - 1) * share
    low = math.floor(rank)
    high = min(low + 1, len(ascending) - 1)
    return ascending[low] + (ascending[high] - ascending[low]) * (rank - low)


def bin_width_s(longest_s: float) -> float:
    """The narrowest round width with which no more than 12 bins, from 0 on, hold the longest time."""
    days = (longest_s // (_MAX_BINS * 86400) + 1) * 86400
    return float(next((width for width in _BIN_WIDTHS_S if longest_s < width * _MAX_BINS), days))


def _bins(times_s: Sequence[float]) -> tuple[Bin, ...]:
    """times_s: ascending, at least one."""
    width_s = bin_width_s(times_s[-1])
    counts = Counter(int(time_s // width_s) for time_s in times_s)
    return tuple(
        Bin(from_s=index * width_s, to_s=(index + 1) * width_s, visits=counts[index])
        for index in range(max(counts) + 1)
    )
