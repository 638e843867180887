"""What is computed from visits: footfall, visitors, dwell, occupancy, peaks, usage by person.

A measure is a function of frames and edges: instants in UTC, ascending, with a period from each to the next. A visit
counts where it starts, once, whatever its segments; time counts where it was spent; open visits run to now.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tracker.reports.frames import (
    SECOND_US,
    TIME,
    Frames,
    index_of,
    instants,
    local_days,
    not_before,
    places,
    steps_of,
    utc,
)

DWELL_COLUMNS: Mapping[str, str] = {"net": "dwell_s", "gross": "gross_s"}
"""How a length is measured, and the column of the visits that has it."""

NOT_MEASURED: Mapping[str, str] = {
    "still_in": "still in",
    "entry_not_seen": "entry not seen",
    "exit_not_seen": "only the entry seen",
    "bounces": "bounce",
}
"""Why a visit is not measured."""

_MAX_BINS = 12
_BIN_WIDTHS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)


def usage(frames: Frames, edges: Sequence[datetime], *, zone: tzinfo) -> pd.DataFrame:
    """One row for each period.

    Columns: started_at, ended_at; entries, exits: visits that began, that ended; visitors: different people among
    those who came, returning: of them, with an earlier visit on another day, new: the others; bounce_rate: share of
    the entries, 0..1; median_dwell_s: net, of the visits that began and whose length is known; peak: most people in at
    once.
    """
    index, visits = index_of(edges), frames.visits
    count = len(edges) - 1
    at = places(visits["started_at"], index)
    entries = _per_place(at, count)
    bounces = _per_place(at[visits["bounce"].to_numpy()], count)
    known = is_measured(visits) & (at >= 0)
    visitors, returning = _visitors(visits, at, count, zone)
    return pd.DataFrame(
        {
            "started_at": index[:-1],
            "ended_at": index[1:],
            "entries": _nullable(entries),
            "exits": _nullable(_per_place(places(visits["ended_at"], index), count)),
            "visitors": _nullable(visitors),
            "returning": _nullable(returning),
            "new": _nullable(visitors - returning),
            "bounce_rate": bounces / np.where(entries, entries, np.nan),
            "median_dwell_s": _medians(visits["dwell_s"].to_numpy()[known], at[known], count),
            "peak": _nullable(peak_counts(frames.steps, index)),
        }
    )


def entries_by_hour_of_day(frames: Frames, since: datetime, until: datetime, zone: tzinfo) -> list[int]:
    """Visits that begin in [since, until) by the local hour in which they do: 24 sums from midnight on."""
    started = frames.visits["started_at"]
    begun = started[(started >= pd.Timestamp(since)) & (started < pd.Timestamp(until))]
    hours = begun.dt.tz_convert(zone).dt.hour
    return [int(number) for number in np.bincount(hours, minlength=24)]


def with_watched(frame: pd.DataFrame, shares: Sequence[float | None]) -> pd.DataFrame:
    """The same with the column `watched` (0..1, missing where nothing is known); what nobody watched is not zero.

    Counts are missing where the share is 0 and nothing was counted.
    """
    watched = pd.Series(list(shares), dtype="float64", index=frame.index)
    if not (watched == 0).any():
        return frame.assign(watched=watched)
    counts = [name for name in frame.columns if isinstance(frame[name].dtype, pd.Int64Dtype)]
    blank = (watched == 0) & (frame[counts].fillna(0) == 0).all(axis=1)
    lengths = [name for name in frame.columns if frame[name].dtype == "float64"]
    known = frame.copy()
    if blank.any():
        known.loc[blank, [*counts, *lengths]] = pd.NA
    return known.assign(watched=watched)


# -- dwell


def measured(visits: pd.DataFrame) -> pd.DataFrame:
    """Visits whose length is known and that were no bounce."""
    return visits[is_measured(visits)]


def is_measured(visits: pd.DataFrame) -> NDArray[np.bool_]:
    """Which of the visits those are."""
    return np.asarray(visits["dwell_known"] & ~visits["bounce"])


def dwell(visits: pd.DataFrame) -> pd.DataFrame:
    """A row for net and one for gross; lengths in seconds, missing without a visit that can be measured.

    Columns: measure, visits, median_s, mean_s, p90_s (nine of ten were shorter), longest_s.
    """
    known = is_measured(visits)
    lengths = [visits[column].to_numpy()[known] for column in DWELL_COLUMNS.values()]
    figures = [(*np.quantile(each, (0.5, 0.9, 1)), each.mean()) if len(each) else (math.nan,) * 4 for each in lengths]
    median_s, p90_s, longest_s, mean_s = zip(*figures, strict=True)
    return pd.DataFrame(
        {
            "measure": pd.Series(list(DWELL_COLUMNS), dtype="str"),
            "visits": [len(each) for each in lengths],
            "median_s": median_s,
            "mean_s": mean_s,
            "p90_s": p90_s,
            "longest_s": longest_s,
        }
    )


def histogram(visits: pd.DataFrame, measures: Mapping[str, str] = DWELL_COLUMNS) -> pd.DataFrame:
    """How many visits lasted from_s or longer and less than to_s by each measure, in the same bins from 0 on.

    Columns: from_s, to_s, and one for each measure. The bins have one round width and fit the longest time.
    """
    known = visits.loc[is_measured(visits), list(dict.fromkeys(measures.values()))]
    if known.empty:
        empty = pd.Series(dtype="float64")
        return pd.DataFrame({"from_s": empty, "to_s": empty, **dict.fromkeys(measures, empty.astype(int))})
    longest_s = float(known.to_numpy().max())
    width_s = bin_width_s(longest_s)
    count = int(longest_s // width_s) + 1
    starts = np.arange(count) * width_s
    counts = {
        measure: np.bincount((known[column] // width_s).astype(int), minlength=count)
        for measure, column in measures.items()
    }
    return pd.DataFrame({"from_s": starts, "to_s": starts + width_s, **counts})


def bin_width_s(longest_s: float) -> float:
    """The narrowest round width with which no more than 12 bins, from 0 on, hold the longest time."""
    days = (longest_s // (_MAX_BINS * 86400) + 1) * 86400
    return float(next((width for width in _BIN_WIDTHS_S if longest_s < width * _MAX_BINS), days))


def not_measured(visits: pd.DataFrame) -> dict[str, int]:
    """How many visits are not measured, by the keys of NOT_MEASURED; each has one reason, the first that holds."""
    unknown = ~visits["dwell_known"]
    still_in = unknown & visits["ended_at"].isna()
    no_entry = unknown & ~still_in & visits["enter_inferred"]
    counts = {
        "still_in": still_in,
        "entry_not_seen": no_entry,
        "exit_not_seen": unknown & ~still_in & ~no_entry,
        "bounces": visits["dwell_known"] & visits["bounce"],
    }
    return {reason: int(holds.sum()) for reason, holds in counts.items()}


# -- occupancy


def steps_between(frames: Frames, since: datetime, until: datetime, now: datetime) -> pd.Series[int]:
    """People in over [since, until) as steps: a point at `since`, at each change, and where the range or now ends.

    Whoever comes in at `until` does not count any more.
    """
    end = max(min(until, now), since)
    first, last, parts = pd.Timestamp(since), pd.Timestamp(end), frames.segments
    started = not_before(parts["started_at"], first)
    lasts = parts["open"] | (parts["ended_at"] > started)
    inside = parts[(parts["started_at"] <= last) & (parts["started_at"] < pd.Timestamp(until)) & lasts]
    gone = inside.loc[~inside["open"] & (inside["ended_at"] <= last), "ended_at"]
    found = steps_of(started[inside.index], gone)
    edge = pd.Series(0, index=pd.DatetimeIndex([first], dtype=TIME))
    found = found if len(found) and found.index[0] == first else pd.concat([edge, found])
    return found if found.index[-1] >= last else pd.concat([found, found.iloc[-1:].set_axis(index_of([end]))])


def occupancy(frames: Frames, edges: Sequence[datetime], *, now: datetime, capacity: int | None = None) -> pd.DataFrame:
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
            "mean": _means(frames.segments, index, now),
            "peak": _nullable(peaks),
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


# -- people


def people_usage(frames: Frames, edges: Sequence[datetime], *, now: datetime) -> pd.DataFrame:
    """One row for each person who was in at some time from the first edge to the last, the longest inside first.

    Columns: person_id; visits: that began; days: on which the person was here; inside_s: net, within the range;
    median_dwell_s: of the visits that began and whose length is known; first_seen_at, last_seen_at: within the range,
    the latter is now for somebody who is in; present: is in. edges: of the range's days.
    """
    found = frames.touching(edges[0], edges[-1])
    since, until = index_of([edges[0], edges[-1]]).asi8
    of_visits = found["person_id"].cat.codes.to_numpy()
    codes = np.flatnonzero(np.bincount(of_visits))
    count = len(codes)
    number = np.zeros(codes.max(initial=0) + 1, dtype=np.int64)
    number[codes] = np.arange(count)
    who = number[of_visits]
    started, still = instants(found["started_at"]), found["ended_at"].isna().to_numpy()
    ends = np.where(still, index_of([now]).asi8[0], instants(found["ended_at"]))
    ends = np.minimum(np.maximum(ends, started), until)
    first_seen, last_seen = np.full(count, until), np.full(count, since)
    np.minimum.at(first_seen, who, np.maximum(started, since))
    np.maximum.at(last_seen, who, ends)
    came = (started >= since) & (started < until)
    known = came & is_measured(found)
    person_of = np.full(len(frames.visits.index) and int(frames.visits.index.max()) + 1, -1)
    person_of[found.index] = who
    touching = person_of[frames.segments["visit"]] >= 0
    segments = frames.segments if touching.all() else frames.segments[touching]
    rows, place, part_start, part_end = _cut(segments, index_of(edges))
    person = person_of[segments["visit"]][rows]
    here = np.zeros((count, len(edges)), dtype=bool)
    here[person, place] = True
    people = pd.DataFrame(
        {
            "person_id": np.asarray(found["person_id"].cat.categories[codes], dtype=object),
            "visits": np.bincount(who[came], minlength=count),
            "days": here.sum(axis=1),
            "inside_s": np.bincount(person, weights=(part_end - part_start).astype(float), minlength=count) / SECOND_US,
            "median_dwell_s": _medians(found["dwell_s"].to_numpy()[known], who[known], count),
            "first_seen_at": utc(first_seen),
            "last_seen_at": utc(last_seen),
            "present": np.bincount(who[still], minlength=count) > 0,
        }
    )
    ids = people["person_id"].tolist()
    by_id = np.array(sorted(range(count), key=ids.__getitem__), dtype=np.intp)
    order = by_id[np.lexsort((-people["visits"].to_numpy()[by_id], -people["inside_s"].to_numpy()[by_id]))]
    return people.iloc[order].reset_index(drop=True)


def day_parts(segments: pd.DataFrame, edges: Sequence[datetime]) -> pd.DataFrame:
    """Segments cut at midnight, and to the days between the edges.

    Columns of the segments, with the cut started_at and ended_at, and `place`: the day, 0 for the first one. A segment
    of no length lies in the day in which it is.
    """
    rows, place, started, ended = _cut(segments, index_of(edges))
    parts = segments.iloc[rows].reset_index(drop=True)
    is_last = np.append(rows[1:] != rows[:-1], True)[: len(rows)]
    return parts.assign(
        started_at=utc(started), ended_at=utc(ended), open=parts["open"].to_numpy() & is_last, place=place
    )


def _cut(
    segments: pd.DataFrame, edges: pd.DatetimeIndex
) -> tuple[NDArray[np.intp], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Segments cut at the edges: of each part the row, the period, start and end (microseconds)."""
    started, ended = instants(segments["started_at"]), instants(segments["ended_at"])
    first, last = edges.asi8[0], edges.asi8[-1]
    touching = np.flatnonzero((started < last) & ((ended > first) | (started >= first)))
    started, ended = np.maximum(started[touching], first), np.minimum(ended[touching], last)
    begin = np.searchsorted(edges.asi8, started, side="right") - 1
    end = np.maximum(np.searchsorted(edges.asi8, ended - 1, side="right") - 1, begin)
    copies = end - begin + 1
    rows = np.repeat(np.arange(len(touching)), copies)
    place = np.arange(len(rows)) - np.repeat(np.cumsum(copies) - copies, copies) + begin[rows]
    cut_start = np.maximum(started[rows], edges.asi8[place])
    cut_end = np.minimum(ended[rows], edges.asi8[place + 1])
    return touching[rows], place, cut_start, cut_end


def _visitors(
    visits: pd.DataFrame, place: NDArray[np.intp], count: int, zone: tzinfo
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Different people per place, and those of them who had been here on an earlier day. place: -1 counts nowhere."""
    came = np.flatnonzero(place >= 0)
    person = visits["person_id"].cat.codes.to_numpy().astype(np.int64)[came]
    group, found = pd.factorize(person * count + place[came])
    last = np.empty(len(found), dtype=np.intp)
    last[group] = came  # of several visits of a group the last one is kept
    first_at, started_at = visits["first_at"].iloc[last], visits["started_at"].iloc[last]
    earlier = (local_days(first_at, zone) < local_days(started_at, zone)).to_numpy()
    return _per_place(found % count, count), _per_place(found[earlier] % count, count)


def _per_place(found: NDArray[np.intp], count: int) -> NDArray[np.int64]:
    """How often each of the places 0..count-1 stands there."""
    return np.bincount(found[found >= 0], minlength=count).astype(np.int64)


def _nullable(counts: NDArray[np.int64]) -> pd.arrays.IntegerArray:
    """A column of numbers that may be missing; none of them is."""
    return pd.arrays.IntegerArray(counts, np.zeros(len(counts), dtype=bool))


def _medians(values: NDArray[np.float64], groups: NDArray[np.intp], count: int) -> NDArray[np.float64]:
    """The median of each of the groups 0..count-1, NaN for an empty one."""
    order = np.argsort(values)
    order = order[np.argsort(groups[order].astype(np.min_scalar_type(count)), kind="stable")]  # 16 bits sort faster
    sizes = np.bincount(groups, minlength=count)
    first = np.cumsum(sizes) - sizes
    padded = np.append(values[order], np.nan)
    lower, upper = (
        padded[np.where(sizes, first + (sizes - 1) // 2, -1)],
        padded[np.where(sizes, first + sizes // 2, -1)],
    )
    medians: NDArray[np.float64] = (lower + upper) / 2
    return medians


def _means(segments: pd.DataFrame, edges: pd.DatetimeIndex, now: datetime) -> NDArray[np.float64]:
    """Mean number of people in, from each edge to the next or to now."""
    starts, ends = edges[:-1].asi8, np.minimum(edges[1:].asi8, index_of([now]).asi8[0])
    length_s = (ends - starts) / SECOND_US
    inside_s = _person_time_s(segments, ends) - _person_time_s(segments, starts)
    means = np.full(len(length_s), np.nan)
    np.divide(inside_s, length_s, out=means, where=length_s > 0)
    return means


def _person_time_s(segments: pd.DataFrame, at: NDArray[np.int64]) -> NDArray[np.float64]:
    """How long people have been in altogether up to each instant (microseconds)."""
    return _time_since_s(segments["started_at"], at) - _time_since_s(segments["ended_at"], at)


def _time_since_s(column: pd.Series[pd.Timestamp], at: NDArray[np.int64]) -> NDArray[np.float64]:
    """The time since each moment of the column that is past at each instant, summed up."""
    if column.empty:
        return np.zeros(len(at))
    moments = np.sort(pd.DatetimeIndex(column, dtype=TIME).asi8)
    sums_s = np.concatenate([[0.0], np.cumsum((moments - moments[0]) / SECOND_US)])
    past = np.searchsorted(moments, at, side="right")
    since_s: NDArray[np.float64] = past * ((at - moments[0]) / SECOND_US) - sums_s[past]
    return since_s
