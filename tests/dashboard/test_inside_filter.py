"""Searching, filtering and sorting who is in."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.inside_filter import InsideFilter, Show, Sort, groups_of


def row(name: str, **more: object) -> dict[str, Any]:
    usual = {"camera_id": "door", "role": "member", "kind": "enrolled", "refused": "", "groups": ()}
    return {"name": name, **usual, **more}


ROWS = [
    row("Björn Ólafsson", groups=("Früh", "Yoga")),
    row("Vera Lindqvist", camera_id="Büro", role="staff"),
    row("Eve Weiß", refused="no access", groups=("Yoga",)),
    row("Visitor 3", kind="visitor"),
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
        pytest.param("?show=group:yoga", ["Björn", "Eve"], id="group"),
        pytest.param("?show=group:chess", [], id="group-of-nobody"),
        pytest.param("?q=fruh", ["Björn"], id="search-in-groups"),
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
    assert InsideFilter(group="Früh").parameters() == {"show": "group:Früh"}
    assert InsideFilter.of_address("?show=group:Fr%C3%BCh") == InsideFilter(group="Früh")


def test_the_groups_of_those_who_are_in() -> None:
    assert groups_of(ROWS) == ["Früh", "Yoga"]
