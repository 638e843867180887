"""A dashboard process, and a browser that reports every unexpected message."""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from filelock import FileLock
from flask.testing import FlaskClient

from dashboard.queries import Board
from tests.dashboard import boards, gym
from tracker.presence.people import Person, Role
from tracker.store.site_settings import site_of
from tracker.store.store import Store

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 60
QUIET_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip

Opener = Callable[..., "Page"]
TOKEN = re.compile(r'(?:name="csrf-token" content|name="csrf_token" value)="([0-9a-f]{64})"')


def with_token(client: FlaskClient, path: str = "/") -> FlaskClient:
    """The client with the token of a page, which it sends with every request from now on."""
    found = TOKEN.search(client.get(path).text)
    assert found
    client.environ_base["HTTP_X_CSRF_TOKEN"] = found[1]
    return client


@contextmanager
def served(store: Path, *flags: str) -> Iterator[str]:
    """The address of a dashboard over `store`, as `python -m dashboard` serves it."""
    command = [sys.executable, "-m", "dashboard", "--store", f"sqlite:///{store}", "--port", "0", *flags]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield announced(process)
        finally:
            process.terminate()
            _, complaints = process.communicate(timeout=20)
    assert "Traceback" not in complaints


def announced(process: subprocess.Popen[str]) -> str:
    """The address that a starting dashboard prints."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], START_TIMEOUT_S)
    line = process.stdout.readline() if ready else ""
    found = re.search(r"https?://\S+/", line)
    assert found, f"no address printed: {line!r}"
    return found.group(0)


@pytest.fixture(scope="session")
def site_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Settings of the gym, in a zone where it is afternoon."""
    path = tmp_path_factory.mktemp("site") / "gym.toml"
    zone = gym.midday_zone(datetime.now(UTC))
    path.write_text(f'[site]\nid = "gym"\nname = "Northside Gym"\ntime_zone = "{zone}"\ncapacity = 12\n')
    return path


@pytest.fixture(scope="session")
def month_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a month at the gym."""
    path = tmp_path_factory.mktemp("month") / "footfall.sqlite3"
    now = datetime.now(UTC)
    with gym.open_store(path) as store:
        gym.fill(store, now=now, zone=ZoneInfo(gym.midday_zone(now)))
    return path


@pytest.fixture(scope="session")
def month(month_store: Path, site_file: Path) -> Iterator[str]:
    """A dashboard over a month at the gym."""
    with served(month_store, "--settings", str(site_file)) as address:
        yield address


@pytest.fixture(scope="session")
def built_camera() -> Path:
    """The folder of the browser camera as `make browser` builds it; skips without Node or the packages it needs."""
    camera = ROOT / "dashboard" / "browser"
    if shutil.which("node") is None or not (camera / "node_modules").is_dir():
        pytest.skip("Node or the packages of the browser camera are missing: npm ci --prefix dashboard/browser")
    with FileLock(camera / "node_modules" / ".build.lock"):  # workers share the folder
        subprocess.run(["make", "--silent", "browser"], cwd=ROOT, check=True)
    return camera / "dist"


@pytest.fixture(scope="session")
def launch() -> Iterator[Callable[..., Browser]]:
    """Launches the system's Chromium with more flags; CHROMIUM names another one."""
    found = chromium_path()
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        yield lambda *flags: playwright.chromium.launch(executable_path=found, args=[*QUIET_FLAGS, *flags])


def chromium_path() -> str:
    """The path of Chromium; skips the test where there is none."""
    names = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium in PATH; install one, or name it in CHROMIUM")
    return found


@pytest.fixture(scope="session")
def browser(launch: Callable[..., Browser]) -> Iterator[Browser]:
    """A browser without a camera."""
    browser = launch()
    yield browser
    browser.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Opener]:
    """Opens an address in a fresh profile; afterwards no page may have complained or called another host."""
    contexts: list[Any] = []
    complaints: list[str] = []

    def opener(address: str, *, width: int = 1280, height: int = 900, scheme: str = "light", **more: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, **more)
        contexts.append(context)
        page: Page = context.new_page()
        host = "/".join(address.split("/")[:3]) + "/"
        page.on("console", lambda m: complaints.append(m.text) if m.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda r: None if r.url.startswith((host, "data:", "blob:")) else complaints.append(r.url))
        page.goto(address)
        return page

    yield opener
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "footfall.sqlite3"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with gym.open_store(path) as opened:
        opened.sites.save(site_of(boards.settings(path, capacity=10)))
        for person_id, name, role in (("p-ada", "Ada", Role.MEMBER), ("p-vera", "Vera", Role.STAFF)):
            person = Person(person_id=person_id, name=name, created_at=boards.NOW, role=role, consented_at=boards.NOW)
            opened.people.add(person, np.zeros((1, 128), np.float32))
        yield opened


@pytest.fixture
def clock() -> boards.Clock:
    return boards.Clock()


@pytest.fixture
def board(store: Store, path: Path, clock: boards.Clock) -> Board:
    return Board(path, boards.settings(path, capacity=10), clock=clock)
