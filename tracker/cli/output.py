"""What commands print: one place for tables, JSON, CSV and messages.

Results go to stdout, everything else to stderr. Control characters in names and ids reach neither.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar
from zoneinfo import ZoneInfo

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table as RichTable
from rich.text import Text

from config.errors import FootfallError
from tracker.cli.extras import require
from tracker.cli.options import JsonOutput, ReportOutput, TableOutput
from tracker.presence.calendar import MOMENT, local_text
from tracker.reports.json_values import plain
from tracker.reports.sheets import Column, Figure, Kind, Report, Row
from tracker.reports.text import (
    cell_text,
    csv_text,
    escaped_json,
    is_number,
    is_printable,
    length_text,
    printable,
    rows_csv,
)

if TYPE_CHECKING:
    from rich.progress import Progress

Item = TypeVar("Item")
_SHORT_ID = 8
_FILE_WIDTH = 160
"""Characters a line where stdout is no terminal."""
_NARROWEST_TEXT = 12
"""Names and notes fold, but not into shreds."""
_WIDTHS = {Kind.MARK: 9, Kind.COUNT: 8}
_GAP = 3
_OTHER_WIDTH = 13
_BYTE_ORDER_MARK = "\ufeff"
_UTC = ZoneInfo("UTC")


class SafeConsole(Console):
    """A console that prints control characters escaped, whatever they come in."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control or is_printable(segment.text):
                yield segment
            else:
                yield Segment(printable(segment.text), segment.style)


console = SafeConsole(highlight=False, width=None if sys.stdout.isatty() else _FILE_WIDTH)
errors = SafeConsole(stderr=True, highlight=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A typed table, the result of a command that lists. title: over it. empty: printed where there are no rows.

    Columns declare what appears on the terminal (`shown`) and in JSON and CSV (`in_data`). zone: of its times.
    documents: for JSON, where a row holds more than the columns.
    """

    columns: tuple[Column, ...]
    rows: Sequence[Row]
    title: str = ""
    empty: str = ""
    zone: ZoneInfo = _UTC
    documents: Sequence[object] | None = None

    @classmethod
    def of(cls, titles: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "", empty: str = "") -> Table:
        """A table of texts, for the terminal only."""
        columns = tuple(Column(name, name, Kind.TEXT) for name in titles)
        cells = [dict(zip(titles, map(_text, row), strict=True)) for row in rows]
        return cls(columns=columns, rows=cells, title=title, empty=empty)

    def document(self) -> Sequence[object]:
        """The rows by stable keys, for JSON."""
        if self.documents is not None:
            return self.documents
        return [{column.key: row[column.key] for column in self.columns if column.in_data} for row in self.rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The result of a command: a document for --json, and the same as text.

    parts: printed on stdout in this order. notes: lines on stderr, not printed with --json. failure: raised at the
    end, when the result has been printed.
    """

    document: object
    parts: Sequence[str | Text | RichTable | Table] = ()
    notes: Sequence[str] = field(default=())
    failure: FootfallError | None = None


def emit(result: Result | Table, output: JsonOutput) -> None:
    """Print a result in the form that the options ask for. Raises the failure that it carries."""
    if output.as_json:
        print_json(result.document() if isinstance(result, Table) else result.document)
    elif isinstance(result, Table):
        if isinstance(output, TableOutput) and output.as_csv:
            print_csv(rows_csv([each for each in result.columns if each.in_data], result.rows, result.zone))
        else:
            show_table(result)
    else:
        for part in result.parts:
            show_table(part) if isinstance(part, Table) else print_line(part)
        for each in result.notes:
            note(each)
    if isinstance(result, Result) and result.failure is not None:
        raise result.failure


def emit_report(report: Report, output: ReportOutput) -> None:
    """Write the files that the options name, and print JSON or CSV, or the tables where nothing else is asked for.

    Raises ReportError when a file cannot be written, SettingsError when a package for it is missing.
    """
    if output.xlsx is not None:
        require("the report", "reports", "xlsxwriter")
        from tracker.reports.workbook import write_workbook

        write_workbook(report, output.xlsx)
        note(f"wrote {output.xlsx}")
    if output.plot is not None:
        require("the report", "reports", "plotly")
        from tracker.reports.chart_files import write_plot
        from tracker.reports.report_charts import plot

        write_plot(plot(report), output.plot, title=f"{report.title} – {report.site_name}")
        note(f"wrote {output.plot}")
    if output.as_json:
        print_json(dict(report.document()))
    elif output.as_csv:
        print_csv(csv_text(report))
        for each in report.notes:
            note(f"note: {each}")
    elif output.xlsx is None and output.plot is None:
        _print_report(report)


def print_line(part: str | Text | RichTable) -> None:
    """Print a line, or a drawn table, on stdout. A str is plain text, never markup."""
    console.print(Text(part) if isinstance(part, str) else part, soft_wrap=not isinstance(part, RichTable))


def note(text: str | Text) -> None:
    """Print a line on stderr, however long."""
    errors.print(Text(text) if isinstance(text, str) else text, soft_wrap=True)


def print_json(value: object) -> None:
    """JSON on stdout: dataclasses by field name, times as UTC text, one trailing newline."""
    sys.stdout.write(escaped_json(json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False)) + "\n")


def json_line(value: object) -> str:
    """The same on one line, not printed."""
    return escaped_json(json.dumps(plain(value), ensure_ascii=False, allow_nan=False))


def print_csv(text: str) -> None:
    """CSV on stdout in UTF-8, with the byte order mark that spreadsheets need where it is no terminal."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    sys.stdout.write(text if sys.stdout.isatty() else _BYTE_ORDER_MARK + text)


def show_table(table: Table) -> None:
    """A table on stdout, or its sentence for no rows. Cells are plain text, never markup.

    Where it does not fit, names and notes fold; numbers and times stay whole.
    """
    if not table.rows:
        if table.empty:
            console.print(Text(table.empty))
        return
    columns = _fitting([column for column in table.columns if column.shown], console.width)
    tight = _width_of(columns) > console.width
    drawn = RichTable(
        title=Text(table.title) if table.title else None, title_justify="left", header_style="bold", box=SIMPLE_HEAD,
        row_styles=["", "dim"], show_edge=False, pad_edge=False,
    )  # fmt: skip
    cells = {
        column.key: [printable(cell_text(row[column.key], column.kind, table.zone)) for row in table.rows]
        for column in columns
    }
    for column in columns:
        is_text = column.kind is Kind.TEXT
        drawn.add_column(
            column.title,
            justify="right" if is_number(column) else "center" if column.kind is Kind.MARK else "left",
            overflow="fold",
            no_wrap=not (is_text or (tight and column.kind is Kind.COUNT)),
            min_width=min(_NARROWEST_TEXT, max(map(len, cells[column.key]))) if is_text and not tight else None,
        )
    for texts in zip(*(cells[column.key] for column in columns), strict=True):
        drawn.add_row(*map(Text, texts))
    console.print(drawn)


def progress_bar() -> Progress:
    """A bar on stderr, where that is a terminal."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn(),
        console=errors, disable=not errors.is_terminal,
    )  # fmt: skip


def with_progress(items: Iterable[Item], title: str, *, total: int) -> Iterator[Item]:
    """The same items, with a progress bar."""
    with progress_bar() as bar:
        task = bar.add_task(title, total=total)
        for each in items:
            yield each
            bar.advance(task)
        bar.update(task, completed=total)


def short(record_id: str) -> str:
    """The first letters of an id, enough to name it in a command where no other id begins so."""
    return record_id[:_SHORT_ID]


def local_time(at: datetime, zone: ZoneInfo, *, after: datetime | None = None) -> str:
    """Date and time on the site's clock; the time alone on the day of `after`, which is shown beside it."""
    same_day = after is not None and after.astimezone(zone).date() == at.astimezone(zone).date()
    return local_text(at, zone, "%H:%M:%S" if same_day else MOMENT)


def duration(seconds: float | None) -> str:
    """A length of time for people: 42 s, 7 min 05 s, 2 h 13 min; empty for None."""
    return "" if seconds is None else length_text(seconds)


def counted(count: int, noun: str) -> str:
    """1 face, 2 faces."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _print_report(report: Report) -> None:
    about = f", {report.site_name}, {report.range_text}{f', {report.filters}' if report.filters else ''}"
    print_line(Text.assemble((report.title, "bold"), about))
    figures = [_figure_text(report, each) for each in report.figures if each.shown and each.value is not None]
    if figures:
        print_line(f"  {', '.join(figures)}")
    for sheet in report.sheets:
        if sheet.printed:
            show_table(
                Table(
                    columns=sheet.columns,
                    rows=sheet.rows if sheet.printed_rows is None else sheet.printed_rows,
                    empty=sheet.empty,
                    zone=report.zone,
                )
            )
    for each in report.notes:
        print_line(Text.assemble(("note: ", "bold yellow"), each))


def _figure_text(report: Report, figure: Figure) -> str:
    return figure.words or f"{figure.title} {cell_text(figure.value, figure.kind, report.zone) or 'no'}"


def _text(cell: object) -> str:
    return "" if cell is None else str(cell)


def _fitting(columns: Sequence[Column], width: int) -> list[Column]:
    """The columns, without the marks of days where those do not fit beside the others."""
    fits = _width_of(columns) <= width
    return [column for column in columns if fits or column.kind is not Kind.MARK]


def _width_of(columns: Sequence[Column]) -> int:
    """Characters that a table of these columns takes, about."""
    return sum(max(_WIDTHS.get(column.kind, _OTHER_WIDTH), len(column.title) + _GAP) for column in columns)
