"""How many people are in: from each instant on, at the peak, on average. By visits, or by a count beside them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tracker.reports.frames import SECOND_US, TIME, Frames, index_of, instants, not_before, nullable, steps_of, utc


def steps_between(frames: Frames, since: datetime, until: datetime, now: datetime) -> pd.Series[int]:
    """People in over [since, until) as steps: a point at `since`, at each change, and where the range or now ends.

    Whoever comes in at `until` does not count any more.
    """
    end = max(min(until, now), since)
    if frames.counts_people or since < end < until:
        return _cut_steps(frames.steps, since, end)
    first, last, parts = pd.Timestamp(since), pd.Timestamp(end), frames.segments
    started = not_before(parts["started_at"], first)
    lasts = parts["open"] | (parts["ended_at"] > started)
    inside = parts[(parts["started_at"] <= last) & (parts["started_at"] < pd.Timestamp(until)) & lasts]
    gone = inside.loc[~inside["open"] & (inside["ended_at"] <= last), "ended_at"]
    found = steps_of(instants(started[inside.index]), instants(gone))
    edge = pd.Series(0, index=pd.DatetimeIndex([first], dtype=TIME))
    found = found if len(found) and found.index[0] == first else pd.concat([edge, found])
    return found if found.index[-1] >= last else pd.concat([found, found.iloc[-1:].set_axis(index_of([end]))])


def _cut_steps(steps: pd.Series[int], since: datetime, end: datetime) -> pd.Series[int]:
    """The same from `since` to `end`, with a point at each."""
    edges_us = index_of([since, end] if end > since else [since]).asi8
    first, last = edges_us[0], edges_us[-1]
    moments, people = _moments(steps), np.append(steps.to_numpy(dtype=np.int64), 0)
    at_edges = people[np.searchsorted(moments, edges_us, side="right") - 1]
    begin, stop = np.searchsorted(moments, first, side="right"), np.searchsorted(moments, last, side="left")
    within = slice(begin, max(begin, stop))
    at = np.concatenate([edges_us[:1], moments[within], edges_us[1:]])
    return pd.Series(np.concatenate([at_edges[:1], people[within], at_edges[1:]]), index=utc(at))


def by_period(frames: Frames, edges: Sequence[datetime], *, now: datetime, capacity: int | None = None) -> pd.DataFrame:
    """One row for each period: people in on average and at the peak, the share of the capacity.

    Columns: started_at, ended_at, mean, peak, peak_share (of the capacity, 0..1 and beyond; missing without one). The
    mean is over the time up to now. No edge but the last is later than `now`.
    """
    index = index_of(edges)
    peaks = peak_counts(frames.steps, index)
    return pd.DataFrame(
        {
            "started_at": index[:-1],
            "ended_at": index[1:],
            "mean": _means(frames, index, now),
            "peak": nullable(peaks),
            "peak_share": peaks / capacity if capacity else np.full(len(peaks), np.nan),
        }
    )


def peak_counts(people: pd.Series[int], edges: pd.DatetimeIndex) -> NDArray[np.int64]:
    """The most people in at once in each period. people: as `Frames.steps` gives it."""
    counts = np.concatenate([[0], people.to_numpy(dtype=np.int64)])
    bounds = np.asarray(pd.DatetimeIndex(people.index).searchsorted(edges, side="left"))
    at_edges = np.asarray(pd.DatetimeIndex(people.index).searchsorted(edges, side="right"))
    peaks = counts[at_edges[:-1]]
    changing = bounds[1:] > bounds[:-1]
    if changing.any():
        highest = np.maximum.reduceat(counts[: bounds[-1] + 1], bounds[:-1][changing] + 1)
        peaks[changing] = np.maximum(peaks[changing], highest)
    return peaks


def peak_of(people: pd.Series[int], since: datetime, until: datetime) -> tuple[datetime, int] | None:
    """The first moment of [since, until) with the most people, and how many; None if there never was anybody."""
    edges_us, moments, counts = index_of([since, until]).asi8, _moments(people), people.to_numpy()
    begin, stop = np.searchsorted(moments, edges_us[0], side="right"), np.searchsorted(moments, edges_us[1])
    at_since = int(counts[begin - 1]) if begin else 0
    within = counts[begin:stop]
    most = max(at_since, int(within.max(initial=0)))
    if most == 0:
        return None
    if most == at_since:
        return since.astimezone(UTC), most
    at: datetime = people.index[begin + int(np.argmax(within))].to_pydatetime()
    return at, most


def _moments(steps: pd.Series[int]) -> NDArray[np.int64]:
    return pd.DatetimeIndex(steps.index, dtype=TIME).asi8


def _means(frames: Frames, edges: pd.DatetimeIndex, now: datetime) -> NDArray[np.float64]:
    """Mean number of people in, from each edge to the next or to now."""
    starts, ends = edges[:-1].asi8, np.minimum(edges[1:].asi8, index_of([now]).asi8[0])
    length_s = (ends - starts) / SECOND_US
    person_time_s = _counted_time_s if frames.counts_people else _person_time_s
    inside_s = person_time_s(frames, ends) - person_time_s(frames, starts)
    means = np.full(len(length_s), np.nan)
    np.divide(inside_s, length_s, out=means, where=length_s > 0)
    return means


def _person_time_s(frames: Frames, at: NDArray[np.int64]) -> NDArray[np.float64]:
    """How long people have been in altogether up to each instant (microseconds), by their visits."""
    return _time_since_s(frames.segments["started_at"], at) - _time_since_s(frames.segments["ended_at"], at)


def _counted_time_s(frames: Frames, at: NDArray[np.int64]) -> NDArray[np.float64]:
    """The same by the count of the people inside."""
    if frames.steps.empty:
        return np.zeros(len(at))
    moments = _moments(frames.steps)
    people = np.append(frames.steps.to_numpy(dtype=np.float64), 0.0)
    sums_s = np.concatenate([[0.0], np.cumsum(people[:-2] * np.diff(moments) / SECOND_US)])
    place = np.searchsorted(moments, at, side="right") - 1
    since_s: NDArray[np.float64] = np.where(
        place >= 0, sums_s[place] + people[place] * (at - moments[place]) / SECOND_US, 0
    )
    return since_s


def _time_since_s(column: pd.Series[pd.Timestamp], at: NDArray[np.int64]) -> NDArray[np.float64]:
    """The time since each moment of the column that is past at each instant, summed up."""
    if column.empty:
        return np.zeros(len(at))
    moments = np.sort(pd.DatetimeIndex(column, dtype=TIME).asi8)
    sums_s = np.concatenate([[0.0], np.cumsum((moments - moments[0]) / SECOND_US)])
    past = np.searchsorted(moments, at, side="right")
    since_s: NDArray[np.float64] = past * ((at - moments[0]) / SECOND_US) - sums_s[past]
    return since_s
