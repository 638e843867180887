"""The address restores a page: after a reload, back, and in another browser; a page left open goes on."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from dashboard import app
from dashboard.queries import Board
from tests.dashboard import boards, gym
from tests.dashboard.conftest import Opener, served
from tests.dashboard.proxy import proxied
from tracker.presence.events import EventKind
from tracker.store.observation import Observation
from tracker.store.store import Store

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect, Position = sync_api.expect, sync_api.Position
expect.set_options(timeout=15_000)
pytestmark = pytest.mark.browser

SLOW_MS = 15_000


def test_reload_back_and_a_pasted_link_restore_the_visits(month: str, open_page: Opener) -> None:
    page = open_page(f"{month}visits")
    summary, search = page.locator("#visits-summary"), page.get_by_label("Search in the visits")
    summary.get_by_text("visits").wait_for(timeout=SLOW_MS)
    everybody = summary.inner_text()
    page.get_by_label("From which day to which day").click()
    page.get_by_role("button", name="Last 30 days").click()
    expect(page).to_have_url(re.compile(r"\?days=30$"))
    search.fill("mireille")
    expect(page).to_have_url(re.compile("q=mireille"))
    page.get_by_label("Still in or left").first.click()
    page.get_by_role("option", name="Left", exact=True).click()
    page.get_by_role("link", name="Dwell").click()
    expect(page).to_have_url(re.compile("state=left.*sort=-dwell"))
    page.get_by_role("link", name="Mireille Dubois").first.click()
    facts = page.get_by_role("dialog").get_by_text("Entered by")
    facts.wait_for()
    shown, link = summary.inner_text(), page.url

    for where in (page, open_page(link)):
        where.reload()
        where.get_by_role("dialog").get_by_text("Entered by").wait_for(timeout=SLOW_MS)
        expect(where.locator("#visits-summary")).to_have_text(shown)
        expect(where.get_by_label("Search in the visits")).to_have_value("mireille")
        expect(where.locator("#visits-state")).to_have_value("Left")
    page.go_back()
    facts.wait_for(state="detached")
    for _ in range(3):  # order, state, and the search with the range before it
        page.go_back()
    expect(summary).to_have_text(everybody)
    expect(search).to_have_value("")


_RESTORE_THEN_CALLBACK = """() => {
  const { address } = window.dash_clientside;
  const range = ["2026-01-05", "2026-01-06"], before = location.search;
  const shown = {
    address: before, search: "", who: "everybody", state: "any", sort: "-entered",
    range: ["2026-01-07", "2026-01-13"], usualDays: 7, today: "2026-01-13",
  };
  address.restore(shown, before, "mireille", range, "everybody", "left", "-entered");
  address.change("", range, "everybody", "left", "-entered", shown);  // the search is restored, the others are not yet
  return [before, location.search];
}"""


def test_controls_that_are_being_restored_do_not_write_the_address(month: str, open_page: Opener) -> None:
    page = open_page(f"{month}visits")
    page.locator("#visits-summary").get_by_text("visits").wait_for(timeout=SLOW_MS)
    before, after = page.evaluate(_RESTORE_THEN_CALLBACK)
    assert after == before
    search = page.get_by_label("Search in the visits")
    search.press_sequentially("mireille")  # the same text, now by the reader
    expect(page).to_have_url(re.compile("q=mireille"))


_CALLBACK_AFTER_A_STEP_BACK = """() => {
  const before = location.search, range = ["2026-01-07", "2026-01-13"];
  const shown = {
    address: "?q=mireille", search: "mireille", who: "everybody", state: "any", sort: "-entered", range, usualDays: 7,
    today: "2026-01-13",
  };
  window.dash_clientside.address.change("mireille", range, "everybody", "any", "-entered", shown);
  return [before, location.search];
}"""


def test_controls_of_another_address_do_not_write_this_one(month: str, open_page: Opener) -> None:
    page = open_page(f"{month}visits")
    page.locator("#visits-summary").get_by_text("visits").wait_for(timeout=SLOW_MS)
    before, after = page.evaluate(_CALLBACK_AFTER_A_STEP_BACK)
    assert after == before


def test_names_numbers_and_bars_lead_to_the_visits_behind_them(month: str, open_page: Opener) -> None:
    page = open_page(month)
    tile = page.locator(".tile").filter(has_text="Entries today")
    tile.wait_for(timeout=SLOW_MS)
    entries = tile.locator(".tile-value").inner_text()
    tile.get_by_role("link").click()
    expect(page.locator("#visits-summary")).to_have_text(re.compile(rf"^{entries} (of \d+ )?visits"))
    page.go_back()
    name = page.locator("#now-inside .row-name a").first.inner_text()
    page.locator("#now-inside .row-name a").first.click()
    page.get_by_role("dialog").get_by_role("heading", name=name).wait_for()

    page.goto(f"{month}usage?days=30")
    first = page.locator(".people-table tbody tr").first
    first.wait_for(timeout=SLOW_MS)
    visits = first.locator(".number a").inner_text()
    first.locator(".number a").click()
    expect(page.locator("#visits-summary")).to_have_text(re.compile(rf"^{visits} of \d+ visits · 1 person"))

    page.go_back()
    page.locator("#usage-hours .bars path").first.wait_for(state="attached", timeout=SLOW_MS)
    page.locator("#usage-cards .card-title").first.wait_for()
    plot = page.locator("#usage-hours .nsewdrag")
    box = plot.bounding_box()
    assert box is not None
    middle = Position(x=box["width"] / 2, y=box["height"] - 4)
    plot.hover(position=middle)
    page.locator("#usage-hours .hovertext").wait_for()
    plot.click(position=middle)
    page.locator("#visits-chips").get_by_text(re.compile(r"began \d\d:00 to \d\d:00")).wait_for()


def test_another_range_never_shows_the_numbers_of_the_last(month: str, open_page: Opener) -> None:
    page = open_page(f"{month}usage")
    footfall = page.locator("#usage-tiles .tile-value").first
    footfall.wait_for(timeout=SLOW_MS)
    page.route(re.compile("_dash-update-component"), lambda _never_answered: None)
    page.get_by_text("30 days", exact=True).click()
    expect(page).to_have_url(re.compile(r"\?days=30$"))
    expect(footfall).to_be_hidden()
    page.unroute_all(behavior="ignoreErrors")


@pytest.fixture(params=[True, False], ids=["path-kept", "path-removed"])
def below_path(request: pytest.FixtureRequest, month_store: Path, site_file: Path, tmp_path: Path) -> Iterator[str]:
    """The month at the gym behind a reverse proxy, below /gym/."""
    settings = tmp_path / "below.toml"
    settings.write_text(site_file.read_text("utf-8") + '[dashboard]\nbase_path = "/gym/"\n', "utf-8")
    with (
        served(month_store, "--settings", str(settings)) as address,
        proxied(address, "/gym", keep=request.param) as outside,
    ):
        yield outside


def test_everything_works_below_a_path_of_a_proxy(below_path: str, open_page: Opener, tmp_path: Path) -> None:
    page = open_page(below_path)
    page.locator("#now-occupancy .scatterlayer path").first.wait_for(state="attached", timeout=SLOW_MS)
    page.get_by_role("link", name="Visits", exact=True).click()
    expect(page).to_have_url(f"{below_path}visits")
    page.locator(".visit-table tbody tr").first.wait_for()
    page.get_by_role("link", name="Next page").click()
    page.get_by_text(re.compile("Page 2 of")).wait_for()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    download.value.save_as(tmp_path / "visits.csv")
    assert (tmp_path / "visits.csv").read_text("utf-8-sig").startswith("session_id,")
    page.goto(f"{below_path}usage?days=30")
    page.locator("#usage-hours .bars path").first.wait_for(state="attached", timeout=SLOW_MS)
    assert page.locator("link[rel=icon]").get_attribute("href") == "/gym/assets/favicon.svg"


@pytest.mark.parametrize("name", ["", "visits?days=1", "usage?days=1"], ids=["now", "visits", "usage"])
def test_a_page_left_open_over_midnight_goes_on_into_the_next_day(
    store: Store, path: Path, clock: boards.Clock, monkeypatch: pytest.MonkeyPatch, open_page: Opener, name: str
) -> None:
    clock.now = midnight = datetime(2026, 3, 10, 23, tzinfo=UTC)  # in Berlin
    clock.now -= timedelta(minutes=1)
    for person_id, ago_min in (("p-ada", 300), ("v-1", 200)):
        enter = gym.event(EventKind.ENTER, person_id, clock.now - timedelta(minutes=ago_min))
        leave = gym.event(EventKind.EXIT, person_id, clock.now - timedelta(minutes=ago_min - 60))
        store.record(Observation(events=[enter, leave]))
    monkeypatch.setattr(app, "Board", partial(Board, clock=clock))
    server = make_server("127.0.0.1", 0, app.create_app(path, boards.settings(path)).server, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    page = open_page(f"http://127.0.0.1:{server.server_port}/{name}")
    count = page.locator({"": ".tile:nth-child(2) .tile-value"}.get(name, "#visits-summary, .tile-value")).first
    expect(count).to_have_text(re.compile("^2"), timeout=SLOW_MS)
    clock.now = midnight + timedelta(minutes=5)
    store.record(Observation(events=[gym.event(EventKind.ENTER, "v-2", midnight + timedelta(minutes=2))]))
    expect(count).to_have_text(re.compile("^1"), timeout=SLOW_MS)
    page.close()
    server.shutdown()
