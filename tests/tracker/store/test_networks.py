"""Vectors of several networks in one store: never mixed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from config.errors import PeopleError
from tests.tracker.store.conftest import Records
from tracker.identity.gallery import NO_VECTORS
from tracker.presence.people import PersonKind
from tracker.store.store import Store

ADA, BOB = "p-ada", "p-bob"
records = Records()


def add(store: Store, person_id: str, network: str, *, count: int = 1) -> None:
    with Store(store.path, model=network) as other:
        if other.people.get(person_id) is None:
            other.people.add(records.person(person_id=person_id, name=person_id), records.vectors(count))
        else:
            other.people.add_vectors(person_id, records.vectors(count, seed=9))


def enrolled(store: Store) -> list[str]:
    return list(store.people.vectors(PersonKind.ENROLLED)[1])


def test_the_network_is_that_of_the_vectors(store: Store) -> None:
    assert (store.people.network(), store.model) == (None, "sface")
    add(store, ADA, "dlib_resnet")
    assert (store.people.network(), store.model) == ("dlib_resnet", "dlib_resnet")
    assert enrolled(store) == [ADA]


def test_of_several_networks_that_of_most_people_counts(store: Store) -> None:
    add(store, ADA, "dlib_resnet", count=5)
    add(store, BOB, "sface")
    assert store.people.network() == "sface"
    add(store, BOB, "dlib_resnet")
    assert store.people.network() == "dlib_resnet"
    assert set(enrolled(store)) == {ADA, BOB}


def test_limits_are_those_of_the_network(store: Store) -> None:
    add(store, ADA, "dlib_resnet")
    store.people.replace_limits({ADA: 0.4})
    assert store.people.limits() == {ADA: 0.4}
    store.use_model("sface")
    assert store.people.limits() == {}


def test_replacing_the_network_leaves_nothing_of_the_former(store: Store) -> None:
    add(store, ADA, "dlib_resnet")
    add(store, BOB, "dlib_resnet")
    store.people.replace_limits({ADA: 0.4})
    store.people.add_negatives(ADA, records.vectors(1, seed=3))
    add(store, BOB, "sface")  # downloaded from a machine that has changed already
    vectors = records.vectors(2, seed=5)
    store.people.replace_network("sface", {ADA: (vectors, ["1.png", "2.png"])})
    assert (store.people.network(), store.model) == ("sface", "sface")
    assert enrolled(store) == [ADA, ADA, BOB]
    assert np.array_equal(store.people.vectors(PersonKind.ENROLLED)[0][:2], vectors)
    assert store.people.limits() == {}
    assert store.people.negatives()[1] == ()
    store.use_model("dlib_resnet")
    assert (enrolled(store), store.people.limits(), store.people.negatives()[1]) == ([], {}, ())


def test_nobody_gets_vectors_of_the_new_network_without_consent(store: Store) -> None:
    add(store, ADA, "dlib_resnet")
    store.people.add(replace(records.person(BOB, "Bob"), consented_at=None), NO_VECTORS)
    assert [each.person_id for each in store.people.recognised()] == [ADA]
    with pytest.raises(PeopleError, match="Bob did not agree to be recognised"):
        store.people.replace_network("sface", {each: (records.vectors(1), ["x.png"]) for each in (ADA, BOB)})
    assert (store.people.network(), enrolled(store)) == ("dlib_resnet", [ADA])


def test_replacing_for_an_unknown_person_changes_nothing(store: Store) -> None:
    add(store, ADA, "dlib_resnet")
    with pytest.raises(PeopleError):
        store.people.replace_network("sface", {"p-nobody": (records.vectors(1), ["x.png"])})
    assert store.people.network() == "dlib_resnet"
    assert enrolled(store) == [ADA]
