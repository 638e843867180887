"""What commands print: one place for tables, JSON, CSV and messages.

Results go to stdout, everything else to stderr. Control characters in names and ids reach neither. What is drawn for
people comes from `terminal.py`, which is imported when it is needed: JSON and CSV take no rich.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from config.errors import FootfallError
from tracker.cli.extras import require
from tracker.cli.options import JsonOutput, ReportOutput, TableOutput
from tracker.presence.calendar import MOMENT, local_text
from tracker.reports.json_values import plain
from tracker.reports.sheets import Column, Kind, Report, Row
from tracker.reports.text import csv_text, escaped_json, length_text, rows_csv

if TYPE_CHECKING:
    from rich.table import Table as RichTable
    from rich.text import Text

_SHORT_ID = 8
_BYTE_ORDER_MARK = "\ufeff"
_UTC = ZoneInfo("UTC")


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
            _show(result)
    else:
        _show(*result.parts)
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
        from tracker.cli.terminal import show_report

        show_report(report)


def print_line(text: str | Text) -> None:
    """Print a line, however long, on stdout. A str is plain text, never markup."""
    from tracker.cli.terminal import console

    console.print_line(text)


def note(text: str | Text) -> None:
    """The same on stderr."""
    from tracker.cli.terminal import errors

    errors.print_line(text)


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


def _show(*parts: str | Text | RichTable | Table) -> None:
    from tracker.cli.terminal import show

    for part in parts:
        show(part)


def _text(cell: object) -> str:
    return "" if cell is None else str(cell)
