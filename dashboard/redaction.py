"""Views and queries for those who may see figures and no names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from dashboard.address import VisitQuery
from dashboard.views import NowView, RollCall, UsageView, VisitsView
from tracker.presence.people import SOMEBODY
from tracker.reports.sheets import Row
from tracker.reports.visit_filter import Order

View = TypeVar("View", NowView, RollCall, UsageView, VisitsView)
ANYBODY = SOMEBODY.capitalize()


def without_names(view: View) -> View:
    """The same figures. Nobody has a name, and no id connects two rows or is a digest of somebody's id."""
    if isinstance(view, NowView):
        events = tuple(replace(event, name=ANYBODY, session_id=str(number)) for number, event in enumerate(view.events))
        return replace(view, inside=rows_without_names(view.inside), events=events, names=False)
    if isinstance(view, RollCall):
        return replace(view, rows=rows_without_names(view.rows))
    if isinstance(view, VisitsView):
        return replace(view, rows=rows_without_names(view.rows), person="", opened=None, names=False)
    return replace(view, people=rows_without_names(view.people), names=False)


def without_people(query: VisitQuery) -> VisitQuery:
    """The query without what only a name, or an id, could answer."""
    where = replace(query.where, person_id="", names=False)
    by_name = query.order is Order.NAME
    order, descending = (Order.ENTERED, True) if by_name else (query.order, query.descending)
    return replace(query, where=where, order=order, descending=descending, visit="")


def rows_without_names(rows: Sequence[Row]) -> list[Row]:
    """The same rows of nobody in particular."""
    return [_row(row, number) for number, row in enumerate(rows)]


def _row(row: Row, number: int) -> Row:
    hidden: Row = {"groups": (), "name": ANYBODY, "person_id": str(number), "session_id": str(number)}
    return {key: hidden.get(key, value) for key, value in row.items()}
