"""The rule that was fitted last: kept as numbers, found by its fingerprint, and deleted with whoever is forgotten."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from tests.tracker.fake_cameras import ADA, BOB, NOON, AgentHarness
from tracker.presence.people import Person, PersonKind

WEIGHTS = np.random.default_rng(3).standard_normal((2, 129)).astype(np.float32)


@pytest.fixture
def harness(tmp_path: Path) -> AgentHarness:
    harness = AgentHarness(tmp_path / "gym.sqlite3")
    harness.enrol("Ada", ADA)
    harness.enrol("Bob", BOB)
    return harness


def ids(harness: AgentHarness) -> list[str]:
    return [person.person_id for person in harness.store.people.all()]


def test_rule_is_found_by_its_fingerprint_after_reopening(harness: AgentHarness) -> None:
    assert harness.store.people.fitted_rule("one") is None
    version = harness.store.people.version()
    assert harness.store.people.save_fitted_rule("one", ids(harness), WEIGHTS)
    assert harness.store.people.version() == version  # or agents would load the people again, and fit again
    harness.store.close()
    found = harness.store.open().people.fitted_rule("one")
    assert found is not None
    assert list(found[0]) == ids(harness)
    assert np.array_equal(found[1], WEIGHTS)
    assert found[1].dtype == np.float32
    assert harness.store.people.fitted_rule("two") is None


def test_only_the_last_rule_is_kept(harness: AgentHarness) -> None:
    for name in ("one", "two"):
        assert harness.store.people.save_fitted_rule(name, ids(harness), WEIGHTS)
    assert harness.store.people.fitted_rule("one") is None
    assert harness.store.people.fitted_rule("two") is not None


def test_forgetting_somebody_deletes_the_rule_from_the_file(harness: AgentHarness) -> None:
    ada, bob = ids(harness)
    harness.store.people.save_fitted_rule("one", [ada, bob], WEIGHTS)
    number = WEIGHTS[0, 3:9].tobytes()
    harness.store.close()
    assert number in harness.path.read_bytes()
    harness.store.open().people.forget(ada, False)
    harness.store.close()
    files = [path for path in harness.path.parent.iterdir() if path.name.startswith(harness.path.name)]
    assert not any(number in path.read_bytes() for path in files)
    assert harness.store.open().people.fitted_rule("one") is None


def test_rule_of_somebody_forgotten_meanwhile_is_not_kept(harness: AgentHarness) -> None:
    people = ids(harness)
    harness.store.people.forget(people[0], False)
    assert not harness.store.people.save_fitted_rule("one", people, WEIGHTS)
    assert harness.store.people.fitted_rule("one") is None
    visitor = Person(person_id="v-0123456789", name="Visitor 1", kind=PersonKind.VISITOR, created_at=NOON)
    harness.store.people.add(visitor, np.empty((0, 128), np.float32))
    assert not harness.store.people.save_fitted_rule("one", [people[1], visitor.person_id], WEIGHTS)


def test_another_network_deletes_the_rule(harness: AgentHarness) -> None:
    harness.store.people.save_fitted_rule("one", ids(harness), WEIGHTS)
    people = ids(harness)
    found = {each: (np.ones((1, 64), np.float32), ["a"]) for each in people}
    harness.store.people.replace_network("other", found, people=people)
    assert harness.store.people.fitted_rule("one") is None


@pytest.mark.parametrize(
    "weights",
    [
        pytest.param(WEIGHTS[:1], id="a-person-missing"),
        pytest.param(np.full((2, 129), np.inf, np.float32), id="infinite"),
        pytest.param(np.empty((2, 0), np.float32), id="empty"),
    ],
)
def test_invalid_weights_are_rejected(harness: AgentHarness, weights: np.ndarray) -> None:
    with pytest.raises(ValueError, match="weights"):
        harness.store.people.save_fitted_rule("one", ids(harness), weights)
    assert harness.store.people.fitted_rule("one") is None


@pytest.mark.parametrize(
    ("people", "weights"),
    [
        pytest.param('["a", "b"]', b"\x00", id="cut-off"),
        pytest.param('["a", "b"]', b"", id="empty"),
        pytest.param("[]", WEIGHTS.tobytes(), id="nobody"),
        pytest.param('["a", "b", "c", "d"]', WEIGHTS.tobytes(), id="people-and-numbers-do-not-fit"),
        pytest.param('["a", "b"]', np.full((2, 129), np.nan, "<f4").tobytes(), id="not-a-number"),
    ],
)
def test_damaged_row_counts_as_none(harness: AgentHarness, people: str, weights: bytes) -> None:
    harness.store.people.save_fitted_rule("one", ids(harness), WEIGHTS)
    harness.store.close()
    with closing(sqlite3.connect(harness.path)) as connection, connection:
        connection.execute("UPDATE fitted_rule SET people = ?, weights = ?", (people, weights))
    assert harness.store.open().people.fitted_rule("one") is None


def test_sources_are_in_the_order_of_the_vectors(harness: AgentHarness) -> None:
    ada, bob = ids(harness)
    rows = np.eye(3, 128, k=40, dtype=np.float32)
    harness.store.people.add_vectors(bob, rows[:1], sources=["bob.jpg"])
    harness.store.people.add_vectors(ada, rows[1:], sources=["ada-1.jpg", "ada-2.jpg"])
    vectors, owners, sources = harness.store.people.vectors_with_sources(PersonKind.ENROLLED)
    assert owners == (ada, ada, ada, bob, bob)
    assert sources == ("", "ada-1.jpg", "ada-2.jpg", "", "bob.jpg")
    assert np.array_equal(vectors[[4, 1, 2]], rows)
    plain, same = harness.store.people.vectors(PersonKind.ENROLLED)
    assert np.array_equal(plain, vectors)
    assert same == owners
    assert harness.store.people.vectors_with_sources(PersonKind.VISITOR)[1:] == ((), ())
