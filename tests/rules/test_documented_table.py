"""The table of docs/firebase.md matches the rules."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.rules.expectations import EVERYBODY, may_create, may_read, may_read_site, may_read_vectors

DOCUMENT = Path(__file__).parents[2] / "docs" / "firebase.md"
ROWS: Mapping[str, tuple[str, ...]] = {
    "events, matches, heartbeats, zone stays": ("events", "matches", "heartbeats", "zone_stays"),
    "sessions, days": ("sessions", "days"),
    "people": ("people",),
    "corrections": ("corrections",),
    "forgotten people": ("forgotten",),
}
COLUMNS = {
    "signed out, or without access": "stranger",
    "camera machine": "machine",
    "operator": "operator",
    "admin": "admin",
}


def table() -> Mapping[str, Mapping[str, str]]:
    """The cells of the document by row and column."""
    section = DOCUMENT.read_text(encoding="utf-8").partition("## Access control")[2].partition("\n## ")[0]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if "|" in line]
    return {row[0]: dict(zip(lines[0][1:], row[1:], strict=True)) for row in lines[2:]}


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("row", ROWS)
def test_a_documented_cell_matches_the_rules(row: str, column: str) -> None:
    cell, name = table()[row][column], COLUMNS[column]
    assert name in EVERYBODY
    for collection in ROWS[row]:
        assert ("read" in cell) is may_read(name, collection)
        adds = any(word in cell for word in ("add those of its own", "write", ", add"))
        assert adds is may_create(name, collection)


@pytest.mark.parametrize("column", COLUMNS)
def test_the_rows_of_vectors_and_the_site_match_the_rules(column: str) -> None:
    name = COLUMNS[column]
    assert ("read" in table()["face vectors"][column]) is may_read_vectors(name)
    assert ("read" in table()["site and its settings"][column]) is may_read_site(name)
    assert table()["other sites"][column] == "–"
