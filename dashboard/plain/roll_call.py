"""The roll-call: who is in, as a list to tick, print and save, and what is not known about it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import flask

from config.errors import StoreError
from dashboard.access.identity import require
from dashboard.attachment import csv_attachment
from dashboard.queries import Board
from dashboard.views import RollCall
from dashboard.wording import clock, moment, sentence, stamp
from tracker.presence.people import PersonKind
from tracker.reports.sheets import Column, Kind, Row
from tracker.store.users import UserRole

_FURTHEST = timedelta(hours=24)
"""A roll-call that was opened longer ago begins anew."""
_COLUMNS = (
    Column("name", "name"),
    Column("kind", "kind", Kind.WORD),
    Column("role", "role", Kind.WORD),
    Column("groups", "groups", Kind.TEXTS),
    Column("authorised", "authorised", Kind.FLAG),
    Column("started_at", "since", Kind.MOMENT),
    Column("camera_id", "last seen by", Kind.WORD),
    Column("seen_at", "last seen", Kind.MOMENT),
    Column("ended_at", "left", Kind.MOMENT),
)


def register(server: flask.Flask, board: Board, *, site_name: str) -> None:
    """Serve `/roll-call` and `/roll-call.csv`; for those who may not see names they are not there."""
    pages = flask.Blueprint("roll_call", __name__, template_folder="templates")

    @pages.get("/roll-call")
    def page() -> str:
        view = _view(board)
        return flask.render_template(
            "roll-call.html",
            site_name=site_name,
            zone=board.zone.key.replace("_", " "),
            day=stamp(view.now, board.zone).rsplit(" ", 1)[0],
            at=f"{view.now.astimezone(board.zone):%H:%M:%S}",
            since=view.since.isoformat(timespec="seconds"),
            notes=list(notes(view, board)),
            rows=[_cells(row, view, board) for row in view.rows],
            inside=sum(row["ended_at"] is None for row in view.rows),
            people_in=view.people_in,
        )

    @pages.get("/roll-call.csv")
    def roll_call_csv() -> flask.Response:
        view = _view(board)
        name = f"roll-call_{view.now.astimezone(board.zone):%Y-%m-%d_%H%M}.csv"
        return csv_attachment(_COLUMNS, [view.rows], board.zone, name)

    @pages.errorhandler(StoreError)
    def trouble(error: StoreError) -> tuple[str, int]:
        page = flask.render_template(
            "trouble.html", site_name=site_name, problem=sentence(error.problem), fix=sentence(error.fix)
        )
        return page, 503

    server.register_blueprint(pages)


def notes(view: RollCall, board: Board) -> Iterator[str]:
    """What a reader must know: who is in and not in the list, and which cameras did not see who left."""
    yield from view.inside_notes
    if view.watching is False:
        yield "No camera is watching: this is the last known state. People may have left, and others may have come."
    for camera in view.cameras:
        if not camera.is_down:
            continue
        if camera.last_frame_at is None:
            yield f"{camera.camera_id} has given no frame yet; people may have left or come unseen."
        else:
            since = moment(camera.last_frame_at, board.zone, view.now)
            yield f"{camera.camera_id} gave no frames since {since}; people may have left since."


def _view(board: Board) -> RollCall:
    require(UserRole.DESK)
    return board.roll_call(_since(flask.request.args.get("since", ""), board.now()))


def _since(text: str, now: datetime) -> datetime:
    """When the list was opened; now for what is no such time."""
    try:
        since = datetime.fromisoformat(text)
    except ValueError:
        return now
    if since.tzinfo is None:
        return now
    return since.astimezone(UTC) if now - _FURTHEST <= since <= now else now


def _cells(row: Row, view: RollCall, board: Board) -> dict[str, Any]:
    seen = (row["camera_id"], moment(row["seen_at"], board.zone, view.now))
    return {
        "id": row["session_id"],
        "name": row["name"],
        "since": moment(row["started_at"], board.zone, view.now),
        "seen": ", ".join(filter(None, seen)),
        "role": "visitor" if row["kind"] == PersonKind.VISITOR else row["role"],
        "groups": ", ".join(row["groups"]),
        "refused": row["refused"],
        "left": "" if row["ended_at"] is None else clock(row["ended_at"], board.zone),
    }
