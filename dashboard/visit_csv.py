"""The visits of a query as a CSV file, as long as the range is."""

from __future__ import annotations

from collections.abc import Iterator

import flask

from dashboard.address import VisitQuery
from dashboard.queries import Board
from tracker.reports.tables import visit_csv


def register(server: flask.Flask, board: Board) -> None:
    """Serve `/visits.csv`, with the parameters of the page of visits."""

    @server.get("/visits.csv")
    def visits_csv() -> flask.Response:
        query = VisitQuery.of_address(flask.request.query_string.decode("ascii", "replace"), board.today())
        name = f"visits_{query.days.first.isoformat()}_to_{query.days.last.isoformat()}.csv"
        return flask.Response(
            _lines(board, query),
            mimetype="text/csv",
            headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
        )


def _lines(board: Board, query: VisitQuery) -> Iterator[str]:
    """The file, in portions. A byte-order mark tells spreadsheets that it is UTF-8."""
    yield "\ufeff" + visit_csv([], board.zone)
    for rows in board.visit_rows(query):
        yield visit_csv(rows, board.zone, titles=False)
