"""Vectors of the network that a site changes to, taken from people whom the present one recognised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracker.store import people_rows, vector_rows
from tracker.store.store_file import StoreFile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ENOUGH = 5
"""Confirmed vectors from which a person can be recognised; with `MOST_OF_A_TRACK` they are of two tracks at least."""
MOST = 10
"""Vectors kept of a person."""
MOST_OF_A_TRACK = 3
"""Of them, those of one track, so that they show more than one moment."""


@dataclass(frozen=True, slots=True, eq=False)
class ShadowVector:
    """A face of an enrolled person. vector: (D,). track_id: of the track that was recognised."""

    person_id: str
    vector: NDArray[np.float32]
    track_id: str


class ShadowVectors:
    """They are recognised by nobody and never uploaded until people are enrolled with them."""

    def __init__(self, file: StoreFile) -> None:
        self._file = file

    def add(self, model: str, faces: Sequence[ShadowVector]) -> int:
        """Keep faces of people whom the present network recognises, up to `MOST` of each; others are dropped.

        Those of another network are deleted. Returns how many were kept: none once the network is the present one.
        """
        kept = 0
        with self._file.writing() as writing:
            connection = writing.connection
            if vector_rows.network(connection) == model:
                return 0
            connection.execute("DELETE FROM shadow_vectors WHERE model <> ?", (model,))
            recognised = set(vector_rows.recognised(connection))
            for face in faces:
                person_id = people_rows.resolve(connection, face.person_id)
                if person_id not in recognised:
                    continue
                (row,) = vector_rows.checked(connection, face.vector[None], model=model)
                kept += connection.execute(
                    "INSERT INTO shadow_vectors (person_id, model, dimension, vector, track_id)"
                    " SELECT ?1, ?2, ?3, ?4, ?5 WHERE"
                    " (SELECT count(*) FROM shadow_vectors WHERE person_id = ?1) < ?6"
                    " AND (SELECT count(*) FROM shadow_vectors WHERE person_id = ?1 AND track_id = ?5) < ?7",
                    (person_id, model, len(row), row.tobytes(), face.track_id, MOST, MOST_OF_A_TRACK),
                ).rowcount
        return kept

    def remove(self, model: str, faces: Sequence[ShadowVector]) -> None:
        """Delete faces of a network; those that are not there are ignored."""
        with self._file.writing() as writing:
            for face in faces:
                (row,) = vector_rows.checked(writing.connection, face.vector[None], model=model)
                writing.connection.execute(
                    "DELETE FROM shadow_vectors WHERE person_id = ? AND track_id = ? AND model = ? AND vector = ?",
                    (face.person_id, face.track_id, model, row.tobytes()),
                )

    def delete(self) -> int:
        """Delete all of them, of whatever network. Returns how many there were."""
        if not self._file.rows("SELECT 1 FROM shadow_vectors LIMIT 1"):
            return 0
        with self._file.writing() as writing:
            return writing.connection.execute("DELETE FROM shadow_vectors").rowcount

    def vectors(self, model: str) -> tuple[NDArray[np.float32], tuple[str, ...], tuple[str, ...]]:
        """Vectors (N, D) float32 of a network, and the person id and the track of each row."""
        rows = self._file.rows(
            "SELECT person_id, dimension, vector, track_id FROM shadow_vectors WHERE model = ?"
            " ORDER BY person_id, rowid",
            (model,),
        )
        vectors, person_ids = vector_rows.stacked([row[:3] for row in rows])
        return vectors, person_ids, tuple(row[3] for row in rows)

    def counts(self, model: str) -> dict[str, int]:
        """How many vectors of a network each person id has; without those who have none."""
        query = "SELECT person_id, count(*) FROM shadow_vectors WHERE model = ? GROUP BY person_id ORDER BY person_id"
        return dict(self._file.rows(query, (model,)))
