"""Writes: each record becomes the document that is read back as it, on the right condition, and says nothing more."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from google.cloud.firestore_v1 import _helpers
from hypothesis import given
from hypothesis import strategies as st
from tracker.store.unsent_visits import UnsentUsage, UnsentVisit

from tests.tracker.cloud.machines import LATER, SITE, START, visits
from tracker.cloud import documents, layout
from tracker.cloud.values import Document, fill
from tracker.cloud.writes import Writer
from tracker.presence.events import Event, Match
from tracker.presence.people import Person
from tracker.store.outbox_pages import Unsent
from tracker.store.outbox_rows import UnsentPerson

ROOT = "projects/p/databases/(default)/documents"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False),
        TEXTS,
        st.binary(max_size=20),
        st.datetimes(timezones=st.just(UTC)),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS.filter(bool), inner, max_size=3)),
    max_leaves=8,
)


@given(st.dictionaries(TEXTS.filter(bool), VALUES, max_size=5))
def test_what_is_written_is_what_googles_client_reads(document: dict[str, Any]) -> None:
    message = Document()
    fill(message.fields, document)
    assert _helpers.decode_dict(message.fields, None) == document


@pytest.mark.parametrize("value", [2**63, object(), "\ud800", {1, 2}], ids=["too large", "object", "half", "set"])
def test_what_firestore_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        fill(Document().fields, {"value": value})


def unsent(collection: str, record: Any, record_id: str = "x") -> Unsent:
    return Unsent(collection=collection, site_id=SITE, record_id=record_id, record=record)


def written(record: Unsent) -> list[Any]:
    return list(Writer("projects/p/databases/(default)", home_site=SITE).writes_of(record))


def test_an_event_is_created_once_stamped_and_read_back_as_it_is() -> None:
    (event, _), _ = visits(1)
    (write,) = written(unsent("events", event, event.event_id))
    message = write.message
    assert message.update.name == f"{ROOT}/sites/{SITE}/events/{event.event_id}"
    assert message.HasField("current_document")
    assert not message.current_document.exists
    (stamp,) = message.update_transforms
    assert (stamp.field_path, stamp.set_to_server_value) == ("received_at", 1)
    assert documents.event_of(SITE, event.event_id, _helpers.decode_dict(message.update.fields, None)) == event


def test_a_match_names_nobody_but_its_person() -> None:
    _, (match,) = visits(1)
    told = Match(
        site_id=SITE, camera_id="front", track_id="t", at=START, person_id=match.person_id, distance=0.4, margin=0.1,
        quality=0.8, authorised=True, reason=f"{match.person_id} by 4 sightings, nearer than v-00112233445566",
    )  # fmt: skip
    (write,) = written(unsent("matches", told, told.match_id))
    reason = write.message.update.fields["reason"].string_value
    assert reason == f"{match.person_id} by 4 sightings, nearer than somebody"


def test_a_visit_and_a_day_that_are_none_are_deleted() -> None:
    (visit,) = written(unsent("sessions", UnsentVisit("e/1", None)))
    assert visit.message.delete == f"{ROOT}/sites/{SITE}/sessions/e%2F1"
    (usage,) = written(unsent("usage", UnsentUsage(person_id="p", day=date(2026, 1, 5), zone="UTC")))
    assert usage.message.delete == f"{ROOT}/sites/{SITE}/usage/{layout.usage_id(date(2026, 1, 5), 'p')}"
    assert not visit.creates


def test_a_profile_holds_no_vector_and_vectors_hold_no_name() -> None:
    person = Person(person_id="p-1", name="Ada", created_at=START, consented_at=START)
    record = UnsentPerson(person=person, vectors=(("net", b"\x00" * 8),))
    (profile,) = written(unsent("people", record, "p-1"))
    fields = _helpers.decode_dict(profile.message.update.fields, None)
    assert "vector" not in str(fields)
    writer = Writer("projects/p/databases/(default)", home_site=SITE)
    (vector,) = writer.vectors("p-1", record.vectors, ())
    assert _helpers.decode_dict(vector.message.update.fields, None) == {
        "model": "net", "dimension": 2, "vector": b"\x00" * 8, "source": "", "schema": 1,
    }  # fmt: skip
    assert list(writer.vectors("p-1", record.vectors, [layout.vector_id("net", b"\x00" * 8)])) == []


def test_the_same_record_is_the_same_write() -> None:
    events, _ = visits(2)
    first = [write.message.SerializeToString(deterministic=True) for event in events for write in _of(event)]
    again = [write.message.SerializeToString(deterministic=True) for event in visits(2)[0] for write in _of(event)]
    assert first == again
    assert len(set(first)) == 4


def _of(event: Event) -> list[Any]:
    return written(unsent("events", event, event.event_id))


def test_times_before_1970_and_far_ahead_keep_their_microseconds() -> None:
    for at in (datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), LATER + timedelta(microseconds=1)):
        message = Document()
        fill(message.fields, {"at": at})
        assert _helpers.decode_dict(message.fields, None)["at"] == at
