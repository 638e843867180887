"""The browser camera as a person uses it: real Chromium, real networks, a real dashboard, a video file as camera."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.dashboard.axe import serious
from tests.dashboard.browser.phone import (
    Launch,
    Phone,
    Site,
    copy_store,
    kept,
    open_camera,
    pair,
    settings_file,
    site_at,
    wait_until_watching,
)
from tracker.presence.health import CameraState

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
expect.set_options(timeout=15_000)
pytestmark = pytest.mark.browser

NO_CAMERA_FLAGS = ("--use-fake-device-for-media-stream", "--deny-permission-prompts")


@pytest.fixture
def page_at(launch_profile: Launch, tmp_path: Path, site: Site) -> Any:
    """Opens an address on a phone whose camera shows moving shapes."""
    phone = Phone(
        launch_profile,
        tmp_path / "plain",
        ("--use-fake-device-for-media-stream=fps=10", "--use-fake-ui-for-media-stream"),
    )
    yield phone.open
    phone.close()
    assert phone.complaints == []


def test_a_phone_becomes_a_camera_and_recognises_people(site: Site, phone: Phone) -> None:
    device, link = site.add("Hall")
    page = phone.open(link)
    expect(page.locator("#setup-title")).to_have_text("Set up Hall")
    assert page.url == f"{site.address}camera/"
    pair(page)
    wait_until_watching(page)
    expect(page.locator("#events .name").first).to_have_text("Eileen", timeout=40_000)
    expect(page.locator("#events .kind").first).to_have_text("in")
    expect(page.locator("#count")).to_have_text("1")
    page.locator("#stop").click()
    expect(page.locator("#setup")).to_be_visible()
    (entered,) = [each for each in site.events() if each.kind == "enter"]
    assert entered.camera_id == device.camera_id
    page.wait_for_function("() => true")
    with site.store() as store:
        person = store.people.get(entered.person_id)
        assert person is not None
        assert person.name == "Eileen"


def test_a_browser_that_does_not_keep_the_page_starts_at_once_and_says_so(site: Site, page_at: Any) -> None:
    page = page_at(site.add()[1], service_workers="block")
    open_camera(page)
    page.locator("#setup summary").click()
    expect(page.locator("#setup .not-kept")).to_contain_text("a certificate that browsers trust")
    with page.expect_request("**/worker-*.js", timeout=4_000):
        page.locator("#setup-start").click()
    expect(page.locator("#running .not-kept")).to_be_visible()


def test_its_heartbeat_makes_it_a_camera_of_the_dashboard(site: Site, page_at: Any) -> None:
    device, link = site.add("Hall")
    page = page_at(link)
    pair(page)
    wait_until_watching(page)
    wait_for_health(page, site, CameraState.LIVE)
    expect(page.locator("#running .not-kept")).to_be_hidden()
    page.evaluate("document.querySelector('video').srcObject.getVideoTracks()[0].dispatchEvent(new Event('ended'))")
    page.locator("#state[data-state=lost]").wait_for()
    wait_until_watching(page)  # the camera is opened again
    page.locator("#stop").click()
    wait_for_health(page, site, CameraState.STOPPED)
    with site.store() as store:
        (health,) = store.cameras.health(site_id="demo")
    assert (health.camera_id, health.last_frame_at is not None) == (device.camera_id, True)


def wait_for_health(page: Page, site: Site, state: CameraState) -> None:
    for _ in range(100):
        with site.store() as store:
            found = store.cameras.health(site_id="demo")
        if [each.state for each in found] == [state]:
            return
        page.wait_for_timeout(100)
    pytest.fail(f"the camera did not become {state}: {found}")


def test_a_door_has_a_line_that_keys_move_and_that_is_kept(site: Site, page_at: Any) -> None:
    page = page_at(site.add()[1])
    open_camera(page)
    page.locator("#setup input[value=door]").check()
    page.locator("#line-start").focus()
    for _ in range(4):
        page.keyboard.press("Shift+ArrowRight")
    for _ in range(8):
        page.keyboard.press("Shift+ArrowUp")
    assert "35 % from the left, 10 % from the top" in str(page.locator("#line-start").get_attribute("aria-label"))
    page.locator("#setup-inside label", has_text="left").locator("input").check()
    page.locator("#setup-start").click()
    wait_until_watching(page)
    page.reload()
    wait_until_watching(page)
    page.locator("#stop").click()
    expect(page.locator("#setup input[value=door]")).to_be_checked()
    expect(page.locator("#setup-inside input[value=left]")).to_be_checked()
    (set_up,) = [
        each for each in kept(page, "values") if isinstance(each, dict) and "role" in each and "deviceId" in each
    ]
    assert set_up["role"] == {"kind": "door", "line": [[0.35, 0.1], [0.85, 0.5]], "inside": "left"}


def test_a_line_end_is_dragged(site: Site, page_at: Any) -> None:
    page = page_at(site.add()[1])
    open_camera(page)
    page.locator("#setup input[value=door]").check()
    start = page.locator("#line-start").bounding_box()
    assert start
    page.mouse.move(start["x"] + 24, start["y"] + 24)
    page.mouse.down()
    page.mouse.move(start["x"] + 24, start["y"] - 40)
    page.mouse.up()
    label = str(page.locator("#line-start").get_attribute("aria-label"))
    assert "15 % from the left" in label
    assert "50 % from the top" not in label


def test_a_second_page_of_the_browser_is_no_camera(site: Site, page_at: Any) -> None:
    page = page_at(site.add()[1])
    expect(page.locator("#setup")).to_be_visible()
    other = page.context.new_page()
    other.goto(f"{site.address}camera/")
    expect(other.locator("#problem-title")).to_have_text("Another page of this browser is the camera")
    other.close()


def test_a_second_browser_with_the_same_key_is_no_camera(site: Site, page_at: Any, browser: Browser) -> None:
    _, link = site.add()
    page = page_at(link)
    expect(page.locator("#setup")).to_be_visible()
    other = browser.new_page()
    other.goto(link)
    expect(other.locator("#problem")).to_be_visible()
    expect(other.locator("#problem-retry")).to_be_visible()
    other.close()


def test_revocation_wipes_the_key_and_the_people(site: Site, phone: Phone) -> None:
    device, link = site.add()
    page = phone.open(link)
    pair(page)
    wait_until_watching(page)
    assert kept(page, "values") != []
    site.revoke(device)
    expect(page.locator("#pairing-problem")).to_contain_text("revoked", timeout=40_000)
    for store in ("values", "records", "rejected", "event_people"):
        assert kept(page, store) == []
    page.reload()
    expect(page.locator("#pairing-title")).to_be_visible()


@pytest.mark.usefixtures("built_camera")
@pytest.mark.parametrize("is_kept", [True, False])
def test_people_are_kept_on_the_device_only_where_the_dashboard_allows_it(
    tmp_path: Path, enrolled_store: Path, browser_networks: Path, launch_profile: Launch, is_kept: bool
) -> None:
    store = tmp_path / "store.sqlite3"
    copy_store(enrolled_store, store)
    file = settings_file(tmp_path, store)
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("keep_gallery = true", f"keep_gallery = {str(is_kept).lower()}"), encoding="utf-8")
    phone = Phone(launch_profile, tmp_path / "plain", ())
    with site_at(file, browser_networks.parent) as site:
        page = phone.open(site.add()[1])
        expect(page.locator("#setup")).to_be_visible()  # the people were read
        assert ("gallery" in kept(page, "values", "getAllKeys")) is is_kept
        phone.close()


def test_a_device_stops_being_a_camera(site: Site, page_at: Any) -> None:
    page = page_at(site.add()[1])
    page.locator("#setup summary").click()
    page.locator("#setup-unpair").click()
    expect(page.locator("#pairing")).to_be_visible()
    assert kept(page, "values") == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("hello", "no link or key"),
        ("https://other.example/camera/#pair=d-1." + "s" * 43, "The link is for other.example"),
        ("d-1." + "s" * 43, "key"),
    ],
    ids=["nonsense", "elsewhere", "wrong-key"],
)
def test_what_does_not_pair_names_the_fix(
    site: Site, launch_profile: Launch, tmp_path: Path, text: str, problem: str
) -> None:
    phone = Phone(launch_profile, tmp_path / "plain", ())
    page = phone.open(f"{site.address}camera/")
    page.locator("#pairing summary").click()
    page.locator("#pairing-text").fill(text)
    page.locator("#pairing-form button").click()
    notice = page.locator("#pairing-problem, #problem").filter(visible=True)
    expect(notice).to_contain_text(problem)
    phone.close()


def test_a_link_that_is_opened_in_the_tab_of_the_page_is_taken_out_of_the_address(
    launch_profile: Launch, tmp_path: Path, dist: str
) -> None:
    phone = Phone(launch_profile, tmp_path / "plain", ())
    page = phone.open(dist)
    page.locator("#pairing").wait_for()
    page.evaluate("location.hash = '#pair=hello'")
    expect(page.locator("#pairing-problem")).to_contain_text("no link or key")
    assert page.url == dist
    phone.close()


def test_without_permission_the_page_explains_how_to_allow_the_camera(
    site: Site, launch_profile: Launch, tmp_path: Path
) -> None:
    phone = Phone(launch_profile, tmp_path / "denied", NO_CAMERA_FLAGS)
    page = phone.open(site.add()[1])
    page.locator("#setup-open").click()
    expect(page.locator("#setup-problem")).to_contain_text("The camera is not allowed")
    expect(page.locator("#setup-problem")).to_contain_text("allow Camera")
    phone.close()


def test_without_a_camera_the_page_says_so(site: Site, launch_profile: Launch, tmp_path: Path) -> None:
    phone = Phone(launch_profile, tmp_path / "none", ("--use-fake-ui-for-media-stream",))
    page = phone.open(site.add()[1])
    page.locator("#setup-open").click()
    expect(page.locator("#setup-problem")).to_contain_text("No camera was found")
    phone.close()


def test_without_https_the_page_explains_why_there_is_no_camera(
    launch_profile: Launch, tmp_path: Path, dist: str
) -> None:
    flags = ("--host-resolver-rules=MAP phone.test 127.0.0.1",)
    phone = Phone(launch_profile, tmp_path / "plain", flags)
    page = phone.open(dist.replace("127.0.0.1", "phone.test"))
    expect(page.locator("#problem-title")).to_contain_text("without https")
    expect(page.locator("#problem-fix")).to_contain_text("--tls self-signed")
    phone.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(320, 640), (640, 320), (768, 1024), (1280, 800)], ids=str)
def test_every_screen_fits_and_is_accessible(site: Site, page_at: Any, width: int, height: int, scheme: str) -> None:
    page = page_at(f"{site.address}camera/", viewport={"width": width, "height": height}, color_scheme=scheme)
    page.locator("#pairing summary").click()
    check(page)
    page.locator("#pairing-text").fill(site.add()[1])
    page.locator("#pairing-form button").click()
    expect(page.locator("#setup")).to_be_visible()
    check(page)
    open_camera(page)
    page.locator("#setup input[value=door]").check()
    expect(page.locator("#line-start")).to_be_visible()
    check(page)
    page.locator("#setup-start").click()
    wait_until_watching(page)
    check(page)
    page.locator("#darken").click()
    expect(page.locator("#darkness")).to_be_focused()
    check(page)
    page.keyboard.press("Enter")
    expect(page.locator("#darken")).to_be_focused()


def check(page: Page) -> None:
    """Nothing is cut off, everything that is tapped is large enough, and axe-core finds nothing serious."""
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    assert page.evaluate(_TOO_SMALL) == []
    assert serious(page) == []


_TOO_SMALL = """() => [...document.querySelectorAll("button, select, textarea, summary, .choices label, label.button")]
  .filter((each) => each.checkVisibility() && !each.closest("[inert]"))
  .map((each) => [each.id || each.textContent.trim(), each.getBoundingClientRect()])
  .filter(([, { width, height }]) => width < 44 || height < 43.5)
  .map(([name, { width, height }]) => `${name}: ${width}x${height}`)"""


def test_the_page_can_be_installed(launch: Any, dist: str) -> None:
    browser = launch()
    page = browser.new_page()
    page.goto(dist)
    session = page.context.new_cdp_session(page)
    page.wait_for_timeout(500)
    errors = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [each["errorId"] for each in errors if each["errorId"] != "in-incognito"] == []
    manifest = session.send("Page.getAppManifest")
    assert manifest["errors"] == []
    browser.close()


def test_a_new_build_takes_over_at_a_start_and_not_before(
    launch_profile: Launch, tmp_path: Path, dist_copy: tuple[Path, str]
) -> None:
    folder, address = dist_copy
    phone = Phone(launch_profile, tmp_path / "plain", ())
    page = phone.open(address)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    index, worker = folder / "index.html", folder / "service_worker.js"
    index.write_text(index.read_text().replace("Make this device a camera", "A new build"))
    (version,) = re.findall(r'footfall-camera-[0-9a-f"+`${}]*?([0-9a-f]{16})', worker.read_text())
    worker.write_text(worker.read_text().replace(version, "0" * 16))
    page.evaluate("navigator.serviceWorker.getRegistration().then(found => found.update())")
    for _ in range(100):
        if page.evaluate("navigator.serviceWorker.getRegistration().then(found => found.waiting !== null)"):
            break
        page.wait_for_timeout(100)
    expect(page.locator("#pairing-title")).to_have_text("Make this device a camera")
    for _ in range(3):  # a machine that does much else may need another start
        page.reload()
        page.locator("#pairing").wait_for()
        if page.locator("#pairing-title").inner_text() == "A new build":
            break
    expect(page.locator("#pairing-title")).to_have_text("A new build")
    phone.close()


def test_the_palette_is_that_of_the_dashboard(built_camera: Path) -> None:
    root = built_camera.parents[2]
    mine, theirs = (
        re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", file.read_text(encoding="utf-8"))
        for file in (built_camera / "style.css", root / "dashboard" / "assets" / "base.css")
    )
    light, dark = mine[: len(mine) // 2], mine[len(mine) // 2 :]
    assert len(light) == len(dict(light)) == 13
    shades = dict(theirs[:13]), dict(theirs[13:26])
    assert (dict(light), dict(dark)) == shades
