"""Enrolment in a browser whose camera plays a clip of a head that turns, and by upload."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import PIL.Image
import pytest

from config.settings import SiteSettings
from tests.dashboard import axe, faces, gym
from tests.dashboard.conftest import Opener, served
from tracker.presence.people import Role
from tracker.store.audit import SubjectKind
from tracker.store.store import Store

if TYPE_CHECKING:
    from playwright.sync_api import Browser, FilePayload, Page

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
pytestmark = pytest.mark.browser

SLOW_MS = 40_000
STATE = ".enrol-view[data-state={}]"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "head.y4m"
    return faces.write_clip(path, [faces.head("astronaut", turn) for turn in faces.TURNS_DEG])


@pytest.fixture(scope="module")
def browser(launch: Callable[..., Browser], clip: Path) -> Iterator[Browser]:
    """A browser whose camera plays the clip."""
    browser = launch(
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={clip}",
    )
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, models_folder: Path) -> Path:
    path = tmp_path_factory.mktemp("settings") / "footfall.toml"
    path.write_text(f'[site]\nid = "gym"\nname = "Northside Gym"\n[models]\ndir = "{models_folder.as_posix()}"\n')
    return path


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, settings: Path) -> Iterator[tuple[str, Store]]:
    """A dashboard over a store, in whose folder nothing else is."""
    path = tmp_path_factory.mktemp("store") / "footfall.sqlite3"
    with gym.open_store(path) as store, served(path, "--settings", str(settings)) as address:
        yield address, store


@pytest.fixture(scope="module")
def site_with_hints(
    tmp_path_factory: pytest.TempPathFactory, built_camera: Path, browser_networks: Path
) -> Iterator[str]:
    """A dashboard beside a built browser camera."""
    folder = tmp_path_factory.mktemp("hints")
    file = folder / "footfall.toml"
    file.write_text(f'[models]\ndir = "{browser_networks.parent.as_posix()}"\n')
    with (
        gym.open_store(folder / "footfall.sqlite3"),
        served(folder / "footfall.sqlite3", "--settings", str(file)) as address,
    ):
        yield address


def payload(name: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": "image/jpeg", "buffer": content}


def head(key: str, turn: float = 0) -> FilePayload:
    return payload(f"{key} {turn}.jpg", faces.jpeg(faces.head(key, turn)))


def two_heads() -> FilePayload:
    return payload("two.jpg", faces.jpeg(np.hstack([faces.head("hopper", 0), faces.head("astronaut", 0)])))


def upload(page: Page, *files: FilePayload) -> None:
    page.locator("input[type=file][multiple]").set_input_files(list(files))
    page.locator(STATE.format("waiting")).wait_for(timeout=SLOW_MS)
    page.locator(f"{STATE.format('idle')}, {STATE.format('done')}").wait_for(timeout=SLOW_MS)


def start(page: Page) -> None:
    page.get_by_role("button", name="Start the camera").click()


def fill(page: Page, name: str = "") -> None:
    if name:
        page.get_by_label("Name").fill(name)
    page.get_by_label("agrees").check()


def save(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()


def person(store: Store, name: str) -> tuple[Any, int]:
    """The person of that name, and the number of their vectors."""
    found = store.people.by_name(name)
    assert found is not None
    return found, store.people.vector_counts()[found.person_id]


def test_the_camera_takes_the_pictures_by_itself_and_the_person_is_recognised(
    site: tuple[str, Store], open_page: Opener
) -> None:
    address, store = site
    page = open_page(f"{address}people/enrol")
    start(page)
    page.locator(".enrol-shots li").first.wait_for(timeout=SLOW_MS)
    assert page.evaluate("document.querySelector('video').srcObject.active")
    expect(page.locator(".enrol-faces circle")).to_have_count(5)
    page.locator(STATE.format("done")).wait_for(timeout=SLOW_MS)
    expect(page.locator(".enrol-shots li")).to_have_count(5)
    expect(page.get_by_role("img", name="Picture 1, from the front")).to_be_visible()
    assert page.evaluate("document.querySelector('video').srcObject") is None
    save(page)
    expect(page.get_by_text("The name is empty.")).to_be_visible()
    expect(page.get_by_text("Without consent nothing is saved")).to_be_visible()
    assert store.people.all() == []
    page.get_by_text("Staff", exact=True).click()
    page.get_by_role("textbox", name="Groups").fill("Morning course")
    page.keyboard.press("Enter")
    page.get_by_label("Valid until").click()
    page.locator(".mantine-DatePickerInput-day[data-today]").click()
    fill(page, "Eileen Collins")
    save(page)
    expect(page.get_by_role("heading", name="Eileen Collins is enrolled from 5 pictures")).to_be_visible()
    eileen, vectors = person(store, "Eileen Collins")
    assert (eileen.role, eileen.groups, vectors) == (Role.STAFF, ("Morning course",), 5)
    assert (eileen.valid_from, eileen.valid_until) == (None, datetime.now(UTC).astimezone().date())
    assert eileen.consent is not None
    assert (eileen.consent.by, eileen.consent.version) == ("this machine", SiteSettings().consent_version)
    (entry,) = store.audit.about(SubjectKind.PERSON, eileen.person_id)
    assert (entry.action, entry.after["pictures"]) == ("people.enrol", 5)

    page.get_by_role("link", name="Enrol somebody else").click()
    page.get_by_label("Name").fill("eileen collins")
    expect(page.get_by_text("Somebody is called Eileen Collins already.")).to_be_visible()
    start(page)
    page.locator(STATE.format("done")).wait_for(timeout=SLOW_MS)
    fill(page, "Emma")
    save(page)
    expect(page.get_by_role("heading", name="This looks like Eileen Collins")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="This looks like Eileen Collins")).to_be_hidden()
    save(page)
    page.get_by_role("button", name="Yes, add to Eileen Collins").click()
    expect(page.get_by_role("heading", name="added to Eileen Collins")).to_be_visible()
    assert person(store, "Eileen Collins")[1] == 10
    assert store.people.by_name("Emma") is None


def test_pictures_are_uploaded_and_those_that_cannot_be_used_are_named(
    site: tuple[str, Store], browser: Browser
) -> None:
    address, store = site
    page = browser.new_context().new_page()  # it may complain of what the server refuses
    page.goto(f"{address}people/enrol")
    text = payload("notes.jpg", b"no picture at all")
    upload(page, head("hopper"), two_heads(), text, head("hopper", 30), head("astronaut"))
    expect(page.locator(".enrol-shots li")).to_have_count(3)
    refused = page.locator(".enrol-refused li")
    expect(refused).to_have_count(2)
    expect(refused.first).to_have_text("two.jpg: 2 faces found, exactly one is needed. Give a picture of one person"
                                       " with the face clearly visible.")  # fmt: skip
    expect(refused.last).to_contain_text("notes.jpg: not a picture")
    fill(page, "Grace Hopper")
    save(page)
    expect(page.get_by_role("heading", name="Picture 3 looks like somebody else")).to_be_visible()
    page.get_by_role("button", name="Leave it out and save").click()
    expect(page.get_by_role("heading", name="Grace Hopper is enrolled from 2 pictures")).to_be_visible()
    grace, vectors = person(store, "Grace Hopper")
    assert vectors == 2

    page.goto(f"{address}people/enrol?person={grace.person_id}")
    expect(page.get_by_role("heading", name="More pictures of Grace Hopper")).to_be_visible()
    expect(page.get_by_label("Name")).to_be_hidden()
    upload(page, head("hopper", -30))
    fill(page)
    save(page)
    expect(page.get_by_role("heading", name="1 picture added to Grace Hopper")).to_be_visible()
    page.get_by_role("link", name="Open Grace Hopper").click()
    expect(page).to_have_url(f"{address}people?person={grace.person_id}")
    assert person(store, "Grace Hopper")[1] == 3
    page.context.close()


def test_whoever_leaves_the_page_leaves_nothing_behind(site: tuple[str, Store], open_page: Opener) -> None:
    address, store = site
    before = store.people.vector_counts()
    page = open_page(f"{address}people/enrol")
    start(page)
    page.locator(".enrol-shots li").first.wait_for(timeout=SLOW_MS)
    expect(page.get_by_role("link", name="People")).to_have_attribute("aria-current", "true")
    page.evaluate("window.stream = document.querySelector('video').srcObject")
    with page.expect_response(lambda answer: answer.request.method == "DELETE") as ended:
        page.get_by_role("link", name="Visits").click()
    assert ended.value.ok
    assert not page.evaluate("window.stream.active")
    assert store.people.vector_counts() == before
    assert {path.name.split("-")[0] for path in store.path.parent.iterdir()} == {"footfall.sqlite3"}


def test_a_removed_picture_can_be_taken_again(site: tuple[str, Store], open_page: Opener) -> None:
    page = open_page(f"{site[0]}people/enrol")
    start(page)
    page.locator(STATE.format("done")).wait_for(timeout=SLOW_MS)
    page.get_by_role("button", name="Remove picture 2").click()
    expect(page.locator(".enrol-shots li")).to_have_count(4)
    expect(page.get_by_role("button", name="Remove picture 1")).to_be_focused()
    start(page)
    page.locator(STATE.format("done")).wait_for(timeout=SLOW_MS)
    expect(page.get_by_role("button", name="Remove picture 6")).to_be_visible()


@pytest.mark.parametrize(
    ("script", "title"),
    [
        pytest.param(
            "Object.defineProperty(window, 'isSecureContext', {value: false});"
            "Object.defineProperty(navigator, 'mediaDevices', {value: undefined})",
            "The camera needs https",
            id="http",
        ),
        pytest.param(
            "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotAllowedError') }",
            "The camera is not allowed",
            id="refused",
        ),
        pytest.param(
            "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotFoundError') }",
            "No camera was found",
            id="none",
        ),
        pytest.param(
            "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotReadableError') }",
            "The camera is in use",
            id="in-use",
        ),
    ],
)
def test_without_a_camera_the_reason_is_given_and_upload_goes_on(
    site: tuple[str, Store], open_page: Opener, script: str, title: str
) -> None:
    page = open_page(f"{site[0]}people/enrol")
    page.get_by_role("button", name="Start the camera").wait_for(timeout=SLOW_MS)
    page.evaluate(f"() => {{ {script} }}")
    start(page)
    expect(page.get_by_role("heading", name=title)).to_be_visible()
    if title == "The camera needs https":
        expect(page.get_by_text("footfall dashboard --tls self-signed")).to_be_visible()
    assert axe.serious(page) == []
    upload(page, head("hopper", 10))
    expect(page.locator(".enrol-shots li")).to_have_count(1)


def test_pictures_are_dropped_on_the_page(site: tuple[str, Store], open_page: Opener) -> None:
    page = open_page(f"{site[0]}people/enrol")
    page.get_by_role("button", name="Start the camera").wait_for(timeout=SLOW_MS)
    content = io.BytesIO()
    PIL.Image.fromarray(faces.head("hopper", 0)[:, :, ::-1]).save(content, "PNG")
    dropped = page.evaluate_handle(
        """bytes => { const files = new DataTransfer();
        files.items.add(new File([new Uint8Array(bytes)], "me.png", {type: "image/png"})); return files; }""",
        list(content.getvalue()),
    )
    page.dispatch_event(".enrol-view", "drop", {"dataTransfer": dropped})
    expect(page.locator(".enrol-shots li")).to_have_count(1, timeout=SLOW_MS)


def test_from_another_page_the_page_is_loaded_so_that_it_may_use_the_camera(
    site: tuple[str, Store], open_page: Opener
) -> None:
    page = open_page(site[0])
    page.get_by_role("link", name="Visits").click()
    page.evaluate("history.pushState(null, '', '/people/enrol'); dispatchEvent(new PopStateEvent('popstate'))")
    start(page)
    page.locator(".enrol-shots li").first.wait_for(timeout=SLOW_MS)


@pytest.mark.parametrize(("width", "scheme"), [(320, "dark"), (820, "light"), (1440, "dark")])
def test_every_state_fits_and_can_be_used_by_everybody(
    site: tuple[str, Store], open_page: Opener, width: int, scheme: str
) -> None:
    page = open_page(f"{site[0]}people/enrol", width=width, scheme=scheme, reduced_motion="reduce")
    page.get_by_role("button", name="Start the camera").wait_for(timeout=SLOW_MS)
    save(page)
    page.get_by_text("There are no pictures yet.").wait_for(timeout=SLOW_MS)
    _require_fit(page)
    upload(page, head("astronaut"), head("hopper"))
    fill(page, "Wolfeschlegelsteinhausenbergerdorff" * 2)
    save(page)
    page.get_by_role("heading", name="These pictures may not all show").wait_for(timeout=SLOW_MS)
    page.wait_for_timeout(300)  # it fades in
    _require_fit(page)


_SMALL = """() => [...document.querySelectorAll("a, button, input")].filter(each => {
  const box = each.getBoundingClientRect();
  const shown = box.width && box.height && getComputedStyle(each).visibility === "visible";
  return shown && !each.closest(".skip-link, .visually-hidden") && !each.matches("[type=radio], [type=checkbox]")
    && (box.width < 24 || box.height < 24);
}).map(each => each.outerHTML.slice(0, 120))"""


def _require_fit(page: Page) -> None:
    assert axe.serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    assert page.evaluate(_SMALL) == []


def test_hints_come_from_the_page_where_the_browser_camera_is_built(site_with_hints: str, open_page: Opener) -> None:
    page = open_page(f"{site_with_hints}people/enrol")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.url.endswith("/frames") else None)
    start(page)
    page.locator(STATE.format("live")).wait_for(timeout=SLOW_MS)
    page.locator(STATE.format("done")).wait_for(timeout=SLOW_MS)
    expect(page.locator(".enrol-shots li")).to_have_count(5)
    assert len(page.workers) == 1
    assert len(sent) >= 5


def test_without_a_server_that_looks_at_frames_hints_are_still_given(site_with_hints: str, open_page: Opener) -> None:
    page = open_page(f"{site_with_hints}people/enrol")
    held: list[str] = []
    page.route("**/frames", lambda route: held.append(route.request.url))  # never answered
    start(page)
    page.locator(STATE.format("live")).wait_for(timeout=SLOW_MS)
    expect(page.locator(".enrol-faces circle")).to_have_count(5, timeout=SLOW_MS)
    assert len(held) <= 1
