"""Plots: traces equal the figures, names are harmless, a missing browser is explained."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from config.errors import ReportError
from tests.tracker.reports.test_reports import REPORTS
from tests.tracker.reports.timelines import DAY, at, data_of, person, stay, watch
from tracker.reports.attendance import attendance_report, person_report
from tracker.reports.chart_files import write_plot
from tracker.reports.data import ReportData
from tracker.reports.periods import Period
from tracker.reports.report_charts import MOST_NAMES, plot
from tracker.reports.sheets import Report
from tracker.reports.tables import (
    dwell_report,
    occupancy_report,
    people_report,
    today_report,
    usage_report,
    visits_report,
)

EVIL = "</script><script>alert(1)</script>"
NAMES = [EVIL, "<b>Bold</b> & co", "שלום כהן", "😀 👩‍👩‍👧", "$x$", "%{y}", "Ada"]
PEOPLE = [person(f"p-{number}", name) for number, name in enumerate(NAMES)]


def gym(**more: Any) -> ReportData:
    stays = [stay(each.person_id, at(f"{8 + n}:00"), at(f"{8 + n}:40")) for n, each in enumerate(PEOPLE)]
    given = {"since": DAY, "until": at("18:00"), "now": at("18:00"), "people": PEOPLE, "capacity": 2}
    given |= {"spans": [watch(DAY, at("16:00"))]}
    return data_of(*stays, **{**given, **more})


def drawn(report: Report) -> dict[str, Any]:
    figure: dict[str, Any] = json.loads(plot(report).to_json())
    return figure


@pytest.mark.parametrize("make", REPORTS.values(), ids=REPORTS)
def test_every_report_can_be_drawn_with_any_names(make: Callable[[ReportData], Report], tmp_path: Path) -> None:
    report = make(gym())
    path = tmp_path / "plot.html"
    write_plot(plot(report), path, title=f"{report.title} {EVIL}")
    page = path.read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert EVIL not in page
    assert "<title>" in page.split("<body>")[0]
    assert re.findall(r'(?:src|href)="(?!data:)[^"]*"', page.split("<body>")[0]) == []
    assert re.findall(r"<script[^>]+src=", page) == []


def test_usage_draws_the_counts() -> None:
    entries, exits, visitors, *grey = drawn(usage_report(gym(), Period.HOUR))["data"]
    assert entries["y"][8:15] == [1] * 7
    assert exits["y"][8:15] == [1] * 7
    assert [value for value in visitors["y"] if value] == [1] * 7
    assert entries["y"][16:] == [None, None]
    assert [each["name"] for each in grey] == ["not watched"]


def test_occupancy_has_a_capacity_line_and_grey_outages() -> None:
    shapes = drawn(occupancy_report(gym()))["layout"]["shapes"]
    assert [shape["y0"] for shape in shapes if shape["type"] == "line"] == [2]
    assert [shape["x0"][:16] for shape in shapes if shape["type"] == "rect"] == ["2026-01-05T16:00"]
    assert [shape for shape in drawn(today_report(gym()))["layout"]["shapes"] if shape["type"] == "rect"]


def test_dwell_draws_every_visit_once() -> None:
    net, gross = drawn(dwell_report(gym()))["data"]
    assert sum(net["y"]) == sum(gross["y"]) == len(PEOPLE)


def test_people_of_one_name_are_distinguished() -> None:
    people = [person("p-1", "Ada"), person("p-2", "Ada")]
    stays = [stay(each.person_id, at("8:00"), at("9:00")) for each in people]
    data = data_of(*stays, people=people, since=DAY, until=at("12:00"), now=at("12:00"))
    [bars] = drawn(people_report(data))["data"]
    assert bars["y"] == ["Ada (p-1)", "Ada (p-2)"]
    [grid] = drawn(attendance_report(data))["data"]
    assert grid["y"] == ["Ada (p-1)", "Ada (p-2)"]


def test_tags_in_names_are_shown_and_not_read() -> None:
    [bars] = drawn(visits_report(gym()))["data"][:1]
    assert "&lt;b&gt;Bold&lt;/b&gt; &amp; co" in bars["y"]


def test_too_many_people_are_truncated_with_a_note() -> None:
    people = [person(f"p-{number:03d}", f"Name {number}") for number in range(MOST_NAMES + 5)]
    stays = [stay(each.person_id, at("8:00"), at("9:00")) for each in people]
    data = data_of(*stays, people=people, since=DAY, until=at("12:00"), now=at("12:00"))
    for report in (people_report(data), visits_report(data), attendance_report(data)):
        figure = drawn(report)
        assert "5 more people are not drawn" in figure["layout"]["title"]["subtitle"]["text"]


def test_one_person_has_hours_by_day() -> None:
    [bars] = drawn(person_report(gym(until=at("18:00")), PEOPLE[-1]))["data"]
    assert (bars["x"], bars["y"]) == (["Mon 5 Jan"], [pytest.approx(2 / 3)])


@pytest.mark.parametrize("name", [name for name in REPORTS if name != "today"])
def test_an_empty_plot_is_reported_with_a_fix(name: str) -> None:
    with pytest.raises(ReportError) as refusal:
        plot(REPORTS[name](data_of(since=DAY, until=at("12:00"), now=at("12:00"), people=[])))
    assert "footfall " in refusal.value.fix


def test_a_png_without_a_browser_is_refused_with_a_fix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "no-browser"))
    with pytest.raises(ReportError, match="no browser") as refusal:
        write_plot(plot(usage_report(gym(), Period.HOUR)), tmp_path / "usage.png", title="Usage")
    assert "--plot usage.html" in refusal.value.fix
    assert list(tmp_path.iterdir()) == []


@pytest.mark.browser
def test_a_picture_is_drawn_by_a_browser_on_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip("no Chromium found: set CHROMIUM to one")
    monkeypatch.setenv("BROWSER_PATH", found)
    path = tmp_path / "usage.png"
    write_plot(plot(usage_report(gym(), Period.HOUR)), path, title="Usage")
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG")
    assert int.from_bytes(content[16:20]) == 2400
