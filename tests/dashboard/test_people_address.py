"""The address of the page of people as its state."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from dashboard.people_address import PeopleQuery
from tracker.store.directory import Order, Who


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        pytest.param(PeopleQuery(), {}, id="as-usual"),
        pytest.param(PeopleQuery(person="p-1"), {"person": "p-1"}, id="profile"),
        pytest.param(
            PeopleQuery(
                text="Ólafur & søn",
                who=Who.EXPIRED,
                group="Yoga",
                order=Order.SEEN,
                descending=True,
                page=3,
                person="p",
            ),
            {"q": "Ólafur & søn", "who": "expired", "group": "Yoga", "sort": "-seen", "page": "3", "person": "p"},
            id="everything",
        ),
    ],
)
def test_what_is_written_is_read_back(query: PeopleQuery, parameters: dict[str, str]) -> None:
    assert query.parameters() == parameters
    assert PeopleQuery.of_address(f"?{urlencode(parameters)}") == query


@pytest.mark.parametrize(
    "search",
    [None, 7, "", "?who=nobody&sort=height&page=0", "?page=-1", "?page=1e9", "?page=99999999", "?page=²", "?&&="],
)
def test_what_is_malformed_is_left_out(search: object) -> None:
    assert PeopleQuery.of_address(search) == PeopleQuery()
