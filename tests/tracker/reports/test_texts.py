"""Cells as text, and CSV that a spreadsheet can open without running anything."""

from __future__ import annotations

import csv
from io import StringIO
from typing import Any

import pytest

from tests.tracker.reports.timelines import BERLIN, DAY, at, data_of, person, stay
from tracker.reports.periods import Period
from tracker.reports.sheets import Kind, Report
from tracker.reports.tables import usage_report, visits_report
from tracker.reports.text import cell_text, csv_text, harmless, length_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"), (0.04, "0.0 s"), (9.9, "9.9 s"), (9.96, "10 s"), (59.4, "59 s"), (59.6, "1 min 00 s"),
        (3599.6, "1 h 00 min"), (8000, "2 h 13 min"), (172_799, "47 h 59 min"), (172_800, "2 d 0 h"),
    ],
)  # fmt: skip
def test_lengths_read_well(seconds: float, text: str) -> None:
    assert length_text(seconds) == text


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, Kind.COUNT, ""), (7, Kind.COUNT, "7"), (0.375, Kind.SHARE, "38%"), (1.25, Kind.NUMBER, "1.2"),
        (at("8:00"), Kind.MOMENT, "2026-01-05 08:00:00"), (at("8:00"), Kind.CLOCK, "08:00"),
        (DAY.date(), Kind.DAY, "2026-01-05 Mon"), (True, Kind.FLAG, "yes"), (False, Kind.FLAG, ""),
        ("present", Kind.MARK, "✓"), ("not watched", Kind.MARK, "?"), ("not yet", Kind.MARK, ""),
    ],
)  # fmt: skip
def test_cells_read_as_people_write(value: Any, kind: Kind, text: str) -> None:
    assert cell_text(value, kind, BERLIN) == text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "  =1+1", "＝1", "＠x"])
def test_formulas_are_disarmed(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("text", ["Ada", "a=1", "שלום", "😀", "", "1-2"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert harmless(text) == text


def rows(report: Report) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(csv_text(report))))


def test_csv_has_times_of_the_site_with_their_offset() -> None:
    people = [person("p-1", '=HYPERLINK("http://x")'), person("p-2", "Zoë, 😀\nשלום")]
    stays = [stay("p-1", at("8:00"), at("9:00")), stay("p-2", at("8:30"), None)]
    data = data_of(*stays, people=people, since=DAY, until=at("12:00"), now=at("12:00"))
    second, first = rows(visits_report(data))
    assert (first["name"], first["started_at"], first["dwell_s"]) == (
        "'=HYPERLINK(\"http://x\")", "2026-01-05T08:00:00+01:00", "3600.0",
    )  # fmt: skip
    assert (second["name"], second["ended_at"], second["bounce"]) == ("Zoë, 😀\nשלום", "", "false")


def test_csv_of_usage_has_a_line_a_period() -> None:
    data = data_of(stay("ada", at("8:00"), at("9:00")), since=at("8:00"), until=at("10:00"), now=at("10:00"))
    found = rows(usage_report(data, Period.HOUR))
    assert [(row["period"], row["entries"], row["exits"], row["median_dwell_s"]) for row in found] == [
        ("2026-01-05 08:00", "1", "0", "3600.0"), ("2026-01-05 09:00", "0", "1", ""),
    ]  # fmt: skip
