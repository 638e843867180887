"""Doors at which everybody is counted: who came and went by each, and for how many of them a face was seen."""

from __future__ import annotations

from dashboard import elements as html
from dashboard import shell
from dashboard.elements import Element
from dashboard.views import UsageView
from dashboard.wording import percent
from tracker.reports.count_tables import ADVICE, few_faces
from tracker.reports.sheets import Row


def card(view: UsageView) -> Element | None:
    """A row for each door, and how to see more faces; None where visits are counted instead."""
    if not view.counted:
        return None
    head = html.Tr(
        [
            html.Th("Door", scope="col"),
            html.Th("Entries", scope="col", className="number"),
            html.Th("Exits", scope="col", className="number"),
            html.Th("Faces seen", scope="col", className="number"),
            html.Th("", className="bar-cell", **shell.aria(hidden="true")),
        ]
    )
    table = html.Table([html.Thead(head), html.Tbody([_row(each) for each in view.doors])], className="people-table")
    advice = html.P(ADVICE, className="quiet") if few_faces(view.doors) else None
    return shell.card("Doors", [table, advice], note="everybody is counted", heading_id="usage-doors-title")


def _row(row: Row) -> Element:
    share = row["recognised_share"]
    bar = html.Div(className="bar", style={"width": f"{share or 0:.1%}"})
    return html.Tr(
        [
            html.Th(row["camera_id"], scope="row"),
            html.Td(f"{row['entries']:,}", className="number"),
            html.Td(f"{row['exits']:,}", className="number"),
            html.Td("–" if share is None else percent(share), className="number"),
            html.Td(bar, className="bar-cell", **shell.aria(hidden="true")),
        ],
        key=row["camera_id"],
    )
