"""What a review asks a store: strangers, matches in doubt, and what was reviewed already."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from tracker.presence.events import Match, time_text
from tracker.presence.people import PersonKind
from tracker.store import vector_rows
from tracker.store.event_rows import MATCHES
from tracker.store.store_file import StoreFile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtLimits:
    """Below what distance and above what margin a match is out of doubt.

    below_limit: how far the distance is below the greatest of the person, who has `max_distance` without a limit of
    their own.
    """

    max_distance: float
    below_limit: float
    margin: float


class Reviews:
    """The queries of a review. Every method raises StoreError when the file or the disk fails."""

    def __init__(self, file: StoreFile) -> None:
        self._file = file

    def strangers(self, site_id: str, *, limit: int) -> list[str]:
        """Ids of visitors with vectors and visits at the site: those with most visits first, then the latest."""
        rows = self._file.rows(
            "SELECT p.person_id, count(*) AS visits, max(s.started_at) AS latest"
            " FROM (SELECT DISTINCT person_id FROM vectors) v JOIN people p USING (person_id)"
            " CROSS JOIN sessions s INDEXED BY sessions_person ON s.person_id = p.person_id AND s.site_id = ?"
            " WHERE p.kind = ? GROUP BY p.person_id ORDER BY visits DESC, latest DESC, p.person_id LIMIT ?",
            (site_id, PersonKind.VISITOR, limit),
        )
        return [person_id for person_id, _, _ in rows]

    def vectors(self, person_ids: Iterable[str]) -> tuple[NDArray[np.float32], tuple[str, ...]]:
        """Vectors (N, D) float32 of these people, in the order given, and the person id of each row."""
        return vector_rows.stacked(
            self._file.rows(
                "SELECT v.person_id, v.dimension, v.vector FROM json_each(?) wanted"
                " CROSS JOIN vectors v ON v.person_id = wanted.value WHERE v.model = ?"
                " ORDER BY wanted.key, v.vector_id",
                (json.dumps(list(person_ids)), self._file.model),
            )
        )

    def doubtful(self, site_id: str, *, since: datetime, limits: DoubtLimits, limit: int) -> list[Match]:
        """Matches with enrolled people since then that are in doubt, the latest first."""
        query = (
            f"{MATCHES.select_merged.replace('matches r', 'matches r INDEXED BY matches_at')}"
            " JOIN people p ON p.person_id = coalesce(a.into_id, r.person_id) AND p.kind = :kind"
            " LEFT JOIN limits l ON l.person_id = p.person_id AND l.model = :model"
            " WHERE r.at >= :since AND r.site_id = :site"
            " AND (r.distance > coalesce(l.max_distance, :max_distance) - :below_limit OR r.margin < :margin)"
            " ORDER BY r.at DESC LIMIT :most"
        )
        values = {
            "kind": PersonKind.ENROLLED,
            "model": self._file.model,
            "since": time_text(since),
            "site": site_id,
            "max_distance": limits.max_distance,
            "below_limit": limits.below_limit,
            "margin": limits.margin,
            "most": limit,
        }
        return MATCHES.read(self._file.rows(query, values))

    def matches(self, site_id: str, person_ids: Sequence[str], *, since: datetime) -> list[Match]:
        """All matches with these people since then, by time."""
        query = (
            "WITH ids AS (SELECT value AS person_id FROM json_each(:ids)"
            " UNION SELECT a.person_id FROM aliases a JOIN json_each(:ids) w ON a.into_id = w.value)"
            f" {MATCHES.select_merged} WHERE r.person_id IN ids AND r.at >= :since AND r.site_id = :site"
            " ORDER BY r.at, r.match_id"
        )
        values = {"ids": json.dumps(list(person_ids)), "since": time_text(since), "site": site_id}
        return MATCHES.read(self._file.rows(query, values))

    def evidence(self, match_ids: Iterable[str]) -> tuple[NDArray[np.float32], tuple[str, ...]]:
        """Vectors (N, D) behind these matches, where they are kept, and the match id of each row."""
        return vector_rows.stacked(
            self._file.rows(
                "SELECT e.match_id, e.dimension, e.vector FROM evidence e"
                " WHERE e.match_id IN (SELECT value FROM json_each(?)) AND e.model = ? ORDER BY e.evidence_id",
                (json.dumps(list(match_ids)), self._file.model),
            )
        )

    def reviewed_people(self) -> set[str]:
        """Visitors who need no more review."""
        return {row[0] for row in self._file.rows("SELECT person_id FROM reviewed WHERE person_id IS NOT NULL")}

    def reviewed_matches(self) -> set[str]:
        """Matches that need no more review."""
        return {row[0] for row in self._file.rows("SELECT match_id FROM reviewed WHERE match_id IS NOT NULL")}

    def version(self) -> str:
        """A text that changes whenever something was marked, somebody changed something, or a person was forgotten."""
        query = (
            "SELECT count(*), max(changed), (SELECT max(audit_id) FROM audit), (SELECT count(*) FROM forgotten)"
            " FROM reviewed"
        )
        return " ".join(map(str, self._file.rows(query)[0]))

    def mark(self, *, person_ids: Iterable[str] = (), match_ids: Iterable[str] = ()) -> None:
        """Record that these visitors and matches need no more review; what is marked or gone already is skipped."""
        with self._file.writing() as writing:
            at = time_text(writing.now)
            for column, table, ids in (("person_id", "people", person_ids), ("match_id", "matches", match_ids)):
                writing.connection.executemany(
                    f"INSERT INTO reviewed ({column}, at, changed) SELECT ?1, ?2, ?3"
                    f" WHERE EXISTS (SELECT 1 FROM {table} WHERE {column} = ?1) ON CONFLICT DO NOTHING",
                    [(each, at, writing.changed) for each in ids],
                )

    def unmark(self, *, person_ids: Iterable[str] = (), match_ids: Iterable[str] = ()) -> None:
        """Put these visitors and matches up for review again."""
        with self._file.writing() as writing:
            writing.delete("reviewed", "person_id", person_ids)
            writing.delete("reviewed", "match_id", match_ids)
