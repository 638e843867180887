"""Who was here on which day: present or absent, first in, last out, hours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo
from enum import StrEnum

import numpy as np
import pandas as pd

from tracker.presence.people import Person, PersonKind, Role
from tracker.reports.frames import TIME, index_of, local_days, not_after, not_before, places, texts, times


class Attendance(StrEnum):
    """What a day says about a person."""

    PRESENT = "present"
    ABSENT = "absent"
    NOT_YET = "not yet"
    NOT_WATCHED = "not watched"
    NOT_ENROLLED = "not enrolled"


def listed(people: Iterable[Person], *, staff: bool = False) -> list[Person]:
    """Whose attendance is kept: enrolled people, by name; staff only if asked for. Visitors are never absent."""
    wanted = [
        person for person in people if person.kind is PersonKind.ENROLLED and (staff or person.role is Role.MEMBER)
    ]
    return sorted(wanted, key=lambda person: (person.name.casefold(), person.person_id))


def day_parts(stays: pd.DataFrame, edges: Sequence[datetime]) -> pd.DataFrame:
    """Stays cut at midnight, and to the days between the edges.

    Columns of the stays, with the cut started_at and ended_at, and `place`: the day, 0 for the first one. A stay of no
    length lies in the day in which it is.
    """
    index = index_of(edges)
    first, last = index[0], index[-1]
    touching = (stays["started_at"] < last) & ((stays["ended_at"] > first) | (stays["started_at"] >= first))
    inside = stays[touching]
    started, ended = not_before(inside["started_at"], first), not_after(inside["ended_at"], last)
    begin = places(started, index)
    end = np.maximum(places(ended - pd.Timedelta(1, "us"), index), begin)
    copies = end - begin + 1
    rows = np.repeat(np.arange(len(inside)), copies)
    place = np.arange(len(rows)) - np.repeat(np.cumsum(copies) - copies, copies) + begin[rows]
    parts = inside.iloc[rows].reset_index(drop=True)
    cut_start = np.maximum(pd.DatetimeIndex(started).asi8[rows], index.asi8[place])
    cut_end = np.minimum(pd.DatetimeIndex(ended).asi8[rows], index.asi8[place + 1])
    return parts.assign(
        started_at=pd.to_datetime(cut_start, unit="us", utc=True).astype(TIME),
        ended_at=pd.to_datetime(cut_end, unit="us", utc=True).astype(TIME),
        open=parts["open"].to_numpy() & (place == end[rows]),
        place=place,
    )


def attendance(
    stays: pd.DataFrame,
    visits: pd.DataFrame,
    people: Sequence[Person],
    edges: Sequence[datetime],
    *,
    zone: tzinfo,
    now: datetime,
    watched: Sequence[float | None],
) -> pd.DataFrame:
    """One row for each person and day, people in the given order.

    Columns: person_id, name, day (midnight without a zone), status (of Attendance), first_in (missing where the entry
    was not seen), last_out (missing while the person is in), inside_s (without gaps, only that day's), visits, notes.
    edges: of the days. watched: the share of each day that was watched. A day is cut out of a visit over midnight.
    """
    days = len(edges) - 1
    grid = pd.DataFrame(
        {
            "person_id": np.repeat(np.array([person.person_id for person in people], dtype=object), days),
            "place": np.tile(np.arange(days), len(people)),
        }
    ).astype({"person_id": "str"})
    found = _by_day(stays, visits, edges)
    frame = grid.merge(found, on=["person_id", "place"], how="left")
    frame["day"] = local_days(times(edges[:-1]), zone).iloc[frame["place"]].to_numpy()
    frame["name"] = texts(person.name for person in people).repeat(days).to_numpy()
    frame["status"] = _statuses(frame, people, edges, now, watched)
    frame["notes"] = frame["notes"].fillna("")
    frame["visits"] = frame["visits"].fillna(0).astype("int64")
    columns = ["person_id", "name", "day", "status", "first_in", "last_out", "inside_s", "visits", "notes"]
    return frame[columns].astype({"person_id": "str", "name": "str"})


def attendance_by_person(frame: pd.DataFrame) -> pd.DataFrame:
    """One row a person, in the same order: days present, days that count (present or absent), their ratio, seconds.

    Columns: person_id, name, present, days, share (0..1, missing without days), inside_s.
    """
    present = frame["status"] == Attendance.PRESENT.value
    marked = frame.assign(present=present, days=present | (frame["status"] == Attendance.ABSENT.value))
    sums = marked.groupby(["person_id", "name"], sort=False)[["present", "days", "inside_s"]].sum().reset_index()
    sums = sums.astype({"present": "int64", "days": "int64", "inside_s": "float64"})
    share = sums["present"] / sums["days"].where(sums["days"] > 0)
    return sums.assign(share=share)[["person_id", "name", "present", "days", "share", "inside_s"]]


def _by_day(stays: pd.DataFrame, visits: pd.DataFrame, edges: Sequence[datetime]) -> pd.DataFrame:
    """One row for each person and day with a stay."""
    told = visits[["session_id", "enter_inferred", "exit_inferred"]].assign(
        visit_start=visits["started_at"], visit_end=visits["ended_at"]
    )
    parts = day_parts(stays, edges).merge(told, on="session_id").sort_values(["started_at", "ended_at"])
    length_s = (parts["ended_at"] - parts["started_at"]).dt.total_seconds()
    unseen_in = parts["enter_inferred"] & (parts["started_at"] == parts["visit_start"])
    unseen_out = parts["exit_inferred"] & (parts["ended_at"] == parts["visit_end"])
    parts = parts.assign(inside_s=length_s, unseen_in=unseen_in, unseen_out=unseen_out)
    by_day = parts.groupby(["person_id", "place"])
    found = by_day.agg(
        first_in=("started_at", "first"),
        last_out=("ended_at", "max"),
        inside_s=("inside_s", "sum"),
        visits=("session_id", "nunique"),
        unseen_in=("unseen_in", "first"),
        unseen_out=("unseen_out", "last"),
        open=("open", "any"),
    ).reset_index()
    unseen_in, still_in = found["unseen_in"].astype(bool), found["open"].astype(bool)
    found["first_in"] = found["first_in"].mask(unseen_in)
    found["last_out"] = found["last_out"].mask(still_in)
    flags = zip(unseen_in, found["unseen_out"].astype(bool), still_in, strict=True)
    found["notes"] = texts(_note(*each) for each in flags)
    return found.drop(columns=["unseen_in", "unseen_out", "open"])


def _note(unseen_in: bool, unseen_out: bool, still_in: bool) -> str:
    told = (("entry not seen", unseen_in), ("exit not seen", unseen_out), ("still in", still_in))
    return ", ".join(words for words, holds in told if holds)


def _statuses(
    frame: pd.DataFrame,
    people: Sequence[Person],
    edges: Sequence[datetime],
    now: datetime,
    watched: Sequence[float | None],
) -> pd.Series[str]:
    place = frame["place"].to_numpy()
    ends = index_of(edges)[1:].asi8[place]
    created = np.repeat(index_of([person.created_at for person in people]).asi8, len(edges) - 1)
    unwatched = np.array([share == 0 for share in watched], dtype=bool)[place]
    found = np.select(
        [frame["visits"].notna(), unwatched, ends <= created, ends > index_of([now]).asi8[0]],
        [Attendance.PRESENT, Attendance.NOT_WATCHED, Attendance.NOT_ENROLLED, Attendance.NOT_YET],
        default=Attendance.ABSENT,
    )
    return texts(str(status) for status in found)
