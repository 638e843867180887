"""Attendance: who was here on which day, from when to when, and what is unknown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings

from tests.tracker.reports.timelines import (
    BERLIN,
    DAY,
    FIRST,
    NOW,
    PEOPLE,
    at,
    data_of,
    histories,
    person,
    stay,
    watch,
)
from tracker.presence.coverage import CoverageSpan
from tracker.presence.events import Event
from tracker.presence.people import PersonKind
from tracker.presence.sessions import Session
from tracker.reports.attendance import (
    Attendance,
    attendance,
    attendance_by_person,
    attendance_report,
    listed,
    person_report,
)
from tracker.reports.frames import Frames, rows_of
from tracker.reports.measures import day_parts
from tracker.reports.periods import Period, edges_of
from tracker.reports.sheets import Report


def rows(
    *stays: list[Event],
    days: int = 1,
    now: datetime | None = None,
    spans: Sequence[CoverageSpan] = (),
    since: datetime = DAY,
    staff: bool = False,
) -> list[dict[str, Any]]:
    until = DAY + timedelta(days=days)
    now = now or until
    data = data_of(*stays, since=since, until=min(until, now), now=now, spans=spans, staff=staff)
    return [dict(row) for row in attendance_report(data).main.rows]


def clock(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment.astimezone(BERLIN):%H:%M}"


def cells(row: dict[str, Any]) -> tuple[str, str, str | None, str | None, float | None, str]:
    return row["name"], row["status"], clock(row["first_in"]), clock(row["last_out"]), row["inside_s"], row["notes"]


def test_first_in_last_out_and_hours_leave_the_gaps_out() -> None:
    found = rows(stay("ada", at("9:00"), at("10:00")), stay("ada", at("11:00"), at("11:30")))
    assert cells(found[0]) == ("Ada", "present", "09:00", "11:30", 5400.0, "")
    assert found[0]["visits"] == 2
    assert cells(found[1]) == ("Bob", "absent", None, None, None, "")


def test_a_visit_over_midnight_is_cut_there() -> None:
    found = rows(stay("ada", at("22:00"), at("1:30", day=1)), days=2)
    assert [cells(row) for row in found[:2]] == [
        ("Ada", "present", "22:00", "00:00", 7200.0, ""),
        ("Ada", "present", "00:00", "01:30", 5400.0, ""),
    ]


def test_unseen_boundaries_are_empty() -> None:
    assert cells(rows(stay("ada", None, at("17:00")))[0]) == ("Ada", "present", None, "17:00", 0.0, "entry not seen")
    found = rows(stay("ada", at("9:00"), None), now=at("9:00", day=2), days=2)
    assert cells(found[0]) == ("Ada", "present", "09:00", "09:00", 0.0, "exit not seen")


def test_somebody_who_is_in_has_no_last_out() -> None:
    assert cells(rows(stay("ada", at("9:00"), None), now=at("12:00"))[0]) == (
        "Ada", "present", "09:00", None, 10_800.0, "still in",
    )  # fmt: skip


def test_nobody_is_absent_on_a_day_that_is_not_over() -> None:
    assert [row["status"] for row in rows(stay("ada", at("9:00"), at("9:30")), now=at("12:00"))] == [
        "present", "not yet",
    ]  # fmt: skip


def test_nobody_is_absent_on_an_unwatched_day() -> None:
    spans = [watch(at("0:00"), at("0:00", day=1)), watch(at("0:00", day=2), at("0:00", day=3))]
    found = rows(stay("ada", at("9:00"), at("9:30")), days=3, spans=spans)
    assert [row["status"] for row in found if row["name"] == "Bob"] == ["absent", "not watched", "absent"]


def test_nobody_is_absent_before_they_were_enrolled() -> None:
    late = person("new", "Neu", created_at=at("15:00", day=1))
    data = data_of(
        stay("ada", at("9:00"), at("9:30")),
        since=DAY,
        until=at("0:00", day=3),
        now=at("0:00", day=3),
        people=[PEOPLE[0], late],
    )
    rows = [row for row in attendance_report(data).main.rows if row["person_id"] == "new"]
    assert [row["status"] for row in rows] == ["not enrolled", "absent", "absent"]


def test_visitors_are_not_listed_and_staff_only_when_asked_for() -> None:
    plain, with_staff = (data_of(since=DAY, until=at("12:00"), now=at("12:00"), staff=staff) for staff in (False, True))
    assert [each.name for each in listed(plain)] == ["Ada", "Bob"]
    assert [each.name for each in listed(with_staff)] == ["Ada", "Bob", "Sam"]
    assert {row["name"] for row in rows(stay("sam", at("9:00"), at("9:30")), staff=True)} == {"Ada", "Bob", "Sam"}


def report(*stays: list[Event], days: int = 2) -> Report:
    until = DAY + timedelta(days=days)
    return attendance_report(data_of(*stays, since=DAY, until=until, now=until))


def test_sheet_has_people_down_days_across_and_sums() -> None:
    sheet = report(stay("ada", at("9:00"), at("10:00")), stay("ada", at("9:00", day=1), at("9:30", day=1))).sheet(
        "sheet"
    )
    assert [column.title for column in sheet.columns] == [
        "name", "Mon\n05 Jan", "Tue\n06 Jan", "days", "of", "attendance", "hours",
    ]  # fmt: skip
    ada, bob = sheet.rows
    assert (ada["2026-01-05"], ada["2026-01-06"], ada["present"], ada["days"], ada["share"], ada["inside_s"]) == (
        "present", "present", 2, 2, 1.0, 5400.0,
    )  # fmt: skip
    assert (bob["2026-01-05"], bob["present"], bob["share"]) == ("absent", 0, 0.0)


def test_log_has_every_time_stamp_of_the_people_on_the_sheet() -> None:
    log = report(stay("ada", at("9:00"), at("10:00")), stay("v-1", at("9:00"), at("9:30"))).sheet("log")
    assert [(row["at"], row["name"], row["direction"], row["camera_id"]) for row in log.rows] == [
        (at("9:00"), "Ada", "in", "front"), (at("10:00"), "Ada", "out", "front"),
    ]  # fmt: skip


def test_without_enrolled_people_the_next_command_is_printed() -> None:
    data = data_of(since=DAY, until=at("12:00"), now=at("12:00"), people=[])
    assert "footfall enroll" in attendance_report(data).sheet("sheet").empty
    assert attendance_report(data).main.rows == []


def test_imported_people_are_listed_from_their_first_visit() -> None:
    until = at("0:00", day=3)
    spans = [watch(DAY, until)]
    data = data_of(
        stay("card-7", at("9:00", day=1), at("9:30", day=1)), since=DAY, until=until, now=until, people=[], spans=spans
    )
    found = attendance_report(data)
    assert [(row["name"], row["status"]) for row in found.main.rows] == [
        ("card-7", "not enrolled"), ("card-7", "present"), ("card-7", "absent"),
    ]  # fmt: skip
    assert [(row["name"], row["direction"]) for row in found.sheet("log").rows] == [("card-7", "in"), ("card-7", "out")]


def test_a_sheet_without_enrolled_people_has_a_note() -> None:
    data = data_of(
        stay("v-1", at("9:00"), at("9:30")), since=DAY, until=at("12:00"), now=at("12:00"), people=[PEOPLE[3]]
    )
    assert "visitors are never absent" in attendance_report(data).sheet("sheet").empty


def test_one_person_has_days_visits_and_totals() -> None:
    stays = [stay("v-1", at("9:00"), at("10:00")), stay("v-1", at("18:00", day=-3), at("18:30", day=-3))]
    data = data_of(*stays, stay("ada", at("9:00"), None), since=DAY, until=at("12:00"), now=at("12:00"))
    visitor = next(each for each in PEOPLE if each.kind is PersonKind.VISITOR)
    found = person_report(data, visitor)
    figures = {figure.key: figure.value for figure in found.figures}
    assert (figures["visit_count"], figures["days_present"], figures["inside_s"], figures["inside_now"]) == (
        1, 1, 3600.0, False,
    )  # fmt: skip
    assert (figures["first_visit_at"], figures["last_visit_at"]) == (at("18:00", day=-3), at("9:00"))
    assert [row["status"] for row in found.main.rows] == ["present"]
    assert [row["person_id"] for row in found.sheet("visits").rows] == ["v-1"]


def test_a_person_absent_in_the_range_has_the_last_visit() -> None:
    data = data_of(
        stay("ada", at("9:00"), at("10:00")), since=at("0:00", day=2), until=at("0:00", day=3), now=at("0:00", day=3)
    )
    ada, bob = PEOPLE[:2]
    found = person_report(data, ada).main
    assert found.printed_rows == []
    assert "--from 2026-01-05" in found.empty
    assert "No visit of theirs is known" in person_report(data, bob).main.empty


@settings(max_examples=25, deadline=None)
@given(histories())
def test_days_add_up_to_the_time_inside(sessions: list[Session]) -> None:
    frames = Frames.of_sessions(sessions, now=NOW)
    edges = edges_of(Period.DAY, FIRST, FIRST + timedelta(days=4, hours=1), BERLIN)
    parts = day_parts(frames.segments, edges)
    assert (parts["started_at"] <= parts["ended_at"]).all()
    for row in rows_of(parts):
        assert edges[row["place"]] <= row["started_at"] <= row["ended_at"] <= edges[row["place"] + 1]
    people = PEOPLE
    found = attendance(frames, people, edges, zone=BERLIN, now=NOW, watched=[None] * (len(edges) - 1))
    for row in rows_of(attendance_by_person(found)):
        own = [session for session in sessions if session.person_id == row["person_id"]]
        assert row["inside_s"] == pytest.approx(sum(session.dwell_s for session in own))
        days = {
            day
            for session in own
            for part in session.segments
            for day in range(len(edges) - 1)
            if part.started_at < edges[day + 1]
            and ((part.ended_at or NOW) > edges[day] or part.started_at >= edges[day])
        }
        assert row["present"] == len(days)
    assert set(found["status"]) <= {each.value for each in Attendance}
