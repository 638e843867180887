"""Sending to Firestore: how fast a backlog drains, what a visit costs in documents, bytes and dollars.

`python -m benchmarks.uplink [--json] [--events N]`. Against the test server in a process of its own, so figures of
speed are those of both together; documents and bytes are what Firestore itself would see (without TLS).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import string
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.counting import CountingProxy, server
from benchmarks.measure import ROOT, SEED, machine, summary
from benchmarks.prices import DAYS_A_MONTH, GIB, LOOKED_UP, UNITED_STATES, month_of_documents, month_of_video
from config.storage import FirestoreAddress
from tracker.cloud.connect import Connection, connect
from tracker.cloud.line import Line, Terms
from tracker.cloud.uplink import Uplink
from tracker.cloud.wire import Wire
from tracker.presence.events import Event, EventKind, Match
from tracker.presence.health import CameraHealth, CameraState
from tracker.presence.watches import Watch
from tracker.store.local import LocalStore

PROJECT = "benchmark"
SITE = "gym"
START = datetime(2026, 1, 5, 6, tzinfo=UTC)
TERMS = Terms(site_id=SITE, version="0.1.0", site={"name": "Gym", "time_zone": "UTC", "capacity": 80})
EVENTS_A_SECOND, WRITES_A_VISIT, BYTES_A_VISIT = 1_000, 8.0, 2_000.0
TOKEN_LETTERS = 1_000
"""About what an access token of a service account, or the token of a camera machine, has."""
VISITS_A_DAY = 300
VIDEO_BITS = 1_000_000.0
_LIVE_VISITS = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One figure. unit: of value. target: in words, met: whether it is."""

    case: str
    value: float
    unit: str
    target: str | None = None
    met: bool | None = None
    note: str | None = None

    def record(self) -> dict[str, object]:
        return {**asdict(self), "value": round(self.value, 4)}


def results(events: int) -> Iterator[Result]:
    """All figures, dollars last."""
    with tempfile.TemporaryDirectory(prefix="footfall-") as folder, server() as host:
        yield from drained(Path(folder), events)
        yield from recorded_meanwhile(Path(folder))
        visit, up_bytes, heartbeats = live(Path(folder), host)
        yield from visit
        yield from dollars(visit[0].value, up_bytes, heartbeats)


# -- a backlog


def drained(folder: Path, events: int) -> Iterator[Result]:
    """A backlog of so many events, sent by a process on one core that is killed half way and begun anew."""
    path = folder / "backlog.sqlite3"
    with LocalStore(path) as store:
        for first in range(0, events // 2, 5_000):
            _record(store, range(first, min(first + 5_000, events // 2)))
        half = store.backlog(visits=True, people=True).total / 2
        began_s = time.perf_counter()
        sender = _sender(path)
        while store.backlog(visits=True, people=True).total > half:
            time.sleep(0.2)
        sender.kill()
        sender.communicate()
        out, _ = _sender(path).communicate()
        took_s = time.perf_counter() - began_s
        left = store.backlog(visits=True, people=True).total
    told = json.loads(out)
    there = _count("events")
    note = (
        f"{told['writes'] / told['seconds']:.0f} documents a second after the restart; events, matches, visits, usage"
    )
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
        [sys.executable, "-m", "benchmarks.uplink", "--send", str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def send(path: Path) -> None:
    """What the process does that is killed. Prints a line of JSON."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    peaks: list[float] = []
    with LocalStore(path) as store:
        began_s = time.perf_counter()
        writes = Uplink(store, _connect, TERMS, tell=lambda _: peaks.append(_peak_mib())).drain(threading.Event())
        took_s = time.perf_counter() - began_s
    early = peaks[min(5, len(peaks) - 1)]
    told = {"writes": writes, "seconds": took_s, "early_mib": early, "peak_mib": peaks[-1]}
    print(json.dumps({**told, "cpu_seconds": time.process_time()}))


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 2**20)


def recorded_meanwhile(folder: Path) -> Iterator[Result]:
    """How long an agent's write takes, alone and while a backlog is being sent beside it."""
    with LocalStore(folder / "meanwhile.sqlite3") as store:
        alone_ms = _writing(store, first=0)
        _record(store, range(100_000, 110_000))
        stop = threading.Event()
        thread = threading.Thread(target=Uplink(store, _connect, TERMS, gentle=True).run, args=(stop,))
        thread.start()
        beside_ms = _writing(store, first=1_000)
        stop.set()
        thread.join()
    alone, beside = summary(alone_ms), summary(beside_ms)
    yield Result(case="an agent's write while sending, p95", value=beside.p95_ms, unit="ms",
                 note=f"{alone.p95_ms:.1f} ms alone; medians {beside.median_ms:.1f} and {alone.median_ms:.1f} ms",
                 target="under 100 ms, a frame at 10 a second", met=beside.p95_ms < 100)  # fmt: skip


def _writing(store: LocalStore, *, first: int) -> list[float]:
    took: list[float] = []
    for number in range(first, first + 200):
        events, matches = _visit(number)
        began_s = time.perf_counter()
        store.record(events=events, matches=matches)
        took.append((time.perf_counter() - began_s) * 1e3)
        time.sleep(0.02)
    return took


# -- a visit as it happens


def live(folder: Path, host: str) -> tuple[list[Result], float, float]:
    """Visits sent as they happen: what they cost, and bytes up a visit and a sign of life as Google sees them."""
    short, writes = _visit_bytes(folder / "live.sqlite3", host)
    with _signed_in():
        (up, down), _ = _visit_bytes(folder / "signed.sqlite3", host)
        heartbeat = _heartbeat_bytes(folder / "signed.sqlite3", host)
    bodies = "enter, exit, match; visit and usage twice each, in two commits"
    found = [
        Result(case="documents written a visit, as it happens", value=writes, unit="writes",
               target=f"at most {WRITES_A_VISIT:.0f}", met=writes <= WRITES_A_VISIT, note=bodies),
        Result(case="bytes up a visit, as it happens", value=short[0], unit="bytes",
               target=f"at most {BYTES_A_VISIT:.0f}", met=short[0] <= BYTES_A_VISIT, note=f"and {short[1]:.0f} down"),
        Result(case=f"the same, signed in by a token of {TOKEN_LETTERS} letters", value=up, unit="bytes",
               target=f"at most {BYTES_A_VISIT:.0f}", met=up <= BYTES_A_VISIT,
               note=f"and {down:.0f} down; each request repeats the token"),
        Result(case="bytes up a sign of life, signed in", value=heartbeat, unit="bytes", note="one in five minutes"),
    ]  # fmt: skip
    return found, up, heartbeat


@contextmanager
def _signed_in() -> Iterator[None]:
    """Requests carry a token as long as Google's, in place of an emulator's short one."""
    dice = random.Random(SEED)  # noqa: S311 - no secret
    token = "".join(dice.choices(string.ascii_letters + string.digits, k=TOKEN_LETTERS))
    plain = Wire._token  # noqa: SLF001 - what is measured
    Wire._token = lambda _: [("authorization", f"Bearer {token}")]  # type: ignore[method-assign]  # noqa: SLF001
    try:
        yield
    finally:
        Wire._token = plain  # type: ignore[method-assign]  # noqa: SLF001


def _visit_bytes(path: Path, host: str) -> tuple[tuple[float, float], float]:
    """Bytes up and down a visit, and writes."""
    with _counted(host) as proxy, LocalStore(path) as store:
        store.begin_sync()
        line = Line(store, _connect(f"{PROJECT}-{path.stem}"), TERMS)  # where none of these visits is known
        _step(store, line, 5_000)  # the connection is made, the site described
        before, writes = (proxy.up, proxy.down), 0
        for number in range(_LIVE_VISITS):
            writes += _step(store, line, number)
        line.close()
        carried = (proxy.up - before[0]) / _LIVE_VISITS, (proxy.down - before[1]) / _LIVE_VISITS
    return carried, writes / _LIVE_VISITS


@contextmanager
def _counted(host: str) -> Iterator[CountingProxy]:
    proxy = CountingProxy(host)
    os.environ["FIRESTORE_EMULATOR_HOST"] = proxy.host
    try:
        yield proxy
    finally:
        os.environ["FIRESTORE_EMULATOR_HOST"] = host
        proxy.close()


def _step(store: LocalStore, line: Line, number: int) -> int:
    """One visit: enter and what follows from it, then exit and what follows from that."""
    events, matches = _visit(number)
    writes = 0
    for event in events:
        store.record(events=[event], matches=[match for match in matches if match.at == event.at])
        more = True
        while more:
            count, more = line.send(event.at + timedelta(seconds=1))
            writes += count
    return writes


def _heartbeat_bytes(path: Path, host: str) -> float:
    clock = [0.0]
    with _counted(host) as proxy, LocalStore(path) as store:
        line = Line(store, _connect(f"{PROJECT}-{path.stem}"), TERMS, monotonic=lambda: clock[0])
        store.record(health=_health(0), watch=_watch(0))
        line.send(START)
        before = proxy.up
        for number in range(1, 51):
            clock[0] += TERMS.heartbeat_s
            store.record(health=_health(number), watch=_watch(number))
            line.send(START)
        line.close()
        return (proxy.up - before) / 50


# -- dollars


def dollars(writes_a_visit: float, visit_bytes: float, heartbeat_bytes: float) -> Iterator[Result]:
    """What a camera with so many visits a day costs a month, beside sending its video."""
    heartbeats = 86_400 / TERMS.heartbeat_s
    bytes_a_day = VISITS_A_DAY * visit_bytes + heartbeats * heartbeat_bytes
    writes_a_day = VISITS_A_DAY * writes_a_visit + heartbeats
    stored_a_day = (VISITS_A_DAY * 5 + heartbeats) * 2_000.0  # a document with its index entries, rounded up
    cost = month_of_documents(
        UNITED_STATES, writes_a_day=writes_a_day, reads_a_day=0.0, stored_bytes_a_day=stored_a_day
    )
    video_gib, video_cost = month_of_video(UNITED_STATES, bits_a_second=VIDEO_BITS)
    sent_mib = bytes_a_day * DAYS_A_MONTH / 2**20
    yield Result(
        case=f"a camera with {VISITS_A_DAY} visits a day: sent up",
        value=sent_mib,
        unit="MiB a month",
        note=f"video of 1 Mbit/s: {video_gib:.0f} GiB, {video_gib * GIB / (sent_mib * 2**20):,.0f} times that",
    )
    yield Result(case=f"a camera with {VISITS_A_DAY} visits a day: Firestore", value=cost, unit="$ a month",
                 note=f"{writes_a_day:.0f} writes a day, a year kept; prices of {LOOKED_UP}, no free quota;"
                 f" keeping 30 days of that video: ${video_cost:.2f}")  # fmt: skip


# -- records


def _connect(project: str = PROJECT) -> Connection:
    return connect(FirestoreAddress(project), None)


def _count(collection: str) -> int:
    with _connect() as connection:
        found = connection.client.collection(f"sites/{SITE}/{collection}").count().get()
        return int(found[0][0].value)


def _record(store: LocalStore, numbers: range) -> None:
    made = [_visit(number) for number in numbers]
    store.record(
        events=[event for events, _ in made for event in events],
        matches=[match for _, found in made for match in found],
    )


def _visit(number: int) -> tuple[list[Event], list[Match]]:
    """Half an hour of one of 400 members, one a minute."""
    who, at = f"p-{number % 400:012x}", START + timedelta(minutes=number)
    track = f"front-{at:%Y%m%dT%H%M%S.%f}-{number % 7}"
    common = {"site_id": SITE, "camera_id": "front", "person_id": who, "track_id": track}
    reason = f"{who} by 4 sightings, nearest 0.41, the next 0.23 farther"
    match = Match(at=at, distance=0.4127, margin=0.2311, quality=0.8125, authorised=True, reason=reason, **common)
    place = {"x_frac": 0.5 + number % 50 / 113, "y_frac": 0.3 + number % 40 / 97}
    return [
        Event(kind=EventKind.ENTER, at=at, **place, **common),
        Event(kind=EventKind.EXIT, at=at + timedelta(minutes=30, seconds=number % 60), **place, **common),
    ], [match]


def _health(number: int) -> CameraHealth:
    at = START + timedelta(minutes=5 * number)
    return CameraHealth(site_id=SITE, camera_id="front", source="rtsp://10.0.0.7/live", state=CameraState.LIVE,
                        started_at=START, updated_at=at, last_frame_at=at, fps=12.4, frames=3720 * number)  # fmt: skip


def _watch(number: int) -> Watch:
    return Watch(
        site_id=SITE, camera_id="front", started_at=START, ended_at=START + timedelta(minutes=5 * number, seconds=1)
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.uplink")
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
