"""The uploader with a store that fails for a moment, and after a change of credentials."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import firebase_admin
import numpy as np
import pytest

from tests.firestore.fixtures import Firestore
from tests.tracker.cloud.machines import SITE, START, Cloud, Machine, person, visits, wait_until
from tracker.cloud import uploader
from tracker.cloud.auth.device_key import DeviceKey
from tracker.cloud.client import Connection
from tracker.cloud.commit import Committer, RejectedWrite
from tracker.cloud.writes import Write
from tracker.presence.people import Person
from tracker.store.observation import Observation


@pytest.fixture
def cloud(firestore_server: Firestore) -> Iterator[Cloud]:
    found = Cloud(firestore_server)
    yield found
    found.close()


@contextmanager
def failing(machine: Machine, table: str) -> Iterator[None]:
    """SQLite refuses all rows of a table meanwhile."""
    with machine.store.database.writing() as writing:
        writing.connection.execute(
            f"CREATE TRIGGER failing BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'ordered by a test'); END"
        )
    yield
    with machine.store.database.writing() as writing:
        writing.connection.execute("DROP TRIGGER failing")


def test_rejections_are_recorded_after_a_failure_of_the_store(
    machine: Machine, cloud: Cloud, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(uploader, "_LEASE_EVERY_S", 0.05)
    machine.record(3)
    with machine.store.database.writing() as writing:
        writing.connection.execute("UPDATE events SET track_id = '' WHERE event_row = 2")
    with failing(machine, "rejected"):
        machine.start()
        wait_until(lambda: caplog.text.count("ordered by a test") > 2)
        assert len(cloud.events()) == 5
    wait_until(lambda: bool(machine.store.outbox.rejected()))
    wait_until(machine.is_drained)
    assert [each.collection for each in machine.store.outbox.rejected()] == ["events"]
    assert len(cloud.events()) == 5


def test_a_failing_store_leaks_no_connection(
    machine: Machine, cloud: Cloud, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(uploader, "_LEASE_EVERY_S", 0.05)
    machine.record(3)
    before = set(firebase_admin._apps)
    with failing(machine, "sync_cursors"):
        machine.start()
        wait_until(lambda: caplog.text.count("ordered by a test") > 3)
        assert len(firebase_admin._apps.keys() - before) <= 1
    wait_until(lambda: len(cloud.events()) == 6)


@pytest.mark.parametrize("shared", [False, True], ids=["wanted-back", "still-shared"])
def test_vectors_are_deleted_after_a_device_key_was_used_in_between(
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


def test_an_unexpected_error_is_logged_once_and_uploading_continues(
    machine: Machine, cloud: Cloud, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failures = iter(range(4))
    commit = Committer.commit

    def broken(self: Committer, writes: Sequence[Write]) -> list[RejectedWrite]:
        if next(failures, None) is not None:
            raise RuntimeError("nobody thought of this")
        return commit(self, writes)

    monkeypatch.setattr(Committer, "commit", broken)
    machine.record(3)
    machine.start()
    wait_until(lambda: len(cloud.events()) == 6)
    machine.end()
    assert caplog.text.count("Traceback") == 1
    assert "nobody thought of this" in caplog.text


def test_a_forgotten_person_is_erased_at_every_site_of_the_store(machine: Machine, firestore_server: Firestore) -> None:
    events = [replace(each, site_id=site, event_id="") for site in (SITE, "pool") for each in visits(1)[0]]
    machine.store.record(Observation(events=events))
    machine.drain()
    ada = Person(person_id=person(0), name="Ada", created_at=START, consented_at=START)
    machine.store.people.add(ada, np.zeros((1, 128), np.float32))
    machine.store.people.forget(person(0), erase_history=True)
    machine.drain()
    client = firestore_server.client()
    for site in (SITE, "pool"):
        assert len(client.collection(f"sites/{site}/forgotten").get()) == 1
        assert client.collection(f"sites/{site}/events").get() == []


def test_an_erasure_denied_to_a_device_key_is_retried_with_a_service_account(
    machine: Machine, cloud: Cloud, firestore_server: Firestore
) -> None:
    key = DeviceKey(
        project=firestore_server.project, uid="d-1", site_id=SITE, camera_id="door", api_key="k", refresh_token="r"
    )

    def as_device() -> Connection:
        connection = machine.connect()
        return Connection(connection.app, connection.client, key)

    ada = Person(person_id="p-1", name="Ada", created_at=START, consented_at=START)
    machine.store.people.add(ada, np.zeros((1, 128), np.float32))
    machine.drain()
    machine.store.people.forget("p-1", erase_history=True)
    machine.drain(connecting=as_device)
    assert [each.record_id for each in machine.store.outbox.rejected()] == ["p-1"]
    assert "p-1" in cloud.documents("people")
    machine.store.outbox.requeue()
    machine.drain()
    assert cloud.documents("people") == {}
    assert len(cloud.documents("forgotten")) == 1
    assert machine.store.outbox.rejected() == []
