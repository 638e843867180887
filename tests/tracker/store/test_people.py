"""People and their vectors: added atomically, unique by name, renamed, enrolled, merged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from config.errors import PeopleError, StoreError
from tracker.presence.events import CameraRef
from tracker.presence.people import Consent, PersonKind, Role
from tracker.presence.rules import Rules
from tracker.store.inbox import Incoming
from tracker.store.inbox_people import IncomingPerson
from tracker.store.observation import Observation
from tracker.store.store import Store


def test_a_person_is_read_back_with_vectors(store: Store, records: Any, reopened: Callable[[], Store]) -> None:
    ada = replace(records.person(), role=Role.STAFF, access=False)
    store.people.add(ada, records.vectors(3), sources=["a.jpg", "b.jpg", "c.jpg"])
    again = reopened()
    vectors, person_ids = again.people.vectors(PersonKind.ENROLLED)
    assert again.people.all() == [ada]
    assert vectors.dtype == np.float32
    assert np.array_equal(vectors, records.vectors(3))
    assert person_ids == ("p-ada",) * 3
    assert again.people.vector_counts() == {"p-ada": 3}


def test_vectors_are_separate_by_network(store: Store, records: Any) -> None:
    store.people.add(records.person(), records.vectors(1, seed=1))
    store.record(Observation(visitors=[(records.visitor(), records.vectors(2, seed=2))]))
    assert np.array_equal(store.people.vectors(PersonKind.ENROLLED)[0], records.vectors(1, seed=1))
    assert np.array_equal(store.people.vectors(PersonKind.VISITOR)[0], records.vectors(2, seed=2))


def test_without_people_there_are_no_vectors(store: Store) -> None:
    vectors, person_ids = store.people.vectors(PersonKind.ENROLLED)
    assert vectors.shape == (0, 0)
    assert vectors.dtype == np.float32
    assert person_ids == ()


def test_vectors_of_another_network_are_not_read(store: Store, records: Any) -> None:
    store.people.add(records.person(), records.vectors(1))
    bob = IncomingPerson(person=records.person("p-bob", "Bob"), vectors={"facenet": records.vectors(2, dimension=512)})
    store.inbox.apply(Incoming(at=records.at(0), people=[bob]))
    with Store(store.path, model="facenet") as other:
        assert other.people.vectors(PersonKind.ENROLLED)[1] == ("p-bob", "p-bob")
        assert other.people.vector_counts() == {"p-bob": 2}
    assert store.people.vectors(PersonKind.ENROLLED)[1] == ("p-ada",)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("Zoë Straße", id="same"),
        pytest.param("ZOË STRASSE", id="upper-case"),
        pytest.param("Zoe\u0308 Straße", id="decomposed"),
    ],
)
def test_a_name_belongs_to_one_person(store: Store, records: Any, name: str) -> None:
    zoe = records.person("p-zoe", "Zoë Straße")
    store.people.add(zoe, records.vectors(1))
    assert store.people.by_name(name) == zoe
    with pytest.raises(PeopleError, match="somebody is called Zoë Straße already"):
        store.people.add(records.person("p-two", name), records.vectors(1))
    assert store.people.all() == [zoe]
    assert store.people.vector_counts() == {"p-zoe": 1}


def test_an_id_belongs_to_one_person(store: Store, records: Any) -> None:
    store.people.add(records.person(), records.vectors(1))
    with pytest.raises(PeopleError, match="the id p-ada is taken"):
        store.people.add(records.person(name="Bob"), records.vectors(1))


@pytest.mark.parametrize(
    ("vectors", "sources"),
    [
        pytest.param(np.zeros(128, np.float32), (), id="one-dimensional"),
        pytest.param(np.zeros((2, 0), np.float32), (), id="no-numbers"),
        pytest.param(np.full((1, 128), np.nan, np.float32), (), id="nan"),
        pytest.param(np.full((1, 128), np.inf, np.float32), (), id="infinite"),
        pytest.param(np.zeros((2, 128), np.float32), ("one.jpg",), id="a-source-too-few"),
    ],
)
def test_bad_vectors_leave_no_half_person(store: Store, records: Any, vectors: Any, sources: Any) -> None:
    with pytest.raises(ValueError, match="expected"):
        store.people.add(records.person(), vectors, sources=sources)
    assert store.people.all() == []


def test_vectors_of_another_length_are_refused(store: Store, records: Any) -> None:
    store.people.add(records.person(), records.vectors(1))
    with pytest.raises(PeopleError, match="vectors of 64 numbers do not fit"):
        store.people.add_vectors("p-ada", records.vectors(1, dimension=64))


def test_float64_vectors_are_stored_as_float32(store: Store, records: Any) -> None:
    store.people.add(records.person(), records.vectors(2).astype(">f8"))
    assert np.array_equal(store.people.vectors(PersonKind.ENROLLED)[0], records.vectors(2))


def test_more_pictures_can_follow(store: Store, records: Any) -> None:
    store.people.add(records.person(), records.vectors(1, seed=1))
    store.people.add_vectors("p-ada", records.vectors(1, seed=2), sources=["late.jpg"])
    expected = np.vstack([records.vectors(1, seed=1), records.vectors(1, seed=2)])
    assert np.array_equal(store.people.vectors(PersonKind.ENROLLED)[0], expected)


def test_people_are_listed_by_name_then_visitors_by_age(store: Store, records: Any) -> None:
    store.record(
        Observation(
            visitors=[(replace(records.visitor("v-2", "Visitor 2"), created_at=records.at(60)), records.vectors(1))]
        )
    )
    store.record(Observation(visitors=[(records.visitor("v-9", "Visitor 10"), records.vectors(1))]))
    store.people.add(records.person("p-2", "bob"), records.vectors(1))
    store.people.add(records.person("p-1", "Ada"), records.vectors(1))
    assert [person.person_id for person in store.people.all()] == ["p-1", "p-2", "v-9", "v-2"]
    assert [person.person_id for person in store.people.all(kind=PersonKind.VISITOR)] == ["v-9", "v-2"]


def test_a_new_name_keeps_the_history(store: Store, records: Any) -> None:
    store.people.add(records.person(), records.vectors(1))
    store.record(Observation(events=[records.event(0)]))
    store.people.rename("p-ada", "Ada Lovelace")
    assert store.people.by_name("ada lovelace") == records.person(name="Ada Lovelace")
    assert store.people.by_name("Ada") is None
    assert store.events.select(person_id="p-ada") == [records.event(0)]


def test_a_name_can_change_its_own_case(store: Store, records: Any) -> None:
    store.people.add(records.person(name="ada"), records.vectors(1))
    store.people.rename("p-ada", "ADA")
    assert store.people.all() == [records.person(name="ADA")]


def test_renaming_to_a_taken_name_is_refused(store: Store, records: Any) -> None:
    store.people.add(records.person(), records.vectors(1))
    store.people.add(records.person("p-bob", "Bob"), records.vectors(1))
    with pytest.raises(PeopleError, match="somebody is called Ada already"):
        store.people.rename("p-bob", "ADA")


@pytest.mark.parametrize("name", ["", " \t\u3000"], ids=["empty", "only-spaces"])
def test_an_empty_name_is_refused(store: Store, records: Any, name: str) -> None:
    with pytest.raises(PeopleError, match="a person needs a name"):
        store.people.add(records.person(name=name), records.vectors(1))


def test_a_name_that_is_no_text_is_refused(store: Store, records: Any) -> None:
    with pytest.raises(StoreError, match="no character"):
        store.people.add(records.person(name="caf\udce9"), records.vectors(1))
    assert store.people.all() == []


@pytest.mark.parametrize(
    "name", ["a/b\\c", "👩‍🚒 Ines", "x" * 10_000, "nul\0inside"], ids=["slashes", "emoji", "long", "nul"]
)
def test_any_text_survives_as_a_name(store: Store, records: Any, name: str) -> None:
    store.people.add(records.person(name=name), records.vectors(1))
    assert store.people.all() == [records.person(name=name)]
    assert store.people.by_name(name) == records.person(name=name)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda store, _vectors: store.people.rename("p-nobody", "X"), id="rename"),
        pytest.param(lambda store, vectors: store.people.add_vectors("p-nobody", vectors), id="add-vectors"),
        pytest.param(lambda store, _vectors: store.people.merge("p-nobody", "p-ada"), id="merge-from"),
        pytest.param(lambda store, _vectors: store.people.merge("p-ada", "p-nobody"), id="merge-into"),
        pytest.param(lambda store, _vectors: store.people.forget("p-nobody", erase_history=True), id="forget"),
    ],
)
def test_changing_an_unknown_person_is_refused(store: Store, records: Any, change: Callable[..., None]) -> None:
    store.people.add(records.person(), records.vectors(1))
    with pytest.raises(PeopleError, match="nobody has the id p-nobody"):
        change(store, records.vectors(1))
    assert store.people.all() == [records.person()]


# -- visitors


def test_a_recognised_visitor_keeps_one_row_with_the_latest_vectors(store: Store, records: Any) -> None:
    store.record(Observation(visitors=[(records.visitor(), records.vectors(1, seed=1))]))
    store.record(Observation(visitors=[(records.visitor(), records.vectors(4, seed=2))]))
    assert store.people.all() == [records.visitor()]
    assert np.array_equal(store.people.vectors(PersonKind.VISITOR)[0], records.vectors(4, seed=2))


def test_two_agents_that_chose_the_same_label_do_not_clash(store: Store, records: Any) -> None:
    store.record(
        Observation(
            visitors=[(records.visitor("v-1"), records.vectors(1)), (records.visitor("v-2"), records.vectors(1))]
        )
    )
    store.record(Observation(visitors=[(records.visitor("v-3"), records.vectors(1))]))
    assert [person.name for person in store.people.all()] == ["Visitor 1", "Visitor 1 (2)", "Visitor 1 (3)"]


def test_a_visitor_who_was_named_keeps_the_name(store: Store, records: Any) -> None:
    store.record(Observation(visitors=[(records.visitor(), records.vectors(1))]))
    store.people.rename("v-1", "The postman")
    store.record(Observation(visitors=[(records.visitor(), records.vectors(2))]))
    assert [person.name for person in store.people.all(kind=PersonKind.VISITOR)] == ["The postman"]
    assert store.people.vector_counts() == {"v-1": 2}


def test_an_enrolled_visitor_keeps_id_vectors_and_history(store: Store, records: Any) -> None:
    event = records.event(0, person_id="v-1")
    store.record(Observation(events=[event], visitors=[(records.visitor(), records.vectors(2, seed=1))]))
    enrolled = store.people.promote("v-1", "Grace", consent=Consent(at=records.at(60)), role=Role.STAFF)
    store.record(Observation(visitors=[(records.visitor(), records.vectors(5, seed=2))]))
    assert store.people.all() == [enrolled]
    assert (enrolled.kind, enrolled.name, enrolled.role) == (PersonKind.ENROLLED, "Grace", Role.STAFF)
    assert enrolled.consented_at == records.at(60)
    assert np.array_equal(store.people.vectors(PersonKind.ENROLLED)[0], records.vectors(2, seed=1))
    assert store.people.vectors(PersonKind.VISITOR)[1] == ()
    assert store.events.select(person_id="v-1") == [event]


def test_only_visitors_can_be_enrolled_that_way(store: Store, records: Any) -> None:
    store.people.add(records.person(), records.vectors(1))
    with pytest.raises(PeopleError, match="Ada is enrolled already"):
        store.people.promote("p-ada", "Grace", consent=Consent(at=records.at(0)))


# -- merging


def test_merged_people_have_one_history(store: Store, records: Any) -> None:
    store.people.add(records.person(), records.vectors(1, seed=1))
    store.record(
        Observation(
            visitors=[(records.visitor(), records.vectors(2, seed=2))],
            events=[records.event(0, person_id="v-1"), records.event(1), records.event(2, person_id="p-bob")],
            matches=[records.match(0, person_id="v-1")],
            camera=CameraRef("gym", "front"),
            presences=[records.presence("v-1", since=3, seen=9), records.presence("p-ada", since=5, seen=7)],
        )
    )
    with store.camera_lease("front"):
        store.people.merge("v-1", "p-ada")
    store.record(Observation(events=[records.event(3, "exit", person_id="v-1")]))  # an agent that has not read it yet
    assert [event.person_id for event in store.events.select()] == ["p-ada", "p-ada", "p-bob", "p-ada"]
    assert len(store.events.select(person_id="p-ada")) == 3
    assert [match.person_id for match in store.matches.select(person_id="p-ada")] == ["p-ada"]
    assert store.cameras.presences() == [records.presence("p-ada", since=3, seen=9)]
    assert store.people.vector_counts() == {"p-ada": 3}
    assert store.people.all() == [records.person()]
    assert store.people.get("v-1") == records.person()


def test_a_replay_of_a_merged_history_adds_nothing(store: Store, records: Any) -> None:
    event = records.event(0, person_id="v-1")
    store.people.add(records.person(), records.vectors(1))
    store.record(Observation(visitors=[(records.visitor(), records.vectors(1))], events=[event]))
    store.people.merge("v-1", "p-ada")
    assert store.record(Observation(events=[event])) == 0
    assert store.record(Observation(events=store.events.select())) == 0


def test_merges_can_follow_each_other(store: Store, records: Any) -> None:
    for number in (1, 2):
        visitor = records.visitor(f"v-{number}", f"Visitor {number}")
        store.record(
            Observation(
                visitors=[(visitor, records.vectors(1))], events=[records.event(number, person_id=visitor.person_id)]
            )
        )
    store.people.add(records.person(), records.vectors(1))
    store.people.merge("v-1", "v-2")
    store.people.merge("v-2", "p-ada")
    assert {event.person_id for event in store.events.select()} == {"p-ada"}
    assert len(store.events.select(person_id="p-ada")) == 2


def test_a_merged_visitor_is_not_added_again(store: Store, records: Any) -> None:
    store.people.add(records.person(), records.vectors(1))
    store.record(Observation(visitors=[(records.visitor(), records.vectors(1, seed=9))]))
    store.people.merge("v-1", "p-ada")
    store.record(Observation(visitors=[(records.visitor(), records.vectors(1, seed=9))]))
    assert store.people.all() == [records.person()]
    assert store.people.vector_counts() == {"p-ada": 2}


def test_merging_keeps_equal_vectors_once(store: Store, records: Any) -> None:
    store.people.add(records.person(), records.vectors(1))
    store.record(Observation(visitors=[(records.visitor(), records.vectors(1))]))
    store.people.merge("v-1", "p-ada")
    assert store.people.vector_counts() == {"p-ada": 1}


def test_an_enrolled_person_never_becomes_a_visitor(store: Store, records: Any) -> None:
    store.people.add(records.person(), records.vectors(1))
    store.record(Observation(visitors=[(records.visitor(), records.vectors(1))]))
    with pytest.raises(PeopleError, match="merge the visitor into the enrolled person"):
        store.people.merge("p-ada", "v-1")
    with pytest.raises(PeopleError, match="cannot be merged into the same person"):
        store.people.merge("p-ada", "p-ada")


def test_merged_people_in_view_leave_once_without_an_agent(store: Store, records: Any) -> None:
    store.people.add(records.person(), records.vectors(1))
    store.record(Observation(visitors=[(records.visitor(), records.vectors(1, seed=2))]))
    hers, theirs = records.presence(since=10, seen=30), records.presence("v-1", since=0, seen=20)
    theirs = replace(theirs, track_id="front-t9")
    enters = [
        replace(records.event(0, person_id="v-1"), track_id="front-t9", event_id=""),
        replace(records.event(10), track_id="front-t0", event_id=""),
    ]
    store.record(Observation(camera=CameraRef("gym", "front"), presences=[hers, theirs], events=enters))
    store.people.merge("v-1", "p-ada")
    assert store.cameras.presences() == [hers]
    exits = [event for event in store.events.select() if event.kind == "exit"]
    assert [(each.person_id, each.at, each.track_id, each.inferred) for each in exits] == [
        ("p-ada", records.at(20), "front-t9", True)
    ]
    gone = replace(records.event(30, "exit"), track_id="front-t0", event_id="")
    store.record(Observation(camera=CameraRef("gym", "front"), presences=[], events=[gone]))
    (visit,) = store.sessions.select(site_id="gym", rules=Rules(), now=records.at(1000))
    assert (visit.started_at, visit.ended_at) == (records.at(0), records.at(30))


def test_a_running_agent_closes_presences_of_merged_people(store: Store, records: Any) -> None:
    store.people.add(records.person(), records.vectors(1))
    store.record(Observation(visitors=[(records.visitor(), records.vectors(1, seed=2))]))
    both = [records.presence(), records.presence("v-1", seen=2)]
    store.record(Observation(camera=CameraRef("gym", "front"), presences=both))
    with store.camera_lease("front"):
        store.people.merge("v-1", "p-ada")
    assert store.events.select() == []


def test_an_entrance_reports_no_exit_of_merged_people(store: Store, records: Any) -> None:
    store.sites.use_default_rules(Rules(entrances=frozenset({"front"})))
    store.people.add(records.person(), records.vectors(1))
    store.record(Observation(visitors=[(records.visitor(), records.vectors(1, seed=2))]))
    both = [records.presence(), records.presence("v-1", seen=2)]
    store.record(Observation(camera=CameraRef("gym", "front"), presences=both))
    store.people.merge("v-1", "p-ada")
    assert (store.events.select(), len(store.cameras.presences())) == ([], 1)


def test_absent_visitors_lose_their_vectors_and_keep_their_visits(store: Store, records: Any) -> None:
    store.people.add(records.person(), records.vectors(1))
    names = ("gone", "seen", "told", "here", "merged", "new")
    for number, name in enumerate(names):
        visitor = replace(records.visitor(f"v-{name}", name), created_at=records.at(50 if name == "new" else 0))
        store.record(Observation(visitors=[(visitor, records.vectors(2, seed=number))]))
    store.record(Observation(visitors=[(records.visitor("v-alias", "alias"), records.vectors(1, seed=9))]))
    store.record(Observation(events=[records.event(1, person_id="v-gone"), records.event(90, person_id="v-seen")]))
    store.record(Observation(matches=[records.match(90, "v-told")], events=[records.event(90, person_id="v-alias")]))
    store.record(Observation(camera=CameraRef("gym", "front"), presences=[records.presence("v-here", seen=90)]))
    store.people.merge("v-alias", "v-merged")
    version = store.people.version()
    assert store.people.expire_visitors(records.at(50)) == 1
    assert store.people.version() > version
    assert set(store.people.vector_counts()) == {"p-ada", "v-seen", "v-told", "v-here", "v-merged", "v-new"}
    assert {person.name for person in store.people.all(kind=PersonKind.VISITOR)} == set(names)
    assert len(store.events.select(person_id="v-gone")) == 1
    assert store.people.expire_visitors(records.at(50)) == 0
