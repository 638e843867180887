"""The replica with a failing store, and with deletions and machine ids."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest

from config.errors import StoreError
from tests.firestore.fixtures import Firestore
from tests.tracker.cloud.cloud_site import SITE, CloudSite, at, event, wait_until
from tests.tracker.cloud.test_replica import ADA, HEARTBEAT
from tracker.cloud import documents
from tracker.cloud.download import PAGE
from tracker.cloud.paths import Collection
from tracker.presence.people import digest_of
from tracker.presence.zones import ZoneStay
from tracker.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "copy.sqlite3") as opened:
        yield opened


# -- faults of the store


@contextmanager
def full(store: Store) -> Iterator[None]:
    """SQLite refuses all downloaded records meanwhile, as on a full disk."""
    with store.database.writing() as writing:
        for table in ("events", "forgotten"):
            writing.connection.execute(
                f"CREATE TRIGGER full_{table} BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'full'); END"
            )
    yield
    with store.database.writing() as writing:
        for table in ("events", "forgotten"):
            writing.connection.execute(f"DROP TRIGGER full_{table}")


@contextmanager
def locked(store: Store) -> Iterator[None]:
    """Another process writes to the store meanwhile."""
    connection = sqlite3.connect(store.path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.execute("ROLLBACK")
    connection.close()


@pytest.mark.parametrize("fault", [full, locked])
def test_a_page_that_the_store_failed_to_write_is_downloaded_again(
    firestore_server: Firestore, tmp_path: Path, fault: Callable[[Store], AbstractContextManager[None]]
) -> None:
    """Documents and tombstones, by the replica that is open and by the next one."""
    site = CloudSite(firestore_server)
    with Store(tmp_path / "copy.sqlite3", busy_timeout_s=0.2) as store:
        store.people.add(ADA, np.zeros((1, 128), np.float32))
        with site.replica(store) as replica:
            replica.catch_up()
            events = [event(n, "exit" if n % 2 else "enter", person="p-bob") for n in range(PAGE + 50)]
            site.put_events(events)
            digest = digest_of("p-ada")
            site.put(Collection.FORGOTTEN, digest, {"at": at(0), "erase_history": True, "schema": 1})
            with fault(store), pytest.raises(StoreError):
                replica.catch_up()
            replica.catch_up()
            assert store.events.select() == events
            assert store.people.all() == []


def test_a_snapshot_received_while_the_store_was_locked_is_not_lost(
    firestore_server: Firestore, tmp_path: Path
) -> None:
    site = CloudSite(firestore_server)
    with Store(tmp_path / "copy.sqlite3", busy_timeout_s=0.05) as store, site.replica(store, check_s=0.05) as replica:
        replica.follow()
        wait_until(lambda: replica.is_live)
        with locked(store):
            site.put_events([event(0), event(60, "exit")])
            wait_until(lambda: replica.problem is not None)
        wait_until(lambda: len(store.events.select()) == 2)


# -- deletions, machines


def test_a_retracted_zone_stay_is_deleted_at_other_readers(firestore_server: Firestore, tmp_path: Path) -> None:
    stay = ZoneStay(
        site_id=SITE, camera_id="front", zone="bar", person_id="p-ada", started_at=at(1), seen_at=at(9), over=True
    )
    site = CloudSite(firestore_server)
    site.put(Collection.ZONE_STAYS, stay.stay_id, documents.zone_stay_document(stay))
    with Store(tmp_path / "copy.sqlite3") as store, site.replica(store) as replica:
        store.outbox.begin()
        replica.catch_up()
        assert store.cameras.zone_stays(site_id=SITE) == [stay]
        site.put(Collection.ZONE_STAYS, stay.stay_id, documents.tombstone_document(at(20)))
        replica.catch_up()
        assert store.cameras.zone_stays(site_id=SITE) == []
        assert store.outbox.deletions(limit=10).rows == []
        assert store.inbox.unreadable() == []


def test_two_machines_with_one_camera_id_are_detected(firestore_server: Firestore, store: Store) -> None:
    site = CloudSite(firestore_server)

    def report(machine: str, minute: int, camera: str = "front") -> None:
        heartbeat = {**HEARTBEAT, "camera_id": camera, "machine_id": machine, "at": at(60 * minute)}
        site.put(Collection.HEARTBEATS, f"{machine}-{minute}-{camera}", heartbeat)

    for minute in (0, 5, 10):
        report("m-old", minute, "back")
    for minute in (15, 20):
        report("m-new", minute, "back")  # the camera was moved
    for minute in (0, 10, 20):
        report("m-1", minute)
        report("m-2", minute + 5)
    with site.replica(store) as replica:
        replica.catch_up()
    (shared,) = store.cameras.shared(SITE, at(26 * 60))
    assert (shared.camera_id, shared.machines) == ("front", ("m-1", "m-2"))
    assert "own id" in shared.warning
    assert store.cameras.shared(SITE, at(7200)) == []
