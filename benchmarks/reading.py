"""What reading a long history costs: reports from start to exit, the callbacks of pages, ten readers, an idle page.

Ten thousand, a hundred thousand and a million visits, of about 900 a day up to now (benchmarks/histories.py). Wall time
depends on what else the machine does; the processor time of user and system stands beside it.
"""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.histories import ZONE, happen, store_of
from benchmarks.measure import ROOT, SEED, Row, run
from tracker.store.store import Store

SIZES = (10_000, 100_000, 1_000_000)
MOST_MB = 300.0
MOST_CALLBACK_MS = 150.0
MOST_IDLE = 0.01
REPORTS: dict[str, tuple[int | None, Sequence[str], float]] = {
    "report today": (None, ("today",), 0.7),
    "report usage, 31 days": (31, ("usage",), 1.0),
    "report usage, a year": (365, ("usage", "--by", "week"), 3.0),
}
"""case -> (days, words of the command, most seconds from start to exit)"""
READ = (("now", 1), ("visits", 7), ("visits", 31), ("usage", 7), ("usage", 30))
"""(page, days) that two of ten readers each have open."""
_REPEATS, _CALLBACKS = 3, 12
_FOOTFALL = "import sys; from tracker.cli.main import run; sys.exit(run())"
_IDLE_S = 20.0
_PULSE_S = 1.0
_START_S = 60.0
_BROWSER = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """One command from start to exit. cpu_ms: user and system."""

    wall_ms: float
    cpu_ms: float
    peak_mb: float


def rows() -> Iterator[Row]:
    """Reports, then pages, of each size."""
    for size in SIZES:
        path = store_of(size)
        for name, (days, words, most_s) in REPORTS.items():
            yield _report(f"{name}, of {size:,} visits", path, days, words, most_s)
        with served(path) as (address, pid):
            for days in (1, 30):
                yield _callbacks(f"page Usage, {days} days, of {size:,} visits", path, address, pid, "usage", days)
            for days in (31, 365):
                yield _callbacks(f"page Visits, {days} days, of {size:,} visits", path, address, pid, "visits", days)
            yield _callbacks(f"page Now, of {size:,} visits", path, address, pid, "now", 1)
            yield _readers(f"ten readers, of {size:,} visits", path, address, pid, within_s=_PULSE_S)
            yield _readers(f"ten readers in one instant, of {size:,} visits", path, address, pid, within_s=0.0)
            yield _idle(f"idle page, of {size:,} visits", address, pid)


def _report(case: str, path: Path, days: int | None, words: Sequence[str], most_s: float) -> Row:
    since = () if days is None else ("--from", str(datetime.now(ZONE).date() - timedelta(days=days - 1)))
    flags = ("--settings", str(path.with_name("footfall.toml")), "--store", f"sqlite:///{path}", "--json")
    call = [sys.executable, "-c", _FOOTFALL, "report", *words, *since, *flags]
    _timed(call)  # the file is in memory from here on
    found = [_timed(call) for _ in range(_REPEATS)]
    wall_ms, peak_mb = float(np.median([each.wall_ms for each in found])), max(each.peak_mb for each in found)
    cpu_ms = float(np.median([each.cpu_ms for each in found]))
    return Row(
        case=case,
        ours_ms=wall_ms,
        ours_cpu_ms=cpu_ms,
        target=f"under {most_s:g} s and {MOST_MB:.0f} MB",
        met=min(wall_ms, cpu_ms) < most_s * 1e3 and peak_mb < MOST_MB,
        note=f"{peak_mb:.0f} MB",
    )


def _timed(call: Sequence[str]) -> _Run:
    start = time.perf_counter()
    process = subprocess.Popen(call, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(call))
    scale = 2**20 if sys.platform == "darwin" else 2**10
    return _Run(
        wall_ms=(time.perf_counter() - start) * 1e3,
        cpu_ms=(used.ru_utime + used.ru_stime) * 1e3,
        peak_mb=used.ru_maxrss / scale,
    )


# -- pages


@contextmanager
def served(path: Path) -> Iterator[tuple[str, int]]:
    """A dashboard over the store: its address and process."""
    settings = path.with_name("footfall.toml")
    call = [sys.executable, "-m", "dashboard", "--settings", str(settings), "--store", f"sqlite:///{path}"]
    with subprocess.Popen([*call, "--port", "0"], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            ready = select.select([process.stdout], [], [], _START_S)[0] if process.stdout else []
            found = re.search(r"http://\S+/", ready[0].readline() if ready else "")
            if found is None:
                raise TimeoutError("the dashboard did not start")
            yield found.group(), process.pid
        finally:
            process.terminate()


def _callbacks(case: str, path: Path, address: str, pid: int, page: str, days: int) -> Row:
    """Every callback of a page, after an event each time, so that no answer is kept."""
    wanted = _of_page(address, page)
    walls: list[float] = []
    used_s = _cpu_s(pid)
    with Store(path) as store:
        for number in range(_CALLBACKS + 1):
            happen(store, number)
            for each in wanted:
                start = time.perf_counter()
                _post(address, each, _values(days, number))
                walls += [(time.perf_counter() - start) * 1e3] if number else []
    median, p95 = (float(value) for value in np.percentile(walls, [50, 95]))
    long = "365" in case
    return Row(
        case=case,
        ours_ms=median,
        ours_p95_ms=p95,
        ours_cpu_ms=(_cpu_s(pid) - used_s) * 1e3 / (_CALLBACKS + 1) / len(wanted),
        target="-" if long else f"p95 under {MOST_CALLBACK_MS:.0f} ms",
        met=long or p95 < MOST_CALLBACK_MS,
        note=f"{len(wanted)} callbacks",
    )


def _readers(case: str, path: Path, address: str, pid: int, *, within_s: float) -> Row:
    """Ten readers whose pages ask for everything after an event each time, within so many seconds of it."""
    asked = [(number, each, days) for number, (page, days) in enumerate(2 * READ) for each in _of_page(address, page)]
    _token(address)  # now: threads would race for it
    rng = np.random.default_rng(SEED)
    walls: list[float] = []
    used_s = _cpu_s(pid)

    def ask(callback: dict[str, Any], days: int, number: int, after_s: float) -> float:
        time.sleep(after_s)
        start = time.perf_counter()
        _post(address, callback, _values(days, number))
        return (time.perf_counter() - start) * 1e3

    with ThreadPoolExecutor(len(asked)) as pool, Store(path) as store:
        for number in range(_CALLBACKS + 1):
            happen(store, number)
            after_s = rng.uniform(0, within_s, 2 * len(READ))
            waiting = [
                pool.submit(ask, callback, days, number, float(after_s[reader])) for reader, callback, days in asked
            ]
            found = [each.result() for each in waiting]
            walls += found if number else []
    median, p95 = (float(value) for value in np.percentile(walls, [50, 95]))
    return Row(
        case=case,
        ours_ms=median,
        ours_p95_ms=p95,
        ours_cpu_ms=(_cpu_s(pid) - used_s) * 1e3 / (_CALLBACKS + 1) / len(asked),
        target=f"p95 under {MOST_CALLBACK_MS:.0f} ms",
        met=p95 < MOST_CALLBACK_MS,
        note=f"{len(asked)} callbacks",
    )


def _of_page(address: str, page: str) -> list[dict[str, Any]]:
    """The callbacks that fill a page from the server."""
    return [
        each
        for each in _get(f"{address}_dash-dependencies")
        if not each["clientside_function"] and each["output"].lstrip(".").startswith(f"{page}-")
    ]


def _values(days: int, number: int) -> dict[str, object]:
    """What a browser that shows so many days sends after the change of this number."""
    changed = {"pulse": str(number), "history": str(number)}
    return {"url": f"?days={days}", "colours": "light", "viewport": "wide", **changed}


def _idle(case: str, address: str, pid: int) -> Row:
    """One open page that asks whether anything changed, as it does every second."""
    (pulse,) = [
        each for each in _get(f"{address}_dash-dependencies") if any(one["id"] == "tick" for one in each["inputs"])
    ]
    known: dict[str, object] = {}
    known.update(_pulse(address, pulse, known))
    used_s, start = _cpu_s(pid), time.monotonic()
    while time.monotonic() - start < _IDLE_S:
        known.update(_pulse(address, pulse, known))
        time.sleep(_PULSE_S)
    share = (_cpu_s(pid) - used_s) / (time.monotonic() - start)
    return Row(
        case=case,
        ours_ms=share * 1e3,
        target=f"under {MOST_IDLE:.0%} of a core",
        met=share < MOST_IDLE,
        note=f"{share:.2%} of a core",
    )


def _pulse(address: str, callback: dict[str, Any], known: dict[str, object]) -> dict[str, object]:
    answer = _post(address, callback, {"tick": 1, **known})
    return {name: parts["data"] for name, parts in answer.get("response", {}).items() if "data" in parts}


def resident_mb(pid: int) -> float:
    """The memory that a process holds, MB; 0 where the system does not tell."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return 0.0
    return float(re.findall(r"VmRSS:\s+(\d+) kB", status.read_text(encoding="utf-8"))[0]) / 2**10


def _cpu_s(pid: int) -> float:
    """Processor time of a process, user and system; 0 where the system does not tell."""
    status = Path(f"/proc/{pid}/stat")
    if not status.exists():
        return 0.0
    fields = status.read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND


def _get(address: str) -> Any:
    with _BROWSER.open(address, timeout=30) as answer:
        return json.load(answer)


@cache
def _token(address: str) -> str:
    """The token of a page, without which the server refuses a request that is no GET; its cookie is kept."""
    with _BROWSER.open(address, timeout=30) as answer:
        return re.findall(r'name="csrf-token" content="([0-9a-f]+)"', answer.read().decode())[0]


def _post(address: str, callback: dict[str, Any], values: dict[str, object]) -> Any:
    """What a browser sends when the inputs of a callback change."""

    def filled(one: dict[str, str]) -> dict[str, object]:
        return {**one, "value": values.get(one["id"])}

    outputs = [part.rsplit(".", 1) for part in callback["output"].strip(".").split("...")]
    named = [{"id": one_id, "property": prop} for one_id, prop in outputs]
    body = {
        "output": callback["output"],
        "outputs": named if callback["output"].startswith("..") else named[0],
        "inputs": [filled(one) for one in callback["inputs"]],
        "state": [filled(one) for one in callback["state"]],
        "changedPropIds": [f"{one['id']}.{one['property']}" for one in callback["inputs"]],
    }
    request = urllib.request.Request(  # noqa: S310 - our own server
        f"{address}_dash-update-component",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "X-CSRF-Token": _token(address)},
    )
    with _BROWSER.open(request, timeout=60) as answer:
        text = answer.read()
    return json.loads(text) if text else {}


if __name__ == "__main__":
    run(rows, "reading")
