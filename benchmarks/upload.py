"""Sending to Firestore: how fast a backlog drains, what a visit costs, and how soon it is known elsewhere.

`python -m benchmarks.upload [--json] [--events N]`. Against the test server in a process of its own, so figures of
speed are those of both together; documents and bytes are what Firestore itself would see (without TLS).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.elsewhere import results as seen_elsewhere
from benchmarks.measure import ROOT, machine, summary
from benchmarks.sent_visits import TERMS, Result, connected, count_of, record_visits, visit
from benchmarks.traffic import server
from benchmarks.visit_cost import costs
from tracker.cloud.uploader import Uploader
from tracker.store.observation import Observation
from tracker.store.store import Store

EVENTS_A_SECOND = 1_800


def results(events: int) -> Iterator[Result]:
    """All figures."""
    with tempfile.TemporaryDirectory(prefix="footfall-") as folder, server() as host:
        yield from drained(Path(folder), events)
        yield from recorded_meanwhile(Path(folder))
        yield from costs(Path(folder), host)
        yield from seen_elsewhere(Path(folder), host)


def drained(folder: Path, events: int) -> Iterator[Result]:
    """A backlog of so many events, sent by a process on one core that is killed half way and begun anew."""
    path = folder / "backlog.sqlite3"
    with Store(path) as store:
        for first in range(0, events // 2, 5_000):
            record_visits(store, range(first, min(first + 5_000, events // 2)))
        half = store.outbox.backlog(sessions=True).total / 2
        began_s = time.perf_counter()
        sender = _sender(path)
        while store.outbox.backlog(sessions=True).total > half:
            time.sleep(0.2)
        sender.kill()
        sender.communicate()
        out, _ = _sender(path).communicate()
        took_s = time.perf_counter() - began_s
        left = store.outbox.backlog(sessions=True).total
    told = json.loads(out)
    there = count_of("events")
    note = f"{told['writes'] / told['seconds']:.0f} documents a second after the restart; events, matches, sessions"
    rate = events / took_s
    yield Result(case=f"drain {events} events", value=rate, unit="events/s", note=note,
                 target=f"{EVENTS_A_SECOND} a second", met=rate >= EVENTS_A_SECOND)  # fmt: skip
    yield Result(case="killed half way: events missing or twice", value=abs(there - events) + left, unit="events",
                 target="none", met=there == events and left == 0)  # fmt: skip
    grown = told["peak_mib"] - told["early_mib"]
    yield Result(case="memory grown while draining", value=grown, unit="MiB", target="under 20 MiB", met=grown < 20,
                 note=f"{told['peak_mib']:.0f} MiB in all; {told['cpu_seconds']:.1f} s of processor")  # fmt: skip


def _sender(path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.upload", "--send", str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def send(path: Path) -> None:
    """What the process does that is killed. Prints a line of JSON."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    peaks: list[float] = []
    with Store(path) as store:
        began_s = time.perf_counter()
        writes = Uploader(store, connected, TERMS, progress=lambda _: peaks.append(_peak_mib())).drain(
            threading.Event()
        )
        took_s = time.perf_counter() - began_s
    early = peaks[min(5, len(peaks) - 1)]
    told = {"writes": writes, "seconds": took_s, "early_mib": early, "peak_mib": peaks[-1]}
    print(json.dumps({**told, "cpu_seconds": time.process_time()}))


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 2**20)


def recorded_meanwhile(folder: Path) -> Iterator[Result]:
    """How long an agent's write takes, alone and while a backlog is being sent beside it."""
    with Store(folder / "meanwhile.sqlite3") as store:
        alone_ms = _writing(store, first=0)
        record_visits(store, range(100_000, 110_000))
        stop = threading.Event()
        thread = threading.Thread(target=Uploader(store, connected, TERMS, gentle=True).run, args=(stop,))
        thread.start()
        beside_ms = _writing(store, first=1_000)
        stop.set()
        thread.join()
    alone, beside = summary(alone_ms), summary(beside_ms)
    yield Result(case="an agent's write while sending, p95", value=beside.p95_ms, unit="ms",
                 note=f"{alone.p95_ms:.1f} ms alone; medians {beside.median_ms:.1f} and {alone.median_ms:.1f} ms",
                 target="under 100 ms, a frame at 10 a second", met=beside.p95_ms < 100)  # fmt: skip


def _writing(store: Store, *, first: int) -> list[float]:
    took: list[float] = []
    for number in range(first, first + 200):
        events, matches = visit(number)
        began_s = time.perf_counter()
        store.record(Observation(events=events, matches=matches))
        took.append((time.perf_counter() - began_s) * 1e3)
        time.sleep(0.02)
    return took


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.upload")
    parser.add_argument("--json", action="store_true", help="print a list of objects instead of a table")
    parser.add_argument("--events", type=int, default=100_000, help="events of the backlog")
    parser.add_argument("--send", type=Path, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.send is not None:
        send(wanted.send)
        return
    records = [each.record() for each in results(wanted.events)]
    if wanted.json:
        about = machine()
        print(json.dumps([{**record, **about} for record in records], indent=1))
        return
    table = Table(title=f"Sending to Firestore ({', '.join(f'{key} {value}' for key, value in machine().items())})")
    for title in ("case", "value", "unit", "target", "met", "note"):
        table.add_column(title, justify="right" if title == "value" else "left")
    for record in records:
        table.add_row(*("" if record[key] is None else str(record[key]) for key in record))
    Console(width=200 if not sys.stdout.isatty() else None).print(table)


if __name__ == "__main__":
    main()
