"""Renders the screenshots of the dashboard in docs/images from a simulated gym: `python -m benchmarks.screenshots`.

Needs the dashboard, playwright, a Chromium in PATH and, for those of the browser camera, `make browser`.
`python -m benchmarks.screenshots camera` renders only the latter.
"""

from __future__ import annotations

import json
import re
import select
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import cv2
from playwright.sync_api import sync_playwright

from tracker.demo.background import paint_background
from tracker.demo.clip import CLIP
from tracker.store.observation import Observation
from tracker.store.store import Store

PAGES = {
    "now": ("", 1060),
    "visits": ("visits", 760),
    "people": ("people", 760),
    "enrol": ("people/enrol", 820),
    "usage": ("usage", 1090),
    "roll-call": ("roll-call", 760),
}
"""URL path and height (px) of each screenshot."""
OPENED = {
    "visit": ("visits", ".visits-table a, table tbody a", 760),
    "profile": ("people", "main table tbody a, main .row-name a", 1090),
}
"""The same of what the first match of a selector on a page leads to."""
WIDTH_PX = 1240
IMAGES = Path(__file__).parents[1] / "docs" / "images"
FOOTFALL = [sys.executable, "-m", "tracker.cli.main"]
GYM = ["--profile", "gym", "--people", "220", "--days", "30", "--rooms", "2", "--seed", "4"]
CITIES = (
    "America/Los_Angeles",
    "America/New_York",
    "Atlantic/Azores",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Asia/Tokyo",
    "Pacific/Auckland",
)
START_S = 60


def draw(address: str, store: Path) -> None:
    """A screenshot of each page, and of a visit and a person opened there, in the light theme."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(color_scheme="light")
        _report_cameras(store)
        for name, (path, height_px) in PAGES.items():
            page.set_viewport_size({"width": WIDTH_PX, "height": height_px})
            page.goto(f"{address}{path}")
            page.wait_for_load_state("networkidle")
            page.wait_for_timeout(1500)
            page.screenshot(path=IMAGES / f"{name}.png")
        for name, (path, selector, height_px) in OPENED.items():
            page.set_viewport_size({"width": WIDTH_PX, "height": height_px})
            page.goto(f"{address}{path}")
            page.locator(selector).first.click()
            page.wait_for_load_state("networkidle")
            page.wait_for_timeout(1500)
            page.screenshot(path=IMAGES / f"{name}.png")
        browser.close()


def draw_camera(address: str, store: str, settings: Path, folder: Path) -> None:
    """The set-up of a door on a phone, whose camera shows a painted room without people."""
    add = [*FOOTFALL, "camera", "devices", "add", "Hall", "--role", "door", "--address", address, "--json"]
    added = subprocess.run([*add, "--store", store, "--settings", str(settings)], check=True, capture_output=True)
    room = folder / "room.mjpeg"
    room.write_bytes(30 * cv2.imencode(".jpg", paint_background(CLIP.seed).base)[1].tobytes())
    flags = ["--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=shutil.which("chromium"), args=[*flags, f"--use-file-for-fake-video-capture={room}"]
        )
        page = browser.new_page(color_scheme="light", viewport={"width": 390, "height": 900}, device_scale_factor=2)
        page.goto(json.loads(added.stdout)["url"])
        page.locator("#setup-start", has_text=re.compile("^Start$")).wait_for()
        page.locator("#line-start").focus()
        for key in 9 * ["Shift+ArrowRight"] + 2 * ["Shift+ArrowUp"] + ["Tab"] + 4 * ["ArrowRight"]:
            page.keyboard.press(key)
        page.wait_for_timeout(500)
        page.screenshot(path=IMAGES / "browser-door.png")
        browser.close()


def main(*, only_camera: bool = False) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = f"sqlite:///{folder}/gym.sqlite3"
        place = Path(folder) / "place.toml"
        place.write_text(f'[site]\ntime_zone = "{_busy_city()}"\n', encoding="utf-8")
        subprocess.run([*FOOTFALL, "simulate", *GYM, "--store", store, "--settings", str(place)], check=True)
        settings = Path(folder) / "gym.settings.toml"
        serve = [*FOOTFALL, "dashboard", "--store", store, "--settings", str(settings), "--port", "0"]
        with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as served:
            try:
                address = _address(served)
                if not only_camera:
                    draw(address, Path(folder) / "gym.sqlite3")
                draw_camera(address, store, settings, Path(folder))
            finally:
                served.terminate()


def _busy_city() -> str:
    """A time zone in which it is about the busiest hour of a gym."""
    there = {city: datetime.now(ZoneInfo(city)) for city in CITIES}
    return min(CITIES, key=lambda city: abs(there[city].hour - (18 if there[city].weekday() < 5 else 15)))


def _report_cameras(path: Path) -> None:
    """Report the simulated cameras as healthy."""
    now = datetime.now(UTC)
    with Store(path) as store:
        for camera in store.cameras.health():
            store.record(Observation(health=replace(camera, updated_at=now, last_frame_at=now)))


def _address(served: subprocess.Popen[str]) -> str:
    """The first line that a starting dashboard prints. Raises RuntimeError without one."""
    if served.stdout is not None and select.select([served.stdout], [], [], START_S)[0]:
        found = re.search(r"http://\S+/", served.stdout.readline())
        if found:
            return found.group()
    raise RuntimeError("the dashboard does not start")


if __name__ == "__main__":
    main(only_camera="camera" in sys.argv[1:])
