"""The review in Chromium: by keyboard and pointer, one by one and several at once, and back again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.dashboard import axe, strangers
from tests.dashboard.conftest import Opener, served
from tests.dashboard.test_accessibility import SMALL
from tests.dashboard.test_layout import CUT, LONG_CAMERA, LONG_NAME
from tests.tracker.review.places import Place, face
from tracker.presence.people import PersonKind
from tracker.store.store import Store

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
expect.set_options(timeout=15_000)
pytestmark = pytest.mark.browser

SLOW_MS = 15_000


@pytest.fixture
def place(path: Path, site_file: Path) -> Iterator[tuple[Path, str]]:
    """A store with two strangers and two doubtful visits, and the address of its review."""
    strangers.fill(path, datetime.now(UTC))
    with served(path, "--settings", str(site_file)) as address:
        yield path, f"{address}people/review"


def cards(page: Page) -> Locator:
    return page.locator(".review-card")


def ready(page: Page, count: int = 2) -> Page:
    expect(page.locator("#review-place")).to_have_text(f"1 of {count}")
    return page


def test_stranger_named_from_the_review_renames_past_visits(place: tuple[Path, str], open_page: Opener) -> None:
    path, address = place
    page = ready(open_page(address))
    expect(cards(page).first).to_contain_text("Visitor 1 and Visitor 2")
    expect(cards(page).first).to_contain_text("4 visits, mostly")
    page.keyboard.press("n")
    name = page.get_by_label("Name", exact=True)
    expect(name).to_be_focused()
    name.fill("Eve Polastri")
    page.get_by_label("They agreed to be recognised by their face").check()
    name.press("Enter")
    expect(cards(page)).to_have_count(1)
    expect(page.locator("#review-summary")).to_have_text("1 stranger and 2 doubtful visits to look at")
    with Store(path) as store:
        eve = store.people.by_name("eve polastri")
        assert eve is not None
        assert eve.kind is PersonKind.ENROLLED
        assert store.people.vector_counts()[eve.person_id] == 2
    page.goto(address.replace("people/review", "visits?days=30&q=eve"))
    expect(page.locator(".visit-table tbody th")).to_have_count(4, timeout=SLOW_MS)
    page.goto(address.replace("people/review", "visits?days=30&q=visitor"))
    expect(page.locator(".visit-table tbody th")).to_have_count(1, timeout=SLOW_MS)


def test_stranger_becomes_somebody_known_after_a_look_at_the_form(place: tuple[Path, str], open_page: Opener) -> None:
    path, address = place
    page = ready(open_page(address))
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("#review-place")).to_have_text("2 of 2")
    expect(cards(page).last).to_contain_text("Looks like Ben Okri (1.02)")
    cards(page).last.get_by_role("button", name="Name").click()
    page.get_by_label("Name", exact=True).fill("ben okri")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Somebody is called Ben Okri already.")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    page.keyboard.press("y")
    expect(page.get_by_role("textbox", name="Person")).to_have_value("Ben Okri")
    page.get_by_role("button", name="Save").click()
    expect(cards(page)).to_have_count(1)
    with Store(path) as store:
        assert store.people.get("v-0000000003") == store.people.by_name("Ben Okri")


def test_keys_answer_doubtful_visits_and_undo_brings_them_back(place: tuple[Path, str], open_page: Opener) -> None:
    path, address = place
    page = ready(open_page(f"{address}?tab=visits"))
    expect(cards(page).first).to_contain_text("Was this Ada Lovelace?")
    expect(cards(page).first).to_contain_text("Ben Okri is next at 0.55")
    page.keyboard.press("y")
    expect(cards(page)).to_have_count(1)
    with Store(path) as store:
        assert store.people.vector_counts()["p-ada-lovelace"] == 2
    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="Nothing to review")).to_be_visible()
    expect(page.get_by_role("link", name="See the strangers (2)")).to_be_visible()
    with Store(path) as store:
        assert [person.name for person in store.people.all(kind=PersonKind.VISITOR)][-1] == "Visitor 4"
    page.get_by_role("button", name="Undo").last.click()
    expect(cards(page)).to_have_count(1)
    page.get_by_role("button", name="Undo").first.click()
    expect(cards(page)).to_have_count(2)
    with Store(path) as store:
        assert store.people.vector_counts()["p-ada-lovelace"] == 1


def test_visit_is_given_to_the_person_who_it_was(place: tuple[Path, str], open_page: Opener) -> None:
    path, address = place
    page = ready(open_page(f"{address}?tab=visits"))
    cards(page).first.get_by_role("button", name="Somebody else").click()
    page.get_by_role("textbox", name="Who was it?").fill("ben")
    page.get_by_role("option", name="Ben Okri").click()
    page.get_by_role("button", name="Give the visit to them").click()
    expect(page.get_by_text("The visit has another person.")).to_be_visible()
    expect(cards(page)).to_have_count(1)
    with Store(path) as store:
        now = datetime.now(UTC)
        visits = store.sessions.select(site_id="gym", now=now, person_ids=["p-ben-okri"])
        assert len(visits) == 2


def test_several_are_ignored_together_come_back_and_are_merged(place: tuple[Path, str], open_page: Opener) -> None:
    page = ready(open_page(f"{place[1]}?tab=strangers"))
    page.keyboard.press("x")
    cards(page).last.get_by_role("checkbox").click()
    expect(page.locator("#review-selected")).to_have_text("2 selected")
    page.locator("#review-several").get_by_role("button", name="Ignore").click()
    expect(page.get_by_role("heading", name="Nothing to review")).to_be_visible()
    expect(page.locator("#review-several")).to_be_hidden()
    page.get_by_role("button", name="Undo").click()
    expect(cards(page)).to_have_count(2)
    cards(page).first.get_by_role("button", name="Merge").click()
    expect(cards(page).first.locator(".review-title")).to_have_text("Visitor 1")
    expect(cards(page).first).to_contain_text("4 visits")


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory, site_file: Path) -> Iterator[str]:
    """The address of a review that tests only look at."""
    path = tmp_path_factory.mktemp("review") / "footfall.sqlite3"
    now = datetime.now(UTC)
    strangers.fill(path, now)
    with Store(path) as store:
        crowd = Place(store, now=now)
        long = crowd.enrol(LONG_NAME, face(60))
        crowd.match(long, 9, distance=0.98, camera=LONG_CAMERA, track=crowd.visit(long, 9, 8, camera=LONG_CAMERA))
        crowd.visit(crowd.visitor(61, face(60, 0.8, towards=61)), 50, 49, camera=LONG_CAMERA)
    with served(path, "--settings", str(site_file)) as address:
        yield f"{address}people/review"


@pytest.mark.parametrize(("width", "scheme"), [(320, "dark"), (1440, "light")])
def test_cards_and_form_fit_and_nothing_is_serious(untouched: str, open_page: Opener, width: int, scheme: str) -> None:
    for tab, answer in (("strangers", "Name…"), ("visits", "Somebody else")):
        page = ready(open_page(f"{untouched}?tab={tab}", width=width, scheme=scheme, reduced_motion="reduce"), 3)
        page.keyboard.press("x")
        expect(page.locator("#review-several")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
        assert page.evaluate(CUT) == []
        assert page.evaluate(SMALL) == []
        assert axe.serious(page) == []
        cards(page).first.get_by_role("button", name=re.compile(f"^{answer}")).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        page.wait_for_timeout(300)  # it fades in
        assert axe.serious(page) == []
