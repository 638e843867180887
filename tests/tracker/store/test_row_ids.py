"""Ids that the audit trail keeps: of vectors, negatives and its own entries. None is ever used again."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.tracker.store.conftest import Records
from tests.tracker.store.test_released_stores import RELEASED
from tracker.store.audit import SubjectKind
from tracker.store.store import Store
from tracker.store.users import UserRole

LATER = datetime(2100, 1, 1, tzinfo=UTC)
ZOE = "p-zoe"
records = Records()


def of_0_1_0(folder: Path) -> Path:
    path = folder / "footfall.sqlite3"
    path.write_bytes(gzip.decompress((RELEASED / "store-0.1.0.db.gz").read_bytes()))
    return path


@pytest.fixture(params=["new", "migrated"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    path = tmp_path / "footfall.sqlite3" if request.param == "new" else of_0_1_0(tmp_path)
    with Store(path) as opened:
        opened.people.add(records.person(ZOE, "Zoe"), records.vectors(1))
        yield opened


def add_vector(store: Store) -> int:
    return store.people.add_vectors(ZOE, records.vectors(1, seed=2))[0]


def delete_vector(store: Store, vector_id: int) -> int:
    return store.people.delete_vectors({ZOE: [vector_id]}, network=store.model)


def add_negative(store: Store) -> int:
    return store.people.add_negatives(ZOE, records.vectors(1, seed=3))[0]


def delete_negative(store: Store, _negative_id: int) -> int:
    return store.people.clear_negatives(ZOE)


def add_entry(store: Store) -> int:
    return store.audit.add(
        actor="Ann", role=UserRole.DESK, action="people.rename", subject_kind=SubjectKind.PERSON, subject_id=ZOE,
        before={}, after={},
    )  # fmt: skip


def delete_entry(store: Store, _audit_id: int) -> int:
    return store.audit.drop(LATER)


@pytest.mark.parametrize(
    ("add", "delete"),
    [
        pytest.param(add_vector, delete_vector, id="vector"),
        pytest.param(add_negative, delete_negative, id="negative"),
        pytest.param(add_entry, delete_entry, id="audit-entry"),
    ],
)
def test_no_id_is_used_again(store: Store, add: Callable[[Store], int], delete: Callable[[Store, int], int]) -> None:
    before = add(store)
    assert delete(store, before) == 1
    assert add(store) > before


def test_a_migration_keeps_the_ids_of_vectors(tmp_path: Path) -> None:
    with Store(of_0_1_0(tmp_path)) as store:
        rows = store.rows("SELECT vector_id, person_id, dimension, source FROM vectors ORDER BY vector_id")
        assert rows[3:6] == [(number, "p-ben", 128, f"{name}.jpg") for number, name in ((4, "a"), (5, "b"), (6, "c"))]
        assert (len(rows), rows[-1][0]) == (21, 24)


def test_vectors_are_deleted_by_id_person_and_network(store: Store) -> None:
    ids = store.people.add_vectors(ZOE, records.vectors(3, seed=2))
    store.people.add(records.person("p-eve", "Eve Two"), records.vectors(1, seed=5))
    assert store.people.delete_vectors({"p-eve": ids}, network=store.model) == 0
    assert store.people.delete_vectors({ZOE: ids}, network="other") == 0
    store.people.merge(ZOE, "p-eve")
    assert store.people.delete_vectors({ZOE: ids[:2]}, network=store.model) == 2
    assert store.people.vector_count("p-eve") == 3


def test_negatives_are_deleted_by_id_person_and_network(store: Store) -> None:
    ids = store.people.add_negatives(ZOE, records.vectors(2, seed=3))
    store.people.add(records.person("p-eve", "Eve Two"), records.vectors(1, seed=5))
    assert store.people.delete_negatives({"p-eve": ids}, network=store.model) == 0
    assert store.people.delete_negatives({ZOE: ids}, network="other") == 0
    assert store.people.delete_negatives({ZOE: ids}, network=store.model) == 2
