"""Files of the page of people: the list as CSV, and everything kept about one person as a zip file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from zoneinfo import ZoneInfo

import flask
from werkzeug.exceptions import NotFound

from config.errors import PeopleError
from dashboard.access.identity import require
from dashboard.people_address import PeopleQuery
from dashboard.people_queries import people_portions
from dashboard.person_words import EXPORT_COLUMNS, export_row
from dashboard.queries import Board
from tracker.reports.person_export import archive, file_name
from tracker.reports.text import rows_csv
from tracker.store.directory import DirectoryEntry
from tracker.store.person_data import kept_about
from tracker.store.users import UserRole


def register(server: flask.Flask, board: Board) -> None:
    """Serve `/people.csv`, with the parameters of the page, to the desk, and `/people/export.zip` to admins."""

    @server.get("/people.csv")
    def people_csv() -> flask.Response:
        require(UserRole.DESK)
        query = PeopleQuery.of_address(flask.request.query_string.decode("ascii", "replace"))
        return _file(_lines(people_portions(board, query), board.zone), "text/csv", "people.csv")

    @server.get("/people/export.zip")
    def export() -> flask.Response:
        require(UserRole.ADMIN)
        try:
            data = kept_about(board.store(), flask.request.args.get("person", ""))
        except PeopleError as error:
            raise NotFound from error
        return _file([archive(data, board.now(), board.zone)], "application/zip", f"{file_name(data)}.zip")


def _file(content: Iterable[str | bytes], mimetype: str, name: str) -> flask.Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return flask.Response(content, mimetype=mimetype, headers=headers)  # type: ignore[arg-type] # all of one kind


def _lines(portions: Iterable[Sequence[DirectoryEntry]], zone: ZoneInfo) -> Iterator[str]:
    """The file, in portions. A byte-order mark tells spreadsheets that it is UTF-8."""
    yield "\ufeff" + rows_csv(EXPORT_COLUMNS, [], zone)
    for entries in portions:
        rows = [export_row(each) for each in entries]
        yield rows_csv(EXPORT_COLUMNS, rows, zone).partition("\n")[2]
