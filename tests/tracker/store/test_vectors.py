"""Records of single people: own limits, negatives, and the vectors behind a match."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from config.errors import PeopleError, StoreError
from tracker.store.observation import Observation
from tracker.store.store import Store


@pytest.fixture
def two(store: Store, records: Any) -> Store:
    store.people.add(records.person(), records.vectors(1))
    store.people.add(records.person("p-bob", "Bob"), records.vectors(1, seed=9))
    return store


def test_limits_are_read_back_and_replaced_together(two: Store, reopened: Callable[[], Store]) -> None:
    two.people.replace_limits({"p-ada": 0.42, "p-bob": 0.5})
    assert reopened().people.limits() == {"p-ada": 0.42, "p-bob": 0.5}
    two.people.replace_limits({"p-bob": 0.51})
    assert two.people.limits() == {"p-bob": 0.51}
    two.people.replace_limits({})
    assert two.people.limits() == {}


def test_a_limit_of_an_unknown_person_changes_nothing(two: Store) -> None:
    two.people.replace_limits({"p-ada": 0.42})
    with pytest.raises(PeopleError, match="nobody has the id p-gone"):
        two.people.replace_limits({"p-bob": 0.5, "p-gone": 0.4})
    with pytest.raises(StoreError):
        two.people.replace_limits({"p-bob": 2.5})
    assert two.people.limits() == {"p-ada": 0.42}


def test_negatives_are_read_back_and_cleared(two: Store, records: Any, reopened: Callable[[], Store]) -> None:
    two.people.add_negatives("p-ada", records.vectors(2, seed=4), sources=["a.jpg", "b.jpg"])
    two.people.add_negatives("p-bob", records.vectors(1, seed=5))
    vectors, person_ids = reopened().people.negatives()
    assert np.array_equal(vectors, np.concatenate([records.vectors(2, seed=4), records.vectors(1, seed=5)]))
    assert person_ids == ("p-ada", "p-ada", "p-bob")
    assert (two.people.clear_negatives("p-ada"), two.people.clear_negatives("p-ada")) == (2, 0)
    assert two.people.negatives()[1] == ("p-bob",)


def test_negatives_that_cannot_be_compared_are_refused(two: Store, records: Any) -> None:
    with pytest.raises(PeopleError, match="nobody has the id"):
        two.people.add_negatives("p-gone", records.vectors(1))
    with pytest.raises(PeopleError, match="do not fit"):
        two.people.add_negatives("p-ada", records.vectors(1, dimension=64))
    with pytest.raises(ValueError, match="finite"):
        two.people.add_negatives("p-ada", np.full((1, 128), np.nan, np.float32))
    assert two.people.negatives()[0].shape == (0, 0)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda store, _: store.people.replace_limits({"p-ada": 0.4}), id="limit"),
        pytest.param(lambda store, vectors: store.people.add_negatives("p-ada", vectors), id="negative"),
    ],
)
def test_running_agents_see_the_change(two: Store, records: Any, change: Callable[..., None]) -> None:
    before = two.people.version()
    change(two, records.vectors(1))
    assert two.people.version() > before


def test_merging_moves_negatives_and_keeps_the_limit_of_the_remaining_person(two: Store, records: Any) -> None:
    two.people.replace_limits({"p-ada": 0.4, "p-bob": 0.5})
    two.people.add_negatives("p-ada", records.vectors(1, seed=4))
    two.people.merge("p-ada", "p-bob")
    assert two.people.limits() == {"p-bob": 0.5}
    assert two.people.negatives()[1] == ("p-bob",)


def test_forgetting_deletes_limits_negatives_and_evidence(two: Store, records: Any) -> None:
    match = records.match(1)
    two.people.replace_limits({"p-ada": 0.4})
    two.people.add_negatives("p-ada", records.vectors(1, seed=4), sources=["holiday.jpg"])
    two.record(Observation(matches=[match], evidence={match.match_id: records.vectors(2, seed=6)}))
    two.people.forget("p-ada", erase_history=False)
    assert (two.people.limits(), two.people.negatives()[1], two.matches.evidence(match.track_id)[1]) == ({}, (), ())
    files = b"".join(path.read_bytes() for path in two.path.parent.glob(f"{two.path.name}*"))
    for secret in (records.vectors(1, seed=4), records.vectors(2, seed=6)):
        assert secret[0].astype("<f4").tobytes() not in files
    assert b"holiday.jpg" not in files


def test_evidence_belongs_to_a_match_and_is_kept_once(two: Store, records: Any) -> None:
    match, other = records.match(1), records.match(2, person_id=None)
    stranger = records.vectors(1, seed=3)
    evidence = {match.match_id: records.vectors(2), other.match_id: stranger, "of no match": stranger}
    for _ in range(2):
        two.record(Observation(matches=[match, other], evidence=evidence))
    vectors, person_ids = two.matches.evidence(match.track_id)
    assert np.array_equal(vectors, records.vectors(2))
    assert person_ids == ("p-ada", "p-ada")
    two.people.merge("p-ada", "p-bob")
    assert two.matches.evidence(match.track_id)[1] == ("p-bob", "p-bob")
    assert two.matches.evidence("another track")[0].shape == (0, 0)


def test_old_evidence_is_dropped_and_the_match_stays(two: Store, records: Any) -> None:
    old, young = records.match(1), records.match(100)
    two.record(Observation(matches=[old, young], evidence={each.match_id: records.vectors(1) for each in (old, young)}))
    assert two.matches.drop_evidence(records.at(50)) == 1
    assert len(two.matches.evidence(old.track_id)[1]) == 1
    assert two.matches.select() == [old, young]
