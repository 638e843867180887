"""Cells as text: for the terminal, for CSV, and safe in both and in a spreadsheet."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from html import escape
from io import StringIO
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tracker.presence.calendar import CLOCK, MINUTE, local_text
from tracker.reports.sheets import MARKS, Column, Kind, Report, Row

if TYPE_CHECKING:
    from tracker.presence.coverage import Coverage, Outage

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_MOST_OUTAGES = 3
"""More outages of one camera than this are summarised."""
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Control characters but tab and newline, and those that override the direction of text."""


def length_text(seconds: float, *, coarse: bool = False) -> str:
    """A length of time for people: 42 s, 7 min 05 s, 2 h 13 min, 3 d 4 h. coarse: no seconds beside minutes."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if 0 < seconds < 9.95 and not coarse else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min" if coarse else f"{whole // 60} min {whole % 60:02d} s"
    if whole < (24 if coarse else 48) * 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def count_text(number: int, one: str, many: str | None = None) -> str:
    """A number of things: 1 visit, 1,204 visits."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def day_text(day: date) -> str:
    """A day as axes name it: Mon 5 Jan."""
    return f"{day:%a} {day.day} {day:%b}"


def cell_text(value: Any, kind: Kind, zone: ZoneInfo) -> str:
    """A cell as people read it; empty for None."""
    if value is None:
        return ""
    form = _FORMS.get(kind)
    return str(value) if form is None else form(value, zone)


_FORMS: Mapping[Kind, Callable[[Any, ZoneInfo], str]] = {
    Kind.MOMENT: local_text,
    Kind.CLOCK: lambda at, zone: local_text(at, zone, CLOCK),
    Kind.DAY: lambda day, _: f"{day:%Y-%m-%d %a}",
    Kind.LENGTH: lambda seconds, _: length_text(seconds),
    Kind.SHARE: lambda share, _: f"{share:.0%}",
    Kind.NUMBER: lambda number, _: f"{number:.1f}",
    Kind.FLAG: lambda flag, _: "yes" if flag else "",
    Kind.TEXTS: lambda texts, _: ", ".join(texts),
    Kind.MARK: lambda mark, _: MARKS.get(mark, str(mark)),
}
"""By kind: a value as text; kinds without one are shown as they are."""


def csv_text(report: Report) -> str:
    """The main sheet of a report as CSV."""
    return rows_csv(report.main.data_columns, report.main.rows, report.zone)


def rows_csv(columns: Sequence[Column], rows: Sequence[Row], zone: ZoneInfo, *, titles: bool = True) -> str:
    """Rows as CSV, a line a row, after the keys. Nothing in it starts a formula or controls a terminal.

    Times are ISO 8601 on the site's clock with its offset from UTC, lengths seconds, shares fractions of one.
    titles: the line with the keys comes first.
    """
    lines = StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    if titles:
        writer.writerow([column.key for column in columns])
    for row in rows:
        writer.writerow([_csv_cell(row[column.key], zone) for column in columns])
    return lines.getvalue()


def printable(text: str) -> str:
    """The text with control characters and direction overrides escaped: \\x1b, \\u202e. Tab and newline stay."""
    return _UNSAFE.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


def is_printable(text: str) -> bool:
    """Whether `printable` leaves the text as it is."""
    return _UNSAFE.search(text) is None


def harmless(text: str) -> str:
    """The text, with an apostrophe in front where a spreadsheet would run it as a formula."""
    return f"'{text}" if text.lstrip(" \u00a0").startswith(_FORMULA_STARTS) else text


def escaped_json(text: str) -> str:
    """JSON with those characters as JSON escapes, which mean the same."""
    return _UNSAFE.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def escaped_html(text: str) -> str:
    """The text for HTML, with those characters escaped as `printable` does it."""
    return escape(printable(text))


def coverage_notes(outages: Sequence[Outage], coverage: Coverage, since: datetime, zone: ZoneInfo) -> list[str]:
    """Sentences about when cameras did not watch, and when the records begin."""
    notes = outage_notes(outages, span=lambda outage: _span(outage, zone), length=length_text)
    begin = coverage.recorded_since
    if begin is None or since >= begin:
        return notes
    return [f"Records begin on {_moment(begin, zone)}; nothing is known about the time before.", *notes]


def outage_notes(
    outages: Sequence[Outage], *, span: Callable[[Outage], str], length: Callable[[float], str]
) -> list[str]:
    """A sentence for each camera about when it did not watch. span: "09:30 to 11:00"; length: of seconds."""
    notes = []
    for camera_id in sorted({outage.camera_id for outage in outages}):
        own = [outage for outage in outages if outage.camera_id == camera_id]
        texts = {outage: f"from {span(outage)} ({length(outage.length_s)})" for outage in own}
        if len(own) > _MOST_OUTAGES:
            total = length(sum(outage.length_s for outage in own))
            longest = max(own, key=lambda outage: outage.length_s)
            text = f"for {total} in {len(own)} stretches, the longest {texts[longest]}"
        else:
            text = " and ".join(texts.values())
        notes.append(f"Camera {camera_id} did not watch {text}.")
    if notes:
        notes[-1] += " What happened then is not counted."
    return notes


def is_number(column: Column) -> bool:
    """Whether the cells of the column stand at the right."""
    return column.kind in {Kind.COUNT, Kind.NUMBER, Kind.SHARE, Kind.LENGTH}


def _csv_cell(value: Any, zone: ZoneInfo) -> object:
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, tuple):
        value = ", ".join(value)
    return harmless(printable(value)) if isinstance(value, str) else value


def _span(outage: Outage, zone: ZoneInfo) -> str:
    start, end = outage.started_at.astimezone(zone), outage.ended_at.astimezone(zone)
    until = local_text(end, zone, CLOCK) if end.date() == start.date() else _moment(outage.ended_at, zone)
    return f"{_moment(outage.started_at, zone)} to {until}"


def _moment(at: datetime, zone: ZoneInfo) -> str:
    return local_text(at, zone, MINUTE)
