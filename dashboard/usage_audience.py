"""The audience: how many people looked like what, in groups only."""

from __future__ import annotations

from dashboard import elements as html
from dashboard import shell
from dashboard.elements import Element
from dashboard.views import UsageView
from dashboard.wording import capital, percent
from tracker.reports.audience import NOTES, WAITING
from tracker.reports.sheets import Row


def card(view: UsageView) -> Element | None:
    """A row for each expression and age band; None where no setting asks for an audience."""
    if view.audience is None:
        return None
    if not view.audience:
        return _card(html.P(WAITING, className="quiet"))
    head = html.Tr(
        [
            html.Th("Looks", scope="col"),
            html.Th("People", scope="col", className="number"),
            html.Th("Share", scope="col", className="number"),
            html.Th("", className="bar-cell", **shell.aria(hidden="true")),
        ]
    )
    body = []
    for attribute in dict.fromkeys(row["attribute"] for row in view.audience):
        rows = [_row(row) for row in view.audience if row["attribute"] == attribute]
        title = html.Tr(html.Th(capital(attribute), scope="rowgroup", colSpan=4, className="quiet"))
        body.append(html.Tbody([title, *rows]))
    table = html.Table([html.Thead(head), *body], className="people-table")
    return _card([table, html.P(" ".join(NOTES), className="quiet")])


def _card(body: Element | list[Element]) -> Element:
    return shell.card("Audience", body, note="groups of at least five", heading_id="usage-audience-title")


def _row(row: Row) -> Element:
    bar = html.Div(className="bar", style={"width": f"{row['share']:.1%}"})
    return html.Tr(
        [
            html.Th(row["label"], scope="row"),
            html.Td(f"{row['people']:,}", className="number"),
            html.Td(percent(row["share"]), className="number"),
            html.Td(bar, className="bar-cell", **shell.aria(hidden="true")),
        ],
        key=f"{row['attribute']} {row['label']}",
    )
