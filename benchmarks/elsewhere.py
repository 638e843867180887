"""How soon what a machine saw is known elsewhere: in the store of another machine, and on the page there.

`python -m benchmarks.elsewhere [--json] [--events N]`. One process records and sends as an agent does; another is
`footfall dashboard` over the shared store, whose line to the test server can be cut; a Chromium looks at its page where
there is one. All three run on this machine, so their clocks agree, and there is no distance to Google in the figures.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import select
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.measure import ROOT, SEED, machine, summary
from benchmarks.sent_visits import PROJECT, SITE, TERMS, Result, connected
from benchmarks.traffic import CountingProxy, server
from tracker.cloud.uploader import Uploader
from tracker.presence.events import Event, EventKind
from tracker.presence.people import Person
from tracker.store.observation import Observation
from tracker.store.store import Store

if TYPE_CHECKING:
    from playwright.sync_api import Page

EVENTS = 30
TARGET_S = 2.0
OUTAGES_S = (1.0, 3.0, 5.0, 10.0, 20.0)
OURS = f"{PROJECT}-elsewhere"
_GAP_S = (0.3, 3.0)
_START_S = 60.0
_PATIENCE_S = 90.0
_LOOK_EVERY_S = 0.005
_WATCH_THE_PAGE = """() => {
  window.changes = [];
  let inside = new Set();
  const look = () => {
    const text = document.querySelector("#now-inside")?.innerText ?? "";
    const now = new Set(text.match(/Guest \\d+/g) ?? []);
    for (const name of now) if (!inside.has(name)) window.changes.push([name, "enter", Date.now()]);
    for (const name of inside) if (!now.has(name)) window.changes.push([name, "exit", Date.now()]);
    inside = now;
  };
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
  look();
}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What the first machine recorded, and at what moment (s since 1970) it began to."""

    event_id: str
    name: str
    kind: str
    at_s: float


class Recorder:
    """The first machine: a process that records guests who come and go, and sends as an agent does."""

    def __init__(self, path: Path, events: int) -> None:
        command = [sys.executable, "-m", "benchmarks.elsewhere", "--record", str(path), "--events", str(events)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._line()

    def record(self, count: int) -> list[Recorded]:
        """So many events, at random gaps."""
        if self._process.stdin is None:
            raise RuntimeError("a process without standard input")
        self._process.stdin.write(f"{count}\n")
        self._process.stdin.flush()
        return [Recorded(**json.loads(self._line())) for _ in range(count)]

    def close(self) -> None:
        self._process.communicate()

    def _line(self) -> str:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise RuntimeError("the process that records has ended")
        return line


def record(path: Path, events: int) -> None:
    """What that process does: for each number it reads, so many events, each told on a line."""
    dice, stop, number = random.Random(SEED), threading.Event(), 0  # noqa: S311 - no secret
    now = datetime.now(UTC)
    with Store(path) as store:
        for guest in range(events + len(OUTAGES_S)):
            person = Person(person_id=f"p-{guest}", name=f"Guest {guest}", created_at=now, consented_at=now)
            store.people.add(person, np.zeros((1, 128), np.float32))
        store.outbox.begin()
        uploading = threading.Thread(
            target=Uploader(store, lambda: connected(OURS), TERMS, gentle=True).run, args=(stop,)
        )
        uploading.start()
        _wait(lambda: store.outbox.backlog().total == 0)
        print("ready", flush=True)
        for line in sys.stdin:
            for _ in range(int(line)):
                time.sleep(dice.uniform(*_GAP_S) if int(line) > 1 else 0.0)
                leaves = events // 2 <= number < events
                event = _event(number - events // 2 if leaves else number, leaves=leaves)
                name = event.person_id.replace("p-", "Guest ")
                told = Recorded(event_id=event.event_id, name=name, kind=str(event.kind), at_s=time.time())
                store.record(Observation(events=[event]))
                number += 1
                print(json.dumps({name: getattr(told, name) for name in Recorded.__slots__}), flush=True)
        stop.set()
        uploading.join()


def _event(guest: int, *, leaves: bool) -> Event:
    """All come, one after the other, before the first one leaves: who is in for no time is on no page."""
    return Event(
        kind=EventKind.EXIT if leaves else EventKind.ENTER,
        site_id=SITE,
        camera_id="front",
        person_id=f"p-{guest}",
        at=datetime.now(UTC),
        track_id=f"front-{guest}-{leaves}",
    )


class Seen:
    """When events were first found in a store (s since 1970)."""

    def __init__(self, path: Path) -> None:
        self.at_s: dict[str, float] = {}
        self._store = Store(path).open(create=False)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def wait_for(self, recorded: Sequence[Recorded]) -> list[float]:
        """Seconds from the recording of each to when it was seen."""
        _wait(lambda: all(each.event_id in self.at_s for each in recorded))
        return [self.at_s[each.event_id] - each.at_s for each in recorded]

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._store.close()

    def _look(self) -> None:
        version = -1
        while not self._stop.wait(_LOOK_EVERY_S):
            newest = self._store.version()
            if newest != version:
                version = newest
                for event in self._store.events.select():
                    self.at_s.setdefault(event.event_id, time.time())


def results(folder: Path, host: str, events: int = EVENTS) -> Iterator[Result]:
    """All figures; the server is at `host`."""
    other = folder / "elsewhere.sqlite3"
    with ExitStack() as stack:
        line = stack.enter_context(CountingProxy(host))
        recorder = Recorder(folder / "here.sqlite3", events)
        stack.callback(recorder.close)
        address = stack.enter_context(_dashboard(folder, other, line.host))
        seen = Seen(other)
        stack.callback(seen.close)
        page = stack.enter_context(_page(address))
        recorded = recorder.record(events)
        yield _result(f"{events} events: from one machine's store to another's", seen.wait_for(recorded))
        if page is not None:
            yield _on_the_page(page, recorded, seen)
        yield _after_cuts(line, recorder, seen)


def _on_the_page(page: Page, recorded: Sequence[Recorded], seen: Seen) -> Result:
    found: dict[tuple[str, str], float] = {}

    def all_there() -> bool:
        found.clear()
        for name, kind, at_ms in page.evaluate("window.changes"):
            found.setdefault((name, kind), at_ms / 1e3)
        return all((each.name, each.kind) in found for each in recorded)

    _wait(all_there)
    took = [found[each.name, each.kind] - each.at_s for each in recorded]
    added = [found[each.name, each.kind] - seen.at_s[each.event_id] for each in recorded]
    note = f"of it {np.median(added):.2f} s from the store to the page, which asks twice a second"
    return _result("the same, to the page in a browser there", took, note=note)


def _after_cuts(line: CountingProxy, recorder: Recorder, seen: Seen) -> Result:
    """The line of the second machine is cut; meanwhile something happens; the line is back."""
    took = []
    for outage_s in OUTAGES_S:
        line.cut()
        recorded = recorder.record(1)
        time.sleep(outage_s)
        back_s = time.time()
        line.mend()
        took.append(seen.wait_for(recorded)[0] - (back_s - recorded[0].at_s))
    lengths = ", ".join(f"{each:g}" for each in OUTAGES_S)
    each = ", ".join(f"{found:.1f}" for found in took)
    return Result(
        case="a listener that was cut off: from the line's return to the event",
        value=max(took),
        unit="s at most",
        note=f"{each} s after {lengths} s without a line",
    )


def _result(case: str, took: Sequence[float], *, note: str | None = None) -> Result:
    times = summary([each * 1e3 for each in took])
    said = f"95th percentile {times.p95_ms / 1e3:.2f} s, most {max(took):.2f} s"
    return Result(case=case, value=times.median_ms / 1e3, unit="s, median", target=f"at most {TARGET_S:g} s, each",
                  met=max(took) <= TARGET_S, note=said if note is None else f"{said}; {note}")  # fmt: skip


@contextmanager
def _dashboard(folder: Path, store: Path, host: str) -> Iterator[str]:
    """The address of a dashboard in a process of its own, whose copy of the shared store is that file."""
    settings = folder / "elsewhere.toml"
    settings.write_text(
        f'[site]\nid = "{SITE}"\nname = "Gym"\ntime_zone = "UTC"\n[store]\nfile = "{store.as_posix()}"\n',
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "tracker.cli.main", "dashboard", "--settings", str(settings)]
    command += ["--store", f"firestore://{OURS}", "--port", "0"]
    env = {**os.environ, "FIRESTORE_EMULATOR_HOST": host}
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as served:
        try:
            yield _address(served)
        finally:
            served.terminate()


def _address(served: subprocess.Popen[str]) -> str:
    """What a dashboard that starts says first. Raises RuntimeError when it says nothing."""
    if served.stdout is not None and select.select([served.stdout], [], [], _START_S)[0]:
        found = re.search(r"http://\S+/", served.stdout.readline())
        if found:
            return found.group()
    raise RuntimeError("the dashboard does not start")


@contextmanager
def _page(address: str) -> Iterator[Page | None]:
    """The live page in a Chromium, which notes when a name comes and goes; None where there is none."""
    chromium = shutil.which("chromium")
    if chromium is None or find_spec("playwright") is None:
        yield None
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(address)
        page.locator("#now-inside").wait_for(state="attached")
        page.evaluate(_WATCH_THE_PAGE)
        yield page
        browser.close()


def _wait(done: Callable[[], bool]) -> None:
    ends_s = time.monotonic() + _PATIENCE_S
    while not done():
        if time.monotonic() > ends_s:
            raise TimeoutError("it was not seen elsewhere")
        time.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.elsewhere")
    parser.add_argument("--json", action="store_true", help="print a list of objects, with the machine")
    parser.add_argument("--events", type=int, default=EVENTS, help="events that are timed")
    parser.add_argument("--record", type=Path, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.record is not None:
        record(wanted.record, wanted.events)
        return
    with tempfile.TemporaryDirectory(prefix="footfall-") as folder, server() as host:
        records: list[dict[str, Any]] = [each.record() for each in results(Path(folder), host, wanted.events)]
    if wanted.json:
        about = machine()
        print(json.dumps([{**each, **about} for each in records], indent=1))
        return
    for each in records:
        print("  ".join(str(each[name]) for name in ("case", "value", "unit", "target", "met", "note")))


if __name__ == "__main__":
    main()
