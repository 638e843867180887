"""The page of people in Chromium: find, open, edit, undo and forget somebody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.dashboard import axe, gym
from tests.dashboard.conftest import Opener, served
from tests.dashboard.users import sign_in, with_users
from tracker.presence.events import EventKind
from tracker.store.observation import Observation
from tracker.store.store import Store

if TYPE_CHECKING:
    from playwright.sync_api import Page

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
expect.set_options(timeout=15_000)
pytestmark = pytest.mark.browser

ADA, BJORN, LIAM = (f"p-{number:012x}" for number in (0, 1, 11))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, month_store: Path, site_file: Path) -> Iterator[tuple[Path, str]]:
    """A month at the gym whose dashboard has a user of each role, named after it."""
    path = tmp_path_factory.mktemp("people") / "footfall.sqlite3"
    with with_users(month_store, path, site_file) as address:
        yield path, address


def opened(guarded: tuple[Path, str], open_page: Opener, role: str, where: str, **more: int) -> Page:
    """A page of the dashboard, where a user of this role has signed in."""
    page = open_page(f"{guarded[1]}{where}", **more)
    sign_in(page, role)
    page.wait_for_url(f"{guarded[1]}{where}")
    return page


def names(page: Page) -> list[str]:
    page.locator(".directory tbody tr").first.wait_for()
    return page.locator(".directory tbody th a").all_inner_texts()


def test_the_desk_finds_somebody_and_comes_back_to_the_list(guarded: tuple[Path, str], open_page: Opener) -> None:
    page = opened(guarded, open_page, "desk", "people")
    assert names(page)[:2] == ["Ada Brandt", "Björn Ólafsson"]
    page.get_by_label("Search people").fill("olafs")
    expect(page.locator(".directory tbody tr")).to_have_count(1)
    expect(page.locator("#people-summary")).to_have_text("1 person")
    expect(page).to_have_url(f"{guarded[1]}people?q=olafs")
    expect(page.locator("#people-csv")).to_have_attribute("href", "/people.csv?q=olafs")
    page.get_by_role("link", name="Björn Ólafsson").click()
    expect(page.get_by_role("heading", name="Björn Ólafsson")).to_be_visible()
    expect(page.locator(".weeks li")).to_have_count(12)
    page.get_by_role("link", name="← People").click()
    expect(page.get_by_label("Search people")).to_have_value("olafs")
    assert names(page) == ["Björn Ólafsson"]
    page.go_back()
    expect(page.get_by_role("heading", name="Björn Ólafsson")).to_be_visible()
    page.locator("#people-profile .rows a").first.click()
    expect(page.locator(".mantine-Drawer-content .facts")).to_be_visible()
    expect(page).to_have_url(re.compile(rf"/visits\?from=.*person={BJORN}&visit="))


def test_filters_and_order_are_in_the_address(guarded: tuple[Path, str], open_page: Opener) -> None:
    page = opened(guarded, open_page, "desk", "people?who=staff")
    assert names(page) == ["Vera Lindqvist", "Wim Peeters", "Xenia Petrova"]
    page.locator(".directory thead").get_by_role("link", name="Name").click()
    expect(page.locator(".directory tbody th a").first).to_have_text("Xenia Petrova")
    expect(page).to_have_url(f"{guarded[1]}people?who=staff&sort=-name")
    page.get_by_label("Which people").first.click()
    page.get_by_role("option", name="Expired").click()
    expect(page.get_by_role("heading", name="Nobody fits")).to_be_visible()
    page.get_by_role("link", name="Show all enrolled people").click()
    expect(page).to_have_url(f"{guarded[1]}people?sort=-name")
    expect(page.locator(".directory tbody th a").first).to_have_text("Xenia Petrova")
    expect(page.get_by_label("Which people").first).to_have_value("Enrolled")


def test_the_desk_edits_name_and_groups_and_undoes_it(guarded: tuple[Path, str], open_page: Opener) -> None:
    page = opened(guarded, open_page, "desk", f"people?person={LIAM}")
    page.get_by_label("Name", exact=True).fill("Liam O'Brien")
    page.get_by_role("textbox", name="Groups").fill("Rowing")
    page.keyboard.press("Enter")
    visits = page.locator(".tile-value").first
    known = visits.inner_text()
    with Store(guarded[0]).open(create=False) as store:
        store.record(Observation(events=[gym.event(EventKind.ENTER, LIAM, store.now() - timedelta(hours=30))]))
    expect(visits).not_to_have_text(known)  # the page has followed the store, and what was typed is still there
    page.get_by_label("Name", exact=True).press("Enter")
    expect(page.get_by_role("heading", name="Liam O'Brien")).to_be_visible()
    expect(page.locator(".profile-words")).to_contain_text("Member · Rowing")
    expect(page.get_by_role("heading", name="Role and access")).to_have_count(0)
    expect(page.get_by_role("button", name="Forget…")).to_have_count(0)
    expect(page.get_by_role("link", name="Export")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", name="Liam Murphy")).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Liam Murphy")


def test_an_admin_says_until_when_somebody_may_be_here(guarded: tuple[Path, str], open_page: Opener) -> None:
    page = opened(guarded, open_page, "admin", f"people?person={BJORN}")
    page.get_by_label("Until, included").fill("1 Jan 2020")
    page.keyboard.press("Enter")
    page.locator("#person-save-rights").click()
    expect(page.locator(".state")).to_have_text("Expired 1 Jan 2020")
    page.get_by_label("No limit: Until, included").click()
    page.get_by_role("switch", name="May be here").click()
    page.locator("#person-save-rights").click()
    expect(page.locator(".state")).to_have_text("No access")
    page.get_by_role("link", name="← People").click()
    page.get_by_label("Which people").first.click()
    page.get_by_role("option", name="Without access").click()
    expect(page.locator(".directory tbody tr")).to_have_count(1)
    assert names(page) == ["Björn Ólafsson"]


def test_an_admin_forgets_somebody_by_typing_the_name(guarded: tuple[Path, str], open_page: Opener) -> None:
    path, address = guarded
    page = opened(guarded, open_page, "admin", f"people?person={ADA}")
    page.get_by_role("button", name="Forget…").click()
    dialog = page.get_by_role("dialog", name="Forget a person")
    erase = dialog.get_by_role("button", name="Erase for good")
    expect(erase).to_be_disabled()
    expect(dialog.get_by_text("Enters and exits")).to_be_visible()
    page.wait_for_timeout(300)  # it fades in
    assert axe.serious(page) == []
    dialog.get_by_label("Type “Ada Brandt” to confirm").fill("Ada")
    expect(erase).to_be_disabled()
    page.keyboard.press("Enter")
    expect(page.get_by_text("The name that was typed is another one.")).to_be_visible()
    dialog.get_by_label("Type “Ada Brandt” to confirm").fill("Ada Brandt")
    dialog.get_by_text("Erase the visits too").click()
    erase.click()
    expect(dialog.get_by_text("Ada Brandt is forgotten.")).to_be_visible()
    dialog.get_by_role("link", name="All people").click()
    expect(dialog).to_be_hidden()
    expect(page).to_have_url(f"{address}people")
    assert "Ada Brandt" not in names(page)
    with Store(path).open(create=False) as store:
        assert store.people.is_forgotten(ADA)
        assert store.events.select(person_id=ADA) == []
        assert store.people.vector_count(ADA) == 0


def test_a_viewer_finds_no_people(guarded: tuple[Path, str], open_page: Opener) -> None:
    page = opened(guarded, open_page, "viewer", "")
    page.locator("#now-inside li").first.wait_for()
    assert page.locator("a.nav-link").all_inner_texts() == ["Now", "Visits", "Usage"]


def test_an_empty_store_leads_to_enrolment(tmp_path: Path, site_file: Path, open_page: Opener) -> None:
    path = tmp_path / "footfall.sqlite3"
    Store(path).open().close()
    with served(path, "--settings", str(site_file)) as address:
        page = open_page(f"{address}people")
        expect(page.get_by_role("heading", name="Nobody is enrolled yet")).to_be_visible()
        ways = page.get_by_role("link", name="Enrol somebody")
        expect(ways.last).to_have_attribute("href", "/people/enrol")
        page.context.close()
