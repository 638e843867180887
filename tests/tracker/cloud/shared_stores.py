"""A writing and a reading store: one file, or two files synchronised through Firestore."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tests.firestore.fixtures import Firestore
from tests.tracker.cloud.machines import SITE, Machine
from tracker.cloud.download import Scope
from tracker.cloud.replica import Replica
from tracker.presence.events import Event, EventKind
from tracker.presence.people import Person
from tracker.presence.rules import Rules
from tracker.store.store import Store

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
NOW = START + timedelta(days=2)
RULES = Rules(merge_gap=timedelta(seconds=20), min_visit=timedelta(seconds=5))


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def event(seconds: float, kind: str = "enter", person: str = "p-ada", camera: str = "front", track: str = "") -> Event:
    return Event(
        kind=EventKind(kind),
        site_id=SITE,
        camera_id=camera,
        person_id=person,
        at=at(seconds),
        track_id=track or f"{camera}-{seconds:g}",
        x_frac=0.25,
    )


def visit(start: float, end: float, person: str = "p-ada", camera: str = "front") -> list[Event]:
    return [event(start, "enter", person, camera), event(end, "exit", person, camera)]


def person(person_id: str = "p-ada", name: str = "Ada") -> Person:
    return Person(person_id=person_id, name=name, created_at=at(0), consented_at=at(0))


def vectors(count: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((count, 128)).astype(np.float32)


class OneFile:
    """Both ends are the same file."""

    def __init__(self, folder: Path) -> None:
        self.a = self.b = Store(folder / "store.sqlite3").open()
        self.a.sites.use_default_rules(RULES)

    def sync(self) -> None:
        """Nothing is needed."""

    def close(self) -> None:
        self.a.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class TwoMachines(OneFile):
    """Each end is a machine's file, and both are synchronised with one database."""

    def __init__(self, folder: Path, firestore: Firestore) -> None:
        self._machines = [Machine(folder / f"{name}.sqlite3", firestore, vectors=True) for name in "ab"]
        self.a, self.b = (machine.store for machine in self._machines)
        self._replicas = [
            Replica(machine.store, machine.connect, site_id=SITE, scope=Scope.EVERYTHING) for machine in self._machines
        ]
        for machine in self._machines:
            machine.store.sites.use_default_rules(RULES)

    def sync(self) -> None:
        """Each uploads, then each downloads; sessions that changed by that are uploaded as well."""
        for machine in self._machines:
            machine.drain()
        for replica in self._replicas:
            replica.catch_up()
        for machine in self._machines:
            machine.drain()

    def close(self) -> None:
        for replica in self._replicas:
            replica.close()
        for machine in self._machines:
            machine.close()
