"""The page of cameras in Chromium: state, links for new devices, renaming and revoking."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
import segno

from tests.dashboard import axe, gym
from tests.dashboard.conftest import Opener, served
from tests.dashboard.users import add_users, sign_in, with_users
from tracker.store.store import Store

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
expect.set_options(timeout=15_000)
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, month_store: Path, site_file: Path) -> Iterator[tuple[Path, str]]:
    """A month at the gym whose dashboard has a user of each role, named after it."""
    path = tmp_path_factory.mktemp("cameras") / "footfall.sqlite3"
    with with_users(month_store, path, site_file) as address:
        yield path, address


def opened(address: str, open_page: Opener, role: str, **more: object) -> Page:
    page = open_page(f"{address}cameras", **more)
    sign_in(page, role)
    page.wait_for_url(f"{address}cameras")
    return page


def add(page: Page, name: str) -> str:
    """Make a link; returns it."""
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Make its link").click()
    expect(page.get_by_role("heading", name=f"Open this link on {name}")).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_have_value("")
    return page.locator("#camera-link").inner_text()


def status(page: Page, address: str, link: str) -> int:
    """What the dashboard answers to the key of a link."""
    key = link.partition("#pair=")[2]
    answer = page.request.get(f"{address}camera/api/config", headers={"Authorization": f"Bearer {key}"})
    return int(answer.status)


def assert_code(picture: Path, link: str) -> None:
    """A picture shows the QR code of a link, three modules within its edges."""
    expected = np.array(list(segno.make(link, error="l", micro=False).matrix_iter(border=3)), bool)
    pixels = cv2.imread(str(picture), cv2.IMREAD_GRAYSCALE)
    assert pixels is not None
    centres = [(np.arange(len(expected)) + 0.5) * side / len(expected) for side in pixels.shape]
    dark = pixels[np.ix_(*(each.astype(int) for each in centres))] < 128
    assert np.array_equal(dark, expected)


def row(page: Page, name: str) -> Locator:
    return page.locator(".cameras tbody tr").filter(has_text=name)


def test_an_admin_makes_a_link_that_pairs_a_phone_and_revokes_it(
    guarded: tuple[Path, str], open_page: Opener, tmp_path: Path
) -> None:
    path, address = guarded
    page = opened(address, open_page, "admin")
    page.get_by_label("It watches").first.click()
    page.get_by_role("option", name="Door: who crosses a line").click()
    link = add(page, "Old phone")
    assert link.startswith(f"{address}camera/#pair=d-")
    page.locator(".camera-code").screenshot(path=tmp_path / "code.png")
    assert_code(tmp_path / "code.png", link)
    assert status(page, address, link) == 200
    expect(row(page, "Old phone")).to_contain_text("not started yet")
    expect(row(page, "Old phone")).to_contain_text("Door")
    page.reload()
    expect(row(page, "Old phone")).to_be_visible()
    assert page.locator("#camera-link").count() == 0
    page.get_by_role("button", name="Revoke Old phone").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Revoke Old phone?")
    dialog.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("The device is revoked.")).to_be_visible()
    expect(row(page, "Old phone")).to_have_count(0)
    assert status(page, address, link) == 401
    with Store(path).open(create=False) as store:
        assert [each.action for each in store.audit.all(limit=2)] == ["devices.revoke", "devices.add"]


def test_a_device_is_renamed_and_a_taken_name_is_refused(guarded: tuple[Path, str], open_page: Opener) -> None:
    _, address = guarded
    page = opened(address, open_page, "admin")
    link = add(page, "Tablet")
    page.get_by_label("Name", exact=True).fill("TABLET")
    page.get_by_role("button", name="Make its link").click()
    expect(page.get_by_text("Another device has the name 'TABLET'.")).to_be_visible()
    page.get_by_role("button", name="Rename Tablet").click()
    field = page.get_by_role("dialog").get_by_label("Name")
    expect(field).to_have_value("Tablet")
    field.fill("Hall")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("button", name="Rename Hall")).to_be_visible()
    assert status(page, address, link) == 200


def test_the_desk_sees_states_and_no_keys_and_a_viewer_nothing(guarded: tuple[Path, str], open_page: Opener) -> None:
    _, address = guarded
    page = opened(address, open_page, "desk")
    expect(page.locator(".cameras tbody tr").first).to_be_visible()
    expect(row(page, "garage")).to_contain_text("no answer from")
    assert page.locator("#camera-add, .camera-buttons").count() == 0
    assert "Cameras" in page.locator("a.nav-link").all_inner_texts()
    viewer = open_page(address)
    sign_in(viewer, "viewer")
    viewer.locator("a.nav-link").first.wait_for()
    assert "Cameras" not in viewer.locator("a.nav-link").all_inner_texts()


def test_an_empty_page_leads_on(tmp_path: Path, site_file: Path, open_page: Opener) -> None:
    path = tmp_path / "footfall.sqlite3"
    with gym.open_store(path) as store:
        add_users(store)
    with served(path, "--settings", str(site_file)) as address:
        page = opened(address, open_page, "admin")
        expect(page.get_by_text("No cameras yet")).to_be_visible()
        expect(page.get_by_text("footfall track --camera 0")).to_be_visible()
        add(page, "First")
        expect(row(page, "First")).to_be_visible()
        page.close()  # before the dashboard stops answering it


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360), ("light", 320)])
def test_the_page_and_its_dialogs_are_accessible_and_fit(
    guarded: tuple[Path, str], open_page: Opener, scheme: str, width: int
) -> None:
    _, address = guarded
    page = opened(address, open_page, "admin", scheme=scheme, width=width, reduced_motion="reduce")
    name = f"Phone of {scheme} {width}"
    add(page, name)
    expect(row(page, name)).to_be_visible()
    assert axe.serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    for button in (f"Rename {name}", f"Revoke {name}"):
        page.get_by_role("button", name=button).click()
        page.get_by_role("dialog").wait_for()
        page.wait_for_timeout(300)  # it fades in
        assert axe.serious(page) == [], button
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_code_is_black_on_white_in_the_dark(guarded: tuple[Path, str], open_page: Opener, tmp_path: Path) -> None:
    page = opened(guarded[1], open_page, "admin", scheme="dark")
    add(page, "Night")
    page.locator(".camera-code").screenshot(path=tmp_path / "code.png")
    picture = cv2.imread(str(tmp_path / "code.png"), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    assert np.mean(picture[:, 8] > 250) > 0.9
