"""Events of a store, their corrections, and the matches behind them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Generic, TypeVar

from config.errors import RecordError
from tracker.presence.events import Correction, Event, Match, time_text
from tracker.store import correction_rows, event_rows, vector_rows
from tracker.store.event_rows import EVENTS, MATCHES
from tracker.store.store_file import StoreFile
from tracker.store.tables import Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tracker.store.event_import import StagedEvents, Written

_Record = TypeVar("_Record")
_CONDITIONS = {
    "site": "r.site_id = :site",
    "since": "r.at >= :since",
    "until": "r.at < :until",
    "person": "r.person_id IN (SELECT :person UNION SELECT person_id FROM aliases WHERE into_id = :person)",
}


class _Dated(Generic[_Record]):
    """Records with a time, a site and a person. Every method raises StoreError when the file or the disk fails."""

    _table: Table[_Record]
    _id: str
    _condition = "TRUE"

    def __init__(self, file: StoreFile) -> None:
        self._file = file

    def select(
        self,
        *,
        site_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        person_id: str | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> list[_Record]:
        """Records with since <= at < until in order of (at, id), those of merged people under one id."""
        values = {
            "site": site_id,
            "since": None if since is None else time_text(since),
            "until": None if until is None else time_text(until),
            "person": person_id,
            "limit": -1 if limit is None else max(0, limit),
        }
        conditions = [self._condition, *(text for name, text in _CONDITIONS.items() if values[name] is not None)]
        name, order = self._table.name, "DESC" if newest_first else "ASC"
        query = self._table.select_merged
        if limit is not None and person_id is None:
            query = query.replace(f"{name} r", f"{name} r INDEXED BY {name}_at")
        clauses = f"WHERE {' AND '.join(conditions)} ORDER BY r.at {order}, r.{self._id} {order} LIMIT :limit"
        return self._table.read(self._file.rows(f"{query} {clauses}", values))

    def known(self, ids: Iterable[str]) -> set[str]:
        """Those of these ids of which there is a record."""
        query = f"SELECT {self._id} FROM {self._table.name} WHERE {self._id} IN (SELECT value FROM json_each(?))"
        return {found for (found,) in self._file.rows(query, (json.dumps(list(ids)),))}


class Events(_Dated[Event]):
    """Enter and exit events and their corrections."""

    _table = EVENTS
    _id = "event_id"
    _condition = "r.voided = 0"

    def find(self, id_start: str, *, limit: int = 20) -> list[tuple[Event, bool]]:
        """Events whose ids begin so, by id, and whether each is voided."""
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT event_id, voided FROM events WHERE event_id >= ?1 AND event_id < ?1 || char(1114111)"
                " ORDER BY event_id LIMIT ?2",
                (id_start, limit),
            ).fetchall()
            found = [(event_rows.select_one(connection, event_id), bool(voided)) for event_id, voided in rows]
        return [(event, voided) for event, voided in found if event is not None]

    def correct(self, corrections: Iterable[Correction]) -> None:
        """Write corrections, all of them or none; sessions follow.

        Of several corrections of one event the latest is in force, in whatever order they come. Raises RecordError
        when one voids an event that is not there, or adds one of somebody who was forgotten.
        """
        from tracker.store.forgetting import without_forgotten

        with self._file.writing() as writing:
            for correction in corrections:
                if correction.event is not None and not without_forgotten(writing, [correction.event]):
                    raise RecordError(
                        "correction: event: its person asked to be forgotten", fix="leave this person's events out"
                    )
                correction_rows.insert(writing, correction)

    def get(self, event_id: str) -> Event | None:
        """The event of this id, voided or not; None without one."""
        with self._file.reading() as connection:
            return event_rows.select_one(connection, event_id)

    def known_corrections(self, ids: Iterable[str]) -> set[str]:
        """Those of these ids of corrections that are here."""
        query = "SELECT correction_id FROM corrections WHERE correction_id IN (SELECT value FROM json_each(?))"
        return {found for (found,) in self._file.rows(query, (json.dumps(list(ids)),))}

    def corrections(self, event_id: str | None = None) -> list[Correction]:
        """Corrections of one event, or of all, by time."""
        with self._file.reading() as connection:
            return correction_rows.select(connection, event_id)

    def write_staged(
        self, staged: StagedEvents, *, skip_conflicts: bool = False, progress: Callable[[int], None] = lambda _: None
    ) -> Written:
        """Write staged events of another system, all of them or, when an error or interrupt ends it, none.

        Events that are there already stay as they are, and those of forgotten people are left out. Ids of which
        nothing is known become people without vectors and consent. progress: called with the number of events
        written so far. Raises RecordError when an id belongs to another event, unless `skip_conflicts`.
        """
        from tracker.store import event_import

        with self._file.writing() as writing:
            return event_import.write(writing, staged, skip_conflicts=skip_conflicts, progress=progress)

    def version(self) -> int:
        """The store's version at which events changed last."""
        return self._file.state("events_version")


class Matches(_Dated[Match]):
    """Decisions about tracks, and for some days the vectors behind them."""

    _table = MATCHES
    _id = "match_id"

    def of_tracks(self, track_ids: Iterable[str], *, site_id: str, limit: int) -> list[Match]:
        """The first matches of these tracks, by time."""
        query = (
            f"{self._table.select_merged} WHERE r.track_id IN (SELECT value FROM json_each(?)) AND r.site_id = ?"
            " ORDER BY r.at, r.match_id LIMIT ?"
        )
        return self._table.read(self._file.rows(query, (json.dumps(list(track_ids)), site_id, limit)))

    def evidence(self, track_id: str) -> tuple[NDArray[np.float32], tuple[str, ...]]:
        """Vectors (N, D) behind the matches of a track, and whom each was taken for."""
        return vector_rows.stacked(
            self._file.rows(
                "SELECT coalesce(a.into_id, m.person_id), e.dimension, e.vector"
                " FROM evidence e JOIN matches m USING (match_id) LEFT JOIN aliases a ON a.person_id = m.person_id"
                " WHERE m.track_id = ? AND e.model = ? AND m.person_id IS NOT NULL ORDER BY e.evidence_id",
                (track_id, self._file.model),
            )
        )

    def drop_evidence(self, before: datetime) -> int:
        """Erase the vectors behind matches older than that. Returns how many there were."""
        with self._file.writing() as writing:
            return writing.connection.execute(
                "DELETE FROM evidence WHERE match_id IN (SELECT match_id FROM matches WHERE at < ?)",
                (time_text(before),),
            ).rowcount
