"""Correcting visits in Chromium: by the desk, by keyboard, undone, and not by viewers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from config.settings import load_settings
from tests.dashboard import gym
from tests.dashboard.axe import serious
from tests.dashboard.conftest import Opener, served
from tests.dashboard.users import add_users, sign_in
from tracker.presence.events import Correction, EventKind
from tracker.presence.people import Person
from tracker.presence.sessions import Session
from tracker.store.observation import Observation
from tracker.store.store import Store
from tracker.store.users import UserRole

if TYPE_CHECKING:
    from playwright.sync_api import Page

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
pytestmark = pytest.mark.browser

SLOW_MS = 30_000
NAMES = {
    "p-ada": "Ada Brandt", "p-bea": "Bea Wolf", "p-cem": "Cem Aydın", "p-dan": "Dan Ek", "p-bjorn": "Björn Ólafsson",
}  # fmt: skip


class Desk:
    """A gym where four people are in, the fifth is not; and its dashboard."""

    def __init__(self, path: Path, address: str, zone: ZoneInfo) -> None:
        self.path = path
        self.address = address
        self.zone = zone

    def visits(self, person_id: str) -> list[Session]:
        with Store(self.path).open(create=False) as store:
            return store.sessions.select(site_id=gym.SITE, now=datetime.now(UTC), person_ids=[person_id])

    def corrections(self) -> list[Correction]:
        with Store(self.path).open(create=False) as store:
            return store.events.corrections()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, site_file: Path) -> Iterator[Desk]:
    path = tmp_path_factory.mktemp("desk") / "footfall.sqlite3"
    now = datetime.now(UTC)
    with gym.open_store(path) as store:
        for person_id, name in NAMES.items():
            person = Person(person_id=person_id, name=name, created_at=now, consented_at=now)
            store.people.add(person, np.zeros((1, 128), np.float32))
        entered = now - timedelta(minutes=75)
        inside = [each for each in NAMES if each != "p-bjorn"]
        store.record(Observation(events=[gym.event(EventKind.ENTER, each, entered) for each in inside]))
        add_users(store, roles=(UserRole.DESK, UserRole.VIEWER))
    with served(path, "--settings", str(site_file)) as address:
        yield Desk(path, address, load_settings(site_file).site.zone)


@pytest.fixture
def opened(desk: Desk, open_page: Opener) -> Callable[[str], Page]:
    """Opens the drawer of somebody's visit as a user of the desk."""

    def opener(person_id: str) -> Page:
        (visit,) = desk.visits(person_id)
        page = open_page(f"{desk.address}visits?days=2&visit={visit.session_id}")
        page.set_default_timeout(SLOW_MS)
        expect.set_options(timeout=SLOW_MS)
        sign_in(page, "desk")
        page.get_by_role("button", name="Correct this visit").wait_for()
        return page

    return opener


def correct(page: Page, form: str, button: str) -> None:
    """Fill nothing in but what is there already."""
    page.get_by_role("button", name=form).click()
    page.get_by_role("button", name=button).click()


def undo(page: Page, done: str) -> None:
    """Click on the button of the notification."""
    notification = page.locator(".mantine-Notification-root").filter(has_text=done)
    notification.get_by_role("button", name="Undo").click()
    page.get_by_text("Undone.").wait_for()


def test_somebody_is_marked_as_left_by_keyboard(desk: Desk, opened: Callable[[str], Page]) -> None:
    page = opened("p-ada")
    button = page.get_by_role("button", name="Correct this visit")
    expect(page.get_by_role("button", name="Close")).to_be_focused()  # the drawer has it once it is open
    button.press("Enter")
    dialog = page.get_by_role("dialog", name="Ada Brandt").filter(has=page.get_by_label("Reason"))
    dialog.get_by_role("button", name="Mark as left").wait_for()
    found = serious(page)
    assert found == [], found
    page.keyboard.press("Escape")
    dialog.get_by_role("button", name="Mark as left").wait_for(state="hidden")
    expect(button).to_be_visible()
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    dialog.get_by_label("Reason").fill("by the fire door")
    dialog.get_by_role("button", name="Mark as left").press("Enter")
    page.get_by_text("Marked as left.").wait_for()
    expect(page.locator(".facts")).to_contain_text("by hand")
    expect(page.locator(".change-details").last).to_contain_text(re.compile("by Desk .* by the fire door"))
    (visit,) = desk.visits("p-ada")
    assert visit.ended_at is not None
    assert desk.corrections()[-1].by == "Desk"
    undo(page, "Marked as left")
    expect(page.locator(".facts")).to_contain_text("still in")
    assert desk.visits("p-ada")[0].ended_at is None


def test_a_visit_gets_another_person_and_the_drawer_follows(desk: Desk, opened: Callable[[str], Page]) -> None:
    page = opened("p-bea")
    page.get_by_role("button", name="Correct this visit").click()
    page.get_by_role("button", name="Was not Bea Wolf").click()
    page.get_by_role("button", name="Give the visit to them").click()
    page.get_by_text("Nobody is chosen.").wait_for()
    page.get_by_role("textbox", name="Who was it?").fill("bjorn o")
    page.get_by_role("option", name="Björn Ólafsson").click()
    page.get_by_role("button", name="Give the visit to them").click()
    page.get_by_role("heading", name="Björn Ólafsson").wait_for()
    assert desk.visits("p-bea") == []
    (visit,) = desk.visits("p-bjorn")
    expect(page).to_have_url(re.compile(f"visit={visit.session_id}"))
    page.locator(".change-words").filter(has_text="Gave the visit").wait_for()
    page.locator("[data-undo]").first.click()
    page.get_by_role("heading", name="Bea Wolf").wait_for()
    assert desk.visits("p-bjorn") == []


def test_times_are_corrected(desk: Desk, opened: Callable[[str], Page]) -> None:
    page = opened("p-cem")
    page.get_by_role("button", name="Correct this visit").click()
    correct(page, "The times are wrong", "Correct the times")
    page.get_by_text("The times are as they were.").wait_for()
    page.get_by_role("button", name="Left", exact=True).click()
    page.locator("td button:not([disabled])").last.click()  # today
    found = serious(page)
    assert found == [], found
    now = desk.visits("p-cem")[0].started_at.astimezone(desk.zone) + timedelta(minutes=30)
    page.get_by_label("Hours").fill(f"{now.hour:02}")
    page.get_by_label("Minutes").fill(f"{now.minute:02}")
    page.get_by_role("button", name="Take this time").click()
    page.get_by_role("button", name="Correct the times").click()
    page.get_by_text("The times are corrected.").wait_for()
    (visit,) = desk.visits("p-cem")
    assert visit.ended_at == now.replace(second=0, microsecond=0)


def test_a_visit_that_did_not_happen_is_void_and_one_is_added(desk: Desk, opened: Callable[[str], Page]) -> None:
    page = opened("p-dan")
    page.get_by_role("button", name="Correct this visit").click()
    correct(page, "Did not happen", "Void the visit")
    page.get_by_text("The visit is void.").wait_for()
    expect(page).to_have_url(re.compile(r"visits\?days=2$"))
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert desk.visits("p-dan") == []
    page.get_by_role("button", name="Add a visit").click()
    page.get_by_role("textbox", name="Who?").fill("dan")
    page.get_by_role("option", name="Dan Ek").click()
    found = serious(page)
    assert found == [], found
    page.get_by_role("button", name="Add the visit").click()
    page.get_by_text("The visit is added.").wait_for()
    page.get_by_role("link", name="Dan Ek").wait_for()
    (visit,) = desk.visits("p-dan")
    assert visit.ended_at is None


def test_viewers_correct_nothing(desk: Desk, open_page: Opener) -> None:
    (visit,) = desk.visits("p-ada")
    page = open_page(f"{desk.address}visits?days=2&visit={visit.session_id}")
    sign_in(page, "viewer")
    page.locator(".visit-table tbody tr").first.wait_for(timeout=SLOW_MS)
    expect(page.get_by_text("There is no such visit")).to_be_visible(timeout=SLOW_MS)
    assert page.get_by_role("button", name=re.compile("Correct|Add a visit|Undo")).count() == 0
    assert page.locator("#visit-dialog, #adding").count() == 0
    page.goto(desk.address)
    page.locator("#now-inside li").first.wait_for(timeout=SLOW_MS)
    assert page.locator("[data-correct]").count() == 0
