"""The browser camera: its modules in Node and in Chromium, and the whole page on a phone, with a site around it."""

from __future__ import annotations

import mimetypes
import os
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from filelock import FileLock

from config.recognition import QualitySettings
from config.settings import Precision, load_settings
from tests.dashboard.browser.phone import (
    Launch,
    Phone,
    Site,
    camera_flags,
    copy_store,
    motion_jpeg,
    settings_file,
    site_at,
)
from tests.dashboard.conftest import QUIET_FLAGS, chromium_path
from tests.node import Ask, answering
from tracker.demo.render import render_clip
from tracker.demo.run import enrol
from tracker.vision.detector import Detector

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

MIN_FACE = round(1.25 * QualitySettings().min_width)
"""A face is higher than wide; see dashboard/browser/src/vision/engine.js."""
BROWSER = Path(__file__).parents[3] / "dashboard" / "browser"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="session")
def detector(models_folder: Path) -> Detector:
    """The exact cascade, for faces that are large enough for recognition."""
    return Detector(folder=models_folder, precision=Precision.FLOAT16, threads=2, min_face=MIN_FACE, exhaustive=True)


@pytest.fixture(scope="session")
def modules() -> Iterator[str]:
    """The address of dashboard/browser."""
    yield from _served(BROWSER)


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    """The modules in Node."""
    with answering(Path(__file__).with_name("modules.mjs")) as asking:
        yield asking


@pytest.fixture(scope="session")
def launch_profile(browser: Browser) -> Launch:
    """Launches Chromium with a profile of its own."""
    path = chromium_path()

    def launch(profile: Path, flags: tuple[str, ...], **options: Any) -> BrowserContext:
        flags = (*QUIET_FLAGS, *flags)
        return browser.browser_type.launch_persistent_context(str(profile), executable_path=path, args=flags, **options)

    return launch


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's clip as a camera shows it: five seconds of an empty room before it, twenty after it."""
    folder = _shared(tmp_path_factory) / "browser-clip"
    video, still = folder / "clip.mp4", "tpad=start_duration=5:start_mode=clone:stop_duration=20:stop_mode=clone"
    with FileLock(f"{folder}.lock"):
        if not (folder / "done").exists():
            render_clip(video)
            motion_jpeg(video, folder / "clip.mjpeg", still)
            (folder / "done").touch()
    return folder / "clip.mjpeg"


@pytest.fixture(scope="session")
def enrolled_store(tmp_path_factory: pytest.TempPathFactory, models_folder: Path) -> Path:
    """A store in which Eileen of the clip is enrolled."""
    folder = tmp_path_factory.mktemp("enrolled")
    path = folder / "store.sqlite3"
    file = settings_file(folder, path)
    enrol(load_settings(file, {"models": {"dir": models_folder}}))
    return path


@pytest.fixture
def site(tmp_path: Path, enrolled_store: Path, browser_networks: Path, built_camera: Path) -> Iterator[Site]:
    """A site where Eileen is enrolled, with its dashboard."""
    path = tmp_path / "store.sqlite3"
    copy_store(enrolled_store, path)
    with site_at(settings_file(tmp_path, path), browser_networks.parent) as opened:
        yield opened


@pytest.fixture
def phone(tmp_path: Path, clip: Path, launch_profile: Launch) -> Iterator[Phone]:
    """A phone whose camera shows the clip."""
    opened = Phone(launch_profile, tmp_path / "profile", camera_flags(clip))
    yield opened
    opened.close()
    assert opened.complaints == []


@pytest.fixture
def dist(built_camera: Path) -> Iterator[str]:
    """The address of the built page, as any file server has it."""
    yield from _served(built_camera)


@pytest.fixture
def dist_copy(built_camera: Path, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A copy of the built page that a test changes, and its address."""
    folder = tmp_path / "dist"
    shutil.copytree(built_camera, folder)
    for address in _served(folder):
        yield folder, address


def _served(folder: Path) -> Iterator[str]:
    """The address of a folder while it is served."""
    mimetypes.add_type("text/javascript", ".js")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def _shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A temporary folder of all workers."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
