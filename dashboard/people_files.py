"""Files of the page of people: the list as CSV, and everything kept about one person as a zip file."""

from __future__ import annotations

import flask
from werkzeug.exceptions import NotFound

from config.errors import PeopleError
from dashboard.access.identity import require
from dashboard.attachment import attachment, csv_attachment
from dashboard.people_address import PeopleQuery
from dashboard.people_queries import people_portions
from dashboard.person_words import EXPORT_COLUMNS, export_row
from dashboard.queries import Board
from tracker.reports.person_export import archive, file_name
from tracker.store.person_data import kept_about
from tracker.store.users import UserRole


def register(server: flask.Flask, board: Board) -> None:
    """Serve `/people.csv`, with the parameters of the page, to the desk, and `/people/export.zip` to admins."""

    @server.get("/people.csv")
    def people_csv() -> flask.Response:
        require(UserRole.DESK)
        query = PeopleQuery.of_address(flask.request.query_string.decode("ascii", "replace"))
        portions = ([export_row(each) for each in entries] for entries in people_portions(board, query))
        return csv_attachment(EXPORT_COLUMNS, portions, board.zone, "people.csv")

    @server.get("/people/export.zip")
    def export() -> flask.Response:
        require(UserRole.ADMIN)
        try:
            data = kept_about(board.store(), flask.request.args.get("person", ""))
        except PeopleError as error:
            raise NotFound from error
        return attachment([archive(data, board.now(), board.zone)], "application/zip", f"{file_name(data)}.zip")
