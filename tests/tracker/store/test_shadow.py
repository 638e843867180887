"""Vectors of a shadow period: bounded, of enrolled people, gone with the person and with the period."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.tracker.store.conftest import Records
from tracker.presence.people import Person, PersonKind
from tracker.store.person_data import kept_about
from tracker.store.shadow import ENOUGH, MOST, MOST_OF_A_TRACK, ShadowVector
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
    vectors, owners = known.shadow.vectors(NEXT)
    assert owners == ("p-ada", "p-ada")
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


def test_ready_counts_everybody_who_is_recognised(known: Store) -> None:
    assert known.shadow.ready(NEXT) == (0, 2)
    known.shadow.add(NEXT, faces(ENOUGH) + faces(ENOUGH - 1, "p-bob"))
    assert known.shadow.ready(NEXT) == (1, 2)
    assert known.shadow.ready("other") == (0, 2)


@pytest.mark.parametrize(
    "person",
    [
        pytest.param(replace(records.person("p-eve", "Eve Two"), consented_at=None), id="no-consent"),
        pytest.param(records.person("p-eve", "Eve Two"), id="no-vectors"),
    ],
)
def test_people_who_are_not_recognised_take_no_part(known: Store, person: Person) -> None:
    known.people.add(person, records.vectors(0))
    assert known.shadow.add(NEXT, faces(ENOUGH) + faces(ENOUGH, "p-bob") + faces(ENOUGH, "p-eve")) == 2 * ENOUGH
    assert known.shadow.ready(NEXT) == (2, 2)


def test_no_faces_are_taken_for_the_present_network_and_those_of_the_next_stay(known: Store) -> None:
    known.shadow.add(NEXT, faces(2))
    assert known.shadow.add("sface", faces(1)) == 0
    assert known.shadow.counts(NEXT) == {"p-ada": 2}


def test_faces_of_somebody_who_agrees_no_more_do_not_count(known: Store) -> None:
    known.shadow.add(NEXT, faces(ENOUGH) + faces(ENOUGH, "p-bob"))
    known.people.update(replace(records.person(), consented_at=None))
    assert known.shadow.ready(NEXT) == (1, 1)


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
