"""Downloaded records: stored once, marked as downloaded, and never overwriting newer local changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from tracker.presence.coverage import CoverageSpan
from tracker.presence.events import Action, CameraRef, Correction, content_id, unidentified_id
from tracker.presence.people import PersonKind, Role
from tracker.presence.rules import Rules
from tracker.presence.sessions import sessions
from tracker.store.correction_rows import PersonCorrection
from tracker.store.inbox import Incoming, Unreadable
from tracker.store.inbox_erasures import IncomingErasure
from tracker.store.inbox_people import IncomingPerson
from tracker.store.observation import Observation
from tracker.store.store import Store

CAME = datetime(2026, 3, 3, tzinfo=UTC)
NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)


def arrivals(**parts: Any) -> Incoming:
    return Incoming(at=CAME, **parts)


def people_arrive(store: Store, *people: IncomingPerson) -> None:
    store.inbox.apply(arrivals(people=people))


def rows(store: Store, sql: str) -> list[tuple[Any, ...]]:
    with store.database.reading() as connection:
        found: list[tuple[Any, ...]] = connection.execute(sql).fetchall()
        return found


def unsent(store: Store, table: str) -> int:
    """Rows that an uploader that has uploaded nothing yet would upload."""
    return int(rows(store, f"SELECT count(*) FROM {table} WHERE changed <> downloaded")[0][0])  # noqa: S608 - fixed names


def sent_so_far(store: Store, *kinds: str) -> None:
    """As if everything of these kinds were uploaded."""
    store.inbox.apply(arrivals(cursors={f"upload {kind}": str(store.version() + 1) for kind in kinds}))


def tombstone(person_id: str, *, erase_history: bool = False) -> IncomingErasure:
    return IncomingErasure(digest=content_id("forgotten", person_id), at=CAME, erase_history=erase_history)


def names(store: Store) -> dict[str, str]:
    return {each.person_id: each.name for each in store.people.all()}


def test_downloaded_events_give_the_same_visits_as_local_ones(store: Store, records: Any) -> None:
    own, theirs = records.event(0), records.event(60, "exit", camera_id="back")
    store.record(Observation(events=[own]))
    store.inbox.apply(arrivals(events=[theirs, own]))
    batch = sessions([own, theirs], rules=Rules(), now=NOW)
    assert store.sessions.select(site_id="gym", rules=Rules(), now=NOW) == batch
    assert len(batch) == 1
    assert unsent(store, "events") == 1


def test_applying_a_page_twice_changes_nothing(store: Store, records: Any) -> None:
    every = arrivals(
        events=[records.event(0)],
        people=[IncomingPerson(person=records.person(), vectors={"sface": records.vectors(2)})],
        healths=[replace(records.health(), source="")],
        spans=[CoverageSpan(site_id="gym", camera_id="front", started_at=records.at(0), ended_at=records.at(9))],
        erasures=[tombstone("p-gone")],
        site={"gym": {"name": "Gym"}},
        unreadable=[Unreadable(collection="events", record_id="e1", reason="at: expected a time")],
        cursors={"download gym events": "2026"},
    )
    store.inbox.apply(every)
    version = store.version()
    store.inbox.apply(every)
    assert store.version() == version
    assert [unsent(store, table) for table in ("events", "people", "coverage_spans", "cameras")] == [0, 0, 0, 0]


def test_a_cursor_never_goes_back(store: Store) -> None:
    store.inbox.apply(arrivals(cursors={"download gym events": "2026-02"}))
    store.inbox.apply(arrivals(cursors={"download gym events": "2026-01"}))
    assert store.inbox.cursor("download gym events") == "2026-02"


@pytest.mark.parametrize("late", ["event", "correction"], ids=["event-last", "correction-last"])
def test_corrections_apply_in_any_order_of_arrival(store: Store, records: Any, late: str) -> None:
    event = records.event(0)
    correction = PersonCorrection(
        correction=Correction(action=Action.VOID, event_id=event.event_id, by="Ann", at=records.at(99)),
        person_id=event.person_id,
    )
    first, second = arrivals(events=[event]), arrivals(corrections=[correction])
    for each in [second, first] if late == "event" else [first, second]:
        store.inbox.apply(each)
    assert store.events.select() == []
    assert store.events.corrections() == [correction.correction]
    assert (unsent(store, "events"), unsent(store, "corrections")) == (0, 0)


def test_unidentified_people_are_exchanged_as_events_alone(store: Store, records: Any) -> None:
    nobody = unidentified_id(CameraRef("gym", "front"), "t")
    event, named = records.event(0, person_id=nobody), records.event(0)
    void = Correction(action=Action.VOID, event_id=event.event_id, by="footfall", at=records.at(9))
    store.inbox.apply(arrivals(corrections=[PersonCorrection(correction=void, person_id=nobody)], events=[named]))
    store.inbox.apply(arrivals(events=[event, records.event(60, "exit", person_id=nobody)]))
    assert [(each.kind, each.person_id) for each in store.events.select()] == [("enter", "p-ada"), ("exit", nobody)]
    assert [each.person_id for each in store.sessions.select(site_id="gym", now=NOW)] == ["p-ada"]
    assert store.people.all() == []
    store.record(Observation(events=[records.event(90, person_id=nobody)]))
    assert unsent(store, "events") == 1


def test_an_added_event_arrives_with_its_correction(store: Store, records: Any) -> None:
    event = records.event(0)
    correction = Correction(action=Action.ADD, event_id=event.event_id, by="Ann", at=records.at(99), event=event)
    store.inbox.apply(arrivals(corrections=[PersonCorrection(correction=correction, person_id=event.person_id)]))
    assert store.events.select() == [event]
    assert unsent(store, "events") == 0


def test_local_events_voided_elsewhere_stay_pending(store: Store, records: Any) -> None:
    event = records.event(0)
    store.record(Observation(events=[event]))
    correction = Correction(action=Action.VOID, event_id=event.event_id, by="Ann", at=records.at(99))
    store.inbox.apply(arrivals(corrections=[PersonCorrection(correction=correction, person_id=event.person_id)]))
    assert store.events.select() == []
    assert unsent(store, "events") == 1


# -- people


def test_people_are_downloaded_with_profile_and_vectors(store: Store, records: Any) -> None:
    ada = replace(records.person(), role=Role.STAFF, access=False)
    people_arrive(store, IncomingPerson(person=ada, vectors={"sface": records.vectors(2)}))
    assert store.people.all() == [ada]
    assert store.people.vectors(PersonKind.ENROLLED)[0].shape == (2, 128)
    assert unsent(store, "people") == 0


def test_a_pending_local_change_wins(store: Store, records: Any) -> None:
    people_arrive(store, IncomingPerson(person=records.person()))
    store.people.rename("p-ada", "Countess")
    people_arrive(store, IncomingPerson(person=records.person(name="Augusta")))
    assert names(store) == {"p-ada": "Countess"}
    assert unsent(store, "people") == 1
    sent_so_far(store, "people")
    people_arrive(store, IncomingPerson(person=records.person(name="Augusta")))
    assert names(store) == {"p-ada": "Augusta"}


def test_local_vectors_stay_and_remote_ones_follow_firestore(store: Store, records: Any) -> None:
    mine, theirs, newer = records.vectors(2, seed=1), records.vectors(3, seed=2), records.vectors(1, seed=3)
    store.people.add(records.person(), mine, sources=["a.jpg", "b.jpg"])
    sent_so_far(store, "people")
    for vectors in (np.concatenate([mine, theirs]), np.concatenate([mine, newer])):
        people_arrive(store, IncomingPerson(person=records.person(), vectors={"sface": vectors}))
    assert sorted(store.people.vectors(PersonKind.ENROLLED)[0].tolist()) == sorted(
        np.concatenate([mine, newer]).tolist()
    )
    people_arrive(store, IncomingPerson(person=records.person()))  # nobody asked for vectors: they stay
    assert store.people.vector_counts() == {"p-ada": 3}
    people_arrive(store, IncomingPerson(person=records.person(), vectors={}))
    assert store.people.vector_counts() == {"p-ada": 2}


def test_invalid_vectors_are_rejected_without_the_person(store: Store, records: Any) -> None:
    store.people.add(records.person("p-bob", "Bob"), records.vectors(1))
    strange = {"sface": records.vectors(1, dimension=64)}
    people_arrive(store, IncomingPerson(person=records.person(), vectors=strange))
    assert names(store) == {"p-ada": "Ada", "p-bob": "Bob"}
    ((refused, _),) = store.inbox.unreadable()
    assert (refused.collection, refused.record_id) == ("embeddings", "p-ada")
    assert "64 numbers do not fit" in refused.reason


def test_equal_names_are_numbered_until_they_differ(store: Store, records: Any) -> None:
    older = records.person("p-b", "Ada")
    younger = replace(records.person("p-a", "ADA"), created_at=older.created_at + timedelta(days=1))
    for order in ([younger, older], [older, younger], [younger]):
        people_arrive(store, *(IncomingPerson(person=each) for each in order))
        assert names(store) == {"p-b": "Ada", "p-a": "ADA (2)"}
    people_arrive(store, IncomingPerson(person=replace(older, name="Augusta")))
    assert names(store) == {"p-b": "Augusta", "p-a": "ADA"}
    assert unsent(store, "people") == 0


def test_swapped_names_arrive_in_any_order(store: Store, records: Any) -> None:
    ada, bob = records.person("p-1", "Ada"), records.person("p-2", "Bob")
    people_arrive(store, IncomingPerson(person=ada), IncomingPerson(person=bob))
    people_arrive(store, IncomingPerson(person=replace(bob, name="Ada")))
    people_arrive(store, IncomingPerson(person=replace(ada, name="Bob")))
    assert names(store) == {"p-1": "Bob", "p-2": "Ada"}


def test_a_local_rename_is_kept(store: Store, records: Any) -> None:
    people_arrive(store, *(IncomingPerson(person=records.person(each, "Ada")) for each in ("p-1", "p-2")))
    store.people.rename("p-2", "Countess")
    people_arrive(store, IncomingPerson(person=records.person("p-1", "Augusta")))
    assert names(store) == {"p-1": "Augusta", "p-2": "Countess"}


def test_a_merge_arrives_before_or_after_the_remaining_person(store: Store, records: Any) -> None:
    visitor, ada = records.visitor(), records.person()
    store.inbox.apply(arrivals(events=[records.event(0, person_id="v-1"), records.event(9, "exit")]))
    people_arrive(store, IncomingPerson(person=visitor))
    people_arrive(store, IncomingPerson(person=replace(ada, person_id="v-1"), merged_into="p-ada"))
    assert names(store) == {"p-ada": "Ada"}
    people_arrive(store, IncomingPerson(person=replace(ada, name="Augusta")))
    assert names(store) == {"p-ada": "Augusta"}
    (visit,) = store.sessions.select(site_id="gym", rules=Rules(), now=NOW)
    assert (visit.person_id, visit.dwell_s) == ("p-ada", 9)
    assert (unsent(store, "people"), unsent(store, "aliases")) == (0, 0)
    people_arrive(store, IncomingPerson(person=visitor))  # an older word about the visitor
    assert names(store) == {"p-ada": "Augusta"}


def test_withdrawn_consent_removes_vectors_of_merged_ids(store: Store, records: Any) -> None:
    ada = records.person()
    people_arrive(store, IncomingPerson(person=ada, vectors={"sface": records.vectors(1, seed=1)}))
    old = replace(ada, person_id="p-old")
    people_arrive(store, IncomingPerson(person=old, merged_into="p-ada", vectors={"sface": records.vectors(2)}))
    people_arrive(store, IncomingPerson(person=ada, vectors={"sface": records.vectors(1, seed=1)}))
    assert store.people.vector_counts() == {"p-ada": 3}
    people_arrive(store, IncomingPerson(person=replace(ada, consented_at=None), vectors={}))
    assert store.people.vector_counts() == {}


def test_a_downloaded_merge_drops_a_pending_local_change(store: Store, records: Any) -> None:
    people_arrive(store, IncomingPerson(person=records.visitor()), IncomingPerson(person=records.person()))
    store.people.rename("v-1", "The plumber")
    people_arrive(store, IncomingPerson(person=replace(records.person(), person_id="v-1"), merged_into="p-ada"))
    assert names(store) == {"p-ada": "Ada"}


def test_circular_merges_leave_one_person(store: Store, records: Any) -> None:
    people_arrive(store, *(IncomingPerson(person=records.person(each, each)) for each in "abc"))
    for gone, kept in (("a", "b"), ("b", "c"), ("c", "a")):
        people_arrive(store, IncomingPerson(person=records.person(gone, kept), merged_into=kept))
    assert names(store) == {"c": "c"}


# -- forgetting


@pytest.mark.parametrize("erase_history", [True, False], ids=["erase-history", "keep-counts"])
def test_a_person_forgotten_elsewhere_is_forgotten_here(store: Store, records: Any, erase_history: bool) -> None:
    store.people.add(records.person(), records.vectors(1))
    store.record(Observation(events=[records.event(0), records.event(9, "exit")], matches=[records.match(0)]))
    sent_so_far(store, "events", "people")
    store.inbox.apply(arrivals(events=[records.event(5, camera_id="back"), records.event(1, person_id="p-bob")]))
    store.inbox.apply(arrivals(erasures=[tombstone("p-ada", erase_history=erase_history)]))
    assert (store.people.all(), store.matches.select()) == ([], [])
    assert [event.person_id for event in store.events.select()] == ["p-bob"]  # Firestore has the rest without a name
    store.inbox.apply(arrivals(events=[records.event(20)], people=[IncomingPerson(person=records.person())]))
    assert len(store.events.select()) == 1
    assert store.people.all() == []
    assert rows(store, "SELECT * FROM deletions WHERE kind IN ('person', 'zone_stay')") == []
    assert b"p-ada" not in b"".join(each.read_bytes() for each in store.path.parent.glob("*"))


def test_pending_events_of_a_forgotten_person_stay_anonymous(store: Store, records: Any) -> None:
    store.record(Observation(events=[records.event(0), records.event(9, "exit")]))
    store.inbox.apply(arrivals(erasures=[tombstone("p-ada")]))
    events = store.events.select()
    assert [event.at for event in events] == [records.at(0), records.at(9)]
    assert {event.person_id[:2] for event in events} == {"x-"}
    assert unsent(store, "events") == 2


def test_a_camera_machine_does_not_upload_anonymous_events_again(store: Store, records: Any) -> None:
    store.record(Observation(events=[records.event(0), records.event(9, "exit")]))
    sent_so_far(store, "events")
    store.inbox.apply(arrivals(erasures=[tombstone("p-ada")], whole_history=False))
    assert {event.person_id[:2] for event in store.events.select()} == {"x-"}
    assert len(store.events.select()) == 2
    assert unsent(store, "events") == 0


def test_a_waiting_correction_of_a_forgotten_person_is_dropped(store: Store, records: Any) -> None:
    correction = Correction(action=Action.VOID, event_id="e1", by="Ann", at=records.at(99), reason="not Ada Lovelace")
    store.inbox.apply(arrivals(corrections=[PersonCorrection(correction=correction, person_id="p-ada")]))
    store.inbox.apply(arrivals(erasures=[tombstone("p-ada")]))
    assert rows(store, "SELECT * FROM waiting_corrections") == []


# -- cameras, sites, and what cannot be read


def test_the_newest_health_of_a_camera_is_kept(store: Store, records: Any) -> None:
    store.record(Observation(health=records.health(frames=50)))
    store.inbox.apply(arrivals(healths=[replace(records.health(frames=40), source="")]))
    assert store.cameras.health()[0].frames == 50
    assert unsent(store, "cameras") == 1
    store.inbox.apply(arrivals(healths=[replace(records.health(frames=60), source="")]))
    assert store.cameras.health()[0].frames == 60


def test_a_rejected_document_is_cleared_when_a_valid_version_arrives(store: Store) -> None:
    store.inbox.apply(arrivals(unreadable=[Unreadable(collection="events", record_id="e1", reason="kind is missing")]))
    assert [(each.record_id, at) for each, at in store.inbox.unreadable()] == [("e1", CAME)]
    store.inbox.apply(arrivals(readable=[("events", "e1")]))
    assert store.inbox.unreadable() == []


def test_the_document_of_a_site_is_kept(store: Store) -> None:
    assert store.inbox.site_document("gym") is None
    store.inbox.apply(arrivals(site={"gym": {"name": "Gym", "capacity": 80}}))
    store.inbox.apply(arrivals(site={"gym": {"name": "The gym"}}))
    assert store.inbox.site_document("gym") == {"name": "The gym"}
