"""Rows of face vectors: of people, of negatives (faces that are not theirs), and of the evidence behind matches.

Each is little-endian float32 with the network it came from, so that networks never mix. Evidence is kept for some days,
so that a wrong decision can be corrected.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from config.errors import ModelError, PeopleError
from tracker.presence.people import PersonKind, Redaction
from tracker.store.database import Transaction
from tracker.store.tables import Row

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEFAULT_MODEL = "sface"
"""The network of a store without vectors."""
DOWNLOADED = "firestore"
"""The source of a vector that was downloaded; the id follows where it was downloaded under one that is merged now."""


_NO_ORIGIN = re.compile(rf"picture [0-9]+|shadow|{DOWNLOADED}( .*)?", re.DOTALL)
"""Sources that vectors of different pictures share: numbers of the dashboard, where each enrolment begins at 1, a
shadow period by older versions, downloads."""


def origin_of(source: str) -> str:
    """The picture or track that a vector was made from; empty where the source does not identify it."""
    return "" if _NO_ORIGIN.fullmatch(source) else source


def network(connection: sqlite3.Connection) -> str | None:
    """The network of the vectors that are here; None without any.

    Of several, that of most enrolled people, then of most visitors, then the default.
    """
    first, last = connection.execute(
        "SELECT (SELECT min(model) FROM vectors), (SELECT max(model) FROM vectors)"
    ).fetchone()
    if first == last:
        return None if first is None else str(first)
    row = connection.execute(
        "SELECT v.model FROM (SELECT DISTINCT model, person_id FROM vectors) v JOIN people p USING (person_id)"
        " GROUP BY v.model"
        " ORDER BY sum(p.kind = 'enrolled') DESC, count(*) DESC, v.model = ? DESC, v.model LIMIT 1",
        (DEFAULT_MODEL,),
    ).fetchone()
    return str(row[0])


def require_network(connection: sqlite3.Connection, model: str) -> None:
    """Raises ModelError where the vectors that are here are not of this network any more."""
    present = network(connection)
    if present not in (None, model):
        raise ModelError(
            f"the people in the store are now recognised by {present}, not by {model}", fix="run this again"
        )


def recognised(connection: sqlite3.Connection) -> list[str]:
    """The ids of enrolled people who agreed and have vectors of the network that is here: whom a change concerns."""
    rows = connection.execute(
        "SELECT p.person_id FROM people p WHERE p.kind = ? AND p.consented_at IS NOT NULL"
        " AND EXISTS (SELECT 1 FROM vectors v WHERE v.person_id = p.person_id AND v.model = ?)",
        (PersonKind.ENROLLED, network(connection)),
    )
    return [person_id for (person_id,) in rows]


def delete_others(writing: Transaction, model: str) -> None:
    """Delete all vectors, negatives and evidence that are not of a network; and those of a shadow period, now over.

    With them goes the fitted rule.
    """
    for table in ("vectors", "negatives", "evidence"):
        writing.connection.execute(f"DELETE FROM {table} WHERE model <> ?", (model,))
    writing.connection.execute("DELETE FROM shadow_vectors")
    writing.connection.execute("DELETE FROM fitted_rule")
    writing.touch_people()


def insert(
    writing: Transaction, person_id: str, vectors: NDArray[np.float32], *, model: str, sources: Sequence[str] = ()
) -> list[int]:
    """Add vectors, (N, D) of finite numbers, to a person who exists. Returns their ids.

    sources: one text a vector, or none. Raises PeopleError when the vectors do not fit those in the store.
    """
    rows = checked(writing.connection, vectors, model=model, sources=sources)
    statement = "INSERT INTO vectors (person_id, model, dimension, vector, source) VALUES (?, ?, ?, ?, ?)"
    values = _values(person_id, rows, model, sources)
    found = [writing.connection.execute(statement, each).lastrowid or 0 for each in values]
    if found:
        writing.touch_people()
    return found


def _values(person_id: str, rows: NDArray[np.float32], model: str, sources: Sequence[str]) -> list[Row]:
    names = sources or [""] * len(rows)
    return [(person_id, model, rows.shape[1], row.tobytes(), name) for row, name in zip(rows, names, strict=True)]


def checked(
    connection: sqlite3.Connection, vectors: NDArray[np.float32], *, model: str, sources: Sequence[str] = ()
) -> NDArray[np.float32]:
    """The vectors as they are written, little-endian float32.

    Raises ValueError unless they are (N, D) of finite numbers with a source each or none, and PeopleError when they do
    not fit those in the store.
    """
    import numpy as np  # here, as commands that read no vectors start quicker without it

    rows = np.asarray(vectors, dtype="<f4")
    if rows.ndim != 2 or (len(rows) and not rows.shape[1]) or not np.isfinite(rows).all():
        raise ValueError(f"vectors: expected finite numbers of shape (N, D), got shape {rows.shape}")
    if sources and len(sources) != len(rows):
        raise ValueError(f"sources: expected none or {len(rows)}, got {len(sources)}")
    known = connection.execute("SELECT dimension FROM vectors WHERE model = ? LIMIT 1", (model,)).fetchone()
    if len(rows) and known is not None and known[0] != rows.shape[1]:
        raise PeopleError(
            f"vectors of {rows.shape[1]} numbers do not fit those of {model} in the store, which have {known[0]}",
            fix="enrol with the network that the store was made with",
        )
    return rows


def downloaded_under(person_id: str) -> str:
    """The source of a vector that was downloaded under an id that was merged into another."""
    return f"{DOWNLOADED} {person_id}"


def move(connection: sqlite3.Connection, from_id: str, into_id: str) -> None:
    """Give the vectors of one id to another one. Equal ones are kept once, those of this machine first."""
    connection.execute(
        "UPDATE vectors SET person_id = ?, source = CASE source WHEN ? THEN ? ELSE source END WHERE person_id = ?",
        (into_id, DOWNLOADED, downloaded_under(from_id), from_id),
    )
    connection.execute(
        "DELETE FROM vectors WHERE person_id = ?1 AND EXISTS (SELECT 1 FROM vectors o"
        " WHERE o.person_id = ?1 AND o.model = vectors.model AND o.vector = vectors.vector"
        " AND (instr(o.source, ?2) = 1, o.vector_id) < (instr(vectors.source, ?2) = 1, vectors.vector_id))",
        (into_id, DOWNLOADED),
    )


def delete_downloaded(writing: Transaction, person_id: str) -> None:
    """Remove all downloaded vectors of a person, under whatever id they were downloaded."""
    count = writing.connection.execute(
        "DELETE FROM vectors WHERE person_id = ? AND instr(source, ?) = 1", (person_id, DOWNLOADED)
    ).rowcount
    if count:
        writing.touch_people()


def stacked(rows: Sequence[tuple[str, int, bytes]]) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """(N, D) float32, (0, 0) without any, of rows of (person id, dimension, vector), and the person ids."""
    import numpy as np

    dimension = rows[0][1] if rows else 0
    numbers = np.frombuffer(b"".join(row[2] for row in rows), dtype="<f4").astype(np.float32)
    return numbers.reshape(len(rows), dimension), tuple(row[0] for row in rows)


def has_any(connection: sqlite3.Connection, person_id: str) -> bool:
    """Whether a person has vectors, of any network."""
    return connection.execute("SELECT 1 FROM vectors WHERE person_id = ?", (person_id,)).fetchone() is not None


def insert_negatives(
    writing: Transaction, person_id: str, vectors: NDArray[np.float32], *, model: str, sources: Sequence[str] = ()
) -> list[int]:
    """Add faces (N, D) that are not the person's. Returns their ids.

    Raises PeopleError when they do not fit those in the store.
    """
    rows = checked(writing.connection, vectors, model=model, sources=sources)
    for track_id in set(sources):
        delete_shadow(writing.connection, track_id, person_id=person_id)
    insert = "INSERT INTO negatives (person_id, model, dimension, vector, source, changed) VALUES (?, ?, ?, ?, ?, ?)"
    found = [
        writing.connection.execute(insert, (*values, writing.changed)).lastrowid or 0
        for values in _values(person_id, rows, model, sources)
    ]
    writing.touch_people()
    return found


def delete_shadow(connection: sqlite3.Connection, track_id: str, *, person_id: str) -> None:
    """Delete the faces of a shadow period that were taken of a track as those of a person who was not its person."""
    connection.execute("DELETE FROM shadow_vectors WHERE person_id = ? AND track_id = ?", (person_id, track_id))


def redact_sources(writing: Transaction, redaction: Redaction) -> None:
    """Remove the names of pictures, of other people's negatives, that hold a name."""
    rows = writing.connection.execute("SELECT negative_id, source FROM negatives WHERE source <> ''").fetchall()
    writing.connection.executemany(
        "UPDATE negatives SET source = '' WHERE negative_id = ?",
        [(negative_id,) for negative_id, source in rows if redaction.user_name(source) != source],
    )


def insert_evidence(writing: Transaction, evidence: Mapping[str, NDArray[np.float32]], *, model: str) -> None:
    """Keep vectors (N, D) by match_id; those of a match that is not stored, or has some already, are skipped."""
    for match_id, vectors in evidence.items():
        wanted = writing.connection.execute(
            "SELECT EXISTS (SELECT 1 FROM matches WHERE match_id = ?1)"
            " AND NOT EXISTS (SELECT 1 FROM evidence WHERE match_id = ?1)",
            (match_id,),
        ).fetchone()[0]
        if not wanted:
            continue
        rows = checked(writing.connection, vectors, model=model)
        writing.connection.executemany(
            "INSERT INTO evidence (match_id, model, dimension, vector) VALUES (?, ?, ?, ?)",
            [(match_id, model, rows.shape[1], row.tobytes()) for row in rows],
        )
