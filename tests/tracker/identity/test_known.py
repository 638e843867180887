"""A machine's copy of people, between the store that others change and the tracks of its cameras."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from config.errors import ModelError
from config.recognition import MatchSettings
from tests.tracker.fake_cameras import ADA, BOB, EVE, NOON, AgentHarness, face_of
from tracker.identity.known import KnownPeople
from tracker.identity.visitors import Visitor
from tracker.presence.people import Consent, PersonKind
from tracker.store.observation import Observation
from tracker.store.store import Store
from tracker.vision.faces import FloatArray


@pytest.fixture
def harness(tmp_path: Path) -> AgentHarness:
    return AgentHarness(tmp_path / "gym.sqlite3")


@pytest.fixture
def known(harness: AgentHarness) -> KnownPeople:
    people = KnownPeople(MatchSettings())
    people.refresh(harness.store.people)
    return people


def stranger(known: KnownPeople, number: int, track_id: str = "front-1") -> Visitor:
    visitor = known.visitor_for(face_of(number)[None], at=NOON, camera_id="front", track_id=track_id)
    assert visitor is not None
    return visitor


def save(known: KnownPeople, store: Store) -> None:
    visitors = known.unsaved_visitors
    store.record(Observation(visitors=visitors))
    known.visitors_saved(visitors)


def test_refresh_loads_people_and_vectors(harness: AgentHarness, known: KnownPeople) -> None:
    assert len(known.gallery) == 0
    ada = harness.enrol("Ada", ADA)
    assert known.person(ada) is None
    known.refresh(harness.store.people)
    assert known.person(ada) == harness.store.people.get(ada)
    assert known.gallery.people == (ada,)


def test_refresh_without_changes_reads_nothing(harness: AgentHarness, known: KnownPeople) -> None:
    harness.enrol("Ada", ADA)
    known.refresh(harness.store.people)
    before = known.gallery
    known.refresh(harness.store.people)
    assert known.gallery is before


def test_visitor_is_known_at_once_and_saved_later(harness: AgentHarness, known: KnownPeople) -> None:
    visitor = stranger(known, EVE)
    assert known.person(visitor.person.person_id) == visitor.person
    assert [person for person, _ in known.unsaved_visitors] == [visitor.person]
    save(known, harness.store)
    assert known.unsaved_visitors == ()
    assert harness.store.people.all(kind=PersonKind.VISITOR) == [visitor.person]


def test_visitor_that_is_not_saved_yet_survives_a_refresh(harness: AgentHarness, known: KnownPeople) -> None:
    visitor = stranger(known, EVE)
    harness.enrol("Ada", ADA)
    known.refresh(harness.store.people)
    assert known.person(visitor.person.person_id) == visitor.person
    assert stranger(known, EVE, "front-2").person == visitor.person
    save(known, harness.store)
    known.refresh(harness.store.people)
    assert stranger(known, EVE, "front-3").person == visitor.person


def test_visitor_keeps_the_id_after_a_restart(harness: AgentHarness, known: KnownPeople) -> None:
    first = stranger(known, EVE).person
    save(known, harness.store)
    again = KnownPeople(MatchSettings())
    again.refresh(harness.store.people)
    assert stranger(again, EVE, "front-9").person == first
    assert stranger(again, BOB, "front-10").person.name == "Visitor 2"


def test_visitor_with_new_vectors_while_being_saved_is_saved_again(harness: AgentHarness, known: KnownPeople) -> None:
    stranger(known, EVE)
    saved = known.unsaved_visitors
    turned = face_of(EVE) + 0.4 * face_of(BOB)
    known.visitor_for(turned[None], at=NOON, camera_id="front", track_id="front-2")
    harness.store.record(Observation(visitors=saved))
    known.visitors_saved(saved)
    assert [len(vectors) for _, vectors in known.unsaved_visitors] == [2]


def test_visitor_enrolled_meanwhile_moves_to_the_gallery(harness: AgentHarness, known: KnownPeople) -> None:
    visitor = stranger(known, EVE).person
    save(known, harness.store)
    known.visitor_for((face_of(EVE) + 0.4 * face_of(BOB))[None], at=NOON, camera_id="front", track_id="front-2")
    harness.store.people.promote(visitor.person_id, "Eve", consent=Consent(at=NOON))
    known.refresh(harness.store.people)
    assert known.unsaved_visitors == ()
    assert known.gallery.people == (visitor.person_id,)
    assert stranger(known, EVE, "front-3").person.person_id != visitor.person_id


def test_forgotten_visitor_is_unknown_after_the_next_refresh(harness: AgentHarness, known: KnownPeople) -> None:
    visitor = stranger(known, EVE).person
    save(known, harness.store)
    harness.store.people.forget(visitor.person_id, True)
    known.refresh(harness.store.people)
    assert known.person(visitor.person_id) is None


class SlowStore:
    """A store with a concurrent change between reading people and reading vectors."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.reading = threading.Event()
        self.go_on = threading.Event()

    def version(self) -> int:
        return self._store.people.version()

    def network(self) -> str | None:
        return self._store.people.network()

    def all(self) -> list[object]:
        people = list(self._store.people.all())
        self.reading.set()
        self.go_on.wait(0.2)
        return people

    def vectors(self, kind: PersonKind) -> tuple[FloatArray, tuple[str, ...]]:
        return self._store.people.vectors(kind)

    def limits(self) -> dict[str, float]:
        return self._store.people.limits()

    def negatives(self) -> tuple[FloatArray, tuple[str, ...]]:
        return self._store.people.negatives()


def test_visitor_saved_during_a_refresh_is_not_lost(harness: AgentHarness, known: KnownPeople) -> None:
    visitor = stranger(known, EVE).person
    harness.enrol("Ada", ADA)
    slow = SlowStore(harness.store)
    reading = threading.Thread(target=known.refresh, args=(slow,))
    reading.start()
    assert slow.reading.wait(10)
    saved = ((visitor, face_of(EVE)[None]),)
    harness.store.record(Observation(visitors=saved))
    other = threading.Thread(target=known.visitors_saved, args=(known._unsaved.values(),))
    other.start()
    slow.go_on.set()
    reading.join(10)
    other.join(10)
    assert known.person(visitor.person_id) is not None
    assert np.array_equal(stranger(known, EVE, "front-2").vectors, face_of(EVE)[None])
    assert stranger(known, EVE, "front-3").person.person_id == visitor.person_id


def test_limits_follow_the_size_of_the_gallery(harness: AgentHarness) -> None:
    known = KnownPeople(MatchSettings())
    harness.enrol("Ada", ADA)
    known.refresh(harness.store.people)
    assert (known.match.max_distance, known.match.stranger_distance) == (1.05, 1.13)
    for number in range(20, 120):
        harness.enrol(f"P {number}", number)
    known.refresh(harness.store.people)
    assert (known.match.max_distance, known.match.stranger_distance) == (1.0, 1.1)


def test_people_enrolled_anew_with_another_network_end_the_run(harness: AgentHarness, known: KnownPeople) -> None:
    ada = harness.enrol("Ada", ADA)
    known.refresh(harness.store.people)
    harness.store.people.replace_network("dlib_resnet", {ada: (face_of(BOB)[None], ["ada.png"])}, people=[ada])
    with pytest.raises(ModelError, match="now recognised by dlib_resnet") as caught:
        known.refresh(harness.store.people)
    assert caught.value.fix == "start this again"
