"""Attendance: who was here on which day, as a sheet for classes and gyms, with each day and the log behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, tzinfo
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd

from tracker.presence.calendar import day_range
from tracker.presence.events import ANONYMOUS_PREFIX, EventKind
from tracker.presence.people import Person, PersonKind, Role
from tracker.reports.data import ReportData
from tracker.reports.frames import Frames, index_of, local_days, rows_of, texts, times
from tracker.reports.measures import day_parts, measured
from tracker.reports.periods import Period, edges_of, require_few
from tracker.reports.sheets import Column, Figure, Kind, Report, Row, Sheet
from tracker.reports.tables import visit_sheet

MOST_DAYS_OF_PEOPLE = 400_000
"""As of a thousand people over a year; making them takes half a minute."""
_NOBODY_ENROLLED = "Nobody is enrolled. 'footfall enroll ada-1.jpg ada-2.jpg --name Ada' enrols somebody."
_VISITORS_ONLY = (
    "Nobody here is enrolled, and visitors are never absent: 'footfall report people' lists them,"
    " 'footfall people promote' enrols one."
)
_DAY_COLUMNS = (
    Column("name", "name"),
    Column("person_id", "person id", shown=False),
    Column("day", "day", Kind.DAY),
    Column("status", "status", Kind.WORD),
    Column("first_in", "first in", Kind.CLOCK),
    Column("last_out", "last out", Kind.CLOCK),
    Column("inside_s", "hours", Kind.LENGTH),
    Column("visits", "visits", Kind.COUNT),
    Column("notes", "notes"),
)


class Attendance(StrEnum):
    """The status of a person on a day."""

    PRESENT = "present"
    ABSENT = "absent"
    NOT_YET = "not yet"
    NOT_WATCHED = "not watched"
    NOT_ENROLLED = "not enrolled"


def listed(data: ReportData) -> list[Person]:
    """Whose attendance is kept, by name: enrolled people, and people known by their imported visits alone from their
    first visit on; staff only if asked for. Visitors are never absent. Of a group, only people who are in it.
    """
    wanted = [
        person
        for person in data.people.values()
        if person.kind is PersonKind.ENROLLED and (data.staff or person.role is Role.MEMBER) and data.counts(person)
    ]
    if data.group is not None:
        return _by_name(wanted)
    first_at = data.frames.visits.groupby("person_id", observed=True)["first_at"].min()
    wanted += [
        Person(person_id=person_id, name=person_id, created_at=at.to_pydatetime())
        for person_id, at in zip(first_at.index.astype(str), first_at, strict=True)
        if person_id not in data.people and not person_id.startswith(ANONYMOUS_PREFIX)
    ]
    return _by_name(wanted)


def _by_name(people: Sequence[Person]) -> list[Person]:
    return sorted(people, key=lambda person: (person.name.casefold(), person.person_id))


def attendance(
    frames: Frames,
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
    found = _by_day(frames, edges)
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


def _by_day(frames: Frames, edges: Sequence[datetime]) -> pd.DataFrame:
    """One row for each person and day with a segment."""
    visits = frames.visits
    ends = visits[["enter_inferred", "exit_inferred"]].assign(
        visit_start=visits["started_at"], visit_end=visits["ended_at"]
    )
    parts = day_parts(frames.segments, edges).astype({"person_id": "str"})
    parts = parts.merge(ends, left_on="visit", right_index=True).sort_values(["started_at", "ended_at"])
    length_s = (parts["ended_at"] - parts["started_at"]).dt.total_seconds()
    unseen_in = parts["enter_inferred"] & (parts["started_at"] == parts["visit_start"])
    unseen_out = parts["exit_inferred"] & (parts["ended_at"] == parts["visit_end"])
    parts = parts.assign(inside_s=length_s, unseen_in=unseen_in, unseen_out=unseen_out)
    by_day = parts.groupby(["person_id", "place"])
    found = by_day.agg(
        first_in=("started_at", "first"),
        last_out=("ended_at", "max"),
        inside_s=("inside_s", "sum"),
        visits=("visit", "nunique"),
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
    said = (("entry not seen", unseen_in), ("exit not seen", unseen_out), ("still in", still_in))
    return ", ".join(words for words, holds in said if holds)


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


def attendance_report(data: ReportData) -> Report:
    """People by day: present or absent, first in, last out, hours; and the time stamps behind it."""
    people = listed(data)
    rows, by_person = _days(data, people, data.counted())
    empty = _NOBODY_ENROLLED if data.frames.visits.empty else _VISITORS_ONLY
    if data.group is not None:
        empty = f"Nobody is in the group {data.group}. 'footfall people list' shows the groups of everybody."
    grid = _grid(rows, by_person, empty)
    present = sum(row["present"] for row in by_person)
    days = sum(row["days"] for row in by_person)
    figures = (
        Figure("people", "people", Kind.COUNT, len(people)),
        Figure("present", "days present", Kind.COUNT, present),
        Figure("days", "of days", Kind.COUNT, days),
        Figure("share", "attendance", Kind.SHARE, present / days if days else None),
    )
    day_sheet = Sheet(name="attendance", title="Days", columns=_DAY_COLUMNS, rows=rows, empty=empty, printed=False)
    return data.report("attendance", "Attendance", (grid, day_sheet, _log(data, people)), figures)


def person_report(data: ReportData, person: Person) -> Report:
    """One person's days and visits in the range, staff or not. The visits are all those of the person."""
    data = replace(data, staff=person.role is Role.STAFF)
    frames = data.frames.of_people([person.person_id])
    visits = frames.visits
    rows, by_person = _days(data, [person], frames)
    came = frames.begun(data.since, data.until)
    lengths = measured(came)["dwell_s"]
    sheet = Sheet(
        name="days",
        title="Days",
        columns=tuple(column for column in _DAY_COLUMNS if column.key not in {"person_id", "name"}),
        rows=rows,
        printed_rows=[row for row in rows if row["status"] == "present"],
        empty=f"{person.name} was not here in this range.{_ever(data, visits)}",
    )
    figures = (
        Figure("person_id", "person id", Kind.TEXT, person.person_id, shown=False),
        Figure("name", "name", Kind.TEXT, person.name, shown=False),
        Figure("kind", "kind", Kind.TEXT, person.kind.value, shown=False),
        Figure("role", "role", Kind.TEXT, person.role.value, shown=False),
        Figure("visit_count", "visits", Kind.COUNT, len(came)),
        Figure("days_present", "days present", Kind.COUNT, by_person[0]["present"]),
        Figure("inside_s", "inside", Kind.LENGTH, by_person[0]["inside_s"]),
        Figure("median_dwell_s", "median dwell", Kind.LENGTH, float(lengths.median()) if len(lengths) else None),
        Figure("first_visit_at", "first visit ever", Kind.MOMENT, _bound(visits["started_at"].min())),
        Figure("last_visit_at", "last visit", Kind.MOMENT, _bound(visits["started_at"].max())),
        Figure("inside_now", "in now", Kind.FLAG, bool(visits["ended_at"].isna().any())),
    )
    every = visit_sheet(data, frames)
    one = replace(every, columns=tuple(column for column in every.columns if column.key != "name"), empty="")
    return data.report("person", person.name, (sheet, one), figures)


def _days(data: ReportData, people: Sequence[Person], frames: Frames) -> tuple[list[Row], list[Row]]:
    """A row for each person and day, and one for each person. Raises ReportError for more than a sheet can hold."""
    edges = edges_of(Period.DAY, data.since, data.until, data.zone)
    require_few("days of people", len(people) * (len(edges) - 1), MOST_DAYS_OF_PEOPLE)
    if data.until == data.now:
        edges[-1] = day_range(data.day(edges[-2]), data.zone)[1]
    found = attendance(frames, people, edges, zone=data.zone, now=data.now, watched=data.coverage.shares(edges))
    rows: list[Row] = [{**row, "day": row["day"].date()} for row in rows_of(found)]
    return rows, list(rows_of(attendance_by_person(found)))


def _grid(rows: Sequence[Row], by_person: Sequence[Row], empty: str) -> Sheet:
    """People down, days across, a mark where they meet."""
    days = sorted({row["day"] for row in rows})
    lines: dict[str, dict[str, Any]] = {row["person_id"]: dict(row) for row in by_person}
    for row in rows:
        lines[row["person_id"]][_day_key(row["day"])] = row["status"]
    return Sheet(
        name="sheet",
        title="Attendance",
        columns=(
            Column("name", "name"),
            *(Column(_day_key(day), f"{day:%a}\n{day:%d %b}", Kind.MARK) for day in days),
            Column("present", "days", Kind.COUNT),
            Column("days", "of", Kind.COUNT),
            Column("share", "attendance", Kind.SHARE),
            Column("inside_s", "hours", Kind.LENGTH),
        ),
        rows=list(lines.values()),
        empty=empty,
        in_json=False,
    )


def _log(data: ReportData, people: Sequence[Person]) -> Sheet:
    """Every time stamp of the listed people in the range, the earliest first."""
    names: Mapping[str, str] = {person.person_id: person.name for person in people}
    rows = [
        {
            "at": event.at,
            "person_id": event.person_id,
            "name": names[event.person_id],
            "direction": "in" if event.kind is EventKind.ENTER else "out",
            "camera_id": event.camera_id,
            "inferred": event.inferred,
        }
        for event in sorted(data.events, key=lambda event: (event.at, event.event_id))
        if event.person_id in names and data.since <= event.at < data.until
    ]
    return Sheet(
        name="log",
        title="Log",
        columns=(
            Column("at", "time", Kind.MOMENT),
            Column("person_id", "person id"),
            Column("name", "name"),
            Column("direction", "direction", Kind.WORD),
            Column("camera_id", "camera"),
            Column("inferred", "not seen", Kind.FLAG),
        ),
        rows=rows,
        empty="No time stamps of these people in this range.",
        printed=False,
    )


def _day_key(day: date) -> str:
    return day.isoformat()


def _bound(at: Any) -> datetime | None:
    return None if pd.isna(at) else at.to_pydatetime()


def _ever(data: ReportData, visits: pd.DataFrame) -> str:
    if visits.empty:
        return " No visit of theirs is known."
    last = data.day(visits["started_at"].max())
    return f" The last visit began on {last}: try --from {last}"
