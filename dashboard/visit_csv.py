"""The visits of a query as a CSV file, as long as the range is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from zoneinfo import ZoneInfo

import flask

from dashboard.address import VisitQuery
from dashboard.queries import Board
from tracker.reports.sheets import Row
from tracker.reports.tables import visit_csv


def register(server: flask.Flask, board: Board) -> None:
    """Serve `/visits.csv`, with the parameters of the page of visits."""

    @server.get("/visits.csv")
    def visits_csv() -> flask.Response:
        query = VisitQuery.of_address(flask.request.query_string.decode("ascii", "replace"), board.today())
        name = f"visits_{query.days.first.isoformat()}_to_{query.days.last.isoformat()}.csv"
        return flask.Response(
            _lines(board.visit_rows(query), board.zone),
            mimetype="text/csv",
            headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
        )


def _lines(portions: Iterable[Sequence[Row]], zone: ZoneInfo) -> Iterator[str]:
    """The file, in portions. A byte-order mark tells spreadsheets that it is UTF-8."""
    yield "\ufeff" + visit_csv([], zone)
    for rows in portions:
        yield visit_csv(rows, zone, titles=False)
