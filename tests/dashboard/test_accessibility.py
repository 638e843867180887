"""Every page and every popup in light and dark, wide and on a phone, looked through by axe-core; sizes of targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from tests.dashboard import axe
from tests.dashboard.conftest import Opener

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
Page = sync_api.Page
pytestmark = pytest.mark.browser

SLOW_MS = 15_000
READY = {
    "": "#now-occupancy .scatterlayer path",
    "visits": ".visit-table tbody tr",
    "usage": "#usage-hours .bars path",
    "nothing": ".no-page",
    "people": ".directory tbody tr",
    "cameras": ".cameras tbody tr",
    "people?person=p-000000000001": ".weeks li, #person-content .quiet",
    "roll-call": ".roll-table tbody tr",
    "display": "#number",
}
DRAWER, CALENDAR = ".mantine-Drawer-content .facts", ".mantine-DatePickerInput-presetsList"
SMALL = """() => [...document.querySelectorAll("a, button, input, [role=option]")].filter(each => {
  const box = each.getBoundingClientRect();
  const shown = box.width && box.height && getComputedStyle(each).visibility === "visible";
  return shown && !each.closest(".skip-link, .visually-hidden, .js-plotly-plot") && !each.matches("[type=radio]")
    && (box.width < 24 || box.height < 24);
}).map(each => each.outerHTML.slice(0, 120))"""


def open_calendar(page: Page) -> None:
    page.get_by_label("From which day to which day").click()
    page.locator(CALENDAR).wait_for()


def open_choice(page: Page) -> None:
    page.get_by_label("Whose visits").first.click()
    page.get_by_role("option", name="Without staff").wait_for()


def open_groups(page: Page) -> None:
    page.get_by_role("textbox", name="Groups").click()


def open_day(page: Page) -> None:
    page.get_by_label("From", exact=True).click()
    page.get_by_role("button", name="Next month").wait_for()


def open_forget(page: Page) -> None:
    page.get_by_role("button", name="Forget…").click()
    page.get_by_label("Type “").wait_for()


def open_visit(page: Page) -> None:
    page.locator(".visit-table tbody th a").first.click()
    page.locator(DRAWER).wait_for()


def open_show(page: Page) -> None:
    page.get_by_label("Whom to show").first.click()
    page.get_by_role("option", name="Not authorised").wait_for()


def open_correction(page: Page) -> None:
    page.get_by_role("button", name="Correct the visit of").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Mark as left").wait_for()


PROFILE = "people?person=p-000000000001"
POPUPS = {
    "": [open_show, open_correction],
    "visits": [open_calendar, open_choice, open_visit],
    PROFILE: [open_groups, open_day, open_forget],
}


LOOKS = (("light", 1280), ("dark", 360))


@pytest.mark.parametrize("name", READY, ids=lambda name: name or "now")
def test_nothing_is_serious_on_any_page(month: str, open_page: Opener, name: str) -> None:
    page = open_page(f"{month}{'' if name == 'nothing' else name}", reduced_motion="reduce")
    if name == "nothing":  # the browser itself complains about an address that is not there
        page.locator(READY[""]).first.wait_for(state="attached", timeout=SLOW_MS)
        page.evaluate("history.pushState(null, '', '/nothing'); dispatchEvent(new PopStateEvent('popstate'))")
    page.locator(READY[name]).first.wait_for(state="attached", timeout=SLOW_MS)
    for scheme, width in LOOKS:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(300)
        _require_good(page, POPUPS.get(name, []))


def _require_good(page: Page, popups: Sequence[Callable[[Page], None]]) -> None:
    assert axe.serious(page) == []
    assert page.evaluate(SMALL) == []
    for popup in popups:
        popup(page)
        page.wait_for_timeout(300)  # it fades in
        assert axe.serious(page) == [], popup.__name__
        page.keyboard.press("Escape")
        page.wait_for_timeout(300)
