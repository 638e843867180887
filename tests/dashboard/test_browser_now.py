"""The page Now, the roll-call and the display at the door in Chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.dashboard import gym
from tests.dashboard.conftest import Opener, served
from tests.dashboard.users import PASSWORD
from tracker.presence.events import EventKind
from tracker.presence.health import CameraState
from tracker.presence.people import Person, PersonKind, Role
from tracker.store.observation import Observation
from tracker.store.passwords import hash_password
from tracker.store.store import Store
from tracker.store.users import User, UserRole

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
expect.set_options(timeout=15_000)
pytestmark = pytest.mark.browser

PEOPLE = 70
"""Members who are in, besides Vera of the staff, Eve who may not be there, and a visitor."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, site_file: Path) -> Iterator[tuple[Store, str]]:
    """A gym with many people in, of whom one may not be there, and a camera that is down."""
    path = tmp_path_factory.mktemp("house") / "footfall.sqlite3"
    now = datetime.now(UTC)
    with gym.open_store(path) as store:
        events = []
        for number in range(PEOPLE):
            person_id = f"p-{number}"
            groups = ("Yoga",) if number % 35 == 0 else ()
            add(store, person_id, f"Person {number:02d}", groups=groups)
            events.append(gym.event(EventKind.ENTER, person_id, now - timedelta(minutes=90 - number)))
        add(store, "p-vera", "Véra Lindqvist", role=Role.STAFF)
        add(store, "p-eve", "Eve", access=False)
        for minutes, person_id in ((200, "p-vera"), (95, "p-eve"), (5, "v-1")):
            events.append(gym.event(EventKind.ENTER, person_id, now - timedelta(minutes=minutes)))
        visitor = Person(person_id="v-1", name="Visitor 1", created_at=now, kind=PersonKind.VISITOR)
        store.record(Observation(events=events, visitors=[(visitor, np.zeros((1, 128), np.float32))]))
        store.record(Observation(health=gym.health("front-door", now + timedelta(minutes=10))))
        lost = gym.health("back-door", now - timedelta(minutes=30), state=CameraState.LOST, problem="no answer")
        store.record(Observation(health=lost))
        with served(path, "--settings", str(site_file)) as address:
            yield store, address


def add(store: Store, person_id: str, name: str, **fields: object) -> None:
    now = datetime.now(UTC)
    person = Person(person_id=person_id, name=name, created_at=now, consented_at=now, **fields)  # type: ignore[arg-type]
    store.people.add(person, np.zeros((1, 128), np.float32))


def leave(store: Store, person_id: str) -> None:
    store.record(Observation(events=[gym.event(EventKind.EXIT, person_id, datetime.now(UTC))]))


def names(page: Page) -> list[str]:
    return page.locator("#now-inside .row-name a").all_inner_texts()


def test_people_are_searched_filtered_and_sorted_in_the_address(house: tuple[Store, str], open_page: Opener) -> None:
    page = open_page(house[1])
    people, found = page.locator("#now-inside li"), page.locator("#now-found")
    expect(people).to_have_count(60)
    page.get_by_role("link", name=f"Show all {PEOPLE + 3}").click()
    expect(people).to_have_count(PEOPLE + 3)
    page.get_by_label("Search in who is in").fill("VERA lind")
    expect(people).to_have_count(1)
    expect(found).to_have_text(f"1 of {PEOPLE + 3}")
    expect(page).to_have_url(f"{house[1]}?q=VERA+lind")
    page.get_by_label("Search in who is in").fill("")
    expect(people).to_have_count(60)
    page.get_by_label("Order").first.click()
    page.get_by_role("option", name="Longest in").click()
    expect(page.locator("#now-inside .row-name a").first).to_have_text("Véra Lindqvist")
    page.get_by_label("Whom to show").first.click()
    page.get_by_role("option", name="Yoga").click()
    expect(people).to_have_count(2)
    expect(people.locator(".row-marks")).to_have_text(["Yoga", "Yoga"])
    page.get_by_label("Whom to show").first.click()
    page.get_by_role("option", name="Visitors").click()
    expect(people).to_have_count(1)
    page.reload()
    expect(people).to_have_count(1)
    expect(page).to_have_url(re.compile(r"\?sort=longest&show=visitors$"))
    expect(page.locator("#now-show")).to_have_value("Visitors")
    page.get_by_label("Search in who is in").fill("no such person")
    page.get_by_role("link", name="Show everybody").click()
    expect(people).to_have_count(60)
    expect(page.get_by_label("Search in who is in")).to_have_value("")
    expect(page.locator("#now-show")).to_have_value("Everybody")
    assert names(page)[0] == "Visitor 1"


def test_what_needs_attention_leads_to_it(house: tuple[Store, str], open_page: Opener) -> None:
    page = open_page(house[1])
    expect(page.locator("#now-inside li")).to_have_count(60)
    alerts = page.get_by_role("region", name="Needs attention").get_by_role("listitem")
    expect(alerts).to_have_text(
        [
            "Eve is in and not authorised: no access",
            re.compile(r"^Camera back-door has given no frames since \d\d:\d\d: no answer$"),
        ]
    )
    page.get_by_label("Whom to show").first.click()
    page.get_by_role("option", name="Not authorised").click()
    expect(page.locator("#now-inside li")).to_have_count(1)
    expect(page.locator("#now-inside li")).to_contain_text("not authorised: no access")
    alerts.get_by_role("link").click()
    page.get_by_role("dialog").get_by_role("heading", name="Eve").wait_for()


def test_somebody_is_marked_as_left_on_their_card(house: tuple[Store, str], open_page: Opener) -> None:
    page = open_page(house[1])
    page.get_by_label("Search in who is in").fill("person 69")
    people, button = page.locator("#now-inside li"), page.get_by_role("button", name="Correct the visit of Person 69")
    expect(people).to_have_count(1)
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Person 69")
    dialog.get_by_role("button", name="Mark as left").click()
    dialog.wait_for(state="hidden")
    page.get_by_text("Nobody who is in fits.").wait_for()
    page.get_by_role("button", name="Undo").click()
    expect(people).to_have_count(1)


def test_levels_have_words_and_cameras_are_counted(house: tuple[Store, str], open_page: Opener) -> None:
    page = open_page(house[1])
    inside, cameras = (page.locator(".tile").filter(has_text=text) for text in ("In the building", "Cameras watching"))
    expect(inside.locator(".level-red .level-text")).to_have_text(re.compile(r"^\d{3} % of 12 · full$"))
    expect(cameras.locator(".tile-value")).to_have_text("1 of 2")
    expect(cameras.locator(".tile-note")).to_have_text("back-door is down")


def test_a_roll_call_keeps_its_ticks_and_who_has_left(house: tuple[Store, str], open_page: Opener) -> None:
    store, address = house
    page = open_page(address)
    page.get_by_role("link", name="Roll-call").click()
    rows, box = page.locator("tr[data-visit]"), page.get_by_label("Person 07 is accounted for")
    expect(rows).to_have_count(PEOPLE + 3)
    expect(page.get_by_role("note")).to_have_text(
        re.compile(r"back-door gave no frames since \d\d:\d\d; people may have left since\.")
    )
    box.check()
    expect(page.locator("#ticked")).to_have_text(f" · 1 ticked, {PEOPLE + 2} open")
    page.evaluate("window.unchanged = true")
    leave(store, "p-8")
    gone = page.locator("tr.left")
    expect(gone).to_have_text(re.compile(r"Person 08.*left \d\d:\d\d", re.DOTALL))
    expect(box).to_be_checked()
    expect(box).to_be_focused()
    assert page.evaluate("window.unchanged")
    page.reload()
    expect(gone).to_have_count(1)
    expect(box).to_be_checked()
    expect(page.locator(".roll-totals")).to_contain_text("1 left since the list was opened · 1 ticked")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert re.fullmatch(r"roll-call_[-\d]+_\d{4}\.csv", download.value.suggested_filename)
    page.get_by_role("button", name="Untick all").click()
    expect(box).not_to_be_checked()
    page.get_by_role("link", name="Back to Now").click()
    page.locator("#now-inside li").first.wait_for()


def test_a_roll_call_prints_black_on_white_with_its_head_on_every_page(
    house: tuple[Store, str], open_page: Opener
) -> None:
    page = open_page(f"{house[1]}roll-call", scheme="dark", width=320)
    page.locator("tr[data-visit]").first.wait_for()
    page.add_init_script("window.print = () => { window.printed = true; }")
    page.reload()
    page.get_by_role("button", name="Print").click()
    assert page.evaluate("window.printed")
    page.emulate_media(media="print", color_scheme="dark")
    style = "each => (({ color, backgroundColor }) => [color, backgroundColor])(getComputedStyle(each))"
    for part in ("body", ".roll-table tbody th", ".roll-table td >> nth=1", ".roll-totals"):
        assert page.locator(part).first.evaluate(style) == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"], part
    assert page.locator("thead").evaluate("each => getComputedStyle(each).display") == "table-header-group"
    for hidden in (".roll-tools", ".screen-only"):
        expect(page.locator(hidden)).to_be_hidden()
    expect(page.locator(".print-only")).to_have_text("Printed at")


def test_a_roll_call_says_that_it_is_old_when_the_dashboard_stops(house: tuple[Store, str], open_page: Opener) -> None:
    page = open_page(f"{house[1]}roll-call")
    page.locator("tr[data-visit]").first.wait_for()
    page.route(re.compile(r"roll-call\?"), lambda _never_answered: None)
    page.get_by_text(re.compile(r"The dashboard does not answer. The list is as of \d\d:\d\d:\d\d\.")).wait_for()
    page.unroute_all(behavior="ignoreErrors")
    expect(page.locator("#lost")).to_be_hidden()


@pytest.mark.parametrize("size", [(1024, 600), (600, 1024), (320, 480)], ids=["landscape", "portrait", "small"])
def test_the_display_fills_a_screen_either_way_up(
    house: tuple[Store, str], open_page: Opener, size: tuple[int, int]
) -> None:
    width, height = size
    page = open_page(f"{house[1]}display", width=width, height=height)
    box = page.locator("#number").bounding_box()
    assert box is not None
    assert box["height"] > 0.4 * min(size)
    over = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    assert page.evaluate(over) == [width, height]
    assert page.get_by_role("link").count() == page.get_by_role("button").count() == 0


def test_the_display_follows_the_store_by_its_link_alone(tmp_path: Path, site_file: Path, browser: Browser) -> None:
    path = tmp_path / "footfall.sqlite3"
    now = datetime.now(UTC)
    user = User(name="Ada", role=UserRole.ADMIN, created_at=now)
    with gym.open_store(path) as store, served(path, "--settings", str(site_file)) as address:
        store.users.add(user, hash_password(PASSWORD, name="Ada"))
        store.record(Observation(health=gym.health("door", now + timedelta(minutes=10))))
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"{address}display?key={store.display_links.add('door')}")
        number, words = page.locator("#number"), page.locator("#words")
        expect(number).to_have_text("0")
        events = [gym.event(EventKind.ENTER, f"v-{each}", now - timedelta(minutes=each + 1)) for each in range(10)]
        store.record(Observation(events=events))
        expect(number).to_have_text("10")
        expect(words).to_have_text("nearly full · 2 free")
        expect(page.locator("#display")).to_have_class("display level-orange")
        assert page.locator("#fill").get_attribute("width") == "83"
        store.record(Observation(health=gym.health("door", now - timedelta(minutes=4), state=CameraState.LOST)))
        expect(number).to_have_text("–")
        expect(words).to_have_text("not watched")
        store.display_links.revoke("door")
        expect(words).to_have_text("this link is no longer valid")
        context.close()
