"""Reports as Excel workbooks, in the form of the sheets that classes and gyms keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from config.errors import ReportError
from tracker.presence.calendar import MINUTE, is_ambiguous, local_text
from tracker.reports.files import replacing
from tracker.reports.sheets import MARKS, Column, Kind, Report, Row, Sheet
from tracker.reports.text import cell_text, is_number, printable

MOST_ROWS = 1_048_576
MOST_COLUMNS = 16_384
_MOST_CHARACTERS = 32_767
_EARLIEST = datetime(1900, 1, 1)  # noqa: DTZ001 - the first day that Excel knows, on no clock
_NUMBER_FORMATS: Mapping[Kind, str] = {
    Kind.COUNT: "#,##0",
    Kind.NUMBER: "0.0",
    Kind.SHARE: "0 %",
    Kind.LENGTH: "[h]:mm:ss",
    Kind.MOMENT: "yyyy-mm-dd hh:mm:ss",
    Kind.CLOCK: "hh:mm",
    Kind.DAY: "ddd yyyy-mm-dd",
}
_WIDTHS: Mapping[Kind, int] = {
    Kind.COUNT: 10, Kind.NUMBER: 10, Kind.SHARE: 10, Kind.LENGTH: 11, Kind.MOMENT: 20, Kind.CLOCK: 8, Kind.DAY: 16,
    Kind.FLAG: 9, Kind.MARK: 7,
}  # fmt: skip
_MARK_COLOURS: Mapping[str, dict[str, str]] = {
    "present": {"bg_color": "#d5efe7", "font_color": "#0a5c4d"},
    "absent": {"font_color": "#9a4a3c"},
    "not watched": {"bg_color": "#eceff1", "font_color": "#5b6a64"},
}
_FIGURE_WIDTHS = (34.0, 26.0)
_LINE_HEIGHT = 15
_LEGEND = "✓ present   – absent   ? not watched   empty: not enrolled yet, or the day is not over"


def write_workbook(report: Report, path: Path) -> None:
    """Write all sheets of the report, each with title, range and what to know about it; replaces the file.

    Texts are texts, whatever they begin with: nothing becomes a formula or a link. Times are those of the site's
    clock. Raises ReportError when it cannot be written or holds more rows than a sheet can.
    """
    for sheet in report.sheets:
        if len(sheet.rows) + 20 > MOST_ROWS or len(sheet.columns) > MOST_COLUMNS:
            raise ReportError(
                f"{sheet.title}: {len(sheet.rows):,} rows, {len(sheet.columns):,} columns do not fit into a sheet",
                fix="give a shorter range with --from and --to, or use --csv",
            )
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with replacing(path) as file, file.open("wb") as stream, xlsxwriter.Workbook(stream, options) as book:
        book.set_properties({"title": f"{report.title} – {report.site_name}", "comments": "Made by Footfall"})
        writer = _Writer(book, report.zone)
        for sheet in report.sheets:
            writer.write(report, sheet)
        if report.figures:
            writer.write_figures(report)


class _Writer:
    """Writes sheets into one workbook, with one set of formats."""

    def __init__(self, book: Workbook, zone: ZoneInfo) -> None:
        self._book = book
        self._zone = zone
        self._formats: dict[str, Format] = {}

    def write(self, report: Report, sheet: Sheet) -> None:
        page = self._book.add_worksheet(sheet.title[:31])
        page.hide_gridlines(2)
        has_marks = any(column.kind is Kind.MARK for column in sheet.columns)
        columns = [column for column in sheet.columns if column.in_book]
        widths = [_width(column, sheet.rows) for column in columns]
        for place, width in enumerate(widths):
            page.set_column(place, place, width)
        top = self._heading(page, report, sheet.title, widths, legend=has_marks)
        for place, column in enumerate(columns):
            side = "right" if is_number(column) else "center" if column.kind is Kind.MARK else "left"
            self._text(page, top, place, column.title, self._format(f"header {side}", {**_HEADER, "align": side}))
        page.set_row(top, _LINE_HEIGHT * (2.2 if has_marks else 1.3))
        for line, row in enumerate(sheet.rows, start=top + 1):
            for place, column in enumerate(columns):
                self._cell(page, line, place, row[column.key], column.kind)
        if sheet.rows:
            page.autofilter(top, 0, top + len(sheet.rows), len(columns) - 1)
            page.freeze_panes(top + 1, 1)
        else:
            self._text(page, top + 1, 0, sheet.empty, self._format("muted", _MUTED))
        page.set_landscape()
        page.fit_to_pages(1, 0)
        page.repeat_rows(top)

    def write_figures(self, report: Report) -> None:
        page = self._book.add_worksheet("Figures")
        page.hide_gridlines(2)
        for place, width in enumerate(_FIGURE_WIDTHS):
            page.set_column(place, place, width)
        top = self._heading(page, report, "Figures", _FIGURE_WIDTHS, legend=False)
        for line, figure in enumerate(report.figures, start=top):
            self._text(page, line, 0, figure.title, None)
            self._cell(page, line, 1, figure.value, figure.kind)

    def _heading(self, page: Worksheet, report: Report, title: str, widths: Sequence[float], *, legend: bool) -> int:
        """Title, range and notes, the latter as wide as the table; returns the line of the header."""
        made = local_text(report.now, report.zone, MINUTE)
        about = f"{report.range_text} ({report.zone.key}), made {made}{f', {report.filters}' if report.filters else ''}"
        self._text(page, 0, 0, f"{title} – {report.site_name}", self._format("title", _TITLE))
        self._text(page, 1, 0, about, self._format("muted", _MUTED))
        line = 2
        if legend:
            self._text(page, line, 0, _LEGEND, self._format("muted", _MUTED))
            line += 1
        for note in report.notes:
            characters = max(sum(widths), 60.0)
            page.set_row(line, _LINE_HEIGHT * (len(note) // characters + 1))
            if len(widths) > 1:
                page.merge_range(line, 0, line, len(widths) - 1, "", self._format("note", _NOTE))
            self._text(page, line, 0, note, self._format("note", _NOTE))
            line += 1
        return line + 1

    def _cell(self, page: Worksheet, line: int, place: int, value: Any, kind: Kind) -> None:
        if value is None:
            return
        if kind is Kind.MARK:
            looks = {"align": "center", **_MARK_COLOURS.get(value, {})}
            self._text(page, line, place, MARKS.get(value, str(value)), self._format(f"mark {value}", looks))
        elif kind in {Kind.MOMENT, Kind.CLOCK, Kind.DAY}:
            self._time(page, line, place, value, kind)
        elif kind in {Kind.COUNT, Kind.NUMBER, Kind.SHARE}:
            page.write_number(line, place, value, self._number_format(kind))
        elif kind is Kind.LENGTH:
            page.write_number(line, place, value / 86400, self._number_format(kind))
        else:
            self._text(page, line, place, cell_text(value, kind, self._zone), None)

    def _time(self, page: Worksheet, line: int, place: int, value: date | datetime, kind: Kind) -> None:
        there = value.astimezone(self._zone).replace(tzinfo=None) if isinstance(value, datetime) else value
        day = there.date() if isinstance(there, datetime) else there
        if day < _EARLIEST.date():
            self._text(page, line, place, there.isoformat(), None)
        else:
            twice = isinstance(value, datetime) and is_ambiguous(value.astimezone(self._zone))
            zone = f' "{value.astimezone(self._zone):%Z}"' if twice else ""  # type: ignore[union-attr] # a datetime
            page.write_datetime(line, place, there, self._number_format(kind, zone))

    def _text(self, page: Worksheet, line: int, place: int, text: str, look: Format | None) -> None:
        clean = printable(text).encode("utf-8", "replace").decode()
        page.write_string(line, place, clean[:_MOST_CHARACTERS], look)

    def _number_format(self, kind: Kind, suffix: str = "") -> Format:
        return self._format(kind.value + suffix, {"num_format": _NUMBER_FORMATS[kind] + suffix, "align": "right"})

    def _format(self, name: str, looks: Mapping[str, Any]) -> Format:
        if name not in self._formats:
            self._formats[name] = self._book.add_format(dict(looks))
        return self._formats[name]


_TITLE = {"bold": True, "font_size": 14}
_MUTED = {"font_color": "#5b6a64"}
_NOTE = {"font_color": "#8a4b00", "text_wrap": True, "valign": "top"}
_HEADER = {"bold": True, "bottom": 1, "text_wrap": True, "valign": "vcenter", "bg_color": "#eef3f1"}


def _width(column: Column, rows: Sequence[Row]) -> float:
    """Wide enough for what stands there, up to 40 characters."""
    if column.kind in _WIDTHS:
        return max(_WIDTHS[column.kind], min(14, max(map(len, column.title.split("\n"))) + 3))
    longest = max((len(str(row[column.key] or "")) for row in rows), default=0)
    return min(40, max(longest, len(column.title), 8) + 3)
