"""The visits of a range that fit a query: which, in which order, and one page of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dashboard.address import PAGE_SIZE, VisitQuery
from dashboard.coverage import CoverageView
from dashboard.views import OpenedVisit, VisitsView
from tracker.presence.people import Role
from tracker.reports import tables
from tracker.reports.data import ReportData
from tracker.reports.frames import rows_of
from tracker.reports.sheets import Row
from tracker.reports.visit_filter import in_order, matching

_PORTION = 2_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """Visits that fit a query.

    order: (N,) int32, their rows in the frame of visits, as the query sorts them. of_range: how many visits the range
    has.
    """

    order: NDArray[np.int32]
    of_range: int
    people: int
    still_in: int
    with_staff: bool


def find(data: ReportData, query: VisitQuery) -> Found:
    """The visits of the query's range and filter, in its order; its page does not matter."""
    touching = data.counted(staff=True).touching(data.since, data.until)
    fitting = matching(data, touching, query.where)
    who = fitting["person_id"].unique()
    return Found(
        order=in_order(data, fitting, query.order, descending=query.descending).index.to_numpy(dtype=np.int32),
        of_range=len(touching),
        people=len(who),
        still_in=int(fitting["ended_at"].isna().sum()),
        with_staff=any(data.person(person_id).role is Role.STAFF for person_id in who),
    )


def page_of(data: ReportData, found: Found, query: VisitQuery, coverage: CoverageView) -> VisitsView:
    """The page that the query asks for, or the last one where there are fewer."""
    pages = max(1, -(-len(found.order) // PAGE_SIZE))
    page = min(query.page, pages)
    person_id = query.where.person_id
    return VisitsView(
        rows=_rows(data, found.order[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]),
        visits=len(found.order),
        people=found.people,
        still_in=found.still_in,
        with_staff=found.with_staff,
        of_range=found.of_range,
        page=page,
        pages=pages,
        person=data.person(person_id).name if person_id else "",
        opened=_opened(data, query.visit),
        coverage=coverage,
    )


def portions(data: ReportData, found: Found) -> Iterator[list[Row]]:
    """All rows, a few at a time, as a range may be long."""
    for first in range(0, len(found.order), _PORTION):
        yield _rows(data, found.order[first : first + _PORTION])


def _rows(data: ReportData, order: NDArray[np.int32]) -> list[Row]:
    return list(tables.visit_rows(data, data.frames.visits.iloc[order]))


def _opened(data: ReportData, session_id: str) -> OpenedVisit | None:
    visits = data.frames.visits
    chosen = visits[visits["session_id"] == session_id] if session_id else visits[:0]
    if chosen.empty:
        return None
    segments = data.frames.segments
    parts = rows_of(segments.loc[segments["visit"] == chosen.index[0], ["started_at", "ended_at", "open"]])
    return OpenedVisit(
        row=tables.visit_rows(data, chosen)[0],
        segments=tuple((part["started_at"], None if part["open"] else part["ended_at"]) for part in parts),
    )
