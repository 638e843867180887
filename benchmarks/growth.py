"""Scaling of visits: derived at once, and kept up to date in a store as events arrive.

`python -m benchmarks.growth [--json] [--large]`; --large adds ten million events.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from benchmarks.measure import ROOT, SEED, Row, machine, show
from benchmarks.scenarios import LEVELS, ZONE, rules_of
from tracker.presence.events import Event
from tracker.presence.sessions import sessions
from tracker.simulation.people import people_of
from tracker.simulation.profiles import PROFILES, ProfileName
from tracker.simulation.scenario import Scenario
from tracker.simulation.site import simulate
from tracker.store.observation import Observation
from tracker.store.store import Store

SIZES, LARGE = (10_000, 100_000, 1_000_000), 10_000_000
MOST_S, MOST_MB = 3.0, 1000.0
FED = ((1_000, 200_000), (20_000, 1_000_000))
"""(events per transaction, total events)"""
MOST_FED = 20_000
LEAST_A_SECOND = 20_000
_SCENARIO = Scenario(
    profile=PROFILES[ProfileName.GYM], people=2000, days=3650, doors=2, rooms=2,
    first_day=date(2016, 1, 4), zone=ZONE, site_id="gym", seed=SEED,
)  # fmt: skip
_NOISE = LEVELS["target"]


def growth(*, large: bool) -> Iterator[Row]:
    """Time and memory for ten thousand to ten million events, and for writing into a store; each in its own process."""
    for size in (*SIZES, LARGE) if large else SIZES:
        print(f"{size:,} events ...", file=sys.stderr, flush=True)
        figures = _apart("--at-once", size)
        bound = size / 1_000_000
        yield Row(
            case=f"visits from {size:,} events",
            ours_ms=figures["ms"],
            ours_cpu_ms=figures["cpu_ms"],
            target=f"under {MOST_S * bound:g} s and {MOST_MB * bound:g} MB" if bound >= 1 else "linear",
            met=bound < 1 or (figures["ms"] < MOST_S * bound * 1e3 and figures["peak_mb"] < MOST_MB * bound),
            note=f"{figures['visits']:,} visits; {figures['peak_mb']:.0f} MB, the events {figures['events_mb']:.0f}",
        )
    for portion, size in FED:
        print(f"{size:,} events, {portion:,} a transaction ...", file=sys.stderr, flush=True)
        figures = _apart("--fed", size, "--portion", portion)
        a_second = size / figures["ms"] * 1e3
        yield Row(
            case=f"{size:,} events into a store, {portion:,} a transaction",
            ours_ms=figures["ms"],
            ours_cpu_ms=figures["cpu_ms"],
            target=f"{LEAST_A_SECOND:,} a second" if portion == MOST_FED else "-",
            met=portion != MOST_FED or a_second >= LEAST_A_SECOND,
            note=f"{a_second:,.0f} a second, the last quarter {figures['last_a_second']:,.0f};"
            f" {figures['visits']:,} visits; {figures['peak_mb']:.0f} MB, the file {figures['file_mb']:.0f}",
        )


def used_mb() -> float:
    """Peak memory of this process. getrusage would include that of the parent."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text(encoding="utf-8").partition("VmHWM:")[2].split()[0]) / 1024
    import resource  # not on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2 ** (20 if sys.platform == "darwin" else 10)


def _apart(*words: object) -> dict[str, float]:
    call = [sys.executable, "-m", "benchmarks.growth", *map(str, words)]
    done = subprocess.run(call, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def _events(size: int) -> list[Event]:
    """A number of events of a large gym with door and room cameras, in order of arrival."""
    events: list[Event] = []
    for day in simulate(_SCENARIO, _NOISE, people_of(_SCENARIO)):
        events += day.camera_output.events[: size - len(events)]
        if len(events) == size:
            break
    return events


def _at_once(size: int) -> dict[str, float]:
    start_mb = used_mb()
    events = _events(size)
    events_mb = used_mb() - start_mb
    rules = rules_of(_SCENARIO, _NOISE)
    start, cpu_start = time.perf_counter(), time.process_time()
    found = sessions(events, rules=rules, now=events[-1].at)
    took_ms, cpu_ms = (time.perf_counter() - start) * 1e3, (time.process_time() - cpu_start) * 1e3
    return {"ms": took_ms, "cpu_ms": cpu_ms, "events_mb": events_mb, "peak_mb": used_mb(), "visits": len(found)}


def _fed(size: int, portion: int) -> dict[str, float]:
    """Each transaction has the events and the resulting changes of visits and hourly usage."""
    events = _events(size)
    marks = [0.0]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "footfall.sqlite3"
        with Store(path) as store:
            store.sites.use_default_rules(rules_of(_SCENARIO, _NOISE))
            start, cpu_start = time.perf_counter(), time.process_time()
            for first in range(0, size, portion):
                store.record(Observation(events=events[first : first + portion]))
                marks.append(time.perf_counter() - start)
            cpu_ms = (time.process_time() - cpu_start) * 1e3
            visits = len(store.sessions.select(site_id="gym", rules=rules_of(_SCENARIO, _NOISE), now=events[-1].at))
        file_mb = path.stat().st_size / 1e6
    last = len(marks) // 4
    last_a_second = last * portion / (marks[-1] - marks[-1 - last])
    return {
        "ms": marks[-1] * 1e3,
        "cpu_ms": cpu_ms,
        "last_a_second": last_a_second,
        "visits": visits,
        "peak_mb": used_mb(),
        "file_mb": file_mb,
    }


def main() -> None:
    """Command line: a table, or with --json a list of objects."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth")
    parser.add_argument("--json", action="store_true", help="print a list of objects instead of a table")
    parser.add_argument("--large", action="store_true", help="measure ten million events too (minutes, several GB)")
    parser.add_argument("--at-once", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--fed", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--portion", type=int, default=MOST_FED, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.at_once or wanted.fed:
        print(json.dumps(_at_once(wanted.at_once) if wanted.at_once else _fed(wanted.fed, wanted.portion)))
        return
    records = [row.record() for row in growth(large=wanted.large)]
    if wanted.json:
        about = machine()
        print(json.dumps([{**record, **about} for record in records], indent=1))
    else:
        show(records)


if __name__ == "__main__":
    main()
