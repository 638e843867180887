"""What is computed from visits: footfall, visitors, dwell, occupancy, peaks, usage by person.

A measure is a function of frames and edges: instants in UTC, ascending, with a period from each to the next. A visit
counts where it starts, once, whatever its segments; time counts where it was spent; open visits run to now.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tracker.reports import occupancy
from tracker.reports.columns import instant_of
from tracker.reports.frames import (
    SECOND_US,
    Frames,
    index_of,
    instants,
    local_days,
    nullable,
    places,
    utc,
)
from tracker.reports.headcount import Crossings

if TYPE_CHECKING:
    from tracker.reports.frames import Times

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
_TWO_DAYS_US = 2 * 86400 * SECOND_US
_BIN_WIDTHS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)


def usage(frames: Frames, edges: Sequence[datetime], *, zone: tzinfo) -> pd.DataFrame:
    """One row for each period.

    Columns: started_at, ended_at; entries, exits: visits that began, that ended, or crossings where everybody is
    counted; recognised: of those entries, by people with a name or a visitor id, recognised_share: 0..1, both missing
    where visits are counted; visitors: different people among the visits that began, returning: of them, with an
    earlier visit on another day, new: the others; bounce_rate: share of the visits that began, 0..1; median_dwell_s:
    net, of those whose length is known; peak: most people in at once.
    """
    index, visits = index_of(edges), frames.visits
    count = len(edges) - 1
    at = places(visits["started_at"], index)
    begun = _per_place(at, count)
    entries = _per_place(places(frames.entered, index), count)
    recognised = _recognised(frames, index, count)
    bounces = _per_place(at[visits["bounce"].to_numpy()], count)
    known = is_measured(visits) & (at >= 0)
    visitors, returning = _visitors(visits, at, count, zone)
    return pd.DataFrame(
        {
            "started_at": index[:-1],
            "ended_at": index[1:],
            "entries": nullable(entries),
            "recognised": recognised,
            "recognised_share": _shares(recognised, entries),
            "exits": nullable(_per_place(places(frames.left, index), count)),
            "visitors": nullable(visitors),
            "returning": nullable(returning),
            "new": nullable(visitors - returning),
            "bounce_rate": bounces / np.where(begun, begun, np.nan),
            "median_dwell_s": _medians(visits["dwell_s"].to_numpy()[known], at[known], count),
            "peak": nullable(occupancy.peak_counts(frames.steps, index)),
        }
    )


def by_door(crossings: Crossings, since: datetime, until: datetime) -> pd.DataFrame:
    """One row for each door that anybody crossed in [since, until), by id.

    Columns: camera_id; entries, exits; recognised: of the entries, by people with a name or a visitor id;
    recognised_share: 0..1, missing without entries.
    """
    within = crossings.take((crossings.at >= instant_of(since)) & (crossings.at < instant_of(until)))
    cameras, camera = np.unique(within.camera.astype(str), return_inverse=True)
    count = len(cameras)
    entries = np.bincount(camera[within.enters], minlength=count)
    recognised = np.bincount(camera[within.enters & within.recognised], minlength=count)
    return pd.DataFrame(
        {
            "camera_id": cameras,
            "entries": entries,
            "exits": np.bincount(camera[~within.enters], minlength=count),
            "recognised": recognised,
            "recognised_share": _shares(nullable(recognised), entries),
        }
    )


def entries_by_hour_of_day(frames: Frames, since: datetime, until: datetime, zone: tzinfo) -> list[int]:
    """Entries in [since, until) by the local hour in which they are: 24 sums from midnight on."""
    entered, (start, stop) = instants(frames.entered), index_of([since, until]).asi8
    hours = utc(entered[(entered >= start) & (entered < stop)]).tz_convert(zone).hour
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
    return np.asarray(visits["dwell_known"].to_numpy() & ~visits["bounce"].to_numpy())


def dwell(visits: pd.DataFrame) -> pd.DataFrame:
    """A row for net and one for gross; lengths in seconds, missing without a visit that can be measured.

    Columns: measure, visits, median_s, mean_s, p90_s (nine of ten were shorter), longest_s.
    """
    known = is_measured(visits)
    lengths = [visits[column].to_numpy()[known] for column in DWELL_COLUMNS.values()]
    figures = [
        (*np.quantile(np.sort(each), (0.5, 0.9, 1)), each.mean()) if len(each) else (math.nan,) * 4  # sorted is faster
        for each in lengths
    ]
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
    known = is_measured(visits)
    lengths_s = {measure: visits[column].to_numpy()[known] for measure, column in measures.items()}
    longest_s = max((float(each.max(initial=0)) for each in lengths_s.values()), default=0)
    if not known.any():
        empty = pd.Series(dtype="float64")
        return pd.DataFrame({"from_s": empty, "to_s": empty, **dict.fromkeys(measures, empty.astype(int))})
    width_s = bin_width_s(longest_s)
    count = int(longest_s // width_s) + 1
    starts = np.arange(count) * width_s
    counts = {
        measure: np.bincount((each // width_s).astype(int), minlength=count) for measure, each in lengths_s.items()
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
    return people.iloc[_longest_first(people)].reset_index(drop=True)


def _longest_first(people: pd.DataFrame) -> NDArray[np.intp]:
    """The rows by time inside, then visits, then id."""
    keys = (-people["visits"].to_numpy(), -people["inside_s"].to_numpy())
    order = np.lexsort(keys)
    if not np.logical_and.reduce([np.diff(key[order]) == 0 for key in keys]).any():
        return order  # as nearly always: to sort thousands of ids takes longer than everything else
    ids = people["person_id"].tolist()
    by_id = np.array(sorted(range(len(ids)), key=ids.__getitem__), dtype=np.intp)
    ordered: NDArray[np.intp] = by_id[np.lexsort([key[by_id] for key in keys])]
    return ordered


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
    earlier = _is_earlier_day(visits["first_at"].iloc[last], visits["started_at"].iloc[last], zone)
    return _per_place(found % count, count), _per_place(found[earlier] % count, count)


def _is_earlier_day(first_at: Times, at: Times, zone: tzinfo) -> NDArray[np.bool_]:
    """Whether the local day of an instant is earlier than that of the other; days are looked up where both are near."""
    apart_us = instants(at) - instants(first_at)
    earlier = apart_us > _TWO_DAYS_US
    near = (apart_us > 0) & ~earlier
    earlier[near] = (local_days(first_at[near], zone) < local_days(at[near], zone)).to_numpy()
    return earlier


def _recognised(frames: Frames, index: pd.DatetimeIndex, count: int) -> pd.arrays.IntegerArray:
    """Entries by people with a name or a visitor id in each period; missing where visits are counted."""
    crossings = frames.crossings
    if crossings is None:
        return pd.arrays.IntegerArray(np.zeros(count, dtype=np.int64), np.ones(count, dtype=bool))
    of_entries = crossings.recognised[crossings.enters]
    return nullable(_per_place(places(frames.entered[of_entries], index), count))


def _shares(part: pd.arrays.IntegerArray, whole: NDArray[np.int64]) -> NDArray[np.float64]:
    """part / whole, NaN where either is missing or `whole` is 0."""
    shares: NDArray[np.float64] = part.to_numpy(dtype=np.float64, na_value=np.nan) / np.where(whole, whole, np.nan)
    return shares


def _per_place(found: NDArray[np.intp], count: int) -> NDArray[np.int64]:
    """How often each of the places 0..count-1 stands there."""
    return np.bincount(found[found >= 0], minlength=count).astype(np.int64)


def _medians(values: NDArray[np.float64], groups: NDArray[np.intp], count: int) -> NDArray[np.float64]:
    """The median of each of the groups 0..count-1, NaN for an empty one."""
    if count == 1 and len(values):
        return np.array([np.median(values)])  # without an order of all of them
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
