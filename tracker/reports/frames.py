"""Visits as DataFrames: what every measure is computed from. Times are datetime64[us, UTC]."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tracker.presence.events import time_text
from tracker.presence.sessions import Session
from tracker.reports.columns import LATE, Codes, Columns, Instants, SessionColumns, instant_of, instants_of
from tracker.reports.headcount import Crossings, Headcount

if TYPE_CHECKING:
    Times: TypeAlias = "pd.Series[pd.Timestamp]"

TIME = pd.DatetimeTZDtype("us", UTC)
SECOND_US = 1_000_000


@dataclass(frozen=True, eq=False)
class Frames:
    """Visits of one site, open ones up to `now`.

    visits: one row a visit, by start, then person. Columns: session_id, person_id (category), started_at, ended_at
    (NaT while open), dwell_s (net), gross_s (with gaps), segments (how many), enter_inferred, exit_inferred, bounce,
    dwell_known, enter_camera_id, exit_camera_id (category), first_at (start of the person's first visit ever).
    segments: one row a continuous part of a visit, by start. Columns: visit (label of its row in visits), person_id,
    started_at, ended_at (now while open), open. count: of the people at the site beside its visits, None where those
    are all that is counted.
    """

    visits: pd.DataFrame
    segments: pd.DataFrame
    count: Headcount | None = None

    @classmethod
    def of_columns(
        cls,
        portions: Iterable[SessionColumns],
        *,
        now: datetime,
        first_starts: Callable[[Sequence[str]], Mapping[str, str]] | None = None,
    ) -> Self:
        """Frames of sessions as a store has them, read in portions.

        first_starts: gives the start (text) of the first visit of each of the people, in rows or not.
        """
        people, cameras = Codes(), Codes()
        columns = Columns.joined(Columns.parsed(portion, people, cameras) for portion in portions).in_order(people)
        first_at = np.full(len(people), LATE)
        np.minimum.at(first_at, columns.person, columns.started)
        known = {} if first_starts is None else first_starts(list(people.codes))
        codes = np.array([people.codes[person_id] for person_id in known], dtype=np.int32)
        first_at[codes] = np.minimum(first_at[codes], instants_of(known.values()))
        return cls.of(columns, people, cameras, first_at=first_at, now=now)

    @classmethod
    def of(cls, columns: Columns, people: Codes, cameras: Codes, *, first_at: Instants, now: datetime) -> Self:
        """The same of columns, by start, then person. first_at: the start of each person's first visit, by code."""
        segments = _segments(columns, people, now)
        return cls(_visits(columns, people, cameras, first_at, segments, now), segments)

    @classmethod
    def of_sessions(
        cls,
        sessions: Iterable[Session],
        *,
        now: datetime,
        first_starts: Callable[[Sequence[str]], Mapping[str, str]] | None = None,
    ) -> Self:
        """The same of sessions."""
        return cls.of_columns([_columns_of(list(sessions))], now=now, first_starts=first_starts)

    def where(self, holds: pd.Series[bool] | NDArray[np.bool_]) -> Frames:
        """The visits for which something holds, and their segments; nothing else is counted then."""
        visits = self.visits[holds]
        kept = np.zeros(int(self.visits.index.max()) + 1 if len(self.visits) else 0, dtype=bool)
        kept[visits.index] = True
        return Frames(visits, self.segments[kept[self.segments["visit"]]])

    def of_people(self, person_ids: Iterable[str]) -> Frames:
        """The visits of these people."""
        return self.where(self.visits["person_id"].isin(list(person_ids)))

    def without_people(self, person_ids: Iterable[str]) -> Frames:
        """The visits of everybody but these people; at doors where everybody is counted, they count too."""
        unwanted = list(person_ids)
        if not unwanted:
            return self
        count = None if self.count is None else self.count.without_people(unwanted)
        whose = self.visits["person_id"].cat
        wanted = np.ones(len(whose.categories) + 1, dtype=bool)  # the last one is of people without a visit
        wanted[whose.categories.get_indexer(pd.Index(unwanted, dtype="object"))] = False
        return replace(self.where(wanted[whose.codes]), count=count)

    def begun(self, since: datetime, until: datetime) -> pd.DataFrame:
        """Visits that begin in [since, until)."""
        first, last = np.searchsorted(instants(self.visits["started_at"]), index_of([since, until]).asi8)
        return self.visits.iloc[first:last]

    @property
    def crossings(self) -> Crossings | None:
        """The crossings of doors that are the entries and exits; None where visits that begin and end are."""
        return None if self.count is None else self.count.crossings

    @property
    def counts_people(self) -> bool:
        """Whether the people inside are others than those of the visits."""
        return self.count is not None and self.count.counts_people

    @property
    def entered(self) -> Times:
        """When people came in, in no order."""
        if self.crossings is None:
            return self.visits["started_at"]
        return pd.Series(_utc(self.crossings.at[self.crossings.enters]), dtype=TIME)

    @property
    def left(self) -> Times:
        """When people went out, in no order; may hold missing times."""
        if self.crossings is None:
            return self.visits["ended_at"]
        return pd.Series(_utc(self.crossings.at[~self.crossings.enters]), dtype=TIME)

    @cached_property
    def steps(self) -> pd.Series[int]:
        """People in from each instant on, until the next, in order; a segment of no length changes nothing."""
        started, ended = instants(self.segments["started_at"]), instants(self.segments["ended_at"])
        still = self.segments["open"].to_numpy()
        lasting = still | (ended > started)
        visiting = steps_of(started[lasting], ended[lasting & ~still])
        return visiting if self.count is None else self.count.people(visiting)

    def touching(self, since: datetime, until: datetime) -> pd.DataFrame:
        """Visits of which some lies in [since, until), or that are one instant there."""
        start, stop = index_of([since, until]).asi8
        started, still = instants(self.visits["started_at"]), self.visits["ended_at"].isna().to_numpy()
        touching = (started < stop) & (still | (instants(self.visits["ended_at"]) > start) | (started >= start))
        return self.visits if touching.all() else self.visits[touching]


def _visits(
    columns: Columns, people: Codes, cameras: Codes, first_at: Instants, segments: pd.DataFrame, now: datetime
) -> pd.DataFrame:
    started, ended = columns.started, columns.ended
    still = np.isnat(ended)
    gross_s = _seconds(np.where(still, np.maximum(instant_of(now), started), ended) - started)
    lengths_us = (segments["ended_at"].array.asi8 - segments["started_at"].array.asi8).astype(float)
    known = ~still & ~columns.enter_inferred & ((gross_s > 0) | ~columns.exit_inferred)
    return pd.DataFrame(
        {
            "session_id": columns.session_id,
            "person_id": people.column(columns.person),
            "started_at": _utc(started),
            "ended_at": _utc(ended),
            "dwell_s": np.bincount(segments["visit"], weights=lengths_us, minlength=len(columns)) / SECOND_US,
            "gross_s": gross_s,
            "segments": np.bincount(segments["visit"], minlength=len(columns)),
            "enter_inferred": columns.enter_inferred,
            "exit_inferred": columns.exit_inferred,
            "bounce": columns.bounce,
            "dwell_known": known,
            "enter_camera_id": cameras.column(columns.enter_camera),
            "exit_camera_id": cameras.column(columns.exit_camera),
            "first_at": _utc(first_at[columns.person]),
        }
    )


def _segments(columns: Columns, people: Codes, now: datetime) -> pd.DataFrame:
    visit, started, ended = np.arange(len(columns)), columns.started, columns.ended
    if len(columns.part_of):
        single = np.ones(len(columns), dtype=bool)
        single[columns.part_of] = False
        visit = np.concatenate([visit[single], columns.part_of])
        started = np.concatenate([started[single], columns.part_started])
        ended = np.concatenate([ended[single], columns.part_ended])
        order = np.lexsort((visit, started))
        visit, started, ended = visit[order], started[order], ended[order]
    still = np.isnat(ended)
    return pd.DataFrame(
        {
            "visit": visit,
            "person_id": people.column(columns.person[visit]),
            "started_at": _utc(started),
            "ended_at": _utc(np.where(still, np.maximum(instant_of(now), started), ended)),
            "open": still,
        }
    )


def steps_of(came_us: NDArray[np.int64], gone_us: NDArray[np.int64]) -> pd.Series[int]:
    """How many more came than went up to each instant at which that changes."""
    parts = [np.sort(each, kind="stable") for each in (came_us, gone_us)]
    at = np.concatenate(parts)
    order = np.argsort(at, kind="stable")  # merges the two, as each is sorted
    at = at[order]
    is_last = np.diff(at, append=np.iinfo(np.int64).max) > 0
    moments, people = at[is_last], np.where(order < len(came_us), 1, -1).cumsum()[is_last]
    changed = np.diff(people, prepend=0) != 0
    return pd.Series(people[changed], index=utc(moments[changed]), dtype="int64")


def times(values: Iterable[datetime | None]) -> Times:
    """Instants as a column."""
    return pd.Series([None if value is None else value.astimezone(UTC) for value in values], dtype=TIME)


def texts(values: Iterable[str]) -> pd.Series[str]:
    """Texts as a column."""
    return pd.Series(list(values), dtype="str")


def index_of(edges: Sequence[datetime]) -> pd.DatetimeIndex:
    """Edges of periods, ready to search in."""
    return pd.DatetimeIndex([edge.astimezone(UTC) for edge in edges], dtype=TIME)


def instants(at: Times) -> NDArray[np.int64]:
    """Microseconds since 1970; the least number for a missing one."""
    known: Any = at.array if at.dtype == TIME else pd.DatetimeIndex(at, dtype=TIME)
    return np.asarray(known.asi8)


def utc(instants_us: NDArray[np.int64]) -> pd.DatetimeIndex:
    """The same as times."""
    return _utc(instants_us.view("datetime64[us]"))


def nullable(counts: NDArray[np.int64]) -> pd.arrays.IntegerArray:
    """A column of numbers that may be missing; none of them is."""
    return pd.arrays.IntegerArray(counts, np.zeros(len(counts), dtype=bool))


def places(at: Times, edges: pd.DatetimeIndex) -> NDArray[np.intp]:
    """In which period each instant lies: 0 for the one that begins at the first edge, -1 for none."""
    found = np.searchsorted(edges.asi8, instants(at), side="right") - 1
    return np.where(found < len(edges) - 1, found, -1)


def not_before(at: Times, earliest: pd.Timestamp) -> Times:
    """The instants, those before `earliest` moved to it."""
    return at.where(at >= earliest, earliest)


def local_days(at: Times, zone: tzinfo) -> Times:
    """The local day of each instant, as midnight without a zone."""
    return at.dt.tz_convert(zone).dt.tz_localize(None).dt.normalize()


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values: datetimes in UTC, whole numbers, None for whatever is missing."""
    columns: Mapping[str, list[Any]] = {str(name): _plain(frame[name]) for name in frame.columns}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _plain(column: pd.Series[Any]) -> list[Any]:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        naive = instants(column).astype("datetime64[us]").tolist()
        return [None if value is None else value.replace(tzinfo=UTC) for value in naive]
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "biu":
        return column.to_list()
    missing = column.array.isna()
    values = column.to_list()
    return [None if gone else value for value, gone in zip(values, missing, strict=True)] if missing.any() else values


def _columns_of(sessions: Sequence[Session]) -> SessionColumns:
    several = [
        json.dumps([[_text(part.started_at), _text(part.ended_at)] for part in each.segments])
        if len(each.segments) > 1
        else None
        for each in sessions
    ]
    return {
        "session_id": [each.session_id for each in sessions],
        "person_id": [each.person_id for each in sessions],
        "started_at": [_text(each.started_at) for each in sessions],
        "ended_at": [_text(each.ended_at) for each in sessions],
        "segments": several,
        "enter_inferred": [each.enter_inferred for each in sessions],
        "exit_inferred": [each.exit_inferred for each in sessions],
        "bounce": [each.bounce for each in sessions],
        "enter_camera_id": [each.enter_camera_id for each in sessions],
        "exit_camera_id": [each.exit_camera_id for each in sessions],
    }


def _text(at: datetime | None) -> str | None:
    return None if at is None else time_text(at)


def _utc(instants: Instants) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(instants).tz_localize(UTC)


def _seconds(lengths: NDArray[np.timedelta64]) -> NDArray[np.float64]:
    return lengths.astype(np.int64) / SECOND_US
