"""Tables, messages and progress on the terminal, drawn with rich; imported when something is drawn."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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
_GAP = 3


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
    columns = [
        _Drawn(column, [printable(cell_text(row[column.key], column.kind, table.zone)) for row in table.rows])
        for column in table.columns
        if column.shown
    ]
    kept = _fitting(columns, console.width)
    drawn = RichTable(
        title=Text(table.title) if table.title else None, title_justify="left", header_style="bold", box=SIMPLE_HEAD,
        row_styles=["", "dim"], show_edge=False, pad_edge=False,
    )  # fmt: skip
    plain = all(text.isprintable() for column in kept for text in column.texts)
    if plain and _room([column.longest for column in kept]) <= console.width:
        _add_lines(drawn, kept)
    else:
        _add_cells(drawn, kept, console.width)
    console.print(drawn)
    left_out = [each.column.title for each in columns if each not in kept and any(each.texts)]
    if left_out:
        errors.print_line(Text.assemble(("note: ", "bold yellow"), _left_out_text(left_out)))


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    """A column of a table with the texts of its cells."""

    column: Column
    texts: list[str]

    @property
    def title(self) -> str:
        return self.column.title

    @property
    def folds(self) -> bool:
        """Whether its cells may take several lines."""
        return self.column.kind in (Kind.TEXT, Kind.TEXTS)

    @property
    def longest(self) -> int:
        """Cells of the terminal that it takes on one line."""
        return max(map(cell_len, [self.title, *self.texts]))

    @property
    def least(self) -> int:
        """Cells of the terminal that it needs: titles break between words, names and notes fold, the rest is whole."""
        word = max(map(cell_len, self.title.split()), default=0)
        text = max(map(cell_len, self.texts))
        return max(word, min(text, _NARROWEST_TEXT) if self.folds else text)


def _room(widths: Sequence[int]) -> int:
    """Cells of the terminal that columns of these widths take."""
    return sum(widths) + _GAP * (len(widths) - 1)


def _fitting(columns: Sequence[_Drawn], width: int) -> list[_Drawn]:
    """The columns that fit: without those that hold nothing, then without marks of days, then without the last ones."""
    kept = list(columns)
    if _room([each.longest for each in kept]) > width:
        kept = [each for each in kept if any(each.texts)]
    if _room([each.least for each in kept]) > width:
        kept = [each for each in kept if each.column.kind is not Kind.MARK]
    while len(kept) > 1 and _room([each.least for each in kept]) > width:
        del kept[-1]
    return kept


def _left_out_text(titles: Sequence[str]) -> str:
    titles = [" ".join(each.split()) for each in titles]
    names = repr(titles[0]) if len(titles) == 1 else f"{len(titles)} columns from {titles[0]!r} to {titles[-1]!r}"
    return f"no room for {names}: widen the terminal, or use --json"


def _add_lines(drawn: RichTable, columns: Sequence[_Drawn]) -> None:
    """Add cells that fit, each row as one text: rich takes 50 µs for every text that it lays out."""
    widths, sides = [each.longest for each in columns], [_justify(each.column) for each in columns]
    cells = ([each.title, *each.texts] for each in columns)
    title, *lines = ((" " * _GAP).join(map(_padded, row, widths, sides)) for row in zip(*cells, strict=True))
    drawn.add_column(title, no_wrap=True)
    for line in lines:
        drawn.add_row(Text(line))


def _add_cells(drawn: RichTable, columns: Sequence[_Drawn], width: int) -> None:
    """Add cells of which some fold; what is left of the width goes to names and notes, then to titles."""
    widths = [each.least for each in columns]
    for number in (*_places(columns, folds=True), *_places(columns, folds=False)):
        widths[number] += max(0, min(columns[number].longest - widths[number], width - _room(widths)))
    for each, cells in zip(columns, widths, strict=True):
        drawn.add_column(each.title, justify=_justify(each.column), overflow="fold", width=cells)
    for row in zip(*(each.texts for each in columns), strict=True):
        drawn.add_row(*map(Text, row))


def _places(columns: Sequence[_Drawn], *, folds: bool) -> list[int]:
    return [number for number, each in enumerate(columns) if each.folds is folds]


def _justify(column: Column) -> JustifyMethod:
    return "right" if is_number(column) else "center" if column.kind is Kind.MARK else "left"


def _padded(text: str, width: int, side: JustifyMethod) -> str:
    """The text with spaces around it, so that it takes that many cells of the terminal."""
    room = width - cell_len(text)
    left = {"right": room, "center": room // 2}.get(side, 0)
    return f"{' ' * left}{text}{' ' * (room - left)}"
