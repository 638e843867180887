"""What a visit costs as it is sent: documents, bytes over the wire, reads of a dashboard, dollars."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

from benchmarks.live_visits import BYTES_A_VISIT, VISITS_AN_HOUR, Bytes, counted, live, send_all
from benchmarks.prices import DAYS_A_MONTH, GIB, LOOKED_UP, OREGON, UNITED_STATES, month_of_documents, month_of_video
from benchmarks.readers import IDLE_S, Reads, an_hour, at_rest
from benchmarks.sent_visits import (
    PROJECT,
    SITE,
    TERMS,
    Result,
    connected,
    health,
    record_visits,
    visit,
    watch,
)
from tracker.cloud.upload import Upload
from tracker.cloud.uploader import Uploader
from tracker.store.observation import Observation
from tracker.store.store import Store

VISITS_A_DAY = 300
BUSY_VISITS = VISITS_AN_HOUR
"""In the hour that a dashboard is open."""
VIDEO_BITS = 1_000_000.0


def costs(folder: Path, host: str) -> Iterator[Result]:
    """All figures, dollars last."""
    sent, writes, up = live(folder, host)
    yield from sent
    yield _backlog_bytes(folder, host)
    reads = _dashboard(folder)
    yield from _told(reads)
    yield from _at_rest(folder, host)
    yield from dollars(writes, up, reads)


def _step(store: Store, upload: Upload, number: int) -> None:
    """One visit: enter and what follows from it, then exit and what follows from that."""
    events, matches = visit(number)
    for event in events:
        store.record(Observation(events=[event], matches=[match for match in matches if match.at == event.at]))
        send_all(upload, event.at + timedelta(seconds=1))


def _backlog_bytes(folder: Path, host: str) -> Result:
    """Bytes up a visit where many wait."""
    visits = 2_000
    path = folder / "many.sqlite3"
    with counted(host) as proxy, Store(path) as store:
        store.outbox.begin()
        record_visits(store, range(visits))
        Uploader(store, lambda: connected(f"{PROJECT}-many"), TERMS).drain(threading.Event())
        up = proxy.up / visits
    return Result(case="bytes up a visit of a backlog", value=up, unit="bytes", target=f"at most {BYTES_A_VISIT:.0f}",
                  met=up <= BYTES_A_VISIT, note="commits of up to 500 documents")  # fmt: skip


# -- readers


def _dashboard(folder: Path) -> Reads:
    """A dashboard elsewhere, open for a busy hour of this camera."""
    project = f"{PROJECT}-read"
    clock = [0.0]
    with Store(folder / "source.sqlite3") as store:
        store.outbox.begin()
        upload = Upload(store, connected(project), TERMS, monotonic=lambda: clock[0])
        for number in range(VISITS_A_DAY):
            _step(store, upload, number)

        def happen() -> int:
            for number in range(BUSY_VISITS):
                clock[0] += 3600 / BUSY_VISITS
                store.record(Observation(health=health(number), coverage=[watch(number)]))
                _step(store, upload, 10_000 + number)
            return 2 * BUSY_VISITS

        found = an_hour(folder, lambda: connected(project), site_id=SITE, project=project, happen=happen)
        upload.close()
    return found


def _told(reads: Reads) -> Iterator[Result]:
    yield Result(
        case="reads of a dashboard that is opened",
        value=reads.opening,
        unit="reads",
        note=f"a day of {VISITS_A_DAY} visits that it had not seen; what it has seen is not read again",
    )
    yield Result(
        case="reads of an open dashboard in an idle hour",
        value=reads.idle * 3600 / IDLE_S,
        unit="reads",
        target="at most 60",
        met=reads.idle * 3600 / IDLE_S <= 60,
        note=f"measured for {IDLE_S:.0f} s",
    )
    yield Result(case=f"reads of an open dashboard in an hour of {BUSY_VISITS} visits", value=reads.busy, unit="reads",
                 note="events, and heartbeats; a document each")  # fmt: skip


def _at_rest(folder: Path, host: str) -> Iterator[Result]:
    with counted(host) as proxy:
        idle, away = at_rest(folder, partial(connected, f"{PROJECT}-read"), site_id=SITE, proxy=proxy)
    yield Result(case="processor time of an idle line", value=idle, unit="% of a core", target="under 0.5 %",
                 met=idle < 0.5, note="seven listeners")  # fmt: skip
    yield Result(case="processor time while Firestore is away", value=away, unit="% of a core", target="under 1 %",
                 met=away < 1)  # fmt: skip


# -- dollars


def dollars(writes_a_visit: float, up: Bytes, reads: Reads) -> Iterator[Result]:
    """What a camera with so many visits a day costs a month, beside sending its video; one dashboard is open."""
    heartbeats = 86_400 / TERMS.heartbeat_s
    bytes_a_day = VISITS_A_DAY * up.visit + heartbeats * up.heartbeat
    writes_a_day = VISITS_A_DAY * writes_a_visit + heartbeats
    stored_a_day = (VISITS_A_DAY * 5 + heartbeats) * 2_000.0  # a document with its index entries, rounded up
    reads_a_day = reads.busy * VISITS_A_DAY / BUSY_VISITS
    cost, cost_in_oregon = (
        month_of_documents(prices, writes_a_day=writes_a_day, reads_a_day=reads_a_day, stored_bytes_a_day=stored_a_day)
        for prices in (UNITED_STATES, OREGON)
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
                 note=f"{writes_a_day:.0f} writes a day, a dashboard open, a year kept; in the multi-region nam5, in"
                 f" Oregon ${cost_in_oregon:.2f}; prices as found on {LOOKED_UP};"
                 f" keeping 30 days of that video: ${video_cost:.2f}")  # fmt: skip
