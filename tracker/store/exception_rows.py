"""Rows of what holds for single people only: an own distance limit, and faces that are not theirs.

Evidence is kept for a while so that a wrong decision can be taken back: the vectors behind a match.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from tracker.presence.events import time_text
from tracker.presence.people import Redaction
from tracker.store import vector_rows
from tracker.store.database import Transaction

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def replace_limits(writing: Transaction, limits: Mapping[str, float]) -> None:
    """Make these the own limits, by person_id; whoever is left out has none."""
    writing.connection.execute("DELETE FROM limits")
    writing.connection.executemany(
        "INSERT INTO limits (person_id, max_distance, changed) VALUES (?, ?, ?)",
        [(person_id, float(limit), writing.changed) for person_id, limit in limits.items()],
    )
    writing.touch_people()


def select_limits(connection: sqlite3.Connection) -> dict[str, float]:
    """Own limits by person_id."""
    return dict(connection.execute("SELECT person_id, max_distance FROM limits ORDER BY person_id").fetchall())


def insert_negatives(
    writing: Transaction, person_id: str, vectors: NDArray[np.float32], *, model: str, sources: Sequence[str] = ()
) -> None:
    """Add faces (N, D) that are not the person's. Raises PeopleError when they do not fit those in the store."""
    rows = vector_rows.checked(writing.connection, vectors, model=model, sources=sources)
    names = sources or [""] * len(rows)
    writing.connection.executemany(
        "INSERT INTO negatives (person_id, model, dimension, vector, source, changed) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (person_id, model, rows.shape[1], row.tobytes(), name, writing.changed)
            for row, name in zip(rows, names, strict=True)
        ],
    )
    writing.touch_people()


def delete_negatives(writing: Transaction, person_id: str) -> int:
    """Remove the faces that are not the person's. Returns how many there were."""
    count = writing.connection.execute("DELETE FROM negatives WHERE person_id = ?", (person_id,)).rowcount
    if count:
        writing.touch_people()
    return count


def redact_sources(writing: Transaction, redaction: Redaction) -> None:
    """Remove the names of pictures, of other people's negatives, that hold a name."""
    rows = writing.connection.execute("SELECT negative_id, source FROM negatives WHERE source <> ''").fetchall()
    writing.connection.executemany(
        "UPDATE negatives SET source = '' WHERE negative_id = ?",
        [(negative_id,) for negative_id, source in rows if redaction.user_name(source) != source],
    )


def select_negatives(connection: sqlite3.Connection, *, model: str) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """(N, D) float32 and whose each is not."""
    rows = connection.execute(
        "SELECT person_id, dimension, vector FROM negatives WHERE model = ? ORDER BY person_id, negative_id", (model,)
    )
    return vector_rows.stacked(rows.fetchall())


def insert_evidence(writing: Transaction, evidence: Mapping[str, NDArray[np.float32]], *, model: str) -> None:
    """Keep vectors (N, D) by match_id; of a match that is not stored, or has some already, they are passed over."""
    for match_id, vectors in evidence.items():
        wanted = writing.connection.execute(
            "SELECT EXISTS (SELECT 1 FROM matches WHERE match_id = ?1)"
            " AND NOT EXISTS (SELECT 1 FROM evidence WHERE match_id = ?1)",
            (match_id,),
        ).fetchone()[0]
        if not wanted:
            continue
        rows = vector_rows.checked(writing.connection, vectors, model=model)
        writing.connection.executemany(
            "INSERT INTO evidence (match_id, model, dimension, vector) VALUES (?, ?, ?, ?)",
            [(match_id, model, rows.shape[1], row.tobytes()) for row in rows],
        )


def select_evidence(
    connection: sqlite3.Connection, track_id: str, *, model: str
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """(N, D) float32 of a track, and whom it was taken for, those merged since under the id they have now."""
    rows = connection.execute(
        "SELECT coalesce(a.into_id, m.person_id), e.dimension, e.vector"
        " FROM evidence e JOIN matches m USING (match_id) LEFT JOIN aliases a ON a.person_id = m.person_id"
        " WHERE m.track_id = ? AND e.model = ? AND m.person_id IS NOT NULL ORDER BY e.evidence_id",
        (track_id, model),
    )
    return vector_rows.stacked(rows.fetchall())


def delete_evidence(writing: Transaction, before: datetime) -> int:
    """Remove the vectors of matches older than that. Returns how many there were."""
    return writing.connection.execute(
        "DELETE FROM evidence WHERE match_id IN (SELECT match_id FROM matches WHERE at < ?)", (time_text(before),)
    ).rowcount
