"""Pages and `footfall report` over one store show the same figures."""

from __future__ import annotations

import csv
import io
import json
import operator
import re
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from config.settings import load_settings
from dashboard.queries import PEOPLE_SHOWN, Board
from dashboard.views import Days
from tests.dashboard.conftest import Opener
from tracker.cli import main
from tracker.presence.people import Role

Report = Callable[..., str]
SLOW_MS = 15_000


@pytest.fixture
def board(month_store: Path, site_file: Path) -> Board:
    settings = load_settings(site_file, {"store": {"url": f"sqlite:///{month_store}"}})
    return Board(month_store, settings)


@pytest.fixture
def report(
    month_store: Path, site_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Report:
    """report("today", "--json"): what the command prints about the month."""

    def call(*words: str) -> str:
        where = ("--settings", str(site_file), "--store", f"sqlite:///{month_store}")
        monkeypatch.setattr(sys, "argv", ["footfall", "report", *words, *where])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main.run()
        captured = capsys.readouterr()
        assert not ended.value.code, captured.err
        return captured.out

    return call


@pytest.mark.parametrize("count", [1, 7, 30], ids=["today", "a-week", "a-month"])
def test_usage_is_that_of_the_report_for_the_same_days(board: Board, report: Report, count: int) -> None:
    days = Days.until(board.today(), days=count)
    view = board.usage(days)
    printed = json.loads(report("usage", "--from", days.first.isoformat(), "--json"))
    moments = ("peak_at",)
    assert view.figures["peak"]
    assert {key: value.isoformat() if key in moments else value for key, value in view.figures.items()} == {
        key: datetime.fromisoformat(printed[key]).isoformat() if key in moments else printed[key]
        for key in view.figures
    }
    assert view.dwell["median_s"] == pytest.approx(printed["median_dwell_s"], abs=1)
    people = json.loads(report("people", "--from", days.first.isoformat(), "--json"))["people"]
    assert view.people_count == len(people)
    assert [(row["person_id"], row["visits"]) for row in view.people] == [
        (row["person_id"], row["visits"]) for row in people[:PEOPLE_SHOWN]
    ]


def test_a_week_with_staff_would_be_another_one(board: Board, report: Report) -> None:
    """Without it the test above could not fail."""
    days = Days.until(board.today(), days=7)
    printed, with_staff = (json.loads(report("usage", "--json", *more)) for more in ((), ("--staff",)))
    assert printed["peak"] < with_staff["peak"]
    assert max(point["people"] for point in board.usage(days).points) == printed["peak"]


@pytest.mark.browser
def test_now_shows_the_figures_of_the_report(month: str, open_page: Opener, report: Report) -> None:
    page = open_page(month)
    page.locator(".tile-value").first.wait_for(timeout=SLOW_MS)
    page.locator("#now-peak").get_by_text("peak").wait_for(timeout=SLOW_MS)
    tiles = _tiles(page)
    printed = json.loads(report("today", "--staff", "--json"))
    assert list(tiles) == ["In the building", "Entries today", "Peak today", "Cameras watching"]
    staff = sum(person["role"] == Role.STAFF for person in printed["present"])
    assert tiles["In the building"][0] == str(printed["occupancy"])
    assert tiles["Entries today"][0] == str(printed["entries"])
    assert tiles["Entries today"][1].split(" · ")[0] == f"{printed['visitors']} people"
    assert tiles["Peak today"][0] == str(printed["peak"]) >= tiles["In the building"][0]
    assert page.locator("#now-subtitle").get_by_text("staff included").count() == 1
    assert page.locator("#now-peak").inner_text().startswith(f"peak {printed['peak']} at ")
    assert page.locator("#now-inside .tag").get_by_text("staff").count() == staff


@pytest.mark.browser
def test_usage_names_what_it_counts(month: str, open_page: Opener, report: Report) -> None:
    page = open_page(f"{month}usage")
    note = page.locator("#usage-occupancy-note")
    note.get_by_text("without staff").wait_for(timeout=SLOW_MS)
    printed = json.loads(report("usage", "--json"))
    assert re.match(rf"peak {printed['peak']} without staff, ", note.inner_text())
    tiles = _tiles(page)
    assert tiles["Footfall"][0] == str(printed["entries"])
    assert tiles["Unique visitors"][0] == str(printed["visitors"])
    assert tiles["Returning"][0] == str(printed["returning"])


@pytest.mark.browser
def test_the_csv_of_the_page_is_that_of_the_report(
    month: str, open_page: Opener, report: Report, board: Board, tmp_path: Path
) -> None:
    page = open_page(f"{month}visits")
    page.locator("#visits-summary").get_by_text("with staff").wait_for(timeout=SLOW_MS)
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    download.value.save_as(tmp_path / "visits.csv")
    with (tmp_path / "visits.csv").open(encoding="utf-8-sig", newline="") as file:
        ours = list(csv.DictReader(file))
    since = Days.until(board.today(), days=7).first.isoformat()
    theirs = list(
        csv.DictReader(io.StringIO(report("visits", "--staff", "--from", since, "--csv").removeprefix("\ufeff")))
    )
    assert list(ours[0]) == list(theirs[0])
    assert {(row["kind"], row["role"]) for row in ours} == {
        ("enrolled", "member"), ("enrolled", "staff"), ("visitor", "member"),
    }  # fmt: skip
    growing = ("dwell_s", "gross_s")  # of visits that go on
    for rows in (ours, theirs):
        for row in rows:
            if row["state"] == "open":
                row.update(dict.fromkeys(growing, ""))
            row.update({key: str(float(row[key])) for key in growing if row[key]})
    in_order = operator.itemgetter("started_at", "session_id")
    assert sorted(ours, key=in_order) == sorted(theirs, key=in_order)


def _tiles(page: Any) -> dict[str, tuple[str, str]]:
    """Each tile by its name: the number, and the text below it."""
    tiles = page.locator(".tile")
    return {
        tile.locator(".tile-label").inner_text(): (
            tile.locator(".tile-value").inner_text(),
            tile.locator(".tile-note").inner_text(),
        )
        for tile in tiles.all()
    }
