"""Vectors of a shadow period: bounded, of enrolled people, gone with the person and with the period."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.tracker.store.conftest import Records
from tracker.presence.events import Action, Correction, Event
from tracker.presence.people import Person, PersonKind
from tracker.store.observation import Observation
from tracker.store.person_data import kept_about
from tracker.store.shadow import MOST, MOST_OF_A_TRACK, ShadowVector
from tracker.store.store import Store

NEXT = "ours@0123456789ab"
records = Records()


@pytest.fixture
def known(store: Store) -> Store:
    store.people.add(records.person(), records.vectors(2))
    store.people.add(records.person("p-bob", "Bob"), records.vectors(2, seed=1))
    store.people.add(records.visitor(), records.vectors(1, seed=2))
    return store


def faces(count: int, person_id: str = "p-ada", *, tracks: int = 9, seed: int = 0) -> list[ShadowVector]:
    rows = records.vectors(count, seed=seed, dimension=16)
    return [ShadowVector(person_id, row, f"{person_id}-t{number % tracks}") for number, row in enumerate(rows)]


def test_faces_are_kept_apart_from_those_that_recognise(known: Store) -> None:
    assert known.shadow.add(NEXT, faces(2)) == 2
    vectors, owners, tracks = known.shadow.vectors(NEXT)
    assert (owners, tracks) == (("p-ada", "p-ada"), ("p-ada-t0", "p-ada-t1"))
    assert np.array_equal(vectors, [each.vector for each in faces(2)])
    assert known.people.network() == "sface"
    assert len(known.people.vectors(PersonKind.ENROLLED)[0]) == 4
    assert kept_about(known, "p-ada").faces == {NEXT: 2, "sface": 2}


def test_so_many_of_a_person_and_of_a_track(known: Store) -> None:
    assert known.shadow.add(NEXT, faces(6, tracks=1)) == MOST_OF_A_TRACK
    assert known.shadow.add(NEXT, faces(30, seed=1)) == MOST - MOST_OF_A_TRACK
    assert known.shadow.counts(NEXT) == {"p-ada": MOST}


def test_only_of_people_who_are_enrolled(known: Store) -> None:
    assert known.shadow.add(NEXT, [*faces(1, "v-1"), *faces(1, "p-nobody")]) == 0
    known.people.merge("p-bob", "p-ada")
    assert known.shadow.add(NEXT, faces(1, "p-bob")) == 1
    assert known.shadow.counts(NEXT) == {"p-ada": 1}


def test_single_faces_are_removed(known: Store) -> None:
    known.shadow.add(NEXT, faces(3) + faces(1, "p-bob"))
    known.shadow.remove(NEXT, faces(2))
    known.shadow.remove(NEXT, faces(2))
    assert known.shadow.counts(NEXT) == {"p-ada": 1, "p-bob": 1}


TRACK, OTHER = "front-t0", "front-t9"


def tracks_of_ada(store: Store) -> set[str]:
    _, owners, tracks = store.shadow.vectors(NEXT)
    return {track for owner, track in zip(owners, tracks, strict=True) if owner == "p-ada"}


@pytest.fixture
def taken(known: Store) -> Store:
    """Faces of Ada, of two tracks of which the first entered, and one of Bob."""
    first, second = records.vectors(2, dimension=16)
    known.shadow.add(NEXT, [ShadowVector("p-ada", first, TRACK), ShadowVector("p-ada", second, OTHER)])
    known.shadow.add(NEXT, faces(1, "p-bob"))
    known.record(Observation(events=[records.event(0)], matches=[records.match(0)]))
    assert tracks_of_ada(known) == {TRACK, OTHER}
    return known


def void(event: Event) -> Correction:
    return Correction(action=Action.VOID, event_id=event.event_id, by="ann", at=records.at(100))


@pytest.mark.parametrize("person_id", ["p-bob", None])
def test_another_name_of_the_track_deletes_its_faces(taken: Store, person_id: str | None) -> None:
    taken.record(Observation(matches=[records.match(9, person_id)]))
    assert tracks_of_ada(taken) == {OTHER}
    assert taken.shadow.counts(NEXT)["p-bob"] == 1


def test_the_name_of_somebody_who_was_merged_is_no_other_name(taken: Store) -> None:
    taken.people.merge("p-bob", "p-ada")
    taken.record(Observation(matches=[records.match(9, "p-bob")]))
    assert tracks_of_ada(taken) == {TRACK, OTHER}


def test_a_voided_event_deletes_the_faces_of_its_track(taken: Store) -> None:
    enter, left = records.event(0), replace(records.event(60, "exit"), track_id=TRACK, event_id="")
    taken.record(Observation(events=[left]))
    taken.events.correct([void(left)])
    assert tracks_of_ada(taken) == {TRACK, OTHER}  # the time was wrong, and not the name
    taken.events.correct([void(enter)])
    assert tracks_of_ada(taken) == {OTHER}


def test_a_track_that_is_marked_as_not_theirs_loses_its_faces(taken: Store) -> None:
    taken.people.add_negatives("p-ada", records.vectors(1, seed=7), sources=[TRACK])
    assert tracks_of_ada(taken) == {OTHER}


@pytest.mark.parametrize(
    "person",
    [
        pytest.param(replace(records.person("p-eve", "Eve Two"), consented_at=None), id="no-consent"),
        pytest.param(records.person("p-eve", "Eve Two"), id="no-vectors"),
    ],
)
def test_people_who_are_not_recognised_take_no_part(known: Store, person: Person) -> None:
    known.people.add(person, records.vectors(0))
    assert known.shadow.add(NEXT, faces(5) + faces(5, "p-bob") + faces(5, "p-eve")) == 10
    assert known.shadow.counts(NEXT) == {"p-ada": 5, "p-bob": 5}


def test_no_faces_are_taken_for_the_present_network_and_those_of_the_next_stay(known: Store) -> None:
    known.shadow.add(NEXT, faces(2))
    assert known.shadow.add("sface", faces(1)) == 0
    assert known.shadow.counts(NEXT) == {"p-ada": 2}


def test_forgetting_a_person_deletes_them(known: Store) -> None:
    known.shadow.add(NEXT, faces(2) + faces(1, "p-bob"))
    known.people.forget("p-ada", erase_history=False)
    assert known.shadow.counts(NEXT) == {"p-bob": 1}


def test_another_network_and_the_end_of_the_period_delete_them(known: Store) -> None:
    known.shadow.add(NEXT, faces(2))
    known.shadow.add("third", faces(1))
    assert (known.shadow.counts(NEXT), known.shadow.counts("third")) == ({}, {"p-ada": 1})
    known.people.replace_network("third", {}, people=["p-ada", "p-bob"])
    assert known.shadow.counts("third") == {}


def test_they_are_not_uploaded(known: Store) -> None:
    before = known.people.version()
    known.shadow.add(NEXT, faces(2))
    assert known.people.version() == before
