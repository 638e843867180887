"""The browser camera with faults of the line and of the phone: what happened is delivered, and once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest

from config.settings import CameraSettings, Counting, load_settings
from tests.dashboard.browser.phone import Phone, Site, copy_store, kept, pair, settings_file, wait_until_watching
from tests.tracker.cloud.proxy import Mode, Proxy
from tracker.presence.events import Event, is_unidentified
from tracker.store.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page, Route

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
expect.set_options(timeout=15_000)
pytestmark = pytest.mark.browser

COMES_WITHIN_MS = 60_000
"""Eileen, on a machine that does much else."""


def wait_for_eileen(page: Page) -> None:
    expect(page.locator("#events .name", has_text="Eileen").first).to_be_visible(timeout=COMES_WITHIN_MS)


def wait_until_sent(page: Page) -> None:
    for _ in range(300):
        if not kept(page, "records"):
            return
        page.wait_for_timeout(100)
    pytest.fail("records still wait")


def of_eileen(events: Sequence[Event]) -> list[Event]:
    return [each for each in events if each.person_id.startswith("p-")]


def assert_in_and_out_by_turns(events: Sequence[Event]) -> None:
    kinds = [str(each.kind) for each in of_eileen(events)]
    assert kinds[0] == "enter"
    assert all(one != other for one, other in pairwise(kinds)), kinds


def test_what_happened_without_network_is_delivered_once_although_the_phone_died(site: Site, phone: Phone) -> None:
    with Proxy(site.address.removeprefix("http://").rstrip("/")) as line:
        there = f"http://{line.host}/"
        page = phone.open(site.add()[1].replace(site.address, there))
        pair(page)
        wait_until_watching(page)
        line.be(Mode.CUT)
        wait_for_eileen(page)
        expect(page.locator("#state-text")).to_have_text("Watching, not connected")
        expect(page.locator("#state-note")).to_contain_text("wait")
        waiting = [each["record"]["event_id"] for each in kept(page, "records") if each["kind"] == "events"]
        assert waiting != []
        assert site.events() == []
        phone.kill()
        page = phone.open(f"{there}camera/")  # from the service worker, with the networks of the last time
        wait_until_watching(page)
        wait_for_eileen(page)  # recognised by the people that were kept
        line.be(Mode.PASS)
        page.evaluate("window.dispatchEvent(new Event('online'))")
        wait_until_sent(page)
        page.locator("#stop").click()
        wait_until_sent(page)
        events = site.events()
        assert set(waiting) <= {each.event_id for each in events}
        assert_in_and_out_by_turns(events)


def test_batches_whose_answer_was_lost_change_nothing_when_they_are_sent_again(site: Site, phone: Phone) -> None:
    bodies: list[Any] = []

    def lose_every_other(route: Route) -> None:
        bodies.append(route.request.post_data)
        answer = route.fetch()
        if len(bodies) % 2:
            route.abort()
        else:
            route.fulfill(response=answer)

    page = phone.open("about:blank", service_workers="block")
    page.route("**/camera/api/records", lose_every_other)
    page.goto(site.add()[1])
    pair(page)
    wait_until_watching(page)
    wait_for_eileen(page)
    page.locator("#stop").click()
    wait_until_sent(page)
    events = site.events()
    assert len(bodies) >= 2
    assert len(of_eileen(events)) == len({each.event_id for each in of_eileen(events)}) >= 1
    assert_in_and_out_by_turns(events)
    assert kept(page, "rejected") == []


def test_a_reload_goes_on_where_the_page_was(site: Site, phone: Phone) -> None:
    page = phone.open(site.add()[1])
    pair(page)
    wait_until_watching(page)
    wait_for_eileen(page)
    page.reload()
    wait_until_watching(page)
    page.locator("#stop").click()
    wait_until_sent(page)
    assert_in_and_out_by_turns(site.events())


def test_the_clip_gives_the_visits_of_an_agent(
    site: Site, phone: Phone, clip: Path, tmp_path: Path, enrolled_store: Path, models_folder: Path
) -> None:
    page = phone.open(site.add()[1])
    pair(page)
    wait_until_watching(page)
    page.wait_for_timeout(66_000)  # the clip is as long
    page.locator("#stop").click()
    wait_until_sent(page)
    mine = of_eileen(site.events())
    theirs = of_eileen(agent_events(clip.with_suffix(".mp4"), tmp_path / "agent", enrolled_store, models_folder))
    assert [each.kind for each in mine] == [each.kind for each in theirs]
    assert {each.person_id for each in mine} == {each.person_id for each in theirs}
    seconds = [(one.at - other.at).total_seconds() for one, other in zip(mine, theirs, strict=True)]
    assert max(abs(each - median(seconds)) for each in seconds) <= 1  # the clip began at another time
    assert any(is_unidentified(each.person_id) for each in site.events())


def agent_events(clip: Path, folder: Path, enrolled: Path, models: Path) -> list[Event]:
    """What `footfall track` finds in the clip when it counts faces."""
    from tracker.cli.step_output import EventOutput
    from tracker.cli.track import follow

    folder.mkdir()
    store = folder / "store.sqlite3"
    copy_store(enrolled, store)
    settings = load_settings(settings_file(folder, store), {"models": {"dir": models}})
    camera = CameraSettings(id="lobby", source=str(clip), count=Counting.FACES)
    start_at = datetime.now(UTC) - timedelta(minutes=2)
    assert follow(settings, [camera], start_at=start_at, fast=True, output=EventOutput.STDERR)
    with Store(store) as opened:
        return sorted(opened.events.select(site_id="demo"), key=lambda each: (each.at, each.event_id))
