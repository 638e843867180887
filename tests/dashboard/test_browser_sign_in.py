"""Signing in and out in Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.dashboard.conftest import Opener
from tests.dashboard.users import PASSWORD, sign_in, with_users
from tracker.store.store import Store

if TYPE_CHECKING:
    from playwright.sync_api import Browser

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
expect.set_options(timeout=15_000)
pytestmark = pytest.mark.browser

SLOW_MS = 15_000


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, month_store: Path, site_file: Path) -> Iterator[tuple[Path, str]]:
    """A month at the gym whose dashboard has a user of each role, named after it."""
    path = tmp_path_factory.mktemp("guarded") / "footfall.sqlite3"
    with with_users(month_store, path, site_file) as address:
        yield path, address


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_the_form_leads_to_the_page_that_was_asked_for(
    guarded: tuple[Path, str], open_page: Opener, scheme: str, width: int
) -> None:
    address = guarded[1]
    page = open_page(f"{address}visits", width=width, scheme=scheme)
    expect(page).to_have_title("Sign in · Northside Gym")
    assert page.evaluate("document.activeElement.id") == "name"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(245, 247, 246)", "dark": "rgb(14, 19, 18)"}[scheme]
    sign_in(page, "desk")
    page.wait_for_url(f"{address}visits")
    page.locator(".visit-table tbody th").first.wait_for(timeout=SLOW_MS)


def test_the_keyboard_is_enough(guarded: tuple[Path, str], open_page: Opener) -> None:
    page = open_page(guarded[1])
    expect(page.get_by_label("Name", exact=True)).to_be_focused()  # browsers focus a field only once they draw the page
    for keys in ("admin", PASSWORD):
        page.keyboard.type(keys)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("#now-inside li").first.wait_for(timeout=SLOW_MS)
    page.get_by_role("link", name="Admin").click()
    expect(page).to_have_title("Your account · Northside Gym")


def test_without_scripts_a_user_can_sign_in_and_out_and_change_the_password(
    guarded: tuple[Path, str], browser: Browser
) -> None:
    address = guarded[1]
    context = browser.new_context(java_script_enabled=False, color_scheme="dark")
    page = context.new_page()
    page.goto(f"{address}account")
    assert page.locator("body").evaluate("node => getComputedStyle(node).backgroundColor") == "rgb(14, 19, 18)"
    sign_in(page, "viewer", "wrong password")
    expect(page.get_by_role("alert")).to_have_text("Name or password is wrong.")
    expect(page.get_by_label("Name")).to_have_value("viewer")
    sign_in(page, "viewer")
    expect(page).to_have_title("Your account · Northside Gym")
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill("another horse staple")
    page.get_by_label("New password again").fill("another horse staple")
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_role("status")).to_contain_text("The password is changed")
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page).to_have_title("Sign in · Northside Gym")
    page.goto(address)
    expect(page).to_have_title("Sign in · Northside Gym")
    context.close()


def test_an_open_page_returns_to_the_form_when_the_sign_in_ends(guarded: tuple[Path, str], browser: Browser) -> None:
    path, address = guarded
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{address}usage")
    sign_in(page, "admin")
    page.locator("#usage-people tbody th").first.wait_for(timeout=SLOW_MS)
    with Store(path) as store:
        store.users.sign_out_everywhere("Admin")
    expect(page).to_have_title("Sign in · Northside Gym", timeout=SLOW_MS)
    sign_in(page, "admin")
    page.wait_for_url(f"{address}usage")
    context.close()


def test_a_link_from_another_site_finds_the_sign_in(guarded: tuple[Path, str], browser: Browser) -> None:
    address = guarded[1]
    context = browser.new_context()
    page = context.new_page()
    page.goto(address)
    sign_in(page, "admin")
    page.locator("#now-inside li").first.wait_for(timeout=SLOW_MS)
    page.route("http://elsewhere.example/", lambda route: route.fulfill(body=f'<a href="{address}usage">go</a>'))
    page.goto("http://elsewhere.example/")
    page.get_by_text("go").click()
    page.locator("#usage-people tbody th").first.wait_for(timeout=SLOW_MS)
    context.close()


def test_another_site_cannot_show_or_use_the_pages(guarded: tuple[Path, str], browser: Browser) -> None:
    address = guarded[1]
    context = browser.new_context()
    page = context.new_page()
    page.goto(address)
    sign_in(page, "admin")
    page.locator("#now-inside li").first.wait_for(timeout=SLOW_MS)
    form = f'<form method="post" action="{address}sign-out-everywhere"><button>win</button></form>'
    frame = f'<iframe src="{address}"></iframe>'
    page.route("http://evil.example/", lambda route: route.fulfill(content_type="text/html", body=f"{frame}{form}"))
    page.goto("http://evil.example/")
    read = page.evaluate(f"fetch('{address}_dash-layout', {{credentials: 'include'}}).then(r => r.text(), () => 'no')")
    assert read == "no"
    assert "Northside" not in page.frames[-1].content()
    page.get_by_role("button", name="win").click()
    page.goto("about:blank")
    page.goto(address)
    page.locator("#now-inside li").first.wait_for(timeout=SLOW_MS)
    context.close()
