"""The visits of a query as a CSV file, as long as the range is."""

from __future__ import annotations

import flask

from dashboard.address import VisitQuery
from dashboard.attachment import csv_attachment
from dashboard.queries import Board
from tracker.reports.tables import VISIT_DATA_COLUMNS


def register(server: flask.Flask, board: Board) -> None:
    """Serve `/visits.csv`, with the parameters of the page of visits."""

    @server.get("/visits.csv")
    def visits_csv() -> flask.Response:
        query = VisitQuery.of_address(flask.request.query_string.decode("ascii", "replace"), board.today())
        name = f"visits_{query.days.first.isoformat()}_to_{query.days.last.isoformat()}.csv"
        return csv_attachment(VISIT_DATA_COLUMNS, board.visit_rows(query), board.zone, name)
