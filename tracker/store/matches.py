"""Matches of a store: decisions about tracks, and for some days the vectors behind them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from tracker.presence.events import Match
from tracker.store import event_rows, exception_rows
from tracker.store.event_rows import Wanted
from tracker.store.store_file import StoreFile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Matches:
    """Decisions about tracks. Every method raises StoreError when the file or the disk fails."""

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
    ) -> list[Match]:
        """Matches with since <= at < until in order of (at, match_id), those of merged people under one id."""
        wanted = Wanted(
            site_id=site_id, since=since, until=until, person_id=person_id, limit=limit, newest_first=newest_first
        )
        with self._file.reading() as connection:
            return event_rows.select_matches(connection, wanted)

    def evidence(self, track_id: str) -> tuple[NDArray[np.float32], tuple[str, ...]]:
        """Vectors (N, D) behind the matches of a track, and whom each was taken for."""
        with self._file.reading() as connection:
            return exception_rows.select_evidence(connection, track_id, model=self._file.model)

    def drop_evidence(self, before: datetime) -> int:
        """Erase the vectors behind matches older than that. Returns how many there were."""
        with self._file.writing() as writing:
            return exception_rows.delete_evidence(writing, before)
