"""Answers that a browser saves as a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from zoneinfo import ZoneInfo

import flask

from tracker.reports.sheets import Column, Row
from tracker.reports.text import rows_csv


def attachment(content: Iterable[str | bytes], mimetype: str, name: str) -> flask.Response:
    """The content as a file of this name, which no cache keeps."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return flask.Response(content, mimetype=mimetype, headers=headers)  # type: ignore[arg-type] # all of one kind


def csv_attachment(
    columns: Sequence[Column], portions: Iterable[Sequence[Row]], zone: ZoneInfo, name: str
) -> flask.Response:
    """Rows, sent a portion at a time, as a CSV file."""
    return attachment(_lines(columns, portions, zone), "text/csv", name)


def _lines(columns: Sequence[Column], portions: Iterable[Sequence[Row]], zone: ZoneInfo) -> Iterator[str]:
    """The file, in portions. A byte-order mark tells spreadsheets that it is UTF-8."""
    yield "\ufeff" + rows_csv(columns, [], zone)
    for rows in portions:
        yield rows_csv(columns, rows, zone, titles=False)
