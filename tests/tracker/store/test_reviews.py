"""What was reviewed, in the store."""

from __future__ import annotations

from tests.tracker.store.conftest import Records
from tracker.store.observation import Observation
from tracker.store.store import Store


def fill(store: Store, records: Records) -> str:
    """A visitor and a match of an enrolled person. Returns the id of the match."""
    store.people.add(records.person(), records.vectors(1))
    match = records.match(0)
    visitor = (records.visitor(), records.vectors(1, seed=1))
    store.record(Observation(visitors=[visitor], matches=[match], events=[records.event(0, person_id="v-1")]))
    return match.match_id


def test_marks_are_kept_once_and_taken_back(store: Store, records: Records) -> None:
    match_id = fill(store, records)
    versions = [store.reviews.version()]
    for _ in range(2):
        store.reviews.mark(person_ids=["v-1", "v-unknown"], match_ids=[match_id, "unknown"])
        versions.append(store.reviews.version())
    assert (store.reviews.reviewed_people(), store.reviews.reviewed_matches()) == ({"v-1"}, {match_id})
    store.reviews.unmark(person_ids=["v-1"], match_ids=[match_id])
    assert (store.reviews.reviewed_people(), store.reviews.reviewed_matches()) == (set(), set())
    assert versions[0] != versions[1] == versions[2] != store.reviews.version()


def test_forgetting_erases_what_was_reviewed_of_the_person(store: Store, records: Records) -> None:
    match_id = fill(store, records)
    store.reviews.mark(person_ids=["v-1"], match_ids=[match_id])
    for person_id in ("v-1", "p-ada"):
        store.people.forget(person_id, erase_history=True)
    assert (store.reviews.reviewed_people(), store.reviews.reviewed_matches()) == (set(), set())


def test_strangers_of_a_site_are_bounded_and_in_order(store: Store, records: Records) -> None:
    for number, visits in ((1, 1), (2, 3), (3, 2)):
        person_id = f"v-{number}"
        visitor = (records.visitor(person_id, f"Visitor {number}"), records.vectors(1, seed=number))
        at = [records.event(1000.0 * each, person_id=person_id) for each in range(visits)]
        left = [records.event(1000.0 * each + 10, "exit", person_id=person_id) for each in range(visits)]
        store.record(Observation(visitors=[visitor], events=[*at, *left]))
    assert store.reviews.strangers("gym", limit=2) == ["v-2", "v-3"]
    assert store.reviews.strangers("elsewhere", limit=2) == []
    vectors, owners = store.reviews.vectors(["v-3", "v-1"])
    assert owners == ("v-3", "v-1")
    assert (vectors == [records.vectors(1, seed=3)[0], records.vectors(1, seed=1)[0]]).all()
