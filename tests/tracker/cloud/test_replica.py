"""Downloads: complete, once, whatever happens to the connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from config.errors import CloudUnreachableError
from config.storage import FirestoreAddress
from tests.firestore.fixtures import Firestore
from tests.firestore.processes import ServerProcess
from tests.tracker.cloud.cloud_site import NOW, SITE, CloudSite, at, event, wait_until
from tests.tracker.cloud.proxy import Mode, Proxy
from tracker.cloud import documents, paths
from tracker.cloud.client import connect
from tracker.cloud.download import PAGE, Scope
from tracker.cloud.errors import explained
from tracker.cloud.listen import FULL
from tracker.cloud.paths import Collection
from tracker.cloud.reads import page_of, single
from tracker.presence.events import Action, Correction
from tracker.presence.people import Person, PersonKind
from tracker.presence.rules import Rules
from tracker.presence.sessions import sessions
from tracker.presence.zones import ZoneStay
from tracker.store.store import Store

ADA = Person(person_id="p-ada", name="Ada", created_at=at(0), consented_at=at(0))
HEARTBEAT = {
    "camera_id": "front",
    "at": at(60),
    "state": "live",
    "started_at": at(0),
    "last_frame_at": at(59),
    "fps": 12.5,
    "frames": 700,
    "dropped": 1,
    "problem": None,
    "watch_started_at": at(1),
    "watch_ended_at": at(59),
    "backlog": 0,
    "parked": 0,  # as version 0.1 wrote it
    "version": "0.1.0",
    "schema": 1,
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "copy.sqlite3") as opened:
        yield opened


def vector_document(vector: np.ndarray[Any, np.dtype[np.float32]]) -> dict[str, Any]:
    return {"model": "sface", "dimension": 128, "vector": vector.astype("<f4").tobytes(), "source": ""}


def put_person(site: CloudSite, person: Person, vectors: int = 0) -> None:
    for number in range(vectors):
        path = paths.embeddings_path(SITE, person.person_id, f"v{number}")
        site.client.document(path).set(vector_document(np.full(128, 0.5 + number, np.float32)))
    site.put(Collection.PEOPLE, person.person_id, documents.person_document(person))


def test_a_reader_gets_the_history_and_no_vectors(any_firestore: Firestore, store: Store) -> None:
    site = CloudSite(any_firestore)
    events = [event(0), event(60, "exit"), event(90, camera="back")]
    stay = ZoneStay(
        site_id=SITE, camera_id="front", zone="bar", person_id="p-ada", started_at=at(1), seen_at=at(9), over=True
    )
    correction = Correction(action=Action.VOID, event_id=events[2].event_id, by="Ann", at=at(99))
    put_person(site, ADA, vectors=2)
    site.put_events(events)
    site.put(Collection.ZONE_STAYS, stay.stay_id, documents.zone_stay_document(stay))
    site.put(Collection.CORRECTIONS, correction.correction_id, documents.correction_document(correction, "p-ada"))
    site.put(Collection.HEARTBEATS, "h1", HEARTBEAT)
    site.put_site(name="The gym", capacity=80)
    site.replica(store).catch_up()
    assert store.events.select() == events[:2]
    assert store.sessions.select(site_id=SITE, now=NOW) == sessions(events[:2], rules=Rules(), now=NOW)
    assert store.people.all() == [ADA]
    assert store.people.vector_counts() == {}
    assert store.cameras.zone_stays(site_id=SITE) == [stay]
    (camera,) = store.cameras.health()
    assert (camera.source, camera.frames, camera.updated_at) == ("", 700, at(60))
    assert [(each.started_at, each.ended_at) for each in store.cameras.coverage()] == [(at(1), at(59))]
    assert store.inbox.site_document(SITE) == {"name": "The gym", "capacity": 80}
    assert store.inbox.unreadable() == []


def test_a_camera_machine_downloads_people_only(any_firestore: Firestore, store: Store) -> None:
    site = CloudSite(any_firestore)
    site.put_events([event(0)])
    visitor = replace(ADA, person_id="v-1", name="Visitor 1", kind=PersonKind.VISITOR, consented_at=None)
    put_person(site, ADA, vectors=3)
    put_person(site, visitor, vectors=1)
    site.replica(store, Scope.GALLERY).catch_up()
    assert store.events.select() == []
    assert store.people.all() == [ADA, visitor]
    assert store.people.vector_counts() == {"p-ada": 3}


def test_a_backlog_is_downloaded_by_pages_and_resumed(any_firestore: Firestore, store: Store) -> None:
    site, count = CloudSite(any_firestore), 2 * PAGE + 100
    events = [event(10 * n, "exit" if n % 2 else "enter") for n in range(count)]
    site.put_events(events)
    progress: list[tuple[str, int, int]] = []
    site.replica(store).catch_up(lambda *each: progress.append(each))
    assert store.events.select() == events
    assert [each for each in progress if each[0] == "events"][-1] == ("events", count, count)
    version = store.events.version()
    site.put_events([event(10 * count)])
    site.replica(store).catch_up()
    assert store.events.select() == [*events, event(10 * count)]
    assert store.events.version() > version


def test_reading_resumes_slightly_before_the_cursor(firestore_server: Firestore, store: Store) -> None:
    """Documents may be seen in another order than that of their times."""
    site = CloudSite(firestore_server)
    site.put_events([event(0)])
    site.replica(store).catch_up()
    path = paths.path_of(SITE, Collection.EVENTS, event(5).event_id)
    late = datetime.now(UTC) - timedelta(seconds=100)
    site.client.document(path).set({**documents.event_document(event(5)), "received_at": late})
    site.replica(store).catch_up()
    assert store.events.select() == [event(0), event(5)]


@pytest.mark.parametrize(
    ("collection", "document"),
    [
        (Collection.EVENTS, {"kind": "enter"}),
        (Collection.EVENTS, {**documents.event_document(event(7)), "schema": 2}),
        (Collection.EVENTS, {**documents.event_document(event(7)), "at": "yesterday"}),
        (Collection.EVENTS, {**documents.event_document(event(7)), "at": datetime(9999, 12, 31, tzinfo=UTC)}),
        (Collection.EVENTS, {**documents.event_document(event(7)), "at": datetime(1, 1, 1, tzinfo=UTC)}),
        (Collection.EVENTS, {**documents.event_document(event(7)), "person_id": 7}),
        (Collection.EVENTS, {**documents.event_document(event(7)), "x_frac": float("nan")}),
        (Collection.EVENTS, {**documents.event_document(event(7)), "extra": {"a": [b"x", {"b": None}]}}),
        (Collection.PEOPLE, {"name": ["Ada"], "schema": 1}),
        (Collection.PEOPLE, {**documents.person_document(ADA), "merged_into": 7}),
        (Collection.PEOPLE, {**documents.person_document(ADA), "created_at": datetime(1, 1, 1, tzinfo=UTC)}),
        (Collection.HEARTBEATS, {**HEARTBEAT, "frames": -1}),
        (Collection.HEARTBEATS, {**HEARTBEAT, "watch_ended_at": at(0)}),
        (Collection.HEARTBEATS, {**HEARTBEAT, "watch_ended_at": "now"}),
        (Collection.HEARTBEATS, {**HEARTBEAT, "watch_ended_at": datetime(3000, 1, 1, tzinfo=UTC)}),
        (Collection.HEARTBEATS, {**HEARTBEAT, "at": datetime(3000, 1, 1, tzinfo=UTC)}),
        (Collection.CORRECTIONS, {"action": "void"}),
        (Collection.ZONE_STAYS, {"zone": None}),
        (Collection.FORGOTTEN, {"at": at(0), "erase_history": "no"}),
        (Collection.FORGOTTEN, {"at": 5, "erase_history": True}),
    ],
)
def test_an_invalid_document_is_rejected_alone(
    firestore_server: Firestore, store: Store, collection: Collection, document: dict[str, Any]
) -> None:
    site = CloudSite(firestore_server)
    site.put(collection, "spoilt/id", document)
    site.put_events([event(0), event(60, "exit")])
    site.replica(store).catch_up()
    assert store.events.select() == [event(0), event(60, "exit")]
    ((refused, _),) = store.inbox.unreadable()
    assert (refused.collection, refused.record_id) == (collection, "spoilt/id")
    assert refused.reason


def test_a_future_time_of_receipt_does_not_hide_later_documents(firestore_server: Firestore, store: Store) -> None:
    site = CloudSite(firestore_server)
    path = paths.path_of(SITE, Collection.EVENTS, event(5).event_id)
    future = datetime(2900, 1, 1, tzinfo=UTC)
    site.client.document(path).set({**documents.event_document(event(5)), "received_at": future})
    site.replica(store).catch_up()
    site.put_events([event(9)])
    site.replica(store).catch_up()
    assert store.events.select() == [event(5), event(9)]


@pytest.mark.parametrize(
    "vector",
    [
        {"model": "sface", "dimension": 3, "vector": b"123"},
        {"model": "sface", "dimension": 1, "vector": np.array([np.nan], "<f4").tobytes()},
        {"model": "", "dimension": 1, "vector": b"1234"},
        {"model": "sface", "dimension": True, "vector": b"1234"},
        {"model": "sface", "vector": "text"},
    ],
)
def test_an_invalid_vector_is_rejected_alone(firestore_server: Firestore, store: Store, vector: dict[str, Any]) -> None:
    site = CloudSite(firestore_server)
    site.client.document(paths.embeddings_path(SITE, "p-ada", "bad")).set(vector)
    put_person(site, ADA, vectors=1)
    site.replica(store, Scope.GALLERY).catch_up()
    assert store.people.vector_counts() == {"p-ada": 1}
    assert [each.record_id for each, _ in store.inbox.unreadable()] == ["p-ada/bad"]


def test_a_person_who_withdraws_consent_is_no_longer_recognised(firestore_server: Firestore, store: Store) -> None:
    site = CloudSite(firestore_server)
    put_person(site, ADA, vectors=2)
    site.replica(store, Scope.GALLERY).catch_up()
    put_person(site, replace(ADA, consented_at=None))
    site.replica(store, Scope.GALLERY).catch_up()
    assert store.people.vector_counts() == {}


# -- listening


def test_remote_writes_arrive_at_once(any_firestore: Firestore, store: Store) -> None:
    site = CloudSite(any_firestore)
    site.put_events([event(0)])
    replica = site.replica(store)
    replica.follow()
    wait_until(lambda: replica.is_live)
    assert store.events.select() == [event(0)]
    site.put_events([event(60, "exit")])
    put_person(site, ADA)
    wait_until(lambda: len(store.events.select()) == 2 and store.people.all() == [ADA], within_s=2)
    replica.close()


def test_a_disconnected_listener_reconnects_and_misses_nothing(firestore_server: Firestore, store: Store) -> None:
    site = CloudSite(firestore_server)
    replica = site.replica(store)
    replica.follow()
    wait_until(lambda: replica.is_live)
    for number in range(4):
        firestore_server.control.cut()
        site.put_events([event(number)])
    wait_until(lambda: len(store.events.select()) == 4)
    wait_until(lambda: replica.is_live and replica.problem is None)
    replica.close()


def test_listening_continues_after_a_restart_of_the_server(
    durable_firestore: ServerProcess, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", durable_firestore.host)
    site = CloudSite(Firestore("ours", durable_firestore.host, "test-away"))
    site.put_events([event(0)])
    durable_firestore.kill()
    replica = site.replica(store)
    replica.follow()
    wait_until(lambda: replica.problem is not None)
    assert not replica.is_live
    durable_firestore.start()
    wait_until(lambda: store.events.select() == [event(0)], within_s=20)
    durable_firestore.kill()
    durable_firestore.start()
    site.put_events([event(5)])
    wait_until(lambda: len(store.events.select()) == 2, within_s=20)
    replica.close()


def test_a_dead_connection_is_detected(
    firestore_server: Firestore, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.cloud.client.RENEW_AFTER_S", 0.0)
    monkeypatch.setattr("tracker.cloud.replica.PROBE_ANSWER_S", 0.5)
    site = CloudSite(firestore_server)
    with Proxy(firestore_server.host) as proxy:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", proxy.host)
        replica = site.replica(store, check_s=0.05, probe_s=0.2)
        replica.follow()
        wait_until(lambda: replica.is_live)
        proxy.be(Mode.SILENT)
        wait_until(lambda: not replica.is_live)
        site.put_events([event(0)])
        proxy.be(Mode.PASS)
        wait_until(lambda: store.events.select() == [event(0)], within_s=40)
        replica.close()


@pytest.mark.parametrize("asked", ["document", "page"])
def test_a_read_during_a_reconnect_is_retried(firestore_server: Firestore, asked: str) -> None:
    connection = connect(FirestoreAddress(firestore_server.project), None)
    client = connection.client
    ask: dict[str, Callable[[], object]] = {
        "document": lambda: single(client.document(paths.site_path(SITE)), patience_s=1.0),
        "page": lambda: page_of(client.collection(paths.path_of(SITE, Collection.EVENTS)).limit(10), patience_s=1.0),
    }
    assert client._firestore_api
    connection.close()
    with pytest.raises(CloudUnreachableError) as refusal, explained():
        ask[asked]()
    assert refusal.value.retryable


def test_a_full_listener_is_reopened(firestore_server: Firestore, store: Store) -> None:
    site = CloudSite(firestore_server)
    replica = site.replica(store)
    replica.follow()
    wait_until(lambda: replica.is_live)
    calls = firestore_server.control.counts()["calls"]["Listen"]
    count = FULL + 500
    site.put_events([event(n, person=f"p-{n % 500}") for n in range(count)])
    wait_until(lambda: len(store.events.select()) == count, within_s=60)
    wait_until(lambda: firestore_server.control.counts()["calls"]["Listen"] > calls)
    site.put_events([event(-1)])
    wait_until(lambda: len(store.events.select()) == count + 1)
    replica.close()


def test_an_unreachable_server_is_reported_in_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:9")
    replica = CloudSite(Firestore("none", "127.0.0.1:9", "test-nobody")).replica(store)
    with pytest.raises(CloudUnreachableError):
        replica.catch_up(patience_s=0.5)


def test_stopping_is_idempotent_and_possible_before_the_first_snapshot(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:9")
    replica = CloudSite(Firestore("none", "127.0.0.1:9", "test-nobody")).replica(store)
    replica.close()
    replica.follow()
    replica.close()


def test_an_idle_listener_costs_no_reads(firestore_server: Firestore, store: Store) -> None:
    site = CloudSite(firestore_server)
    site.put_events([event(n) for n in range(300)])
    site.replica(store).catch_up()
    replica = site.replica(store, check_s=0.05)
    replica.follow()
    wait_until(lambda: replica.is_live)
    before = firestore_server.control.counts()
    wait_until(lambda: store.inbox.synced_at(SITE) is not None)
    put_person(site, ADA)  # one change
    wait_until(lambda: store.people.all() == [ADA])
    after = firestore_server.control.counts()
    replica.close()
    assert after["reads"] - before["reads"] == 1
