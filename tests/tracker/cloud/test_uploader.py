"""The uploader: new records are uploaded once, in their current state, and nothing else is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from config.errors import CloudError, CloudUnreachableError, StoreBusyError
from tests.firestore.fixtures import Firestore
from tests.tracker.cloud.machines import (
    LATER,
    SITE,
    START,
    Cloud,
    Machine,
    assert_days,
    assert_same,
    person,
    visits,
    wait_until,
)
from tracker.cloud.auth.device_key import DeviceKey
from tracker.cloud.client import Connection
from tracker.presence.events import Action, Correction
from tracker.presence.people import Person, PersonKind
from tracker.presence.zones import ZoneStay
from tracker.store.observation import Observation
from tracker.store.store import Store


@pytest.fixture
def cloud(firestore_server: Firestore) -> Iterator[Cloud]:
    found = Cloud(firestore_server)
    yield found
    found.close()


def test_every_record_is_uploaded_unchanged(any_firestore: Firestore, tmp_path: Path) -> None:
    machine, cloud = Machine(tmp_path / "store.sqlite3", any_firestore), Cloud(any_firestore)
    machine.record(30)
    machine.drain()
    assert_same(cloud, [machine.store])
    assert_days(cloud, machine.store)
    assert cloud.documents("matches").keys() == {each.match_id for each in machine.store.matches.select()}
    assert machine.is_drained()
    assert machine.drain() == 0
    for close in (machine.close, cloud.close):
        close()


def test_a_batch_with_a_lost_answer_is_sent_again_without_duplicates(any_firestore: Firestore, tmp_path: Path) -> None:
    """The second machine knows nothing of the first, as one whose file was put back from a backup."""
    for name in ("a", "b"):
        machine = Machine(tmp_path / f"{name}.sqlite3", any_firestore)
        machine.record(20)
        machine.drain()
        assert machine.is_drained()
        assert machine.store.outbox.rejected() == []
        machine.close()
    cloud = Cloud(any_firestore)
    assert len(cloud.events()) == 40
    cloud.close()


def test_two_agents_of_a_site_make_no_duplicates(machine: Machine, cloud: Cloud, tmp_path: Path) -> None:
    other = Machine(tmp_path / "other.sqlite3", machine.firestore)
    machine.record(30)
    other.record(30, first=10)
    for each in (machine, other, machine, other):
        each.drain()
    events = {event.event_id for store in (machine.store, other.store) for event in store.events.select()}
    assert cloud.documents("events").keys() == events
    assert len(events) == 80
    other.close()


def test_a_session_is_uploaded_in_its_current_state(machine: Machine, cloud: Cloud) -> None:
    (enter, leave), _ = visits(1)
    machine.now = START + timedelta(minutes=1)
    machine.store.record(Observation(events=[enter]))
    machine.drain()
    assert [(each["state"], each["dwell_s"]) for each in cloud.documents("sessions").values()] == [("open", None)]
    machine.firestore.control.reset()
    machine.now = START + timedelta(hours=2)
    machine.store.record(Observation(events=[leave]))
    machine.store.record(Observation(events=[replace(enter, at=enter.at + timedelta(seconds=40), event_id="")]))
    machine.drain()
    assert [(each["state"], each["dwell_s"]) for each in cloud.documents("sessions").values()] == [("closed", 1800)]
    written = machine.firestore.control.counts()["writes_by_collection"]
    assert (written["sessions"], written["events"]) == (1, 2)


def test_a_voided_visit_is_deleted_and_its_correction_uploaded(machine: Machine, cloud: Cloud) -> None:
    machine.record(2)
    machine.drain()
    first = (
        machine.store.events.select()[:1]
        + [each for each in machine.store.events.select() if each.person_id == person(0)][1:]
    )
    for number, event in enumerate(first):
        correction = Correction(
            action=Action.VOID, event_id=event.event_id, by="ann", at=LATER + timedelta(seconds=number), reason="no"
        )
        machine.store.events.correct([correction])
    machine.drain()
    assert {each.person_id for each in cloud.sessions()} == {person(1)}
    assert {each["person_id"] for each in cloud.documents("corrections").values()} == {person(0)}
    assert len(cloud.events()) == 4  # corrections do not change events


def test_a_visit_without_exit_is_closed_by_time(machine: Machine, cloud: Cloud) -> None:
    (enter, _), _ = visits(1)
    machine.now = START + timedelta(minutes=1)
    machine.store.record(Observation(events=[enter]))
    machine.drain()
    machine.now = LATER
    machine.drain()
    assert [each["state"] for each in cloud.documents("sessions").values()] == [
        str(each.state) for each in machine.store.sessions.select(site_id=SITE, now=LATER)
    ]


def test_only_matches_that_decided_an_event_are_uploaded(machine: Machine, cloud: Cloud) -> None:
    events, (match,) = visits(1)
    other = [
        replace(match, person_id=None, reason="too far", authorised=False, match_id=""),
        replace(match, track_id="front-77", match_id=""),
        replace(match, at=match.at - timedelta(seconds=5), match_id=""),
        replace(match, at=match.at + timedelta(seconds=5), match_id=""),
    ]
    machine.store.record(Observation(events=events, matches=[*other, match]))
    machine.drain()
    assert list(cloud.documents("matches")) == [match.match_id]


def test_downloaded_records_are_not_uploaded(machine: Machine, cloud: Cloud) -> None:
    machine.record(3)
    with machine.store.database.writing() as writing:
        writing.connection.execute("UPDATE events SET downloaded = changed WHERE person_id = ?", (person(1),))
    machine.drain()
    assert {event.person_id for event in cloud.events()} == {person(0), person(2)}


def test_zone_stays_are_uploaded_when_they_end(machine: Machine, cloud: Cloud) -> None:
    stay = ZoneStay(
        site_id=SITE, camera_id="hall", zone="bar", person_id="p-1", started_at=START, seen_at=LATER, over=False
    )
    machine.store.record(Observation(zone_stays=[stay]))
    machine.drain()
    assert cloud.documents("zone_stays") == {}
    machine.store.record(Observation(zone_stays=[replace(stay, over=True)]))
    machine.drain()
    assert [each["zone"] for each in cloud.documents("zone_stays").values()] == ["bar"]
    machine.store.record(Observation(dropped_stays=[stay.stay_id]))
    machine.drain()
    assert [each["deleted"] for each in cloud.documents("zone_stays").values()] == [True]


# -- refusals


def _said(machine: Machine, reason: str, number: int) -> Correction:
    event = machine.store.events.select()[number]
    return Correction(action=Action.VOID, event_id=event.event_id, by="ann", at=LATER, reason=reason)


def test_a_bad_document_is_rejected_alone_and_retried_on_request(machine: Machine, cloud: Cloud) -> None:
    machine.record(20)
    bad, good = _said(machine, "x" * 2**20, 3), _said(machine, "a mistake", 4)
    machine.store.events.correct([bad, good])
    machine.drain()
    assert list(cloud.documents("corrections")) == [good.correction_id]
    assert len(cloud.events()) == 40
    (rejected,) = machine.store.outbox.rejected()
    assert (rejected.collection, rejected.record_id, rejected.attempts) == ("corrections", bad.correction_id, 1)
    assert "INVALID_ARGUMENT" in rejected.reason
    assert machine.drain() == 0
    assert machine.store.outbox.requeue() == 1
    machine.drain()
    assert machine.store.outbox.rejected()[0].attempts == 2
    with machine.store.database.writing() as writing:
        writing.connection.execute("UPDATE corrections SET reason = 'short' WHERE length(reason) > 1000")
    machine.store.outbox.requeue()
    machine.drain()
    assert machine.store.outbox.rejected() == []
    assert len(cloud.documents("corrections")) == 2


def test_a_damaged_row_is_rejected_and_blocks_nothing(machine: Machine, cloud: Cloud) -> None:
    machine.record(3)
    with machine.store.database.writing() as writing:
        writing.connection.execute("UPDATE events SET track_id = '' WHERE event_row = 2")
    machine.drain()
    assert len(cloud.events()) == 5
    assert [each.collection for each in machine.store.outbox.rejected()] == ["events"]


@pytest.mark.parametrize("status", ["PERMISSION_DENIED", "UNAUTHENTICATED", "NOT_FOUND"])
def test_missing_permissions_reject_nothing_and_are_reported(machine: Machine, cloud: Cloud, status: str) -> None:
    machine.record(20)
    machine.firestore.control.fail("", status, count=-1)
    with pytest.raises(CloudError) as refusal:
        machine.drain()
    assert not isinstance(refusal.value, CloudUnreachableError)
    assert status in refusal.value.problem
    assert refusal.value.fix
    assert machine.store.outbox.rejected() == []
    machine.firestore.control.heal()
    machine.drain()
    assert_same(cloud, [machine.store])


@pytest.mark.parametrize("status", ["RESOURCE_EXHAUSTED", "UNAVAILABLE", "DEADLINE_EXCEEDED", "ABORTED", "INTERNAL"])
@pytest.mark.parametrize("applied", [False, True], ids=["undone", "done-unanswered"])
def test_transient_errors_lose_nothing(machine: Machine, cloud: Cloud, status: str, applied: bool) -> None:
    machine.record(20)
    machine.firestore.control.fail("Commit", status, count=2, applied=applied)
    machine.drain()
    assert machine.store.outbox.rejected() == []
    assert_same(cloud, [machine.store])


def test_a_long_outage_is_reported(machine: Machine) -> None:
    machine.record(1)
    machine.firestore.control.fail("", "UNAVAILABLE", count=-1)
    with pytest.raises(CloudUnreachableError, match="does not answer"):
        machine.drain(patience_s=0.2)
    assert not machine.is_drained()


# -- who may send


def test_a_device_key_uploads_what_its_rules_allow(machine: Machine, cloud: Cloud) -> None:
    key = DeviceKey(
        project=machine.firestore.project, uid="d-1", site_id=SITE, camera_id="door", api_key="k", refresh_token="r"
    )

    def as_device() -> Connection:
        connection = machine.connect()
        return Connection(connection.app, connection.client, key)

    machine.store.people.add(Person(person_id="p-1", name="Ada", created_at=START, consented_at=START), _vectors(1))
    machine.record(3, camera="door")
    machine.record(4, first=100, camera="hall")
    machine.drain(connecting=as_device)
    counts = machine.firestore.control.counts()
    assert counts["writes_by_collection"] == {"events": 6, "matches": 3}
    assert (counts["reads"], counts["deletes"]) == (0, 0)
    machine.drain()  # with a service account, the rest follows and nothing comes twice
    assert_same(cloud, [machine.store])
    assert len(cloud.documents("people")) == 1


def test_one_process_uploads_a_store_at_a_time(machine: Machine, tmp_path: Path) -> None:
    words = "being uploaded to Firestore already, by this process itself"
    with (
        Store(tmp_path / "store.sqlite3") as other,
        other.outbox.lease(),
        pytest.raises(StoreBusyError, match=words),
    ):
        machine.drain()
    assert machine.drain() == 0


def test_the_thread_uploads_new_records_and_stops(machine: Machine, cloud: Cloud) -> None:
    machine.start()
    machine.record(5)
    wait_until(lambda: len(cloud.events()) == 10)
    machine.record(5, first=5)
    machine.close()  # what came in last goes as well
    assert len(cloud.events()) == 20


# -- people


def _vectors(count: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.random.default_rng(count).standard_normal((count, 128)).astype(np.float32)


def _add_people(store: Store) -> None:
    for one_id, name, consented in (("p-1", "Ada", START), ("p-2", "Bob", None)):
        store.people.add(Person(person_id=one_id, name=name, created_at=START, consented_at=consented), _vectors(2))
    visitor = Person(person_id="v-1", name="Visitor 1", created_at=START, kind=PersonKind.VISITOR)
    store.record(Observation(visitors=[(visitor, _vectors(4))]))


@pytest.mark.parametrize("shared", [True, False])
def test_vectors_are_uploaded_only_with_consent_and_sharing(
    firestore_server: Firestore, tmp_path: Path, shared: bool
) -> None:
    machine, cloud = Machine(tmp_path / "s.sqlite3", firestore_server, vectors=shared), Cloud(firestore_server)
    _add_people(machine.store)
    machine.drain()
    assert cloud.documents("people").keys() == {"p-1", "p-2", "v-1"}
    counted = {each: len(cloud.documents(f"people/{each}/embeddings")) for each in ("p-1", "p-2", "v-1")}
    assert counted == {"p-1": 2 if shared else 0, "p-2": 0, "v-1": 0}
    machine.store.people.add_vectors("p-1", _vectors(3))
    machine.drain()
    assert len(cloud.documents("people/p-1/embeddings")) == (5 if shared else 0)
    machine.close()
    cloud.close()


def test_removed_vectors_are_deleted_and_existing_ones_not_sent_again(
    firestore_server: Firestore, tmp_path: Path
) -> None:
    machine, cloud = Machine(tmp_path / "s.sqlite3", firestore_server, vectors=True), Cloud(firestore_server)
    _add_people(machine.store)
    zoe = Person(person_id="p-3", name="Zoe", created_at=START, consented_at=START)
    machine.store.people.add(zoe, _vectors(3))
    machine.drain()
    firestore_server.control.reset()
    machine.store.people.rename("p-1", "Ada Lovelace")
    assert machine.drain() == 1
    machine.store.people.merge("p-3", "p-1")
    machine.drain()
    counted = {each: len(cloud.documents(f"people/{each}/embeddings")) for each in ("p-1", "p-3")}
    assert counted == {"p-1": 5, "p-3": 0}
    machine.terms = replace(machine.terms, vectors=False)  # nobody wants them there any more
    machine.drain()
    assert cloud.documents("people/p-1/embeddings") == {}
    machine.close()
    cloud.close()


def test_a_merged_profile_names_the_remaining_person(machine: Machine, cloud: Cloud) -> None:
    _add_people(machine.store)
    machine.drain()
    machine.store.people.merge("v-1", "p-1")
    machine.store.people.rename("p-2", "Robert")
    machine.drain()
    people = cloud.documents("people")
    assert (people["v-1"]["merged_into"], people["v-1"]["name"], people["p-2"]["name"]) == ("p-1", "Ada", "Robert")


@pytest.mark.parametrize("erase_history", [True, False])
def test_a_forgotten_person_is_erased_in_firestore(
    firestore_server: Firestore, tmp_path: Path, erase_history: bool
) -> None:
    machine, cloud = Machine(tmp_path / "s.sqlite3", firestore_server, vectors=True), Cloud(firestore_server)
    who = Person(person_id=person(0), name="Ada", created_at=START, consented_at=START)
    machine.store.people.add(who, _vectors(2))
    machine.record(6, people=2)
    machine.drain()
    machine.store.people.forget(person(0), erase_history)
    machine.drain()
    (tombstone,) = cloud.documents("forgotten").values()
    assert tombstone["erase_history"] is erase_history
    assert cloud.documents("people").keys() == set()
    for collection in ("events", "matches", "sessions", f"people/{person(0)}/embeddings"):
        assert person(0) not in str(cloud.documents(collection))
    assert len(cloud.events()) == (6 if erase_history else 12)
    assert_same(cloud, [machine.store])
    assert_days(cloud, machine.store)
    assert person(0) not in str(machine.store.outbox.state(""))
    machine.close()
    cloud.close()
