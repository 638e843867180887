"""The uplink, where the store fails it for a moment, or somebody else's credentials were used in between."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import firebase_admin
import numpy as np
import pytest

from tests.firestore.fixtures import Firestore
from tests.tracker.cloud.machines import SITE, START, Cloud, Machine, wait_until
from tracker.cloud import uplink
from tracker.cloud.connect import Connection
from tracker.cloud.device_key import DeviceKey
from tracker.presence.people import Person


@pytest.fixture
def cloud(firestore_server: Firestore) -> Iterator[Cloud]:
    found = Cloud(firestore_server)
    yield found
    found.close()


@contextmanager
def failing(machine: Machine, table: str) -> Iterator[None]:
    """SQLite itself takes no row of a table meanwhile."""
    with machine.store.database.writing() as writing:
        writing.connection.execute(
            f"CREATE TRIGGER failing BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'ordered by a test'); END"
        )
    yield
    with machine.store.database.writing() as writing:
        writing.connection.execute("DROP TRIGGER failing")


def test_what_is_refused_is_parked_although_the_store_failed_meanwhile(
    machine: Machine, cloud: Cloud, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(uplink, "_LEASE_EVERY_S", 0.05)
    machine.record(3)
    with machine.store.database.writing() as writing:
        writing.connection.execute("UPDATE events SET track_id = '' WHERE event_row = 2")
    with failing(machine, "parked"):
        machine.start()
        wait_until(lambda: caplog.text.count("ordered by a test") > 2)
        assert len(cloud.events()) == 5
    wait_until(lambda: bool(machine.store.outbox.rejected()))
    wait_until(machine.is_drained)
    assert [each.collection for each in machine.store.outbox.rejected()] == ["events"]
    assert len(cloud.events()) == 5


def test_no_connection_is_left_open_while_the_store_takes_nothing(
    machine: Machine, cloud: Cloud, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(uplink, "_LEASE_EVERY_S", 0.05)
    machine.record(3)
    before = set(firebase_admin._apps)
    with failing(machine, "sync_cursors"):
        machine.start()
        wait_until(lambda: caplog.text.count("ordered by a test") > 3)
        assert len(firebase_admin._apps.keys() - before) <= 1
    wait_until(lambda: len(cloud.events()) == 6)


@pytest.mark.parametrize("shared", [False, True], ids=["wanted-back", "still-shared"])
def test_vectors_are_wanted_back_also_after_a_camera_key_was_used(
    machine: Machine, cloud: Cloud, firestore_server: Firestore, shared: bool
) -> None:
    ada = Person(person_id="p-1", name="Ada", created_at=START, consented_at=START)
    machine.store.people.add(ada, np.random.default_rng(1).standard_normal((2, 128)).astype(np.float32))
    machine.terms = replace(machine.terms, vectors=True)
    machine.drain()
    assert len(cloud.documents("people/p-1/embeddings")) == 2
    key = DeviceKey(
        project=firestore_server.project, uid="d-1", site_id=SITE, camera_id="door", api_key="k", refresh_token="r"
    )

    def as_device() -> Connection:
        connection = machine.connect()
        return Connection(connection.app, connection.client, key)

    machine.drain(connecting=as_device)
    machine.terms = replace(machine.terms, vectors=shared)
    machine.drain()
    assert len(cloud.documents("people/p-1/embeddings")) == (2 if shared else 0)
