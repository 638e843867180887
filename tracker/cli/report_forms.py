"""Reports as the terminal shows them, and as they leave it: table, CSV, JSON, workbook, plot."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from importlib.util import find_spec

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from config.errors import SettingsError
from tracker.cli.output import console, errors, print_json
from tracker.cli.report_wish import Wish
from tracker.reports.sheets import Column, Figure, Kind, Report, Sheet
from tracker.reports.text import cell_text, csv_text, is_number

_NARROWEST_TEXT = 12
"""Names and notes break over lines, but not into shreds."""
_WIDTHS = {Kind.MARK: 9, Kind.COUNT: 8}
_GAP = 3
_OTHER_WIDTH = 13


def require(*packages: str) -> None:
    """Raises SettingsError where one of the packages for reports is not installed."""
    missing = [name for name in packages if not find_spec(name)]
    if missing:
        raise SettingsError(f"this report needs {missing[0]}", fix="pip install 'footfall[reports]'")


def tell(report: Report, wish: Wish) -> None:
    """Write the files that are wished for; print the report where none is, or in the form that is wished for.

    Raises ReportError when a file cannot be written, SettingsError when a package for it is missing.
    """
    if wish.xlsx is not None:
        require("xlsxwriter")
        from tracker.reports.workbook import write_workbook

        write_workbook(report, wish.xlsx)
        _say(f"wrote {wish.xlsx}")
    if wish.plot is not None:
        require("plotly")
        from tracker.reports.plot_files import write_plot
        from tracker.reports.plots import plot

        write_plot(plot(report), wish.plot, title=f"{report.title} – {report.site_name}")
        _say(f"wrote {wish.plot}")
    if wish.as_json:
        print_json(dict(report.document()))
    elif wish.as_csv:
        sys.stdout.write(csv_text(report))
        for note in report.notes:
            _say(f"note: {note}")
    elif wish.xlsx is None and wish.plot is None:
        _print(report)


def _say(text: str) -> None:
    errors.print(Text(text), soft_wrap=True)


def _print(report: Report) -> None:
    about = f", {report.site_name}, {report.range_text}{f', {report.filters}' if report.filters else ''}"
    console.print(Text.assemble((report.title, "bold"), about))
    told = ", ".join(
        _figure_text(report, figure) for figure in report.figures if figure.shown and figure.value is not None
    )
    if told:
        console.print(Text(f"  {told}"))
    for sheet in report.sheets:
        if sheet.printed:
            _print_sheet(report, sheet)
    _print_notes(report.notes)


def _figure_text(report: Report, figure: Figure) -> str:
    return figure.words or f"{figure.title} {cell_text(figure.value, figure.kind, report.zone) or 'no'}"


def _print_notes(notes: Iterable[str]) -> None:
    for note in notes:
        console.print(Text.assemble(("note: ", "bold yellow"), note))


def _print_sheet(report: Report, sheet: Sheet) -> None:
    """The sheet as a table, or what to say where it is empty. Cells are plain text, never markup."""
    rows = sheet.rows if sheet.printed_rows is None else sheet.printed_rows
    if not rows:
        console.print(Text(sheet.empty))
        return
    columns = _fitting([column for column in sheet.columns if column.shown], console.width)
    table = Table(header_style="bold", box=SIMPLE_HEAD, row_styles=["", "dim"], show_edge=False, pad_edge=False)
    tight = _width_of(columns) > console.width
    for column in columns:
        folds = column.kind is Kind.TEXT or (tight and column.kind is Kind.COUNT)
        table.add_column(
            column.title,
            justify="right" if is_number(column) else "center" if column.kind is Kind.MARK else "left",
            overflow="fold",
            no_wrap=not folds,
            min_width=_NARROWEST_TEXT if column.kind is Kind.TEXT and not tight else None,
        )
    for row in rows:
        table.add_row(*(Text(cell_text(row[column.key], column.kind, report.zone)) for column in columns))
    console.print(table)


def _fitting(columns: Sequence[Column], width: int) -> list[Column]:
    """The columns, without the marks of days where those do not fit beside the others."""
    fits = _width_of(columns) <= width
    return [column for column in columns if fits or column.kind is not Kind.MARK]


def _width_of(columns: Sequence[Column]) -> int:
    """Characters that a table of these columns takes, about."""
    return sum(max(_WIDTHS.get(column.kind, _OTHER_WIDTH), len(column.title) + _GAP) for column in columns)
