"""Vectors of several networks in one store: never mixed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from config.errors import ModelError, PeopleError
from tests.tracker.store.conftest import NOON, Records
from tracker.identity.gallery import NO_VECTORS
from tracker.presence.people import PersonKind
from tracker.store import vector_rows
from tracker.store.inbox import Incoming
from tracker.store.inbox_people import IncomingPerson
from tracker.store.observation import Observation
from tracker.store.store import Store

ADA, BOB = "p-ada", "p-bob"
records = Records()


def add(store: Store, person_id: str, network: str, *, count: int = 1) -> None:
    """As downloaded from another machine, which may have another network."""
    person = records.person(person_id=person_id, name=person_id)
    before = store.people.network()
    kept = {} if before is None else vectors_of(store, person_id)
    found = {**kept, network: records.vectors(count, seed=count)}
    store.inbox.apply(Incoming(at=NOON, people=[IncomingPerson(person=person, vectors=found)]))


def vectors_of(store: Store, person_id: str) -> dict[str, NDArray[np.float32]]:
    """By network the vectors of a person."""
    rows = store.rows("SELECT model, dimension, vector FROM vectors WHERE person_id = ?", (person_id,))
    return {model: vector_rows.stacked([row for row in rows if row[0] == model])[0] for model, _, _ in rows}


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
    store.people.replace_network("sface", {ADA: (vectors, ["1.png", "2.png"])}, people=[ADA, BOB])
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
    found = {each: (records.vectors(1), ["x.png"]) for each in (ADA, BOB)}
    with pytest.raises(PeopleError, match="Bob did not agree to be recognised"):
        store.people.replace_network("sface", found, people=[ADA])
    assert (store.people.network(), enrolled(store)) == ("dlib_resnet", [ADA])


def test_replacing_for_an_unknown_person_changes_nothing(store: Store) -> None:
    add(store, ADA, "dlib_resnet")
    with pytest.raises(PeopleError):
        store.people.replace_network("sface", {"p-nobody": (records.vectors(1), ["x.png"])}, people=[ADA])
    assert store.people.network() == "dlib_resnet"
    assert enrolled(store) == [ADA]


@pytest.mark.parametrize(
    "meanwhile",
    [
        pytest.param(lambda store: add(store, BOB, "dlib_resnet"), id="enrolled"),
        pytest.param(lambda store: store.people.forget(ADA, erase_history=False), id="forgotten"),
        pytest.param(
            lambda store: store.people.replace_network("sface", {ADA: (records.vectors(1), ["a"])}, people=[ADA]),
            id="changed-already",
        ),
    ],
)
def test_replacing_is_refused_when_others_changed_who_is_recognised(
    store: Store, meanwhile: Callable[[Store], None]
) -> None:
    add(store, ADA, "dlib_resnet")
    planned = [each.person_id for each in store.people.recognised()]
    meanwhile(store)
    before = store.people.network(), store.people.version()
    with pytest.raises(PeopleError, match="changed meanwhile") as caught:
        store.people.replace_network("sface", {ADA: (records.vectors(1), ["x.png"])}, people=planned)
    assert "again" in caught.value.fix
    assert (store.people.network(), store.people.version()) == before


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda store: store.people.add(records.person(BOB, "Bob"), records.vectors(1)), id="person"),
        pytest.param(lambda store: store.people.add_vectors(ADA, records.vectors(1)), id="vectors"),
        pytest.param(lambda store: store.people.add_negatives(ADA, records.vectors(1)), id="negatives"),
        pytest.param(lambda store: store.people.replace_limits({ADA: 0.4}), id="limits"),
    ],
)
def test_writers_that_began_with_the_former_network_are_refused(store: Store, write: Callable[[Store], object]) -> None:
    add(store, ADA, "dlib_resnet")
    with Store(store.path, model="dlib_resnet") as other:
        store.people.replace_network("sface", {ADA: (records.vectors(1), ["x.png"])}, people=[ADA])
        version = store.version()
        with pytest.raises(ModelError, match="now recognised by sface, not by dlib_resnet"):
            write(other)
    assert (store.version(), store.people.network(), enrolled(store)) == (version, "sface", [ADA])


def test_an_agent_of_the_former_network_stores_events_without_vectors(store: Store) -> None:
    add(store, ADA, "dlib_resnet")
    match = records.match(1)
    seen = Observation(
        visitors=[(records.visitor(), records.vectors(1))],
        events=[records.event(1)],
        matches=[match],
        evidence={match.match_id: records.vectors(1)},
    )
    with Store(store.path, model="dlib_resnet") as agent:
        store.people.replace_network("sface", {ADA: (records.vectors(1), ["x.png"])}, people=[ADA])
        assert agent.record(seen) == 1
        assert (agent.people.vectors(PersonKind.VISITOR)[1], agent.matches.evidence(match.track_id)[1]) == ((), ())
    assert store.people.get("v-1") is not None
    assert store.matches.select() == [match]
