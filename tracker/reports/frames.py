"""Visits as DataFrames: what every measure is computed from. Times are datetime64[us, UTC]."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tracker.presence.events import time_text
from tracker.presence.sessions import Session

if TYPE_CHECKING:
    Times: TypeAlias = "pd.Series[pd.Timestamp]"

TIME = "datetime64[us, UTC]"
SECOND_US = 1_000_000
Instants: TypeAlias = NDArray[np.datetime64]
SessionColumns: TypeAlias = Mapping[str, Sequence[Any]]
"""Some sessions by column, one value a session: session_id, person_id, started_at, ended_at, segments, enter_inferred,
exit_inferred, bounce, enter_camera_id, exit_camera_id. Times are text, as `time_text` writes them, None while open;
segments: a JSON list of [start, end], None for one.
"""


@dataclass(frozen=True, eq=False)
class Frames:
    """Visits of one site, open ones up to `now`.

    visits: one row a visit, by start, then person. Columns: session_id, person_id (category), started_at, ended_at
    (NaT while open), dwell_s (net), gross_s (with gaps), segments (how many), enter_inferred, exit_inferred, bounce,
    dwell_known, enter_camera_id, exit_camera_id (category), first_at (start of the person's first visit ever).
    segments: one row a continuous part of a visit, by start. Columns: visit (label of its row in visits), person_id,
    started_at, ended_at (now while open), open.
    """

    visits: pd.DataFrame
    segments: pd.DataFrame

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
        columns = _Columns()
        for portion in portions:
            columns.add(portion)
        ids = list(columns.people.codes)
        return cls(*columns.frames(now, {} if first_starts is None else first_starts(ids)))

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
        """The visits for which something holds, and their segments."""
        visits = self.visits[holds]
        return Frames(visits, self.segments[self.segments["visit"].isin(visits.index)])

    def of_people(self, person_ids: Iterable[str]) -> Frames:
        """The visits of these people."""
        return self.where(self.visits["person_id"].isin(list(person_ids)))

    def without_people(self, person_ids: Iterable[str]) -> Frames:
        """The visits of everybody but these people."""
        unwanted = list(person_ids)
        return self.where(~self.visits["person_id"].isin(unwanted)) if unwanted else self

    def begun(self, since: datetime, until: datetime) -> pd.DataFrame:
        """Visits that begin in [since, until)."""
        started = self.visits["started_at"]
        return self.visits[(started >= pd.Timestamp(since)) & (started < pd.Timestamp(until))]

    @cached_property
    def steps(self) -> pd.Series[int]:
        """People in from each instant on, until the next, in order; a segment of no length changes nothing."""
        lasting = self.segments[self.segments["open"] | (self.segments["ended_at"] > self.segments["started_at"])]
        return steps_of(lasting["started_at"], lasting.loc[~lasting["open"], "ended_at"])

    def touching(self, since: datetime, until: datetime) -> pd.DataFrame:
        """Visits of which some lies in [since, until), or that are one instant there."""
        start, started, ended = pd.Timestamp(since), self.visits["started_at"], self.visits["ended_at"]
        later = ended.isna() | (ended > start) | (started >= start)
        return self.visits[(started < pd.Timestamp(until)) & later]


class _Codes:
    """Numbers for texts, in the order in which they appear; -1 for None."""

    def __init__(self) -> None:
        self.codes: dict[str, int] = {}

    def of(self, texts: Sequence[str | None]) -> NDArray[np.int32]:
        """The numbers of a portion of texts."""
        places, found = pd.factorize(np.array(texts, dtype=object))
        codes = [self.codes.setdefault(text, len(self.codes)) for text in found]
        return np.array([*codes, -1], dtype=np.int32)[places]

    def ranks(self) -> NDArray[np.intp]:
        """By code, the place of the text among all in order."""
        texts = list(self.codes)
        ranks = np.empty(len(texts), dtype=np.intp)
        ranks[sorted(range(len(texts)), key=texts.__getitem__)] = np.arange(len(texts))
        return ranks

    def column(self, codes: NDArray[np.int32]) -> pd.Categorical:
        return pd.Categorical.from_codes(codes, categories=pd.Index(list(self.codes), dtype="object"))


class _Columns:
    """Gathers rows portion by portion into columns."""

    def __init__(self) -> None:
        self.people = _Codes()
        self._cameras = _Codes()
        self._ids: list[str] = []
        self._parts: dict[str, list[NDArray[Any]]] = {}

    def add(self, portion: SessionColumns) -> None:
        first = len(self._ids)
        self._ids += portion["session_id"]
        started, ended = instants_of(portion["started_at"]), instants_of(portion["ended_at"])
        self._keep("person", self.people.of(portion["person_id"]))
        self._keep("started", started)
        self._keep("ended", ended)
        for name in ("enter_inferred", "exit_inferred", "bounce"):
            self._keep(name, np.array(portion[name], dtype=bool))
        self._keep("enter_camera", self._cameras.of(portion["enter_camera_id"]))
        self._keep("exit_camera", self._cameras.of(portion["exit_camera_id"]))
        several = portion["segments"]
        single = np.array([text is None for text in several], dtype=bool)
        parts = [(first + place, *part) for place, text in enumerate(several) if text for part in json.loads(text)]
        visit, part_starts, part_ends = zip(*parts, strict=True) if parts else ((), (), ())
        self._keep("visit", np.concatenate([first + np.flatnonzero(single), np.array(visit, dtype=np.int64)]))
        self._keep("part_started", np.concatenate([started[single], instants_of(part_starts)]))
        self._keep("part_ended", np.concatenate([ended[single], instants_of(part_ends)]))

    def frames(self, now: datetime, first_starts: Mapping[str, str]) -> tuple[pd.DataFrame, pd.DataFrame]:
        person, started, ended = (self._column(name) for name in ("person", "started", "ended"))
        order = np.lexsort((self.people.ranks()[person], started))
        label = np.empty(len(order), dtype=np.int64)
        label[order] = np.arange(len(order))
        segments = self._segments(label, person, now)
        still = np.isnat(ended)
        until = np.where(still, np.maximum(_instant(now), started), ended)
        gross_s = _seconds(until - started)
        lengths_us = (segments["ended_at"].array.asi8 - segments["started_at"].array.asi8).astype(float)
        dwell_s = np.bincount(segments["visit"], weights=lengths_us, minlength=len(order)) / SECOND_US
        enter_inferred, exit_inferred = self._column("enter_inferred"), self._column("exit_inferred")
        visits = pd.DataFrame(
            {
                "session_id": pd.Series(self._ids, dtype="object").to_numpy()[order],
                "person_id": self.people.column(person[order]),
                "started_at": _utc(started[order]),
                "ended_at": _utc(ended[order]),
                "dwell_s": dwell_s,
                "gross_s": gross_s[order],
                "segments": np.bincount(segments["visit"], minlength=len(order)),
                "enter_inferred": enter_inferred[order],
                "exit_inferred": exit_inferred[order],
                "bounce": self._column("bounce")[order],
                "dwell_known": (~still & ~enter_inferred & ((gross_s > 0) | ~exit_inferred))[order],
                "enter_camera_id": self._cameras.column(self._column("enter_camera")[order]),
                "exit_camera_id": self._cameras.column(self._column("exit_camera")[order]),
                "first_at": _utc(self._first_starts(person, started, first_starts)[person][order]),
            }
        )
        return visits, segments

    def _segments(self, label: NDArray[np.int64], person: NDArray[np.int32], now: datetime) -> pd.DataFrame:
        visit, started, ended = (self._column(name) for name in ("visit", "part_started", "part_ended"))
        order = np.lexsort((self.people.ranks()[person[visit]], started))
        visit, started, ended = visit[order], started[order], ended[order]
        still = np.isnat(ended)
        return pd.DataFrame(
            {
                "visit": label[visit],
                "person_id": self.people.column(person[visit]),
                "started_at": _utc(started),
                "ended_at": _utc(np.where(still, np.maximum(_instant(now), started), ended)),
                "open": still,
            }
        )

    def _first_starts(self, person: NDArray[np.int32], started: Instants, known: Mapping[str, str]) -> Instants:
        """The start of the first visit of each person, by their code."""
        first = np.full(len(self.people.codes), np.datetime64("9999-01-01", "us"))
        np.minimum.at(first, person, started)
        codes = np.array([self.people.codes[person_id] for person_id in known], dtype=np.int32)
        first[codes] = np.minimum(first[codes], instants_of(known.values()))
        return first

    def _keep(self, name: str, part: NDArray[Any]) -> None:
        self._parts.setdefault(name, []).append(part)

    def _column(self, name: str) -> NDArray[Any]:
        """All portions of a column, which are not kept any longer."""
        return np.concatenate(self._parts.pop(name, []) or [_EMPTY[name]])


_NO_TIMES = np.array([], dtype="datetime64[us]")
_EMPTY: Mapping[str, NDArray[Any]] = {
    **dict.fromkeys(("started", "ended", "part_started", "part_ended"), _NO_TIMES),
    **dict.fromkeys(("enter_inferred", "exit_inferred", "bounce"), np.array([], dtype=bool)),
    **dict.fromkeys(("person", "enter_camera", "exit_camera", "visit"), np.array([], dtype=np.int32)),
}


def steps_of(came: Times, gone: Times) -> pd.Series[int]:
    """How many more came than went up to each instant at which that changes."""
    at = np.concatenate([pd.DatetimeIndex(each, dtype=TIME).asi8 for each in (came, gone)])
    moments, place = np.unique(at, return_inverse=True)
    weights = np.concatenate([np.ones(len(came)), -np.ones(len(gone))])
    net = np.bincount(place, weights=weights, minlength=len(moments)).astype(np.int64)
    index = _utc(moments[net != 0].astype("datetime64[us]"))
    return pd.Series(net[net != 0].cumsum(), index=index, dtype="int64")


def instants_of(texts: Iterable[str | None]) -> Instants:
    """Texts as `time_text` writes them as instants; NaT for None."""
    return np.array([None if text is None else text[:-1] for text in texts], dtype="datetime64[us]")


def times(values: Iterable[datetime | None]) -> Times:
    """Instants as a column."""
    return pd.Series([None if value is None else value.astimezone(UTC) for value in values], dtype=TIME)


def texts(values: Iterable[str]) -> pd.Series[str]:
    """Texts as a column."""
    return pd.Series(list(values), dtype="str")


def index_of(edges: Sequence[datetime]) -> pd.DatetimeIndex:
    """Edges of periods, ready to search in."""
    return pd.DatetimeIndex([edge.astimezone(UTC) for edge in edges], dtype=TIME)


def places(at: Times, edges: pd.DatetimeIndex) -> NDArray[np.intp]:
    """In which period each instant lies: 0 for the one that begins at the first edge, -1 for none."""
    found = np.asarray(edges.searchsorted(pd.DatetimeIndex(at), side="right")) - 1
    outside = (found >= len(edges) - 1) | np.asarray(at.isna())
    return np.where(outside, -1, found)


def not_before(at: Times, earliest: pd.Timestamp) -> Times:
    """The instants, those before `earliest` moved to it."""
    return at.where(at >= earliest, earliest)


def not_after(at: Times, latest: pd.Timestamp) -> Times:
    """The instants, those after `latest` moved to it."""
    return at.where(at <= latest, latest)


def local_days(at: Times, zone: tzinfo) -> Times:
    """The local day of each instant, as midnight without a zone."""
    return at.dt.tz_convert(zone).dt.tz_localize(None).dt.normalize()


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values: datetimes in UTC, whole numbers, None for whatever is missing."""
    columns: Mapping[str, list[Any]] = {str(name): _plain(frame[name]) for name in frame.columns}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _plain(column: pd.Series[Any]) -> list[Any]:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        naive = column.dt.tz_localize(None).to_numpy().astype("datetime64[us]").tolist()
        return [None if value is None else value.replace(tzinfo=UTC) for value in naive]
    missing = column.isna()
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


def _instant(at: datetime) -> np.datetime64:
    return np.datetime64(at.astimezone(UTC).replace(tzinfo=None), "us")


def _utc(instants: Instants) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(instants).tz_localize(UTC)


def _seconds(lengths: NDArray[np.timedelta64]) -> NDArray[np.float64]:
    return lengths.astype(np.int64) / SECOND_US
