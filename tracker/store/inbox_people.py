"""People as downloaded from Firestore. What was changed here and is not uploaded yet stays as it is.

A name belongs to one person here. Where two machines gave it to two people, the older one has it and the other a label
made from it, until the name is free; Firestore keeps both as they are.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from config.errors import PeopleError
from tracker.presence.events import time_text
from tracker.presence.people import Person
from tracker.store import people_rows, vector_rows
from tracker.store.cursors import uploaded_through
from tracker.store.database import Transaction

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SOURCE = vector_rows.DOWNLOADED


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingPerson:
    """A person, and into whom they were merged; the person then has the fields of that one.

    vectors: by network (N, D) float32, all of the person in Firestore; None where they were not downloaded.
    """

    person: Person
    merged_into: str | None = None
    vectors: Mapping[str, NDArray[np.float32]] | None = field(default=None, compare=False)


def write(writing: Transaction, people: Sequence[IncomingPerson]) -> list[tuple[str, str]]:
    """Write people. Returns those whose vectors do not fit the ones that are here, each with the reason."""
    if not people:
        return []
    connection = writing.connection
    pending = _pending(connection)
    refused: list[tuple[str, str]] = []
    for each in people:
        person_id = each.person.person_id
        if people_rows.is_forgotten(connection, person_id):
            continue
        owner, source = person_id, SOURCE
        if each.merged_into is not None:
            _merge(writing, each.person, each.merged_into, pending)
            owner, source = people_rows.resolve(connection, person_id), vector_rows.downloaded_under(person_id)
        elif people_rows.resolve(connection, person_id) == person_id and person_id not in pending:
            _put(writing, each.person, pending)
        else:
            continue
        if each.vectors is not None and (owner != person_id or each.merged_into is None):
            try:
                _put_vectors(writing, owner, each.vectors, source=source)
                if each.person.consented_at is None:
                    vector_rows.delete_downloaded(writing, owner)
            except (PeopleError, ValueError) as error:
                refused.append((person_id, str(error)))
    _assign_wanted_names(writing)
    writing.mark_downloaded("people", "aliases")
    connection.executemany("UPDATE people SET downloaded = 0 WHERE person_id = ?", [(each,) for each in pending])
    return refused


def _pending(connection: sqlite3.Connection) -> set[str]:
    """Who was changed here since the last upload."""
    rows = connection.execute(
        "SELECT person_id FROM people WHERE changed <> downloaded AND changed > ?",
        (uploaded_through(connection, "people"),),
    )
    return {row[0] for row in rows}


def _put(writing: Transaction, person: Person, pending: AbstractSet[str]) -> None:
    """Add a person, or change them into what was downloaded, if anything differs."""
    connection = writing.connection
    known = people_rows.find(connection, person.person_id)
    named = replace(person, name=_name_for(writing, person, pending))
    if known is None:
        people_rows.insert(writing, named)
    elif known != named:
        people_rows.update(writing, named)
    if named.name != person.name:
        _keep_wanted_name(connection, named, person.name)


def _name_for(writing: Transaction, person: Person, pending: AbstractSet[str]) -> str:
    """The name that the person gets here; the present holder may lose it."""
    connection = writing.connection
    connection.execute("DELETE FROM wanted_names WHERE person_id = ? AND name <> ?", (person.person_id, person.name))
    holder = people_rows.by_name(connection, person.name)
    if holder is None or holder.person_id == person.person_id:
        return person.name
    if holder.person_id in pending or _age(holder) < _age(person):
        kept = connection.execute("SELECT label FROM wanted_names WHERE person_id = ?", (person.person_id,)).fetchone()
        return str(kept[0]) if kept is not None else people_rows.free_label(connection, person.name)
    label = people_rows.free_label(connection, holder.name)
    people_rows.update(writing, replace(holder, name=label))
    _keep_wanted_name(connection, replace(holder, name=label), holder.name)
    return person.name


def _age(person: Person) -> tuple[str, str]:
    return time_text(person.created_at), person.person_id


def _keep_wanted_name(connection: sqlite3.Connection, person: Person, wanted: str) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO wanted_names (person_id, name, label) SELECT ?1, ?2, ?3"
        " WHERE EXISTS (SELECT 1 FROM people WHERE person_id = ?1)",
        (person.person_id, wanted, person.name),
    )


def _assign_wanted_names(writing: Transaction) -> None:
    """Give their names to all whose names are free by now, and drop the entries of people who were renamed here."""
    connection = writing.connection
    rows = connection.execute(
        "SELECT w.person_id, w.name, w.label FROM wanted_names w JOIN people p USING (person_id)"
        " ORDER BY p.created_at, p.person_id"
    ).fetchall()
    for person_id, wanted, label in rows:
        person = people_rows.require(connection, person_id)
        if person.name == label and people_rows.by_name(connection, wanted) is not None:
            continue
        if person.name == label:
            people_rows.update(writing, replace(person, name=wanted))
        connection.execute("DELETE FROM wanted_names WHERE person_id = ?", (person_id,))


def _merge(writing: Transaction, person: Person, merged_into: str, pending: AbstractSet[str]) -> None:
    """Read what is stored under the person's id as that of another one, who may not be downloaded yet."""
    connection, from_id = writing.connection, person.person_id
    into_id = people_rows.resolve(connection, merged_into)
    if from_id == into_id or people_rows.resolve(connection, from_id) == into_id:
        return  # merged the other way round here, or known
    if people_rows.is_forgotten(connection, into_id):
        return
    if people_rows.find(connection, into_id) is None:
        _put(writing, replace(person, person_id=into_id), pending)
    people_rows.join(writing, from_id, into_id)


def _put_vectors(
    writing: Transaction, person_id: str, vectors: Mapping[str, NDArray[np.float32]], *, source: str
) -> None:
    """Replace the vectors downloaded from the same document before by these; any others stay."""
    connection = writing.connection
    rows = connection.execute(
        "SELECT vector_id, model, vector, source FROM vectors WHERE person_id = ?", (person_id,)
    ).fetchall()
    wanted = {
        (model, row.tobytes()): (model, row)
        for model, matrix in vectors.items()
        for row in vector_rows.checked(connection, matrix, model=model)
    }
    stale = [row[0] for row in rows if row[3] == source and (row[1], row[2]) not in wanted]
    known = {(row[1], row[2]) for row in rows}
    new = [each for key, each in wanted.items() if key not in known]
    writing.delete("vectors", "vector_id", stale)
    for model, numbers in new:
        vector_rows.insert(writing, person_id, numbers[None], model=model, sources=[source])
    if stale:
        writing.touch_people()
