"""The cards of the people who are in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dashboard import elements as html
from dashboard import shell
from dashboard.address import VisitQuery
from dashboard.elements import Element
from dashboard.inside_filter import SHOWN, InsideFilter, Show
from dashboard.person_menu import person_menu
from dashboard.queries import Board
from dashboard.views import Days, NowView, tag
from dashboard.wording import duration, initials, moment
from tracker.presence.people import PersonKind
from tracker.reports.sheets import Row

_GROUPS = 2
"""So many groups are on a card; its title has all."""


def cards(view: NowView, board: Board, wanted: InsideFilter) -> Element:
    """Who is in and fits the filter; below, what the count at the doors adds to it."""
    notes = [html.P(note, className="quiet") for note in view.inside_notes]
    return html.Div([_cards(view, board, wanted), *notes])


def _cards(view: NowView, board: Board, wanted: InsideFilter) -> Element:
    if not view.inside:
        nobody = "Nobody is in." if not view.people_in else "Nobody who is in was recognised."
        if view.watching is False:
            nobody = "Nobody is known to be in: no camera is watching."
        return html.P(nobody, className="quiet")
    found = wanted.apply(view.inside)
    if not found:
        return html.P(
            ["Nobody who is in fits. ", shell.link("Show everybody", InsideFilter().link(), stay=True)],
            className="quiet",
        )
    rows = found if wanted.everything else found[:SHOWN]
    grid = html.Ul([_card(row, view, board) for row in rows], className="people-grid")
    if len(rows) == len(found):
        return grid
    more = shell.link(
        f"Show all {len(found):,}", replace(wanted, everything=True).link(), stay=True, class_name="button"
    )
    return html.Div([grid, html.P(more, className="people-more")])


def visit_link(session_id: str, board: Board) -> str:
    """The page of today's visits with one of them opened."""
    return VisitQuery(days=Days.until(board.today(), days=1), moving=1, visit=session_id).link()


def summary(view: NowView, wanted: InsideFilter) -> str:
    """How many of those who are in the cards show; nothing where it is everybody."""
    if not view.inside or (not wanted.text and wanted.shown == Show.EVERYBODY):
        return ""
    return f"{len(wanted.apply(view.inside)):,} of {len(view.inside):,}"


def _card(row: Row, view: NowView, board: Board) -> Element:
    since = row["started_at"]
    ticking: dict[str, Any] = {"data-since-ms": str(round(since.timestamp() * 1000))}
    detail = " · ".join(filter(None, (f"since {moment(since, board.zone, view.now)}", row["camera_id"])))
    name = row["name"]
    link = shell.link(name, visit_link(row["session_id"], board), title=name) if view.names else html.Span(name)
    stay = html.Div(duration((view.now - since).total_seconds()), className="row-figure", **ticking)
    who = [
        html.Div([link, _tag(row)], className="row-name"),
        html.Div([html.Div(detail, className="row-detail", title=detail), stay], className="person-stay"),
        _marks(row),
    ]
    menu = person_menu(row["session_id"], name) if view.names else None
    return html.Li(
        [_face(row), html.Div(who, className="row-text"), menu],
        key=row["person_id"],
        className="refused" if row["refused"] else "",
    )


def _face(row: Row) -> Element:
    style = "face face-visitor" if row["kind"] == PersonKind.VISITOR else "face"
    return html.Span(initials(row["name"]), className=style, **shell.aria(hidden="true"))


def _tag(row: Row) -> Element | None:
    """Staff or visitor."""
    word = tag(row)
    return html.Span(word, className="tag") if word else None


def _marks(row: Row) -> Element | None:
    """That the person may not be here, and the groups."""
    groups = row["groups"][:_GROUPS]
    words = [*groups, f"+{len(row['groups']) - len(groups)}"] if len(row["groups"]) > len(groups) else groups
    marks = [html.Span(word, className="tag") for word in words]
    if row["refused"]:
        marks.insert(0, html.Span(f"not authorised: {row['refused']}", className="tag tag-bad"))
    return html.Div(marks, className="row-marks", title=", ".join(row["groups"])) if marks else None
