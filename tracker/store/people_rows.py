"""Rows of people, their aliases and distance limits. Every function works inside the caller's transaction or read."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from config.errors import PeopleError
from config.text import fold
from tracker.presence.events import time_text
from tracker.presence.people import LONGEST_GROUP, MOST_GROUPS, Person, PersonKind, Redaction, digest_of, name_key
from tracker.store import vector_rows
from tracker.store.database import Transaction
from tracker.store.tables import Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VISITOR_ID = re.compile("v-[0-9a-f]{10}")
"""Ids that agents give to strangers."""
LONGEST_LABEL = 190
"""Characters of an id that are used as a name; a number may follow."""
PEOPLE = Table("people", Person, derived=["name_key", "search_key"])
_UNCHANGED = ("person_id", "created_at")
_UPDATE = ", ".join(f"{name} = :{name}" for name in PEOPLE.columns if name not in _UNCHANGED)


def insert(writing: Transaction, person: Person) -> None:
    """Add a person. Raises PeopleError when the name or the id is taken."""
    connection = writing.connection
    require_free_name(connection, person.name)
    if connection.execute("SELECT 1 FROM people WHERE person_id = ?", (person.person_id,)).fetchone():
        raise PeopleError(f"the id {person.person_id} is taken", fix="give the person another id")
    keys = name_key(person.name), _search_key(person)
    connection.execute(PEOPLE.insert, (*PEOPLE.row(person), *keys, writing.changed))
    writing.touch_people()


def require_free_name(connection: sqlite3.Connection, name: str, *, except_id: str = "") -> None:
    """Raises PeopleError when somebody but `except_id` has the name, whatever its case or form."""
    if not name.strip():
        raise PeopleError("a person needs a name", fix="give a name that is not empty")
    taken = by_name(connection, name)
    if taken is not None and taken.person_id != except_id:
        raise PeopleError(
            f"somebody is called {taken.name} already ({taken.kind}, {taken.person_id})",
            fix="choose another name, or rename, merge or forget that person first",
        )


def save_visitor(writing: Transaction, person: Person, vectors: NDArray[np.float32], *, model: str) -> None:
    """Add a visitor, or replace the vectors of one who is known.

    Changes that people made meanwhile win over the memory of a running agent: a forgotten or merged visitor stays so, a
    visitor who was named keeps the name, one who was enrolled keeps the vectors too. A taken label gets a number.
    """
    connection = writing.connection
    if is_forgotten(connection, person.person_id) or resolve(connection, person.person_id) != person.person_id:
        return
    known = find(connection, person.person_id)
    if known is None:
        insert(writing, replace(person, name=free_label(connection, person.name), kind=PersonKind.VISITOR))
    elif known.kind is PersonKind.ENROLLED:
        return
    connection.execute("DELETE FROM vectors WHERE person_id = ? AND model = ?", (person.person_id, model))
    vector_rows.insert(writing, person.person_id, vectors, model=model)
    writing.touch_people()


def save_known_by_events(writing: Transaction, person_id: str, *, name: str | None, since: datetime) -> bool:
    """Add somebody of whom only events are known, without vectors and consent. Returns whether the person is new.

    name: the id where there is none; a name that is taken gets a number. since: the time of the earliest event.
    """
    connection = writing.connection
    known = find(connection, resolve(connection, person_id))
    if known is None:
        label = free_label(connection, name or person_id[:LONGEST_LABEL])
        kind = PersonKind.VISITOR if VISITOR_ID.fullmatch(person_id) else PersonKind.ENROLLED
        insert(writing, Person(person_id=person_id, name=label, created_at=since, kind=kind))
        return True
    if known.kind is PersonKind.ENROLLED and known.consented_at is None and since < known.created_at:
        connection.execute(
            "UPDATE people SET created_at = ?, changed = ? WHERE person_id = ?",
            (time_text(since), writing.changed, known.person_id),
        )
        writing.touch_people()
    return False


def free_label(connection: sqlite3.Connection, label: str) -> str:
    """The label itself, or with the first number that makes it free."""
    free, number = label, 1
    while by_name(connection, free) is not None:
        number += 1
        free = f"{label} ({number})"
    return free


def find(connection: sqlite3.Connection, person_id: str) -> Person | None:
    """The person of exactly this id."""
    return _one(connection, "person_id = ?", person_id)


def by_name(connection: sqlite3.Connection, name: str) -> Person | None:
    """The person of this name, whatever its case or form."""
    return _one(connection, "name_key = ?", name_key(name))


def require(connection: sqlite3.Connection, person_id: str) -> Person:
    """The person of exactly this id. Raises PeopleError when there is none."""
    person = find(connection, person_id)
    if person is None:
        raise PeopleError(f"nobody has the id {person_id}", fix="'footfall people list' shows everybody and their ids")
    return person


def require_consent(person: Person) -> None:
    """Raises PeopleError where an enrolled person did not agree to be recognised."""
    if person.kind is PersonKind.ENROLLED and person.consented_at is None:
        raise PeopleError(
            f"{person.name} did not agree to be recognised, so no face vectors can be kept of them",
            fix="if they agreed, enrol them with pictures: 'footfall enroll --add'",
        )


def update(writing: Transaction, person: Person) -> None:
    """Write everything but id and creation time of a person who exists. Raises PeopleError when the name is taken."""
    require_free_name(writing.connection, person.name, except_id=person.person_id)
    values = dict(zip(PEOPLE.columns, PEOPLE.row(person), strict=True))
    keys = {"name_key": name_key(person.name), "search_key": _search_key(person), "changed": writing.changed}
    writing.connection.execute(
        f"UPDATE people SET {_UPDATE}, name_key = :name_key, search_key = :search_key, changed = :changed"
        " WHERE person_id = :person_id",
        values | keys,
    )
    writing.touch_people()


def _search_key(person: Person) -> str:
    return fold(" ".join((person.name, *person.groups)))


def merge(writing: Transaction, from_id: str, into_id: str) -> None:
    """Make two people one: vectors move, and what is stored under `from_id` is read as `into_id` from now on."""
    connection = writing.connection
    gone, kept = require(connection, from_id), require(connection, into_id)
    if from_id == into_id:
        raise PeopleError(f"{kept.name} cannot be merged into the same person", fix="name two different people")
    if gone.kind is PersonKind.ENROLLED and kept.kind is PersonKind.VISITOR:
        raise PeopleError(
            f"{gone.name} is enrolled and {kept.name} is a visitor", fix="merge the visitor into the enrolled person"
        )
    consent = kept.consent or gone.consent
    if kept.kind is PersonKind.ENROLLED and consent is None and vector_rows.has_any(connection, from_id):
        raise PeopleError(
            f"{kept.name} did not agree to be recognised, so the face vectors of {gone.name} cannot be kept for them",
            fix="if they agreed, run 'footfall people name' with both names and --consent",
        )
    joined = replace(kept, groups=_union(kept.groups, gone.groups))
    if kept.kind is PersonKind.ENROLLED and consent is not None:
        joined = joined.with_consent(consent)
    if joined != kept:
        update(writing, joined)
    join(writing, from_id, into_id)


def _union(groups: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    """All of the groups, and as many of the others as a person may have besides."""
    keys = set(map(name_key, groups))
    return (*groups, *(each for each in others if name_key(each) not in keys))[:MOST_GROUPS]


def redact(writing: Transaction, redaction: Redaction) -> None:
    """Take a name out of the groups of all people and out of who recorded their consent."""
    rows = writing.connection.execute(f"{PEOPLE.select} WHERE groups <> '[]' OR consent_by <> ''").fetchall()
    for person in PEOPLE.read(rows):
        groups = tuple(redaction.text(group)[:LONGEST_GROUP] for group in person.groups)
        redacted = replace(person, groups=groups, consent_by=redaction.user_name(person.consent_by))
        if redacted != person:
            update(writing, redacted)


def join(writing: Transaction, from_id: str, into_id: str) -> None:
    """Put what is stored under one id, of whom nothing need be known, under that of somebody who is here."""
    connection = writing.connection
    vector_rows.move(connection, from_id, into_id)
    connection.execute("UPDATE negatives SET person_id = ? WHERE person_id = ?", (into_id, from_id))
    connection.execute(
        "UPDATE aliases SET into_id = ?, changed = ? WHERE into_id = ?", (into_id, writing.changed, from_id)
    )
    connection.execute(
        "INSERT OR REPLACE INTO aliases (person_id, into_id, changed) VALUES (?, ?, ?)",
        (from_id, into_id, writing.changed),
    )
    writing.touched_people.update((from_id, into_id))
    connection.execute("DELETE FROM people WHERE person_id = ?", (from_id,))
    connection.execute("UPDATE people SET changed = ? WHERE person_id = ?", (writing.changed, into_id))
    writing.touch_people()


def fade_visitors(writing: Transaction, before: datetime) -> int:
    """Remove the vectors of visitors of whom nothing is known since then. Returns how many visitors that were."""
    own_ids = "(SELECT p.person_id UNION SELECT a.person_id FROM aliases a WHERE a.into_id = p.person_id)"
    faded = writing.connection.execute(
        "SELECT p.person_id FROM people p WHERE p.kind = ?1 AND p.created_at < ?2"
        " AND EXISTS (SELECT 1 FROM vectors v WHERE v.person_id = p.person_id)"
        f" AND NOT EXISTS (SELECT 1 FROM events e WHERE e.person_id IN {own_ids} AND e.at >= ?2)"
        f" AND NOT EXISTS (SELECT 1 FROM matches m WHERE m.person_id IN {own_ids} AND m.at >= ?2)"
        f" AND NOT EXISTS (SELECT 1 FROM presences r WHERE r.person_id IN {own_ids} AND r.seen_at >= ?2)",
        (PersonKind.VISITOR, time_text(before)),
    ).fetchall()
    if faded:
        writing.delete("vectors", "person_id", [person_id for (person_id,) in faded])
        writing.touch_people()
    return len(faded)


def erase(writing: Transaction, person_id: str, *, erase_history: bool) -> tuple[str, ...]:
    """Remove a person, vectors and aliases; their ids can never be written again. Returns all ids they had.

    erase_history: what is noted for other machines, where the person is to be forgotten too.
    """
    connection = writing.connection
    ids = ids_of(connection, person_id)
    connection.execute("DELETE FROM people WHERE person_id = ?", (person_id,))
    connection.execute("DELETE FROM fitted_rule")  # its numbers come from everybody's vectors
    at = time_text(datetime.now(UTC))
    connection.executemany(
        "INSERT INTO forgotten (digest, at, erase_history) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        [(digest_of(gone_id), at, erase_history) for gone_id in ids],
    )
    connection.execute("UPDATE state SET scrub_due = 1")
    writing.touch_people()
    return ids


def replace_limits(writing: Transaction, limits: Mapping[str, float], *, model: str) -> None:
    """Make these the own limits, by person_id, for vectors of a network; people left out have none."""
    writing.connection.execute("DELETE FROM limits")
    writing.connection.executemany(
        "INSERT INTO limits (person_id, model, max_distance, changed) VALUES (?, ?, ?, ?)",
        [(person_id, model, float(limit), writing.changed) for person_id, limit in limits.items()],
    )
    writing.touch_people()


def resolve(connection: sqlite3.Connection, person_id: str) -> str:
    """The id under which a person is known now."""
    row = connection.execute("SELECT into_id FROM aliases WHERE person_id = ?", (person_id,)).fetchone()
    return person_id if row is None else str(row[0])


def ids_of(connection: sqlite3.Connection, person_id: str) -> tuple[str, ...]:
    """The person's id and those that were merged into it."""
    rows = connection.execute("SELECT person_id FROM aliases WHERE into_id = ? ORDER BY 1", (person_id,)).fetchall()
    return (person_id, *(row[0] for row in rows))


def is_forgotten(connection: sqlite3.Connection, person_id: str) -> bool:
    """Whether a person of this id was erased."""
    row = connection.execute("SELECT 1 FROM forgotten WHERE digest = ?", (digest_of(person_id),)).fetchone()
    return row is not None


def forgotten_among(connection: sqlite3.Connection, person_ids: Iterable[str]) -> set[str]:
    """Those of these ids that belonged to people who were erased."""
    if connection.execute("SELECT 1 FROM forgotten LIMIT 1").fetchone() is None:
        return set()
    return {person_id for person_id in person_ids if is_forgotten(connection, person_id)}


def _one(connection: sqlite3.Connection, condition: str, value: str) -> Person | None:
    found = PEOPLE.read(connection.execute(f"{PEOPLE.select} WHERE {condition}", (value,)))
    return found[0] if found else None
