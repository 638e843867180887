"""Visits as DataFrames, the form in which pandas does the sums. Times are datetime64[us, UTC].

Who counts, what somebody is called and whether a visit's length is known is said in tracker.presence, once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tracker.presence import reports
from tracker.presence.people import Person
from tracker.presence.sessions import Session

if TYPE_CHECKING:
    Times: TypeAlias = "pd.Series[pd.Timestamp]"

TIME = "datetime64[us, UTC]"
_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)


def visit_frame(sessions: Iterable[Session], people: Iterable[Person], *, staff: bool = False) -> pd.DataFrame:
    """One row a visit, by start: the fields of VisitRow and `dwell_known`. ended_at is NaT while it lasts.

    staff: keep the visits of staff too.
    """
    sessions = list(sessions)
    known = {session.session_id: session.dwell_known for session in sessions}
    rows = reports.visits(sessions, people, since=_FIRST, until=_LAST, staff=staff)[::-1]
    return pd.DataFrame(
        {
            "session_id": texts(row.session_id for row in rows),
            "site_id": texts(row.site_id for row in rows),
            "person_id": texts(row.person_id for row in rows),
            "name": texts(row.name for row in rows),
            "kind": texts(row.kind.value for row in rows),
            "role": texts(row.role.value for row in rows),
            "started_at": times(row.started_at for row in rows),
            "ended_at": times(row.ended_at for row in rows),
            "dwell_s": pd.Series([row.dwell_s for row in rows], dtype="float64"),
            "gross_s": pd.Series([row.gross_s for row in rows], dtype="float64"),
            "segments": pd.Series([row.segments for row in rows], dtype="int64"),
            "enter_inferred": flags(row.enter_inferred for row in rows),
            "exit_inferred": flags(row.exit_inferred for row in rows),
            "bounce": flags(row.bounce for row in rows),
            "dwell_known": flags(known[row.session_id] for row in rows),
        }
    )


def stay_frame(sessions: Iterable[Session], visits: pd.DataFrame, *, now: datetime) -> pd.DataFrame:
    """One row a stay (a visit without its gaps), by start, of the visits in the frame; open ones end at `now`.

    Columns: session_id, person_id, started_at, ended_at, open.
    """
    wanted = set(visits["session_id"])
    parts = [
        (session.session_id, session.person_id, segment)
        for session in sessions
        if session.session_id in wanted
        for segment in session.segments
    ]
    parts.sort(key=lambda part: (part[2].started_at, part[1]))
    return pd.DataFrame(
        {
            "session_id": texts(session_id for session_id, _, _ in parts),
            "person_id": texts(person_id for _, person_id, _ in parts),
            "started_at": times(segment.started_at for _, _, segment in parts),
            "ended_at": times(segment.ended_at or max(now, segment.started_at) for _, _, segment in parts),
            "open": flags(segment.ended_at is None for _, _, segment in parts),
        }
    )


def times(values: Iterable[datetime | None]) -> Times:
    """Instants as a column."""
    return pd.Series([None if value is None else value.astimezone(UTC) for value in values], dtype=TIME)


def texts(values: Iterable[str]) -> pd.Series[str]:
    """Texts as a column."""
    return pd.Series(list(values), dtype="str")


def flags(values: Iterable[bool]) -> pd.Series[bool]:
    """Yes and no as a column."""
    return pd.Series(list(values), dtype="bool")


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


def begun(visits: pd.DataFrame, since: datetime, until: datetime) -> pd.DataFrame:
    """Visits that begin in [since, until)."""
    return visits[(visits["started_at"] >= pd.Timestamp(since)) & (visits["started_at"] < pd.Timestamp(until))]


def local_days(at: Times, zone: tzinfo) -> Times:
    """The local day of each instant, as midnight without a zone."""
    return at.dt.tz_convert(zone).dt.tz_localize(None).dt.normalize()


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values: datetimes in UTC, whole numbers, None for whatever is missing."""
    columns: Mapping[str, list[Any]] = {str(name): _plain(frame[name]) for name in frame.columns}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _plain(column: pd.Series[Any]) -> list[Any]:
    missing = column.isna().to_list()
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        values = [value if value is pd.NaT else value.to_pydatetime() for value in column]
    else:
        values = column.to_list()
    return [None if gone else value for value, gone in zip(values, missing, strict=True)]
