"""Tables, messages and progress on the terminal, drawn with rich; imported when something is drawn."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, JustifyMethod, RenderableType
from rich.segment import Segment
from rich.table import Table as RichTable
from rich.text import Text

from tracker.cli.output import Table
from tracker.reports.sheets import Column, Figure, Kind, Report
from tracker.reports.text import cell_text, is_number, is_printable, printable

if TYPE_CHECKING:
    from rich.progress import Progress

Item = TypeVar("Item")
_FILE_WIDTH = 160
"""Characters a line where stdout is no terminal."""
_NARROWEST_TEXT = 12
"""Names and notes fold, but not into shreds."""
_WIDTHS = {Kind.MARK: 9, Kind.COUNT: 8}
_GAP = 3
_OTHER_WIDTH = 13


class SafeConsole(Console):
    """A console that prints control characters escaped, whatever they come in."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control or is_printable(segment.text):
                yield segment
            else:
                yield Segment(printable(segment.text), segment.style)

    def print_line(self, text: str | Text) -> None:
        """Print a line, however long. A str is plain text, never markup."""
        self.print(Text(text) if isinstance(text, str) else text, soft_wrap=True)


console = SafeConsole(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else _FILE_WIDTH)
errors = SafeConsole(stderr=True, highlight=False, markup=False, emoji=False)


def show(part: str | Text | RichTable | Table) -> None:
    """Print a line or a table on stdout. A str is plain text, never markup."""
    if isinstance(part, Table):
        _show_table(part)
    elif isinstance(part, RichTable):
        console.print(part)
    else:
        console.print_line(part)


def show_report(report: Report) -> None:
    """Print a report on stdout: title, figures, the sheets that are for the terminal, and notes."""
    about = f", {report.site_name}, {report.range_text}{f', {report.filters}' if report.filters else ''}"
    console.print_line(Text.assemble((report.title, "bold"), about))
    figures = [_figure_text(report, each) for each in report.figures if each.shown and each.value is not None]
    if figures:
        console.print_line(f"  {', '.join(figures)}")
    for sheet in report.sheets:
        if sheet.printed:
            _show_table(
                Table(
                    columns=sheet.columns,
                    rows=sheet.rows if sheet.printed_rows is None else sheet.printed_rows,
                    empty=sheet.empty,
                    zone=report.zone,
                )
            )
    for each in report.notes:
        console.print_line(Text.assemble(("note: ", "bold yellow"), each))


def progress_bar() -> Progress:
    """A bar on stderr, where that is a terminal."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        console=errors,
        disable=not errors.is_terminal,
    )


@contextmanager
def progress(title: str, *, total: float | None) -> Iterator[Callable[[float], None]]:
    """A function that moves a progress bar to what is done of the total, which None leaves open; full at the end."""
    with progress_bar() as bar:
        task = bar.add_task(title, total=total)
        yield lambda done: bar.update(task, completed=done)
        if total is not None:
            bar.update(task, completed=total)


def with_progress(items: Iterable[Item], title: str, *, total: int) -> Iterator[Item]:
    """The same items, with a progress bar."""
    with progress(title, total=total) as show:
        for done, each in enumerate(items):
            show(done)
            yield each


def _figure_text(report: Report, figure: Figure) -> str:
    return figure.words or f"{figure.title} {cell_text(figure.value, figure.kind, report.zone) or 'no'}"


def _show_table(table: Table) -> None:
    """A table on stdout, or its sentence for no rows. Cells are plain text, never markup."""
    if not table.rows:
        if table.empty:
            console.print(Text(table.empty))
        return
    columns = _fitting([column for column in table.columns if column.shown], console.width)
    drawn = RichTable(
        title=Text(table.title) if table.title else None, title_justify="left", header_style="bold", box=SIMPLE_HEAD,
        row_styles=["", "dim"], show_edge=False, pad_edge=False,
    )  # fmt: skip
    cells = [
        [column.title, *(printable(cell_text(row[column.key], column.kind, table.zone)) for row in table.rows)]
        for column in columns
    ]
    widths = [max(map(cell_len, texts)) for texts in cells]
    fits = sum(widths) + _GAP * (len(columns) - 1) <= console.width
    if fits and all(text.isprintable() for texts in cells for text in texts):
        _add_lines(drawn, columns, cells, widths)
    else:
        _add_cells(drawn, columns, cells)
    console.print(drawn)


def _add_lines(drawn: RichTable, columns: Sequence[Column], cells: Sequence[Sequence[str]], widths: list[int]) -> None:
    """Add cells that fit, each row as one text: rich takes 50 µs for every text that it lays out."""
    sides = [_justify(column) for column in columns]
    title, *lines = ((" " * _GAP).join(map(_padded, row, widths, sides)) for row in zip(*cells, strict=True))
    drawn.add_column(title, no_wrap=True)
    for line in lines:
        drawn.add_row(Text(line))


def _add_cells(drawn: RichTable, columns: Sequence[Column], cells: Sequence[Sequence[str]]) -> None:
    """Add cells that do not fit: names and notes fold; numbers and times stay whole."""
    tight = _width_of(columns) > console.width
    for column, (title, *texts) in zip(columns, cells, strict=True):
        is_text = column.kind is Kind.TEXT
        drawn.add_column(
            title,
            justify=_justify(column),
            overflow="fold",
            no_wrap=not (is_text or (tight and column.kind is Kind.COUNT)),
            min_width=min(_NARROWEST_TEXT, max(map(len, texts))) if is_text and not tight else None,
        )
    _, *rows = zip(*cells, strict=True)
    for row in rows:
        drawn.add_row(*map(Text, row))


def _justify(column: Column) -> JustifyMethod:
    return "right" if is_number(column) else "center" if column.kind is Kind.MARK else "left"


def _padded(text: str, width: int, side: JustifyMethod) -> str:
    """The text with spaces around it, so that it takes that many cells of the terminal."""
    room = width - cell_len(text)
    left = {"right": room, "center": room // 2}.get(side, 0)
    return f"{' ' * left}{text}{' ' * (room - left)}"


def _fitting(columns: Sequence[Column], width: int) -> list[Column]:
    """The columns, without the marks of days where those do not fit beside the others."""
    fits = _width_of(columns) <= width
    return [column for column in columns if fits or column.kind is not Kind.MARK]


def _width_of(columns: Sequence[Column]) -> int:
    """Characters that a table of these columns takes, about."""
    return sum(max(_WIDTHS.get(column.kind, _OTHER_WIDTH), len(column.title) + _GAP) for column in columns)
