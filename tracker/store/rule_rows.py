"""The one row of the rule that was fitted last to the vectors of enrolled people: plain numbers, never pickled objects.

It is derived, so that it is left out where it is stale, and deleted with the vectors of whoever is forgotten.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tracker.presence.people import PersonKind
from tracker.store.database import Transaction

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def find(connection: sqlite3.Connection, fingerprint: str) -> tuple[tuple[str, ...], NDArray[np.float32]] | None:
    """Person ids and weights (P, D) float32; None without a row of this fingerprint, or with one that is damaged."""
    import numpy as np

    row = connection.execute("SELECT people, weights FROM fitted_rule WHERE fingerprint = ?", (fingerprint,)).fetchone()
    if row is None:
        return None
    people: tuple[str, ...] = tuple(json.loads(row[0]))
    if not people or not row[1] or len(row[1]) % (4 * len(people)):
        return None
    weights = np.frombuffer(row[1], dtype="<f4").astype(np.float32).reshape(len(people), -1)
    return (people, weights) if np.isfinite(weights).all() else None


def replace(writing: Transaction, fingerprint: str, person_ids: Sequence[str], weights: NDArray[np.float32]) -> bool:
    """Write the row; not where somebody of it is not enrolled any more, so that nobody who was forgotten comes back.

    Raises ValueError unless the weights are (P, D) of finite numbers.
    """
    import numpy as np

    rows = np.asarray(weights, dtype="<f4")
    if rows.ndim != 2 or len(rows) != len(person_ids) or not rows.size or not np.isfinite(rows).all():
        raise ValueError(f"weights: expected finite numbers of shape ({len(person_ids)}, D), got {rows.shape}")
    people = json.dumps(list(person_ids))
    query = "SELECT count(*) FROM people WHERE kind = ? AND person_id IN (SELECT value FROM json_each(?))"
    (enrolled,) = writing.connection.execute(query, (PersonKind.ENROLLED, people)).fetchone()
    if enrolled != len(person_ids):
        return False
    writing.connection.execute(
        "INSERT OR REPLACE INTO fitted_rule (only, fingerprint, people, weights) VALUES (1, ?, ?, ?)",
        (fingerprint, people, rows.tobytes()),
    )
    return True
