"""Writes: the document of each record, its precondition, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore

from tests.tracker.cloud.machines import LATER, SITE, START, visits
from tracker.cloud import documents, paths
from tracker.cloud.writes import Encoder, Kind, Write
from tracker.presence.events import Match
from tracker.presence.people import Person
from tracker.presence.sessions import SessionState
from tracker.store.cursors import Deletion
from tracker.store.outbox_messages import Message, PersonRecord


def encoded(collection: str, record: Any, record_id: str = "x") -> list[Write]:
    message = Message(collection=collection, site_id=SITE, record_id=record_id, record=record)
    return [Encoder(SITE).write(message, LATER)]


def test_an_event_is_created_and_decoded_unchanged() -> None:
    (event, _), _ = visits(1)
    (write,) = encoded("events", event, event.event_id)
    assert (write.kind, write.path) == (Kind.CREATE, f"sites/{SITE}/events/{event.event_id}")
    assert write.document is not None
    assert write.document["at"] == event.at
    assert documents.event_of(SITE, event.event_id, write.document) == event


def test_a_match_names_only_its_person() -> None:
    _, (match,) = visits(1)
    uploaded = Match(
        site_id=SITE, camera_id="front", track_id="t", at=START, person_id=match.person_id, distance=0.4, margin=0.1,
        quality=0.8, authorised=True, reason=f"{match.person_id} by 4 sightings, nearer than v-00112233445566",
    )  # fmt: skip
    (write,) = encoded("matches", uploaded, uploaded.match_id)
    assert write.document is not None
    assert write.document["reason"] == f"{match.person_id} by 4 sightings, nearer than somebody"


def test_a_deleted_session_is_deleted_and_a_deleted_stay_leaves_a_tombstone() -> None:
    (session,) = encoded("sessions", Deletion(kind="session", site_id=SITE, record_id="e/1", changed=1), "e/1")
    assert (session.kind, session.path) == (Kind.DELETE, f"sites/{SITE}/sessions/e%2F1")
    assert (session.collection, session.record_id) == ("session deletion", "e/1")
    (stay,) = encoded("zone_stays", Deletion(kind="zone_stay", site_id=SITE, record_id="s-1", changed=1), "s-1")
    assert (stay.kind, stay.path) == (Kind.SET, f"sites/{SITE}/zone_stays/s-1")
    assert stay.document is not None
    assert documents.is_tombstone(stay.document)


def test_a_profile_holds_no_vector_and_vectors_hold_no_name() -> None:
    person = Person(person_id="p-1", name="Ada", created_at=START, consented_at=START)
    record = PersonRecord(person=person, vectors=(("net", b"\x00" * 8),))
    (profile,) = encoded("people", record, "p-1")
    assert "vector" not in str(profile.document)
    (vector,) = Encoder(SITE).vectors("p-1", record.vectors, ())
    assert vector.document == {"model": "net", "dimension": 2, "vector": b"\x00" * 8, "source": "", "schema": 1}
    assert list(Encoder(SITE).vectors("p-1", record.vectors, [paths.vector_id("net", b"\x00" * 8)])) == []


@pytest.mark.parametrize("kind", list(Kind))
def test_a_write_is_the_message_that_the_official_client_sends(kind: Kind) -> None:
    document = {
        "text": "ä", "none": None, "flag": True, "number": 7, "real": 0.5, "bytes": b"\x00\xff", "empty": {}, "no": [],
        "at": LATER + timedelta(microseconds=1), "list": [1, {"at": START, "b": [None]}], "odd `name`.": {"a/b": "c"},
        "state": SessionState.OPEN,
    }  # fmt: skip
    client = firestore.Client(project="p", credentials=AnonymousCredentials())
    batch, stamped = client.batch(), {**document, documents.RECEIVED_AT: firestore.SERVER_TIMESTAMP}
    reference = client.document("sites/gym/events/e%2F1")
    if kind is Kind.DELETE:
        batch.delete(reference)
    else:
        (batch.create if kind is Kind.CREATE else batch.set)(reference, stamped)
    write = Write(kind=kind, path="sites/gym/events/e%2F1", collection="events", record_id="e/1", document=document)
    message = write.message("projects/p/databases/(default)")
    assert message == type(batch._write_pbs[0]).pb(batch._write_pbs[0])


@pytest.mark.parametrize("value", [2**63, object(), "\ud800"], ids=["too large", "object", "half"])
def test_values_that_firestore_cannot_store_are_refused(value: object) -> None:
    write = Write(kind=Kind.SET, path="a/b", collection="events", record_id="b", document={"value": value})
    with pytest.raises((ValueError, TypeError)):
        write.message("projects/p/databases/(default)")


def test_the_same_record_is_the_same_write() -> None:
    first, again = (
        [write for event in visits(2)[0] for write in encoded("events", event, event.event_id)] for _ in "12"
    )
    assert first == again
    assert len({write.path for write in first}) == 4


def test_times_keep_their_microseconds() -> None:
    (event, _), _ = visits(1)
    (write,) = encoded("events", event, event.event_id)
    assert write.document is not None
    at = LATER + timedelta(microseconds=1)
    assert documents.event_of(SITE, "e-1", {**write.document, "at": at}).at == at
