"""Views for those who may see figures and no names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from dashboard.views import LiveView, UsageView, VisitsView
from tracker.presence.people import SOMEBODY
from tracker.reports.sheets import Row

View = TypeVar("View", LiveView, UsageView, VisitsView)
ANYBODY = SOMEBODY.capitalize()


def without_names(view: View) -> View:
    """The same figures. Nobody has a name, and no id connects two rows or is a digest of somebody's id."""
    if isinstance(view, LiveView):
        events = tuple(replace(event, name=ANYBODY, event_id=str(number)) for number, event in enumerate(view.events))
        return replace(view, inside=_rows(view.inside), events=events)
    if isinstance(view, VisitsView):
        return replace(view, rows=_rows(view.rows))
    return replace(view, people=_rows(view.people))


def _rows(rows: Sequence[Row]) -> list[Row]:
    return [_row(row, number) for number, row in enumerate(rows)]


def _row(row: Row, number: int) -> Row:
    hidden = {"name": ANYBODY, "person_id": str(number), "session_id": str(number)}
    return {key: hidden.get(key, value) for key, value in row.items()}
