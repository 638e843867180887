"""What an open dashboard reads from Firestore, and the processor time that it takes while nothing happens."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection as PipeConnection
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

    The replica has a process of its own. connect: to be pickled. proxy: what it connects through.
    """
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_rest, args=(folder / "rest.sqlite3", connect, site_id, theirs))
    process.start()
    try:
        idle = _received(ours)
        proxy.cut()
        ours.send(None)
        away = _received(ours)
        process.join(_SETTLE_S)
    finally:
        process.kill()
    return idle, away


def _rest(path: Path, connect: Callable[[], Connection], site_id: str, reports: PipeConnection) -> None:
    """Follow while nothing happens, report the processor time, wait until the line is cut, and report it again."""
    with Store(path) as store, Replica(store, connect, site_id=site_id, scope=Scope.HISTORY) as replica:
        replica.catch_up()
        replica.follow()
        _wait(lambda: replica.is_live)
        reports.send(_processor_percent())
        reports.recv()
        reports.send(_processor_percent())


def _received(reports: PipeConnection) -> float:
    if not reports.poll(60.0 + 2 * IDLE_S):
        raise TimeoutError("the replica reported nothing")
    return float(reports.recv())


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
