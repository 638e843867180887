"""Copies of enrolled people with all that recognises them, to take to another store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tracker.presence.people import Person, PersonKind
from tracker.store import people_rows, vector_rows
from tracker.store.people_rows import PEOPLE

if TYPE_CHECKING:
    from tracker.store.store import Store

Faces: TypeAlias = tuple[NDArray[np.float32], tuple[str, ...]]
"""Vectors (N, D) and the name of the picture of each."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PersonCopy:
    """An enrolled person. former_ids: of people who were merged into them.

    faces: of a person who consented. negatives: faces that are not theirs. limit: greatest distance of a face of
    theirs, None where that of the settings holds.
    """

    person: Person
    former_ids: tuple[str, ...]
    faces: Faces
    negatives: Faces
    limit: float | None


def copies(store: Store) -> list[PersonCopy]:
    """Everybody who is enrolled, by name, with the vectors of the store's network. Raises StoreError."""
    with store.one_state() as connection:
        rows = connection.execute(f"{PEOPLE.select} WHERE kind = ? ORDER BY name_key", (PersonKind.ENROLLED,))
        people = PEOPLE.read(rows)
        faces, negatives = _faces(store, "vectors"), _faces(store, "negatives")
        limits = store.people.limits()
        return [
            PersonCopy(
                person=person,
                former_ids=people_rows.ids_of(connection, person.person_id)[1:],
                faces=_of(faces if person.consented_at is not None else {}, person.person_id),
                negatives=_of(negatives, person.person_id),
                limit=limits.get(person.person_id),
            )
            for person in people
        ]


def faces_of(store: Store, person_id: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The vectors of a person, (N, D), and of their negatives. Raises StoreError."""
    found = (_faces(store, table, person_id) for table in ("vectors", "negatives"))
    vectors, negatives = (_of(each, person_id)[0] for each in found)
    return vectors, negatives


def _of(faces: Mapping[str, Faces], person_id: str) -> Faces:
    nobody: Faces = (np.empty((0, 0), np.float32), ())
    return faces.get(person_id, nobody)


def _faces(store: Store, table: str, person_id: str | None = None) -> dict[str, Faces]:
    """By person id the vectors in a table, of all people or of one, with their sources; downloaded ones have none."""
    number = {"vectors": "vector_id", "negatives": "negative_id"}[table]
    whose = "" if person_id is None else "AND person_id = ?2"
    rows = store.rows(
        f"SELECT person_id, dimension, vector, source FROM {table} WHERE model = ?1 {whose}"
        f" ORDER BY person_id, {number}",
        (store.model,) if person_id is None else (store.model, person_id),
    )
    by_person: dict[str, list[tuple[str, int, bytes, str]]] = {}
    for row in rows:
        by_person.setdefault(row[0], []).append(row)
    return {
        owner: (
            vector_rows.stacked([row[:3] for row in each])[0],
            tuple("" if row[3].startswith(vector_rows.DOWNLOADED) else row[3] for row in each),
        )
        for owner, each in by_person.items()
    }
