"""The address of a page as its state: what is written is read back, and what is malformed is left out."""

from __future__ import annotations

from datetime import date
from urllib.parse import urlencode

import pytest

from dashboard.address import VisitQuery, days_of, parsed
from dashboard.views import Days
from tracker.reports.visit_filter import Order, State, VisitFilter, Who

TODAY = date(2026, 3, 2)
WEEK = Days.until(TODAY, days=7)


@pytest.mark.parametrize(
    ("query", "search"),
    [
        pytest.param(VisitQuery(days=WEEK), {}, id="as-usual"),
        pytest.param(VisitQuery(days=Days.until(TODAY, days=30), moving=30), {"days": "30"}, id="ends-today"),
        pytest.param(
            VisitQuery(days=Days(date(2026, 2, 1), TODAY), moving=None),
            {"from": "2026-02-01", "to": "2026-03-02"},
            id="fixed",
        ),
        pytest.param(
            VisitQuery(
                days=WEEK,
                where=VisitFilter(
                    text="Ólafur & søn",
                    who=Who.PUBLIC,
                    state=State.LEFT,
                    camera_id="door",
                    person_id="p-1",
                    begun=True,
                    hour=0,
                    dwell_s=(600, 1_036_800.5),
                ),
                order=Order.NAME,
                descending=False,
                page=3,
                visit="e-1",
            ),
            {
                "q": "Ólafur & søn",
                "who": "public",
                "state": "left",
                "camera": "door",
                "person": "p-1",
                "begun": "1",
                "hour": "0",
                "dwell": "600-1036800.5",
                "sort": "name",
                "page": "3",
                "visit": "e-1",
            },
            id="everything",
        ),
    ],
)
def test_an_address_is_read_as_it_was_written(query: VisitQuery, search: dict[str, str]) -> None:
    assert query.parameters() == search
    assert VisitQuery.of_address(f"?{urlencode(search)}", TODAY) == query


def test_a_range_that_ends_today_goes_on_into_the_next_day() -> None:
    tomorrow = date(2026, 3, 3)
    for search in ("", "?days=30"):
        assert VisitQuery.of_address(search, tomorrow).days.last == tomorrow
    fixed = "?from=2026-02-01&to=2026-03-02"
    assert VisitQuery.of_address(fixed, tomorrow).days == Days(date(2026, 2, 1), TODAY)


@pytest.mark.parametrize("search", [None, 7, [], "", "?", "?days=x", "?days=0&from=2026-01-01", "?sort=-nothing"])
def test_what_is_malformed_is_left_out(search: object) -> None:
    assert VisitQuery.of_address(search, TODAY) == VisitQuery(days=WEEK)
    assert days_of(parsed(search), TODAY) == (WEEK, 7)


def test_another_filter_begins_on_the_first_page() -> None:
    query = VisitQuery(days=WEEK, page=4, visit="e-1", where=VisitFilter(text="ada", hour=9))
    assert query.filtered(hour=None) == VisitQuery(days=WEEK, where=VisitFilter(text="ada"))
