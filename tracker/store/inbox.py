"""The part of the embedded store that is about being a copy: what came down from Firestore, and how far that got."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from tracker.presence.events import time_text
from tracker.store import arrivals
from tracker.store.arrivals import Arrivals, Refused
from tracker.store.event_rows import read_time
from tracker.store.store_file import StoreFile


class Inbox:
    """What comes down from Firestore. Every method raises StoreError when the file or the disk fails."""

    def __init__(self, file: StoreFile) -> None:
        self._file = file

    def apply(self, arrived: Arrivals) -> None:
        """Write what came down, all of it or nothing; visits and hourly usage follow. Again changes nothing.

        Somebody whom a tombstone means is forgotten here too, and overwritten on the disk; where that does not work
        now it is logged, and done when the store is opened next.
        """
        with self._file.writing() as writing:
            buried = arrivals.write(writing, arrived)
        if buried:
            self._file.database.scrub_or_warn()

    def cursor(self, name: str) -> str | None:
        """How far something has been read or sent, as it was written."""
        with self._file.reading() as connection:
            row = connection.execute("SELECT value FROM sync_cursors WHERE name = ?", (name,)).fetchone()
            return None if row is None else str(row[0])

    def heard_at(self, site_id: str) -> datetime | None:
        """When all that is in the cloud of a site was last known here, None if never."""
        text = self.cursor(heard_cursor(site_id))
        return None if text is None else read_time(text)

    def site_document(self, site_id: str) -> Mapping[str, object] | None:
        """The document of a site as it came down, times as text; None if none ever did."""
        with self._file.reading() as connection:
            row = connection.execute("SELECT json FROM cloud_settings WHERE site_id = ?", (site_id,)).fetchone()
        found = None if row is None else json.loads(row[0])
        return found if isinstance(found, dict) else None

    def refused(self) -> list[tuple[Refused, datetime]]:
        """Documents that came down and cannot be read, each with the time that was noted."""
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT collection, record_id, reason, at FROM refused_arrivals ORDER BY collection, record_id"
            )
            return arrivals.refused(rows.fetchall())

    def note_refused(self, collection: str, refused: Mapping[str, str], at: datetime) -> None:
        """Make these, reason by id, all that is refused of a collection."""
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT record_id, reason FROM refused_arrivals WHERE collection = ?", (collection,)
            )
            known = dict(rows.fetchall())
        if known == refused:
            return
        with self._file.writing() as writing:
            writing.connection.execute("DELETE FROM refused_arrivals WHERE collection = ?", (collection,))
            writing.connection.executemany(
                "INSERT INTO refused_arrivals (collection, record_id, reason, at) VALUES (?, ?, ?, ?)",
                [(collection, record_id, reason, time_text(at)) for record_id, reason in refused.items()],
            )


def heard_cursor(site_id: str) -> str:
    """The name under which `heard_at` is kept."""
    return f"down.heard {site_id}"
