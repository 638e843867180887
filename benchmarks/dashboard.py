"""The pages in a real Chromium over a million visits: first paint, ten readers at once, a year, an hour sped up.

Readers keep pages open while somebody comes or goes every few seconds; every request of theirs counts. Ten pages take
more of a machine than the server does, and belong on other ones: here they run at the lowest priority.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page, Playwright, Request, sync_playwright

from benchmarks.histories import happen, store_of
from benchmarks.measure import Row, run
from benchmarks.reading import resident_mb, served
from tracker.store.store import Store

VISITS = 1_000_000
READERS = 10
MOST_PAINT_MS, MOST_CALLBACK_MS, MOST_YEAR_MS, MOST_MB = 1500.0, 150.0, 1500.0, 400.0
MOST_GROWTH = 0.1
PAGES = {
    "Now": ("", "#now-tiles .tile-value"),
    "Visits, 7 days": ("visits", ".visit-table tbody tr"),
    "Visits, a year": ("visits?days=365", ".visit-table tbody tr"),
    "Usage, 7 days": ("usage", "#usage-tiles .tile-value"),
}
"""case -> (address, the first useful thing on it)"""
READ = ("", "visits", "visits?days=31", "usage", "usage?days=30")
"""What the readers have open, in turn."""
YEAR = ("visits?days=365", "visits?days=365&sort=name", "visits?days=365&q=visitor+12", "usage?days=365")
HOUR = 720
"""Changes within an hour, one every five seconds; sped up they follow one another at once."""
_PAINTS, _EVENTS, _EVERY_S = 5, 12, 3.0
_SLOW_MS = 60_000
_UPDATE = "_dash-update-component"
_AT_LOWEST_PRIORITY = """#!/bin/sh
[ -w /proc/self/autogroup ] && echo 19 > /proc/self/autogroup
exec nice -n 19 {command} "$@"
"""
"""Starts a command. Linux compares the priorities of processes within their session, then those of sessions."""
_NOTE_PAINT = """(ready) => {
  const look = () => {
    const seen = document.querySelector(ready)?.checkVisibility({ visibilityProperty: true, opacityProperty: true });
    if (seen) window.paintedMs = performance.now();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""
"""Notes the frame in which something is visible first, which a browser that is busy afterwards reports late."""


def rows() -> Iterator[Row]:
    """First paints, callbacks of ten readers, callbacks of a year, memory."""
    path = store_of(VISITS)
    with served(path) as (address, pid), sync_playwright() as playwright:
        with _chromium(playwright) as browser:
            for name, (there, ready) in PAGES.items():
                yield _paint(f"first useful paint, {name}", browser, f"{address}{there}", ready)
        with _chromium(playwright, at_lowest_priority=True) as browser:
            yield _readers(path, browser, address)
        with _chromium(playwright) as browser:
            yield _year(browser, address)
            yield _hour(path, browser, address, pid)


@contextmanager
def _chromium(playwright: Playwright, *, at_lowest_priority: bool = False) -> Iterator[Browser]:
    command = shutil.which("chromium")
    with tempfile.TemporaryDirectory() as folder:
        if at_lowest_priority:
            start = Path(folder) / "chromium"
            start.write_text(_AT_LOWEST_PRIORITY.format(command=command), encoding="utf-8")
            start.chmod(0o700)
            command = str(start)
        browser = playwright.chromium.launch(executable_path=command, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def _paint(case: str, browser: Browser, address: str, ready: str) -> Row:
    """From the request to the frame with the first number or row, each time in a new profile."""
    walls = []
    for _ in range(_PAINTS):
        context = browser.new_context()
        context.add_init_script(f"({_NOTE_PAINT})({json.dumps(ready)})")
        page = context.new_page()
        page.goto(address, wait_until="commit")
        page.locator(ready).first.wait_for(timeout=_SLOW_MS)
        walls.append(float(page.evaluate("window.paintedMs")))
        context.close()
    median, p95 = (float(value) for value in np.percentile(walls, [50, 95]))
    return Row(
        case=case,
        ours_ms=median,
        ours_p95_ms=p95,
        target=f"under {MOST_PAINT_MS:.0f} ms",
        met=median < MOST_PAINT_MS,
    )


def _readers(path: Path, browser: Browser, address: str) -> Row:
    """Ten open pages while people come and go."""
    with _open(browser, address, READ, READERS) as (pages, walls), Store(path) as store:
        walls.clear()
        for number in range(_EVENTS):
            happen(store, number)
            pages[0].wait_for_timeout(_EVERY_S * 1e3)
        return _callbacks("callbacks of ten readers, up to 31 days", walls, MOST_CALLBACK_MS)


def _year(browser: Browser, address: str) -> Row:
    """One reader who looks at a year, sorts and searches it."""
    with _open(browser, address, YEAR[:1], 1) as ((page,), walls):
        for there in YEAR[1:]:
            page.goto(f"{address}{there}")
            page.locator("[data-state='']").first.wait_for(timeout=_SLOW_MS)
        return _callbacks("callbacks of a year", walls, MOST_YEAR_MS)


def _hour(path: Path, browser: Browser, address: str, pid: int) -> Row:
    """The server's memory after an hour of changes, beside that after a quarter of it."""
    with _open(browser, address, READ, 2) as (pages, _), Store(path) as store:
        sizes = []
        for number in range(HOUR):
            happen(store, number)
            pages[0].wait_for_timeout(100)
            sizes.append(resident_mb(pid))
        early, late = max(sizes[: HOUR // 4]), max(sizes[-HOUR // 4 :])
    growth = late / early - 1
    return Row(
        case="memory of the server, an hour sped up",
        ours_ms=late,
        target=f"under {MOST_MB:.0f} MB, grows less than {MOST_GROWTH:.0%}",
        met=late < MOST_MB and growth < MOST_GROWTH,
        note=f"MB; {growth:+.1%} since a quarter of the hour",
    )


@contextmanager
def _open(browser: Browser, address: str, there: Sequence[str], count: int) -> Iterator[tuple[list[Page], list[float]]]:
    """So many pages, and the times (ms) of their callbacks from the request to the last byte."""
    walls: list[float] = []

    def finished(request: Request) -> None:
        if _UPDATE in request.url and request.timing["responseEnd"] > 0:
            walls.append(request.timing["responseEnd"] - max(request.timing["requestStart"], 0.0))

    contexts = [browser.new_context() for _ in range(count)]
    pages = []
    for number, context in enumerate(contexts):
        page = context.new_page()
        page.on("requestfinished", finished)
        page.goto(f"{address}{there[number % len(there)]}")
        pages.append(page)
    for page in pages:
        page.locator(".tile-value, .visit-table tbody tr").first.wait_for(timeout=_SLOW_MS)
    yield pages, walls
    for context in contexts:
        context.close()


def _callbacks(case: str, walls: Sequence[float], most_ms: float) -> Row:
    median, p95 = (float(value) for value in np.percentile(walls, [50, 95]))
    return Row(
        case=case,
        ours_ms=median,
        ours_p95_ms=p95,
        target=f"p95 under {most_ms:.0f} ms",
        met=p95 < most_ms,
        note=f"{len(walls)} requests",
    )


if __name__ == "__main__":
    run(rows, "dashboard")
