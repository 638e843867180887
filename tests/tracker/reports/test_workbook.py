"""Workbooks, read back by another library: the cells are correct and nothing is executed."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from config.errors import ReportError
from tests.tracker.reports.timelines import BERLIN, DAY, at, data_of, person, stay, watch
from tracker.reports import workbook
from tracker.reports.attendance import attendance_report
from tracker.reports.data import ReportData
from tracker.reports.periods import Period
from tracker.reports.tables import occupancy_report, usage_report, visits_report
from tracker.reports.workbook import write_workbook

NAMES = ["=1+1", "+cmd|' /C calc'!A0", "-2", "@SUM(A1)", "http://example.org", "שלום כהן", "😀 👩‍👩‍👧", "12", "a\x07b"]


def gym(**more: Any) -> ReportData:
    people = [person(f"p-{number}", name) for number, name in enumerate(NAMES)]
    stays = [stay(each.person_id, at("8:00"), at("9:30")) for each in people]
    spans = [watch(DAY, at("10:00")), watch(at("11:00"), at("0:00", day=2))]
    given = {
        "since": DAY,
        "until": at("0:00", day=2),
        "now": at("0:00", day=2),
        "spans": spans,
        "capacity": 20,
    }
    return data_of(*stays, people=people, **{**given, **more})


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Any]:
    write_workbook(attendance_report(gym()), tmp_path / "sheet.xlsx")
    opened = openpyxl.load_workbook(tmp_path / "sheet.xlsx")
    yield opened
    opened.close()


def table(page: Any) -> list[list[Any]]:
    """The header and what follows."""
    lines = [[cell.value for cell in row] for row in page.iter_rows()]
    start = next(number for number, line in enumerate(lines) if line[0] in {"name", "time", "from"})
    return lines[start:]


def test_attendance_has_the_sheet_the_days_the_log_and_the_figures(book: Any) -> None:
    assert book.sheetnames == ["Attendance", "Days", "Log", "Figures"]
    page = book["Attendance"]
    assert page["A1"].value == "Attendance – The gym"
    assert page["A2"].value == "2026-01-05 to 2026-01-06 (Europe/Berlin), made 2026-01-07 00:00"
    header, *lines = table(page)
    assert header == ["name", "Mon\n05 Jan", "Tue\n06 Jan", "days", "of", "attendance", "hours"]
    assert {line[1] for line in lines} == {"✓"}
    assert {line[2] for line in lines} == {"–"}
    assert {tuple(line[3:6]) for line in lines} == {(1, 2, 0.5)}
    assert page.freeze_panes == "B7"


def test_lengths_are_lengths_and_times_are_times_of_the_site(book: Any) -> None:
    header, first, *_ = table(book["Days"])
    row = dict(zip(header, first, strict=True))
    assert row["first in"] == datetime(2026, 1, 5, 8)  # noqa: DTZ001 - cells have no zone
    assert row["last out"] == datetime(2026, 1, 5, 9, 30)  # noqa: DTZ001
    assert row["day"] == datetime(2026, 1, 5)  # noqa: DTZ001
    assert row["hours"] == timedelta(hours=1, minutes=30)
    assert table(book["Log"])[1][0] == datetime(2026, 1, 5, 8)  # noqa: DTZ001


def test_outages_are_above_every_table(book: Any) -> None:
    for page in book:
        texts = [cell.value for row in page.iter_rows(max_row=6) for cell in row if cell.value]
        assert any("did not watch from 2026-01-05 10:00 to 11:00" in str(text) for text in texts)


def test_names_stay_names(book: Any, tmp_path: Path) -> None:
    cells = [cell for page in book for row in page.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} <= {"s", "n", "d"}
    assert [cell.coordinate for cell in cells if cell.hyperlink] == []
    shown = {str(line[0]) for line in table(book["Attendance"])[1:]}
    assert shown == {name.replace("\x07", "\\x07") for name in NAMES}
    parts = zipfile.ZipFile(tmp_path / "sheet.xlsx").namelist()
    assert [part for part in parts if "external" in part.lower() or "vba" in part.lower()] == []


@pytest.mark.parametrize(
    "make",
    [visits_report, occupancy_report, lambda data: usage_report(data, Period.HOUR)],
    ids=["visits", "occupancy", "usage"],
)
def test_other_reports_have_a_row_a_row(make: Any, tmp_path: Path) -> None:
    report = make(gym())
    write_workbook(report, tmp_path / "other.xlsx")
    page = openpyxl.load_workbook(tmp_path / "other.xlsx").worksheets[0]
    lines = [[cell.value for cell in row] for row in page.iter_rows()]
    titles = [column.title for column in report.main.columns if column.in_book]
    assert len(lines) - lines.index(titles) - 1 == len(report.main.rows)


def test_missing_values_are_empty_cells(tmp_path: Path) -> None:
    write_workbook(usage_report(gym(), Period.HOUR), tmp_path / "usage.xlsx")
    page = openpyxl.load_workbook(tmp_path / "usage.xlsx").worksheets[0]
    rows = {row[0].value: [cell.value for cell in row] for row in page.iter_rows()}
    header = rows["hour"]
    unwatched = dict(zip(header, rows["2026-01-05 10:00"], strict=True))
    watched = dict(zip(header, rows["2026-01-05 11:00"], strict=True))
    assert (unwatched["entries"], unwatched["watched"]) == (None, 0)
    assert (watched["entries"], watched["watched"]) == (0, 1)


def test_an_empty_report_has_a_note_in_the_workbook(tmp_path: Path) -> None:
    empty = data_of(since=DAY, until=at("12:00"), now=at("12:00"), people=[])
    write_workbook(visits_report(empty), tmp_path / "empty.xlsx")
    page = openpyxl.load_workbook(tmp_path / "empty.xlsx").worksheets[0]
    assert any("footfall track" in str(cell.value) for row in page.iter_rows() for cell in row)


def test_more_rows_than_a_sheet_holds_are_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "MOST_ROWS", 25)
    with pytest.raises(ReportError, match="do not fit") as refusal:
        write_workbook(visits_report(gym()), tmp_path / "big.xlsx")
    assert "--csv" in refusal.value.fix
    assert list(tmp_path.iterdir()) == []


def test_an_hour_that_comes_twice_shows_its_zone(tmp_path: Path) -> None:
    day = datetime(2026, 10, 25, tzinfo=BERLIN)
    first, second = (datetime(2026, 10, 25, 2, 50 - 40 * fold, fold=fold, tzinfo=BERLIN) for fold in (0, 1))
    until = day + timedelta(days=1)
    report = visits_report(data_of(stay("ada", first, second), since=day, until=until, now=until))
    [row] = report.main.rows
    assert (row["left"], row["dwell_s"]) == ("02:10:00 CET", 1200.0)
    write_workbook(report, tmp_path / "visits.xlsx")
    opened = openpyxl.load_workbook(tmp_path / "visits.xlsx")
    header, cells = (list(line) for line in list(opened["Visits"].iter_rows())[-2:])
    titles = [cell.value for cell in header]
    entered, left = (cells[titles.index(name)] for name in ("entered", "left"))
    assert (entered.value.hour, entered.number_format[-6:]) == (2, ' "CEST"'[-6:])
    assert (left.value.minute, left.number_format[-5:]) == (10, '"CET"')
    opened.close()
