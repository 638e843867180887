"""The pages in Chromium, over a server process."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.dashboard import gym
from tests.dashboard.conftest import Opener, served
from tracker.presence.coverage import CoverageSpan
from tracker.presence.events import EventKind
from tracker.presence.people import Person
from tracker.store.observation import Observation
from tracker.store.store import Store

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
expect.set_options(timeout=15_000)
pytestmark = pytest.mark.browser

SLOW_MS = 15_000
COLUMNS = ("name", "started_at", "left", "dwell_s")


@pytest.fixture
def quiet(tmp_path: Path, site_file: Path) -> Iterator[tuple[Store, str]]:
    """An empty store and the dashboard over it."""
    path = tmp_path / "footfall.sqlite3"
    with gym.open_store(path) as store, served(path, "--settings", str(site_file)) as address:
        yield store, address


def cell(row: int, column: str) -> str:
    return f".visit-table tbody tr:nth-child({row + 1}) > :nth-child({COLUMNS.index(column) + 1})"


def enter(store: Store, person_id: str, name: str) -> None:
    """Enrol somebody and let them in a minute ago."""
    now = datetime.now(UTC)
    person = Person(person_id=person_id, name=name, created_at=now, consented_at=now)
    store.people.add(person, np.zeros((1, 128), np.float32))
    store.record(Observation(events=[gym.event(EventKind.ENTER, person_id, now - timedelta(seconds=61))]))


def test_an_event_is_on_the_page_without_a_reload(quiet: tuple[Store, str], open_page: Opener) -> None:
    store, address = quiet
    page = open_page(address)
    page.get_by_text("Nobody has been seen yet").wait_for(timeout=SLOW_MS)
    page.evaluate("window.unchanged = true")
    enter(store, "p-ada", "Ada")
    page.locator("#now-inside").get_by_text("Ada").wait_for(timeout=SLOW_MS)
    page.locator("#now-events").get_by_text("entered · front-door").wait_for(timeout=SLOW_MS)
    enter(store, "p-jun", "Jun")
    page.locator("#now-inside").get_by_text("Jun").wait_for(timeout=SLOW_MS)
    assert page.locator(".tile-value").first.inner_text() == "2"
    store.record(Observation(events=[gym.event(EventKind.EXIT, "p-ada", datetime.now(UTC))]))
    page.locator("#now-inside").get_by_text("Ada").wait_for(state="detached", timeout=SLOW_MS)
    assert page.evaluate("window.unchanged")


def test_the_length_of_a_stay_ticks_in_the_browser(quiet: tuple[Store, str], open_page: Opener) -> None:
    store, address = quiet
    now = datetime.now(UTC)
    store.record(Observation(events=[gym.event(EventKind.ENTER, "v-1", now - timedelta(seconds=20))]))
    page = open_page(address)
    stay = page.locator("#now-inside [data-since-ms]")
    stay.wait_for(timeout=SLOW_MS)
    page.route(re.compile("_dash-update-component"), lambda _never_answered: None)
    expect(stay).to_have_text(re.compile("^(2[6-9]|3[0-9]) s$"), timeout=SLOW_MS)
    page.get_by_text("The dashboard does not answer").wait_for()


def test_an_empty_store_shows_the_next_commands(quiet: tuple[Store, str], site_file: Path, open_page: Opener) -> None:
    store, address = quiet
    page = open_page(address)
    page.locator(".command").first.wait_for(timeout=SLOW_MS)
    commands = page.locator(".command").all_inner_texts()
    assert commands[0] == f"footfall track --camera 0 --settings {site_file} --store sqlite:///{store.path}"
    for name in ("visits", "usage"):
        page.goto(f"{address}{name}")
        page.locator(".empty .command").first.wait_for(timeout=SLOW_MS)


def test_a_missing_store_is_explained_and_the_page_recovers(tmp_path: Path, site_file: Path, open_page: Opener) -> None:
    path = tmp_path / "later.sqlite3"
    with served(path, "--settings", str(site_file)) as address:
        page = open_page(address)
        page.get_by_role("alert").get_by_text("The store cannot be read").wait_for(timeout=SLOW_MS)
        assert not page.locator("#page").is_visible()
        with gym.open_store(path) as store:
            enter(store, "p-ada", "Ada")
            page.locator("#now-inside").get_by_text("Ada").wait_for(timeout=SLOW_MS)
        assert page.get_by_text("The store cannot be read").count() == 0
        page.close()


def test_visits_sort_and_search(month: str, open_page: Opener) -> None:
    page = open_page(f"{month}visits")
    page.locator(cell(0, "name")).wait_for(timeout=SLOW_MS)
    newest = page.locator(cell(0, "started_at")).inner_text()
    page.get_by_role("link", name="Entered").click()
    expect(page.locator(cell(0, "started_at"))).not_to_have_text(newest)
    page.get_by_role("link", name="Dwell").click()
    page.locator('th[aria-sort="descending"]').get_by_text("Dwell").wait_for()
    assert page.locator(cell(0, "dwell_s")).inner_text() == "9 h 00 min"

    page.get_by_label("Search in the visits").fill("TOMAS nov")
    expect(page.locator(cell(0, "name"))).to_have_text("Tomáš Novák")
    assert set(page.locator(".visit-table tbody th").all_inner_texts()) == {"Tomáš Novák"}
    expect(page.locator("#visits-summary")).to_have_text(re.compile(r"^\d+ of \d+ visits · 1 person"))
    page.get_by_label("Search in the visits").fill("no such person")
    page.get_by_text("No visit fits").wait_for()
    page.get_by_role("link", name="Show all of them").click()
    expect(page.get_by_label("Search in the visits")).to_have_value("")


def test_the_csv_holds_the_whole_range_that_fits(month: str, open_page: Opener, tmp_path: Path) -> None:
    page = open_page(f"{month}visits?days=30&q=rosa+silva")
    expect(page.locator(cell(0, "name"))).to_have_text("Rosa Silva", timeout=SLOW_MS)
    page.get_by_text("visits · 1 person").wait_for()
    counted = int(page.locator("#visits-summary").inner_text().split()[0])
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert re.fullmatch(r"visits_\d{4}-\d\d-\d\d_to_\d{4}-\d\d-\d\d\.csv", download.value.suggested_filename)
    download.value.save_as(tmp_path / "visits.csv")
    with (tmp_path / "visits.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == counted > 0
    assert {row["name"] for row in rows} == {"Rosa Silva"}
    starts = [datetime.fromisoformat(row["started_at"]) for row in rows]
    assert starts == sorted(starts, reverse=True)
    assert all(float(row["gross_s"]) >= float(row["dwell_s"]) > 0 for row in rows)
    assert {row["state"] for row in rows} <= {"open", "closed"}


def test_a_name_that_a_spreadsheet_would_run_stays_a_text(
    quiet: tuple[Store, str], open_page: Opener, tmp_path: Path
) -> None:
    store, address = quiet
    enter(store, "p-eve", '=HYPERLINK("http://x","y") <b>Eve</b>')
    page = open_page(f"{address}visits")
    page.locator(cell(0, "name")).wait_for(timeout=SLOW_MS)
    assert page.locator(".visit-table b").count() == 0
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    download.value.save_as(tmp_path / "visits.csv")
    with (tmp_path / "visits.csv").open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["name"] == '\'=HYPERLINK("http://x","y") <b>Eve</b>'
    assert row["ended_at"] == ""


def test_days_can_be_chosen(month: str, open_page: Opener) -> None:
    page = open_page(f"{month}visits")
    summary = page.locator("#visits-summary")
    summary.get_by_text("visits").wait_for(timeout=SLOW_MS)
    week = summary.inner_text()
    page.get_by_label("From which day to which day").click()
    page.get_by_role("button", name="Last 30 days").click()
    expect(summary).not_to_have_text(week)

    def visits(text: str) -> int:
        return int(text.split()[0].replace(",", ""))

    assert visits(summary.inner_text()) > 2 * visits(week)


@pytest.mark.parametrize("width", [320, 641, 1280])
def test_the_whole_calendar_is_on_the_screen(month: str, open_page: Opener, width: int) -> None:
    page = open_page(f"{month}visits", width=width, height=740, has_touch=True, is_mobile=width < 600)
    page.locator("#visits-summary").get_by_text("visits").wait_for(timeout=SLOW_MS)
    page.get_by_label("From which day to which day").click()
    popup = page.locator(".mantine-Popover-dropdown:has(.mantine-DatePickerInput-presetsList)")
    expect(popup).to_have_css("opacity", "1")
    buttons = popup.locator("button")
    assert buttons.count() > 4 + 2 + 35  # ranges, the two arrows, days
    for button in buttons.all():
        box = button.bounding_box()
        assert box is not None
        assert (box["x"] >= 0, box["x"] + box["width"] <= width, box["y"] + box["height"] <= 740) == (True,) * 3
    assert page.evaluate("document.documentElement.scrollWidth") == width
    popup.get_by_role("button", name="Last 30 days").click()
    popup.wait_for(state="detached")


def test_usage_switches_its_range(month: str, open_page: Opener) -> None:
    page = open_page(f"{month}usage")
    footfall = page.locator(".tile-value").first
    footfall.wait_for(timeout=SLOW_MS)

    def number() -> int:
        """Once it is that of the chosen range: until then it is hidden."""
        footfall.wait_for()
        return int(footfall.inner_text().replace(",", ""))

    page.locator("#usage-hours .bars path").first.wait_for(state="attached", timeout=SLOW_MS)
    week = number()
    page.get_by_text("30 days", exact=True).click()
    expect(footfall).not_to_have_text(str(week))
    assert number() > 2 * week
    page.get_by_text("Today", exact=True).click()
    page.get_by_text(re.compile(r"^Today · without staff")).wait_for()
    assert number() < week
    for plot in ("hours", "dwell", "occupancy"):
        assert page.locator(f"#usage-{plot} .main-svg").count()
        assert page.locator(f"#usage-{plot} .modebar-btn").count() == 0


@pytest.mark.parametrize("where", ["", "usage"])
def test_numbers_are_there_before_plotly_is_loaded(month: str, where: str, open_page: Opener) -> None:
    page = open_page(f"{month}visits")
    page.add_init_script("""new MutationObserver(() => {
        if (!window.numbersAt && document.querySelector(".tile-value")) window.numbersAt = performance.now();
    }).observe(document, { childList: true, subtree: true });""")
    page.goto(f"{month}{where}")
    page.locator(".plot-graph .main-svg").first.wait_for(timeout=SLOW_MS)
    asked_at = page.evaluate("""performance.getEntriesByType("resource")
        .find((each) => each.name.includes("plotly.min")).startTime""")
    assert page.evaluate("window.numbersAt") < asked_at


def test_a_long_list_of_people_ends_with_a_link_to_all(quiet: tuple[Store, str], open_page: Opener) -> None:
    store, address = quiet
    now = datetime.now(UTC)
    store.record(
        Observation(
            events=[gym.event(EventKind.ENTER, f"v-{number}", now - timedelta(seconds=61)) for number in range(103)]
        )
    )
    page = open_page(f"{address}usage")
    page.get_by_text("Today", exact=True).click()
    page.locator("#usage-people").get_by_role("link", name="and 78 more").click(timeout=SLOW_MS)
    page.get_by_role("heading", name="People", exact=True).wait_for(timeout=SLOW_MS)
    assert page.url == f"{address}people?who=everybody&sort=-visits"


def test_dark_follows_the_system_and_the_switch_is_remembered(month: str, open_page: Opener) -> None:
    page = open_page(month, scheme="dark")
    root = page.locator("html")
    page.locator("#now-occupancy .scatterlayer path").first.wait_for(state="attached", timeout=SLOW_MS)
    assert root.get_attribute("data-mantine-color-scheme") == "dark"
    body, tick = page.locator("body"), page.locator("#now-occupancy .xtick text").first
    expect(body).to_have_css("background-color", "rgb(14, 19, 18)")
    expect(tick).to_have_css("fill", "rgb(152, 166, 160)")
    page.get_by_role("button", name="Switch between light and dark").click()
    expect(body).to_have_css("background-color", "rgb(245, 247, 246)")
    expect(tick).to_have_css("fill", "rgb(91, 106, 100)")
    page.reload()
    page.locator(".tile-value").first.wait_for(timeout=SLOW_MS)
    assert root.get_attribute("data-mantine-color-scheme") == "light"


def test_a_plot_that_does_not_know_its_width_yet_does_not_widen_the_page(month: str, open_page: Opener) -> None:
    page = open_page(f"{month}usage", width=390, height=844)
    page.locator(".plot-graph .main-svg").first.wait_for(timeout=SLOW_MS)
    page.add_style_tag(content=".plot-graph .js-plotly-plot, .plot-graph .main-svg { width: 700px !important; }")
    assert page.locator(".plot-graph .main-svg").first.evaluate("each => each.clientWidth") == 700
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


@pytest.mark.parametrize("name", ["", "visits", "usage", "no-such-page"], ids=["now", "visits", "usage", "404"])
def test_a_phone_shows_every_page_without_scrolling_sideways(month: str, open_page: Opener, name: str) -> None:
    page = open_page(month, width=390, height=844, scheme="dark", has_touch=True)
    page.locator(".tile-value").first.wait_for(timeout=SLOW_MS)
    page.locator("#now-occupancy .scatterlayer path").first.wait_for(state="attached", timeout=SLOW_MS)
    page.evaluate(f"history.pushState(null, '', '/{name}'); dispatchEvent(new PopStateEvent('popstate'))")
    shown = {"": ".tile-value", "visits": cell(0, "name"), "usage": ".people-table", "no-such-page": ".no-page"}[name]
    page.locator(shown).first.wait_for(timeout=SLOW_MS)
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide == 0
    box = page.get_by_role("navigation", name="Pages", exact=True).bounding_box()
    assert box is not None
    assert box["y"] + box["height"] == 844


def test_pages_are_reached_by_keyboard_and_the_current_one_is_marked(month: str, open_page: Opener) -> None:
    page = open_page(month)
    page.locator(".tile-value").first.wait_for(timeout=SLOW_MS)
    assert page.title() == "Now · Northside Gym"
    for _ in range(4):  # skip link, name of the site, Now, Visits
        page.keyboard.press("Tab")
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(outline) != "none"
    page.keyboard.press("Enter")
    page.locator(cell(0, "name")).wait_for(timeout=SLOW_MS)
    expect(page).to_have_title("Visits · Northside Gym")
    assert page.locator("[aria-current=page]").inner_text() == "Visits"
    page.go_back()
    page.locator("#now-inside").wait_for()


def test_the_table_of_visits_is_worked_by_keyboard(month: str, open_page: Opener) -> None:
    page = open_page(f"{month}visits")
    page.locator(cell(0, "name")).wait_for(timeout=SLOW_MS)
    page.get_by_role("link", name="CSV").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Person")).to_be_focused()
    page.keyboard.press("Enter")
    page.locator('th[aria-sort="ascending"]').get_by_text("Person").wait_for()
    page.get_by_role("link", name="Next page").focus()
    page.keyboard.press("Enter")
    page.get_by_text(re.compile("Page 2 of")).wait_for()
    page.locator(cell(0, "name")).get_by_role("link").focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_text("Entered by").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")


def test_a_silent_camera_is_named(month: str, open_page: Opener) -> None:
    page = open_page(month)
    page.locator("#now-cameras").get_by_text(re.compile(r"no frame for \d+ min.*: no answer")).wait_for(timeout=SLOW_MS)
    page.locator("#now-occupancy .scatterlayer path").first.wait_for(state="attached", timeout=SLOW_MS)


@pytest.mark.parametrize("scheme", ["dark"])
def test_an_outage_is_grey_in_the_plots_and_noted(quiet: tuple[Store, str], open_page: Opener, scheme: str) -> None:
    store, address = quiet
    now = datetime.now(UTC)
    for since_min, until_min in ((300, 240), (120, 0)):
        watched = [now - timedelta(minutes=each) for each in (since_min, until_min)]
        store.record(
            Observation(
                coverage=[
                    CoverageSpan(site_id=gym.SITE, camera_id="front-door", started_at=watched[0], ended_at=watched[1])
                ]
            )
        )
    enter(store, "p-ada", "Ada")
    for path, notice in (("", "now"), ("usage", "usage"), ("visits", "visits")):
        page = open_page(f"{address}{path}", scheme=scheme)
        page.locator(f"#{notice}-notice").get_by_text("Camera front-door did not watch from").wait_for(timeout=SLOW_MS)
        page.locator(f"#{notice}-notice").get_by_text("(2 h 00 min)").wait_for()
        if path == "usage":
            page.get_by_text("Today", exact=True).click()
            expect(page.locator("#usage-hours .shapelayer path, #usage-hours .layer-below path").first).to_be_attached()
