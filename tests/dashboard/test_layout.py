"""Every page from 320 to 2560 px: nothing wider than the screen, no number or label cut off, plots never unsized."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from config.settings import CameraRole
from tests.dashboard import gym
from tests.dashboard.conftest import Opener, served
from tracker.presence.events import EventKind, Match
from tracker.presence.people import Person
from tracker.store.observation import Observation

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
pytestmark = pytest.mark.browser

SLOW_MS = 15_000
INSIDE = 57
LONG_NAME, LONG_CAMERA = (
    "Wolfeschlegelsteinhausenbergerdorff" * 2,
    "camera-at-the-north-eastern-emergency-exit-of-hall-7",
)
READY = {
    "": "#now-inside li",
    "visits": ".visit-table tbody tr",
    "usage": ".people-table tbody tr",
    "people": ".directory tbody tr",
    "cameras": ".cameras tbody tr",
    f"people?person=p-{INSIDE - 1}": ".weeks li",
    "roll-call": ".roll-table tbody tr",
    "display": "#number",
}
CUT = """() => [...document.querySelectorAll(
  ".tile-label, .tile-value, .tile-note, .level-text, .card-title, .card-note, .nav-link, .page-title, .page-subtitle, "
  + ".pager, .button, .chip, td, thead th, .roll-table th, .roll-button, .roll-totals, #number, .display-words, "
  + ".state, .facts dd, .cameras .row-detail"
)].filter(each => each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).display !== "inline")
  .map(each => each.outerHTML.slice(0, 160))"""


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory, site_file: Path) -> Iterator[str]:
    """Many people in, one with a name and a camera without a place to break."""
    path = tmp_path_factory.mktemp("crowd") / "footfall.sqlite3"
    now = datetime.now(UTC)
    with gym.open_store(path) as store:
        for number in range(INSIDE):
            name = LONG_NAME if number == INSIDE - 1 else f"Person {number}"
            person = Person(person_id=f"p-{number}", name=name, created_at=now, consented_at=now)
            store.people.add(person, np.zeros((1, 128), np.float32))
            entered = now - timedelta(minutes=70 - number)
            camera = LONG_CAMERA if number == INSIDE - 1 else "door"
            event = gym.event(EventKind.ENTER, person.person_id, entered, camera=camera)
            match = Match(
                site_id=gym.SITE, camera_id=camera, track_id=event.track_id, at=entered, person_id=person.person_id,
                distance=0.71, margin=0.3, quality=0.82, authorised=True, reason="near enough",
            )  # fmt: skip
            store.record(Observation(events=[event], matches=[match]))
        store.record(Observation(health=gym.health(LONG_CAMERA, now + timedelta(minutes=10))))
        store.devices.add(LONG_NAME, site_id=gym.SITE, camera_id="phone", role=CameraRole.ENTRANCE, by="Ann")
    with served(path, "--settings", str(site_file)) as address:
        yield address


@pytest.mark.parametrize("name", READY, ids=lambda name: name or "now")
def test_nothing_is_cut_off_or_wider_than_the_screen(crowded: str, open_page: Opener, name: str) -> None:
    page = open_page(f"{crowded}{name}", width=320)
    page.locator(READY[name]).first.wait_for(timeout=SLOW_MS)
    for width in (320, 360, 768, 1280, 2560):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(300)  # plots take their new size
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert (width, wide) == (width, 0)
        assert page.evaluate(CUT) == [], width


@pytest.mark.parametrize("width", [320, 375])
def test_an_opened_visit_and_its_correction_fit_on_a_phone(crowded: str, open_page: Opener, width: int) -> None:
    page = open_page(f"{crowded}visits?q=wolfe", width=width)
    page.locator(".visit-table tbody a").first.click(timeout=SLOW_MS)
    page.get_by_role("button", name="Correct this visit").click(timeout=SLOW_MS)
    page.get_by_role("button", name="Mark as left").wait_for(timeout=SLOW_MS)
    wide = """() => [...document.querySelectorAll("[role=dialog] *")].filter(each => {
        const box = each.getBoundingClientRect();
        return box.width > 1 && (box.right > innerWidth + 1 || box.left < -1);
    }).map(each => each.outerHTML.slice(0, 160))"""
    assert page.evaluate(wide) == []
    assert page.get_by_text("distance 0.71 · margin 0.30 · quality 0.82").is_visible()


def test_the_plot_is_above_the_fold_and_many_people_are_a_compact_grid(crowded: str, open_page: Opener) -> None:
    page = open_page(crowded)
    people = page.locator("#now-inside li")
    people.first.wait_for(timeout=SLOW_MS)
    assert people.count() == INSIDE
    box, events, plot = (page.locator(each).bounding_box() for each in ("#now-inside", "#now-events", "#now-occupancy"))
    assert box is not None
    assert events is not None
    assert plot is not None
    assert box["height"] < 1800
    assert box["y"] < 800
    assert events["y"] < 500
    assert plot["y"] + plot["height"] < 800  # above the fold


@pytest.mark.parametrize("name", ["", "usage"], ids=["now", "usage"])
def test_plots_have_their_size_from_the_first_frame_on(crowded: str, open_page: Opener, name: str) -> None:
    """A plot that is drawn wider than its box for a moment is a flash; layout shifts add up to the same."""
    page = open_page(crowded)
    page.add_init_script(
        "window.shift = 0; new PerformanceObserver(list => { for (const each of list.getEntries()) "
        "window.shift += each.value; }).observe({ type: 'layout-shift', buffered: true });"
    )
    page.goto(f"{crowded}{name}")
    page.locator(".plot-graph .main-svg").first.wait_for(state="attached", timeout=SLOW_MS)
    page.wait_for_timeout(1500)
    assert page.evaluate("window.shift") < 0.1
