"""How many people are in, over time: as steps, and per period the mean, the peak and the share of the capacity."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tracker.reports.frames import TIME, index_of

_S = 1e-6
"""Seconds in a microsecond."""


def steps(stays: pd.DataFrame) -> pd.Series[int]:
    """People in from each instant on, until the next; the index is ascending, a stay of no length changes nothing."""
    lasting = stays[stays["open"] | (stays["ended_at"] > stays["started_at"])]
    gone = lasting[~lasting["open"]]
    changes = pd.concat(
        [
            pd.Series(1, index=pd.DatetimeIndex(lasting["started_at"], dtype=TIME)),
            pd.Series(-1, index=pd.DatetimeIndex(gone["ended_at"], dtype=TIME)),
        ]
    )
    net = changes.groupby(level=0).sum().sort_index()
    return net[net != 0].cumsum().astype("int64")


def occupancy(
    stays: pd.DataFrame, edges: Sequence[datetime], *, now: datetime, capacity: int | None = None
) -> pd.DataFrame:
    """One row for each time from one edge to the next: people in on average and at the peak, the share of capacity.

    Columns: started_at, ended_at, mean, peak, peak_share (of the capacity, 0..1 and beyond; missing without one). The
    mean is over the time up to now. edges: UTC, ascending, none but the last later than `now`.
    """
    index, people = index_of(edges), steps(stays)
    peaks = peak_counts(people, index)
    share = peaks / capacity if capacity else np.full(len(peaks), np.nan)
    return pd.DataFrame(
        {
            "started_at": index[:-1],
            "ended_at": index[1:],
            "mean": _means(stays, index, now),
            "peak": pd.Series(peaks, dtype="Int64"),
            "peak_share": share,
        }
    )


def peak_counts(people: pd.Series[int], edges: pd.DatetimeIndex) -> NDArray[np.int64]:
    """The most people in at once from each edge to the next. people: as `steps` gives it."""
    counts = np.concatenate([[0], people.to_numpy(dtype=np.int64)])
    bounds = np.asarray(pd.DatetimeIndex(people.index).searchsorted(edges, side="left"))
    at_edges = np.asarray(pd.DatetimeIndex(people.index).searchsorted(edges, side="right"))
    peaks = counts[at_edges[:-1]]
    for place, (first, last) in enumerate(pairwise(bounds.tolist())):
        if last > first:
            peaks[place] = max(peaks[place], counts[first + 1 : last + 1].max())
    return peaks


def peak_of(people: pd.Series[int], since: datetime, until: datetime) -> tuple[datetime, int] | None:
    """The first moment of [since, until) with the most people, and how many; None if there never was anybody."""
    start, end = pd.Timestamp(since), pd.Timestamp(until)
    before = people[people.index <= start]
    inside = people[(people.index > start) & (people.index < end)]
    first = pd.Series([before.iloc[-1] if len(before) else 0], index=pd.DatetimeIndex([start], dtype=TIME))
    points = pd.concat([first, inside])
    most = int(points.max())
    if most == 0:
        return None
    at = points.index[int(np.argmax(points.to_numpy()))]
    return at.to_pydatetime(), most


def _means(stays: pd.DataFrame, edges: pd.DatetimeIndex, now: datetime) -> NDArray[np.float64]:
    """Mean number of people in, from each edge to the next or to now."""
    starts, ends = edges[:-1].asi8, np.minimum(edges[1:].asi8, pd.DatetimeIndex([now], dtype=TIME).asi8[0])
    length_s = (ends - starts) * _S
    inside_s = _person_time_s(stays, ends) - _person_time_s(stays, starts)
    means = np.full(len(length_s), np.nan)
    np.divide(inside_s, length_s, out=means, where=length_s > 0)
    return means


def _person_time_s(stays: pd.DataFrame, at: NDArray[np.int64]) -> NDArray[np.float64]:
    """How long people have been in altogether up to each instant (microseconds)."""
    return _time_since_s(stays["started_at"], at) - _time_since_s(stays["ended_at"], at)


def _time_since_s(column: pd.Series[pd.Timestamp], at: NDArray[np.int64]) -> NDArray[np.float64]:
    """The time since each moment of the column that is past at each instant, summed up."""
    if column.empty:
        return np.zeros(len(at))
    moments = np.sort(pd.DatetimeIndex(column, dtype=TIME).asi8)
    sums_s = np.concatenate([[0.0], np.cumsum((moments - moments[0]) * _S)])
    past = np.searchsorted(moments, at, side="right")
    since_s: NDArray[np.float64] = past * ((at - moments[0]) * _S) - sums_s[past]
    return since_s
