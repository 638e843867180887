"""Attendance as reports: people by day as classes and gyms keep it, each day of each person, and the log behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pandas as pd

from tracker.presence.days import day_range
from tracker.presence.events import EventKind
from tracker.presence.people import Person, Role
from tracker.reports.attendance import attendance, attendance_by_person, listed
from tracker.reports.compose import frames_of
from tracker.reports.dwell import measured
from tracker.reports.frames import begun, rows_of
from tracker.reports.periods import Period, edges_of, require_few
from tracker.reports.plain import visit_sheet
from tracker.reports.sheets import Column, Figure, Kind, Report, Row, Sheet
from tracker.reports.subject import Subject

MOST_DAYS_OF_PEOPLE = 400_000
"""As of a thousand people over a year; making them takes half a minute."""
_NOBODY_ENROLLED = "Nobody is enrolled. 'footfall enroll ada-1.jpg ada-2.jpg --name Ada' enrols somebody."
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


def attendance_report(subject: Subject) -> Report:
    """Enrolled people by day: present or absent, first in, last out, hours; and the time stamps behind it."""
    people = listed(subject.people, staff=subject.staff)
    visits, stays = frames_of(subject)
    rows, by_person = _days(subject, people, visits, stays)
    grid = _grid(rows, by_person)
    present = sum(row["present"] for row in by_person)
    days = sum(row["days"] for row in by_person)
    figures = (
        Figure("people", "people", Kind.COUNT, len(people)),
        Figure("present", "days present", Kind.COUNT, present),
        Figure("days", "of days", Kind.COUNT, days),
        Figure("share", "attendance", Kind.SHARE, present / days if days else None),
    )
    day_sheet = Sheet(
        name="attendance", title="Days", columns=_DAY_COLUMNS, rows=rows, empty=_NOBODY_ENROLLED, printed=False
    )
    return subject.report("attendance", "Attendance", (grid, day_sheet, _log(subject, people)), figures)


def person_report(subject: Subject, person: Person) -> Report:
    """One person's days and visits in the range, staff or not."""
    subject = replace(subject, staff=person.role is Role.STAFF)
    visits, stays = frames_of(subject)
    own_visits, own_stays = (frame[frame["person_id"] == person.person_id] for frame in (visits, stays))
    rows, by_person = _days(subject, [person], own_visits, own_stays)
    came = begun(own_visits, subject.since, subject.until)
    lengths = measured(came)["dwell_s"]
    sheet = Sheet(
        name="days",
        title="Days",
        columns=tuple(column for column in _DAY_COLUMNS if column.key not in {"person_id", "name"}),
        rows=rows,
        printed_rows=[row for row in rows if row["status"] == "present"],
        empty=f"{person.name} was not here in this range.{_ever(own_visits, subject)}",
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
        Figure("first_visit_at", "first visit ever", Kind.MOMENT, _bound(own_visits["started_at"].min())),
        Figure("last_visit_at", "last visit", Kind.MOMENT, _bound(own_visits["started_at"].max())),
        Figure("inside_now", "in now", Kind.FLAG, bool(own_visits["ended_at"].isna().any())),
    )
    every = visit_sheet(subject, person_id=person.person_id)
    one = replace(every, columns=tuple(column for column in every.columns if column.key != "name"), empty="")
    return subject.report("person", person.name, (sheet, one), figures)


def _days(
    subject: Subject, people: Sequence[Person], visits: pd.DataFrame, stays: pd.DataFrame
) -> tuple[list[Row], list[Row]]:
    """A row for each person and day, and one for each person. Raises ReportError for more than a sheet can hold."""
    edges = edges_of(Period.DAY, subject.since, subject.until, subject.zone)
    require_few("days of people", len(people) * (len(edges) - 1), MOST_DAYS_OF_PEOPLE)
    if subject.until == subject.now:
        edges[-1] = day_range(edges[-2].astimezone(subject.zone).date(), subject.zone)[1]
    found = attendance(
        stays,
        visits,
        people,
        edges,
        zone=subject.zone,
        now=subject.now,
        watched=subject.coverage.shares(edges),
    )
    rows: list[Row] = [{**row, "day": row["day"].date()} for row in rows_of(found)]
    return rows, list(rows_of(attendance_by_person(found)))


def _grid(rows: Sequence[Row], by_person: Sequence[Row]) -> Sheet:
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
        empty=_NOBODY_ENROLLED,
        in_json=False,
    )


def _log(subject: Subject, people: Sequence[Person]) -> Sheet:
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
        for event in sorted(subject.events, key=lambda event: (event.at, event.event_id))
        if event.person_id in names and subject.since <= event.at < subject.until
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


def _ever(own_visits: pd.DataFrame, subject: Subject) -> str:
    if own_visits.empty:
        return " No visit of theirs is known."
    last = own_visits["started_at"].max().tz_convert(subject.zone).date()
    return f" The last visit began on {last}: try --from {last}"
