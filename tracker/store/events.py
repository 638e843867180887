"""Events of a store, and what was corrected about them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from config.errors import RecordError
from tracker.presence.events import Correction, Event
from tracker.store import correction_rows, event_import, event_rows
from tracker.store.event_import import StagedEvents, Written
from tracker.store.event_rows import Wanted
from tracker.store.forgetting import without_forgotten
from tracker.store.store_file import StoreFile


class Events:
    """Enter and exit events and their corrections. Every method raises StoreError when the file or the disk fails."""

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
    ) -> list[Event]:
        """Events with since <= at < until in order of (at, event_id), those of merged people under one id."""
        wanted = Wanted(
            site_id=site_id, since=since, until=until, person_id=person_id, limit=limit, newest_first=newest_first
        )
        with self._file.reading() as connection:
            return event_rows.select_events(connection, wanted)

    def find(self, id_start: str, *, limit: int = 20) -> list[tuple[Event, bool]]:
        """Events whose ids begin so, by id, and whether each is voided."""
        with self._file.reading() as connection:
            return correction_rows.select_events(connection, id_start, limit=limit)

    def correct(self, corrections: Iterable[Correction]) -> None:
        """Write what an operator says about events, all of it or nothing; visits follow.

        Of several corrections of one event the latest holds, in whatever order they come. Raises RecordError when one
        voids an event that is not there, or adds one of somebody who was forgotten.
        """
        with self._file.writing() as writing:
            for correction in corrections:
                if correction.event is not None and not without_forgotten(writing, [correction.event]):
                    raise RecordError(
                        "correction: event: its person asked to be forgotten", fix="leave this person's events out"
                    )
                correction_rows.insert(writing, correction)

    def corrections(self, event_id: str | None = None) -> list[Correction]:
        """What operators said about one event, or about all, by time."""
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
        with self._file.writing() as writing:
            return event_import.write(writing, staged, skip_conflicts=skip_conflicts, progress=progress)

    def version(self) -> int:
        """The store's version at which events changed last."""
        return self._file.state("events_version")
