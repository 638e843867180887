"""How a place was used, period by period: entries and exits, who came, how long they stayed, how full it was."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tracker.reports.dwell import measured
from tracker.reports.frames import index_of, local_days, places
from tracker.reports.occupancy import peak_counts, steps

_COUNTS = ("entries", "exits", "visitors", "returning", "new", "peak")


def usage(visits: pd.DataFrame, stays: pd.DataFrame, edges: Sequence[datetime], *, zone: tzinfo) -> pd.DataFrame:
    """One row for each period from one edge to the next.

    Columns: started_at, ended_at; entries, exits: visits that began, that ended; visitors: different people among
    those who came, returning: of them, with an earlier visit on another day, new: the others; bounce_rate: share of
    the entries, 0..1; median_dwell_s: net, of the visits that began and whose length is known; peak: most people in at
    once. visits, stays: give earlier ones too, they tell who returns and who was in already.
    """
    index = index_of(edges)
    count = len(edges) - 1
    at = places(visits["started_at"], index)
    came = visits[at >= 0].assign(place=at[at >= 0])
    entries = _per_place(came["place"], count)
    visitors, returning = _visitors(visits, came, count, zone)
    known = measured(came)
    frame = pd.DataFrame(
        {
            "started_at": index[:-1],
            "ended_at": index[1:],
            "entries": entries,
            "exits": _per_place(places(visits["ended_at"], index), count),
            "visitors": visitors,
            "returning": returning,
            "new": visitors - returning,
            "bounce_rate": _per_place(came.loc[came["bounce"], "place"], count) / np.where(entries, entries, np.nan),
            "median_dwell_s": known.groupby("place")["dwell_s"].median().reindex(range(count)).to_numpy(),
            "peak": peak_counts(steps(stays), index),
        }
    )
    return frame.astype(dict.fromkeys(_COUNTS, "Int64"))


def with_watched(frame: pd.DataFrame, shares: Sequence[float | None]) -> pd.DataFrame:
    """The same with the column `watched` (0..1, missing where nothing is known); what nobody watched is not zero.

    Counts are missing where the share is 0 and nothing was counted.
    """
    watched = pd.Series(list(shares), dtype="float64", index=frame.index)
    counts = [name for name in frame.columns if isinstance(frame[name].dtype, pd.Int64Dtype)]
    blank = (watched == 0) & (frame[counts].fillna(0) == 0).all(axis=1)
    measured_too = [name for name in frame.columns if frame[name].dtype == "float64"]
    known = frame.copy()
    known.loc[blank, [*counts, *measured_too]] = pd.NA
    return known.assign(watched=watched)


def visitors_in(visits: pd.DataFrame, since: datetime, until: datetime, zone: tzinfo) -> tuple[int, int]:
    """Different people whose visits began in the range, and how many of them had a visit on an earlier day."""
    index = index_of([since, until])
    at = places(visits["started_at"], index)
    visitors, returning = _visitors(visits, visits[at >= 0].assign(place=0), 1, zone)
    return int(visitors[0]), int(returning[0])


def _visitors(
    visits: pd.DataFrame, came: pd.DataFrame, count: int, zone: tzinfo
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Different people per place, and those of them who had been here on an earlier day."""
    first_at = visits.groupby("person_id")["started_at"].transform("min").loc[came.index]
    people = came.assign(first_at=first_at).groupby(["place", "person_id"])
    found = people.agg(first_at=("first_at", "min"), last_at=("started_at", "max")).reset_index()
    earlier = local_days(found["first_at"], zone) < local_days(found["last_at"], zone)
    return _per_place(found["place"], count), _per_place(found.loc[earlier, "place"], count)


def _per_place(found: pd.Series[int] | NDArray[np.intp], count: int) -> NDArray[np.int64]:
    """How often each of the places 0..count-1 stands there."""
    numbers = np.asarray(found, dtype=np.int64)
    return np.bincount(numbers[numbers >= 0], minlength=count).astype(np.int64)
