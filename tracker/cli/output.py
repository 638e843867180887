"""What commands print: tables for people, JSON for programs, both on stdout; everything else on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tracker.reports.json_values import plain

_NUMBERS = frozenset({"in", "inside", "net dwell", "out", "vectors"})
_TIMES = frozenset({"entered", "left", "since", "time"})

_SHOWN_ID = 8
_FREE_WIDTH = 160
"""Characters a line where no terminal sets the limit."""

console = Console(highlight=False, width=None if sys.stdout.isatty() else _FREE_WIDTH)
errors = Console(stderr=True, highlight=False)


def print_json(value: object) -> None:
    """JSON on stdout: dataclasses by field name, times as UTC text, one trailing newline."""
    sys.stdout.write(json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def json_line(value: object) -> str:
    """The same on one line, not printed."""
    return json.dumps(plain(value), ensure_ascii=False, allow_nan=False)


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str) -> None:
    """A table on stdout, or the sentence `empty` where there are no rows. Cells are plain text, never markup.

    Where it does not fit, names and notes fold; numbers and times stay whole.
    """
    if not rows:
        console.print(Text(empty))
        return
    table = Table(
        title=title or None,
        title_justify="left",
        header_style="bold",
        row_styles=["", "dim"],
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
    )
    for column in columns:
        is_number = column in _NUMBERS
        justify: Literal["left", "right"] = "right" if is_number else "left"
        table.add_column(column, justify=justify, overflow="fold", no_wrap=is_number or column in _TIMES)
    for row in rows:
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    console.print(table)


def short(record_id: str) -> str:
    """The first letters of an id, enough to name it in a command where no other id begins so."""
    return record_id[:_SHOWN_ID]


def local_time(at: datetime, zone: ZoneInfo, *, after: datetime | None = None) -> str:
    """Date and time on the site's clock; the time alone where it is the day of `after`, which stands beside it."""
    there = at.astimezone(zone)
    same_day = after is not None and after.astimezone(zone).date() == there.date()
    return there.strftime("%H:%M:%S" if same_day else "%Y-%m-%d %H:%M:%S")


def span(seconds: float | None) -> str:
    """A length of time for people: 42 s, 7 min 05 s, 2 h 13 min; empty for None."""
    if seconds is None:
        return ""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
