"""A site with a dashboard, and a phone that is a camera of it: real Chromium, with a video file as its camera."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from config.settings import CameraRole, Settings, load_settings
from tests.dashboard.conftest import ROOT, announced
from tracker.actions import devices
from tracker.actions.actor import Actor
from tracker.demo.run import settings_text
from tracker.presence.events import Event
from tracker.store.devices import Device
from tracker.store.store import Store
from tracker.store.users import UserRole

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, ConsoleMessage, Page

Launch: TypeAlias = "Callable[..., BrowserContext]"
"""(folder of the profile, flags of Chromium, options of the context) -> the browser."""
ANN = Actor("Ann", UserRole.ADMIN)


@dataclass(frozen=True)
class Site:
    """A store, its settings file, and the address of its dashboard."""

    file: Path
    settings: Settings
    address: str

    @contextmanager
    def store(self) -> Iterator[Store]:
        with Store(self.settings.store.path) as opened:
            yield opened

    def add(self, name: str = "Phone", role: CameraRole = CameraRole.ROOM) -> tuple[Device, str]:
        """A new device, and the link that pairs it."""
        with self.store() as store:
            device, key = devices.add(store, self.settings, ANN, name, role=role)
        return device, f"{self.address}camera/#pair={key}"

    def revoke(self, device: Device) -> None:
        with self.store() as store:
            devices.revoke(store, self.settings, ANN, device.device_id)

    def events(self) -> list[Event]:
        """The events of the store by time."""
        with self.store() as store:
            return sorted(store.events.select(site_id=self.settings.site.id), key=lambda each: (each.at, each.event_id))


@contextmanager
def site_at(file: Path, models: Path, *flags: str, port: int = 0) -> Iterator[Site]:
    """The site of a settings file, with its dashboard running. models: the folder of the networks."""
    env = {**os.environ, "FOOTFALL_MODELS__DIR": str(models)}
    settings = load_settings(file)
    command = [sys.executable, "-m", "dashboard", "--settings", str(file), "--port", str(port), *flags]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env
    ) as process:
        try:
            yield Site(file, settings, announced(process))
        finally:
            process.terminate()
            process.wait(20)


def settings_file(folder: Path, store: Path) -> Path:
    """Settings of the clip's site."""
    file = folder / "footfall.toml"
    file.write_text(f"{settings_text(f'sqlite:///{store}')}\n[dashboard]\nkeep_gallery = true\n", encoding="utf-8")
    return file


def copy_store(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as opened, closing(sqlite3.connect(target)) as copy:
        opened.backup(copy)


def camera_flags(clip: Path) -> tuple[str, ...]:
    """Chromium with a video file as its camera, allowed."""
    return (
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={clip}",
    )


def motion_jpeg(source: Path, target: Path, *filters: str) -> Path:
    """A video as Chromium's camera takes it: motion JPEG of 30 frames a second."""
    chain = ",".join([*filters, "fps=30"])
    command = ["ffmpeg", "-v", "error", "-y", "-i", source, "-vf", chain, "-c:v", "mjpeg", "-q:v", "2", target]
    subprocess.run(command, check=True)
    return target


_EXPECTED = ("Failed to load resource", "Service Worker registration blocked by Playwright")


class Phone:
    """A browser with a profile of its own, as a person uses it: closed and opened again, or killed."""

    def __init__(self, launch: Launch, profile: Path, flags: tuple[str, ...]) -> None:
        self.complaints: list[str] = []
        """Errors of its pages, but for those of a network that is away."""
        self.profile = profile
        self._launch = launch
        self._flags = flags
        self._context: BrowserContext | None = None

    def open(self, address: str, **options: Any) -> Page:
        """A page at an address."""
        self._context = self._launch(self.profile, self._flags, **options)
        page = self._context.pages[0]
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._hear)
        page.goto(address)
        return page

    def kill(self) -> None:
        """End all its processes at once, as a battery does that is empty."""
        profile = f"--user-data-dir={self.profile}".encode()
        for each in Path("/proc").iterdir():
            if each.name.isdigit() and profile in _command(each):
                os.kill(int(each.name), signal.SIGKILL)
        self.close()

    def close(self) -> None:
        if self._context is not None:
            with suppress(Exception):  # the process is gone already
                self._context.close()
        self._context = None

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(_EXPECTED):
            self.complaints.append(message.text)


def _command(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""  # ended meanwhile


def open_camera(page: Page) -> None:
    """Wait until the picture is there; it is allowed, so that nobody is asked."""
    page.locator("#setup-start", has_text=re.compile("^Start$")).wait_for()


def pair(page: Page, *, role: str = "room") -> None:
    """Set the camera up and start it."""
    open_camera(page)
    page.locator(f"#setup input[value={role}]").check()
    page.locator("#setup-start").click()
    page.locator("#running").wait_for()


def wait_until_watching(page: Page) -> None:
    """Frames are looked at, with network or without."""
    page.locator("#state").and_(page.locator("[data-state=live], [data-state=waiting]")).wait_for(timeout=60_000)


def kept(page: Page, store: str, method: str = "getAll") -> list[Any]:
    """The content of a store of the page's IndexedDB. method: of the store; getAllKeys for the keys."""
    return list(page.evaluate(_KEPT, [store, method]))


_KEPT = """([store, method]) => new Promise((resolve, reject) => {
  const request = indexedDB.open("footfall-camera");
  request.onsuccess = () => {
    const rows = request.result.transaction(store).objectStore(store)[method]();
    rows.onsuccess = () => { request.result.close(); resolve(rows.result); };
  };
  request.onerror = () => reject(request.error);
})"""
