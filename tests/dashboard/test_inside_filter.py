"""Searching, filtering and sorting who is in."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.inside_filter import InsideFilter, Show, Sort

ROWS: list[dict[str, Any]] = [
    {"name": "Björn Ólafsson", "camera_id": "door", "role": "member", "kind": "enrolled", "authorised": True},
    {"name": "Vera Lindqvist", "camera_id": "Büro", "role": "staff", "kind": "enrolled", "authorised": True},
    {"name": "Eve Weiß", "camera_id": "door", "role": "member", "kind": "enrolled", "authorised": False},
    {"name": "Visitor 3", "camera_id": "door", "role": "member", "kind": "visitor", "authorised": True},
]


def names(search: str) -> list[str]:
    return [row["name"].split()[0] for row in InsideFilter.of_address(search).apply(ROWS)]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        pytest.param("", ["Björn", "Vera", "Eve", "Visitor"], id="everybody"),
        pytest.param("?q=olafsson+BJORN", ["Björn"], id="words-without-accents"),
        pytest.param("?q=buro", ["Vera"], id="camera"),
        pytest.param("?q=weiss", ["Eve"], id="sharp-s"),
        pytest.param("?show=members", ["Björn", "Eve"], id="members"),
        pytest.param("?show=staff", ["Vera"], id="staff"),
        pytest.param("?show=visitors", ["Visitor"], id="visitors"),
        pytest.param("?show=unauthorised", ["Eve"], id="not-authorised"),
        pytest.param("?sort=longest", ["Visitor", "Eve", "Vera", "Björn"], id="longest-first"),
        pytest.param("?show=cats&sort=height", ["Björn", "Vera", "Eve", "Visitor"], id="unknown-values"),
        pytest.param("?q=nobody", [], id="nobody"),
    ],
)
def test_who_is_listed(search: str, found: list[str]) -> None:
    assert names(search) == found


def test_an_address_keeps_what_is_not_as_usual() -> None:
    wanted = InsideFilter(text="ada", show=Show.STAFF, sort=Sort.LONGEST, everything=True)
    assert wanted.parameters() == {"q": "ada", "show": "staff", "sort": "longest", "all": "1"}
    assert InsideFilter.of_address("?q=ada&show=staff&sort=longest&all=1") == wanted
    assert InsideFilter().parameters() == {}
