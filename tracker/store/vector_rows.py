"""Rows of face vectors: little-endian float32, each with the network it came from, so that networks never mix."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING

from config.errors import PeopleError
from tracker.presence.people import PersonKind
from tracker.store.database import Transaction

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEFAULT_MODEL = "dlib_resnet"
DEFAULT_DIMENSION = 128
DOWNLOADED = "firestore"
"""What stands for the picture of a vector that came down with its person; after it, of one that had another id then."""


def insert(
    writing: Transaction, person_id: str, vectors: NDArray[np.float32], *, model: str, sources: Sequence[str] = ()
) -> None:
    """Add vectors, (N, D) of finite numbers, to a person who exists.

    sources: one text a vector, or none. Raises PeopleError when the vectors do not fit those in the store.
    """
    rows = checked(writing.connection, vectors, model=model, sources=sources)
    if not len(rows):
        return
    names = sources or [""] * len(rows)
    writing.connection.executemany(
        "INSERT INTO vectors (person_id, model, dimension, vector, source) VALUES (?, ?, ?, ?, ?)",
        [(person_id, model, rows.shape[1], row.tobytes(), name) for row, name in zip(rows, names, strict=True)],
    )
    writing.touch_people()


def checked(
    connection: sqlite3.Connection, vectors: NDArray[np.float32], *, model: str, sources: Sequence[str] = ()
) -> NDArray[np.float32]:
    """The vectors as they are written, little-endian float32.

    Raises ValueError unless they are (N, D) of finite numbers with a source each or none, and PeopleError when they do
    not fit those in the store.
    """
    import numpy as np  # here, as commands that read no vectors start quicker without it

    rows = np.asarray(vectors, dtype="<f4")
    if rows.ndim != 2 or not rows.shape[1] or not np.isfinite(rows).all():
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
    """What stands for the picture of a vector that came down under an id that was merged into another."""
    return f"{DOWNLOADED} {person_id}"


def move(connection: sqlite3.Connection, from_id: str, into_id: str) -> None:
    """Give the vectors of one id to another one. What came down is there once, and known by its origin as before."""
    connection.execute(
        "UPDATE vectors SET person_id = ?, source = CASE source WHEN ? THEN ? ELSE source END WHERE person_id = ?",
        (into_id, DOWNLOADED, downloaded_under(from_id), from_id),
    )
    connection.execute(
        "DELETE FROM vectors WHERE person_id = ?1 AND instr(source, ?2) = 1 AND EXISTS (SELECT 1 FROM vectors o"
        " WHERE o.person_id = ?1 AND o.model = vectors.model AND o.vector = vectors.vector"
        " AND (instr(o.source, ?2) <> 1 OR o.vector_id < vectors.vector_id))",
        (into_id, DOWNLOADED),
    )


def delete_downloaded(writing: Transaction, person_id: str) -> None:
    """Remove all vectors of a person that came down, whatever id they had there."""
    gone = writing.connection.execute(
        "DELETE FROM vectors WHERE person_id = ? AND instr(source, ?) = 1", (person_id, DOWNLOADED)
    ).rowcount
    if gone:
        writing.touch_people()


def select(
    connection: sqlite3.Connection, kind: PersonKind, *, model: str
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Vectors of people of one kind: (N, D) float32, (0, 128) without any, and the person id of each row."""
    rows = connection.execute(
        "SELECT v.person_id, v.dimension, v.vector FROM vectors v JOIN people p USING (person_id)"
        " WHERE p.kind = ? AND v.model = ? ORDER BY v.person_id, v.vector_id",
        (kind, model),
    ).fetchall()
    return stacked(rows)


def stacked(rows: Sequence[tuple[str, int, bytes]]) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """(N, D) float32, (0, 128) without any, of rows of (person id, dimension, vector), and the person ids."""
    import numpy as np

    dimension = rows[0][1] if rows else DEFAULT_DIMENSION
    numbers = np.frombuffer(b"".join(row[2] for row in rows), dtype="<f4").astype(np.float32)
    return numbers.reshape(len(rows), dimension), tuple(row[0] for row in rows)


def has_any(connection: sqlite3.Connection, person_id: str) -> bool:
    """Whether a person has vectors, of any network."""
    return connection.execute("SELECT 1 FROM vectors WHERE person_id = ?", (person_id,)).fetchone() is not None


def count(connection: sqlite3.Connection, *, model: str) -> dict[str, int]:
    """How many vectors of one network each person has; who has none is left out."""
    rows = connection.execute(
        "SELECT person_id, count(*) FROM vectors WHERE model = ? GROUP BY person_id ORDER BY person_id", (model,)
    )
    return dict(rows.fetchall())
