"""What an open dashboard reads from Firestore, and the processor time that it takes while nothing happens."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import grpc

from benchmarks.traffic import CountingProxy
from tracker.cloud.client import Connection
from tracker.cloud.download import Scope
from tracker.cloud.replica import Replica
from tracker.store.store import Store

_ORDERS = "/footfall.tests.Control/Do"
IDLE_S = 20.0
_SETTLE_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reads:
    """Documents read, as billed. opening: for what was there before. idle: in IDLE_S in which nothing happened."""

    opening: int
    idle: int
    busy: int


def an_hour(
    folder: Path, connect: Callable[[], Connection], *, site_id: str, project: str, happen: Callable[[], int]
) -> Reads:
    """A dashboard is opened, nothing happens for a while, then all that `happen` does, which is so many events."""
    with Store(folder / "dashboard.sqlite3") as store:
        replica = Replica(store, connect, site_id=site_id, scope=Scope.HISTORY)
        _order(project, "reset")
        replica.catch_up()
        replica.follow()
        _wait(lambda: replica.is_live)
        opening = _reads(project)
        time.sleep(IDLE_S)
        idle = _reads(project) - opening
        known = len(store.events.select())
        events = happen()
        _wait(lambda: len(store.events.select()) == known + events)
        time.sleep(1.0)  # heartbeats come by another listener
        busy = _reads(project) - opening - idle
        replica.close()
    return Reads(opening=opening, idle=idle, busy=busy)


def at_rest(
    folder: Path, connect: Callable[[], Connection], *, site_id: str, proxy: CountingProxy
) -> tuple[float, float]:
    """Processor time of a replica on which nothing happens, in percent of a core: on an idle line, and without one.

    proxy: what it connects through.
    """
    with Store(folder / "rest.sqlite3") as store:
        replica = Replica(store, connect, site_id=site_id, scope=Scope.HISTORY)
        replica.catch_up()
        replica.follow()
        _wait(lambda: replica.is_live)
        idle = _processor_percent()
        proxy.cut()
        away = _processor_percent()
        replica.close()
    return idle, away


def _processor_percent() -> float:
    time.sleep(_SETTLE_S)
    began_s = time.process_time()
    time.sleep(IDLE_S)
    return 100 * (time.process_time() - began_s) / IDLE_S


def _reads(project: str) -> int:
    return int(_order(project, "counts")["reads"])


def _order(project: str, do: str) -> dict[str, int]:
    """An order to the test server, over its own port."""
    with grpc.insecure_channel(os.environ["FIRESTORE_EMULATOR_HOST"]) as channel:
        answer = channel.unary_unary(_ORDERS)(json.dumps({"do": do, "project": project}).encode(), timeout=30)
    found = json.loads(answer)
    return found if isinstance(found, dict) else {}


def _wait(done: Callable[[], bool], *, seconds: float = 60.0) -> None:
    ends_s = time.monotonic() + seconds
    while not done():
        if time.monotonic() > ends_s:
            raise TimeoutError("the dashboard did not receive it")
        time.sleep(0.05)
