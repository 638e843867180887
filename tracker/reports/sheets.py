"""A report as plain data: figures, tables and what to know about them. Printed and written in one place each.

Needs only the standard library, so that whoever looks at who is in now needs no pandas.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias
from zoneinfo import ZoneInfo

from tracker.presence.calendar import MINUTE, local_text

if TYPE_CHECKING:
    from tracker.presence.coverage import Outage

Row: TypeAlias = Mapping[str, Any]
"""Values by the key of the column; None where there is none."""


class Kind(StrEnum):
    """What the values of a column are, and so how they look."""

    TEXT = "text"
    WORD = "word"
    """A text that never breaks over lines."""
    COUNT = "count"
    NUMBER = "number"
    SHARE = "share"
    """A fraction of one, shown in percent."""
    LENGTH = "length"
    """Seconds."""
    MOMENT = "moment"
    """A datetime in UTC, shown as date and time on the site's clock."""
    CLOCK = "clock"
    """The same, shown as the time alone."""
    DAY = "day"
    """A date."""
    FLAG = "flag"
    """True or False."""
    TEXTS = "texts"
    """A tuple of texts, shown with commas between them."""
    MARK = "mark"
    """A text that is shown as one sign (`MARKS`)."""


MARKS: Mapping[str, str] = {"present": "✓", "absent": "–", "not yet": "", "not watched": "?", "not enrolled": ""}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a sheet. shown: on the terminal. in_data: in CSV and JSON. in_book: in workbooks."""

    key: str
    title: str
    kind: Kind = Kind.TEXT
    shown: bool = True
    in_data: bool = True
    in_book: bool = True


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a report, None where it cannot be known. shown: stands over the table on the terminal.

    words: how it reads there, if not as title and value.
    """

    key: str
    title: str
    kind: Kind
    value: object
    shown: bool = True
    words: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One table. name: its key in JSON. empty: what to say, and to do, where there are no rows.

    printed: stands on the terminal, all rows or only `printed_rows`. in_json: stands in JSON; its keys are stable.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: Sequence[Row]
    empty: str
    printed: bool = True
    printed_rows: Sequence[Row] | None = None
    in_json: bool = True

    @property
    def data_columns(self) -> list[Column]:
        """The columns of CSV and JSON."""
        return [column for column in self.columns if column.in_data]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report over [since, until), UTC. sheets: in the order in which people look at them.

    title: what it is, for people. filters: what was left out, in words. notes: what a reader must know, in sentences.
    """

    name: str
    title: str
    site_id: str
    site_name: str
    zone: ZoneInfo
    since: datetime
    until: datetime
    now: datetime
    sheets: tuple[Sheet, ...]
    figures: tuple[Figure, ...] = ()
    filters: str = ""
    outages: tuple[Outage, ...] = ()
    notes: tuple[str, ...] = ()
    capacity: int | None = None

    @property
    def main(self) -> Sheet:
        """What CSV holds: the first sheet with stable keys."""
        return next(each for each in self.sheets if each.in_json)

    def sheet(self, name: str) -> Sheet:
        """The sheet of that name. Raises KeyError where there is none."""
        return next(each for each in self.sheets if each.name == name)

    @property
    def range_text(self) -> str:
        """The range on the site's clock: days where it is made of whole ones, else moments."""
        start, end = self.since.astimezone(self.zone), self.until.astimezone(self.zone)
        whole = _is_midnight(start) and (_is_midnight(end) or self.until == self.now)
        if whole:
            first, last = start.date(), _last_day(end)
            return f"{first}" if first == last else f"{first} to {last}"
        return f"{local_text(self.since, self.zone, MINUTE)} to {local_text(self.until, self.zone, MINUTE)}"

    def document(self) -> Iterator[tuple[str, object]]:
        """The report by stable keys, for JSON: what it is about, figures, the rows of each sheet, outages, notes."""
        yield from (("report", self.name), ("site_id", self.site_id), ("time_zone", self.zone.key))
        yield from (("since", self.since), ("until", self.until), ("now", self.now))
        yield from ((figure.key, figure.value) for figure in self.figures)
        for sheet in self.sheets:
            if sheet.in_json:
                yield sheet.name, [{column.key: row[column.key] for column in sheet.data_columns} for row in sheet.rows]
        yield "outages", list(self.outages)
        yield "notes", list(self.notes)


def _is_midnight(at: datetime) -> bool:
    return (at.hour, at.minute, at.second, at.microsecond) == (0, 0, 0, 0)


def _last_day(end: datetime) -> date:
    """The last day that a range reaches into; one that ends at midnight does not reach into the next."""
    return date.fromordinal(end.date().toordinal() - 1) if _is_midnight(end) else end.date()
