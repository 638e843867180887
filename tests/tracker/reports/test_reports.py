"""Whole reports: outages, empty ranges and the current day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.tracker.reports.timelines import DAY, PEOPLE, at, data_of, stay, watch
from tracker.reports.attendance import attendance_report
from tracker.reports.data import ReportData
from tracker.reports.periods import Period
from tracker.reports.sheets import Report
from tracker.reports.tables import (
    dwell_report,
    occupancy_report,
    people_report,
    today_report,
    usage_report,
    visits_report,
)
from tracker.reports.text import cell_text

REPORTS: dict[str, Callable[[ReportData], Report]] = {
    "attendance": attendance_report,
    "dwell": dwell_report,
    "occupancy": occupancy_report,
    "people": people_report,
    "today": today_report,
    "usage": lambda data: usage_report(data, Period.HOUR),
    "visits": visits_report,
}
each_report = pytest.mark.parametrize("make", REPORTS.values(), ids=REPORTS)
MORNING = (stay("ada", at("8:00"), at("9:00")), stay("bob", at("8:30"), at("8:45")), stay("sam", at("7:00"), None))


def morning(**more: Any) -> ReportData:
    return data_of(*MORNING, **{"since": DAY, "until": at("12:00"), "now": at("12:00"), **more})


def figures(report: Report) -> dict[str, object]:
    return {figure.key: figure.value for figure in report.figures}


def by_hour(report: Report) -> dict[str, dict[str, Any]]:
    return {row["period"][-5:]: dict(row) for row in report.main.rows}


def test_unwatched_hours_are_not_zero() -> None:
    spans = [watch(at("7:00"), at("9:30")), watch(at("11:00"), at("12:00"))]
    report = usage_report(morning(since=at("7:00"), spans=spans), Period.HOUR)
    hours = by_hour(report)
    assert (hours["08:00"]["entries"], hours["08:00"]["watched"]) == (2, 1.0)
    assert (hours["09:00"]["entries"], hours["09:00"]["watched"]) == (0, 0.5)
    assert [hours["10:00"][key] for key in ("entries", "exits", "visitors", "peak", "watched")] == [None] * 4 + [0.0]
    assert (hours["11:00"]["entries"], hours["11:00"]["watched"]) == (0, 1.0)
    assert report.notes == (
        "Camera front did not watch from 2026-01-05 09:30 to 11:00 (1 h 30 min). What happened then is not counted.",
    )
    [outage] = report.outages
    assert (outage.started_at, outage.ended_at) == (at("9:30"), at("11:00"))


def test_recorded_events_count_in_unwatched_time() -> None:
    spans = [watch(at("7:00"), at("7:30")), watch(at("11:00"), at("12:00"))]
    hours = by_hour(usage_report(morning(since=at("7:00"), spans=spans), Period.HOUR))
    assert (hours["08:00"]["entries"], hours["08:00"]["watched"]) == (2, 0.0)


def test_unwatched_quarters_have_no_occupancy() -> None:
    spans = [watch(at("7:00"), at("9:30")), watch(at("11:00"), at("12:00"))]
    report = occupancy_report(morning(since=at("7:00"), spans=spans, capacity=10))
    rows = {f"{row['started_at']:%H:%M}": row for row in report.main.rows}
    assert [rows["09:00"][key] for key in ("mean", "peak", "peak_share", "watched")] == [None, None, None, 0.0]
    assert [rows["07:30"][key] for key in ("mean", "peak", "peak_share", "watched")] == [2.0, 2, 0.2, 1.0]
    assert [rows["10:00"][key] for key in ("mean", "peak", "peak_share", "watched")] == [0.0, 0, 0.0, 1.0]
    assert report.main.printed_rows == [row for row in report.main.rows if row["peak"]]


def test_an_unwatched_range_has_no_figures() -> None:
    data = morning(
        since=at("0:00", day=2),
        until=at("0:00", day=3),
        now=at("0:00", day=3),
        spans=[watch(at("7:00"), at("12:00"))],
    )
    found = figures(usage_report(data, Period.DAY))
    assert (found["entries"], found["visitors"], found["watched"]) == (None, None, 0.0)


def test_an_unwatched_today_has_no_entries() -> None:
    now = at("12:00", day=2)
    data = morning(since=at("0:00", day=2), until=at("0:00", day=3), now=now, spans=[watch(at("7:00"), at("12:00"))])
    found = figures(today_report(data))
    assert (found["entries"], found["visitors"], found["occupancy"]) == (None, None, 0)


def test_the_time_before_the_first_record_is_noted() -> None:
    report = usage_report(morning(since=at("0:00", day=-2)), Period.DAY)
    assert [row["entries"] for row in report.main.rows] == [None, None, 2]
    assert report.notes[0].startswith("Records begin on 2026-01-05 07:00")


def test_without_a_record_of_watching_zeros_are_zeros() -> None:
    report = usage_report(morning(since=at("7:00")), Period.HOUR)
    assert [row["entries"] for row in report.main.rows] == [0, 2, 0, 0, 0]
    assert {row["watched"] for row in report.main.rows} == {None}
    assert report.notes == ()


def test_many_outages_are_one_note() -> None:
    spans = [watch(at(f"{hour}:00"), at(f"{hour}:{59 - hour}")) for hour in range(7, 12)]
    [note] = usage_report(morning(since=at("7:00"), spans=spans), Period.HOUR).notes
    assert "for 50 min 00 s in 5 stretches, the longest from 2026-01-05 11:48 to 12:00 (12 min 00 s)" in note


def test_the_last_of_the_notes_on_outages_states_what_they_mean() -> None:
    times = (("7:00", "8:00"), ("9:00", "12:00"))
    spans = [watch(at(begin), at(end), each) for each in ("back", "front") for begin, end in times]
    assert usage_report(morning(since=at("7:00"), spans=spans), Period.HOUR).notes == (
        "Camera back did not watch from 2026-01-05 08:00 to 09:00 (1 h 00 min).",
        "Camera front did not watch from 2026-01-05 08:00 to 09:00 (1 h 00 min). What happened then is not counted.",
    )


@each_report
def test_an_empty_store_prints_the_next_command(make: Callable[[ReportData], Report]) -> None:
    report = make(data_of(since=DAY, until=at("12:00"), now=at("12:00"), people=[]))
    texts = [sheet.empty for sheet in report.sheets if sheet.printed and not sheet.rows]
    assert any("'footfall " in text for text in [*texts, *report.notes]) or texts == ["Nobody is in."]


@each_report
def test_a_range_without_visits_names_the_range_of_the_visits(make: Callable[[ReportData], Report]) -> None:
    day = at("0:00", day=9)
    report = make(morning(since=day, until=day + timedelta(days=1), now=day + timedelta(days=1)))
    texts = [sheet.empty for sheet in report.sheets if sheet.printed and not (sheet.printed_rows or sheet.rows)]
    if report.name not in {"attendance", "today"}:
        assert any("--from 2026-01-05" in text for text in [*texts, *report.notes])


@each_report
def test_staff_count_only_when_asked_for(make: Callable[[ReportData], Report]) -> None:
    without, with_staff = make(morning()), make(morning(staff=True))
    assert dict(without.document()) != dict(with_staff.document())
    assert "with staff" in with_staff.filters


@each_report
def test_documents_have_stable_keys_and_plain_values(make: Callable[[ReportData], Report]) -> None:
    pairs = list(make(morning(capacity=10)).document())
    document = dict(pairs)
    assert len(document) == len(pairs)
    assert list(document)[:6] == ["report", "site_id", "time_zone", "since", "until", "now"]
    assert list(document)[-2:] == ["outages", "notes"]
    values = [value for part in document.values() if isinstance(part, list) for row in part for value in vars_of(row)]
    assert {type(value).__module__ for value in values} <= {
        "builtins",
        "datetime",
        "tracker.presence.people",
        "tracker.presence.sessions",
    }


def vars_of(row: Any) -> list[object]:
    return list(row.values()) if isinstance(row, dict) else []


def test_today_has_the_figures_of_the_day() -> None:
    found = figures(today_report(morning(until=at("0:00", day=1), capacity=4, staff=True)))
    assert (found["occupancy"], found["capacity_share"], found["entries"], found["peak"]) == (1, 0.25, 3, 3)
    assert (found["median_dwell_s"], found["peak_at"]) == (37.5 * 60, at("8:30"))


@pytest.mark.parametrize(
    ("since", "until", "text"),
    [
        (DAY, at("0:00", day=1), "2026-01-05"),
        (DAY, at("0:00", day=3), "2026-01-05 to 2026-01-07"),
        (DAY, at("12:00"), "2026-01-05"),
        (at("8:00"), at("9:00"), "2026-01-05 08:00 to 2026-01-05 09:00"),
    ],
    ids=["day", "days", "up-to-now", "hours"],
)
def test_ranges_are_on_the_clock_of_the_site(since: Any, until: Any, text: str) -> None:
    assert visits_report(morning(since=since, until=until)).range_text == text


def test_visits_have_notes_for_people_and_not_for_programs() -> None:
    sheet = visits_report(morning(staff=True)).main
    assert [(row["name"], row["notes"]) for row in sheet.rows] == [("Bob", ""), ("Ada", ""), ("Sam", "still in, staff")]
    assert "notes" not in [column.key for column in sheet.data_columns]
    left = next(column for column in sheet.columns if column.key == "left")
    assert [cell_text(row["left"], left.kind, morning().zone) for row in sheet.rows] == ["08:45:00", "09:00:00", ""]


def test_people_without_a_name_are_shown_by_their_id() -> None:
    rows = visits_report(morning(people=[])).main.rows
    assert {row["name"] for row in rows} == {each.person_id for each in PEOPLE if each.person_id != "v-1"}
