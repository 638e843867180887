"""Sessions of a store: the view of its events that is kept up to date with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from tracker.presence.events import time_text
from tracker.presence.rules import Rules
from tracker.presence.sessions import Session, in_order
from tracker.store import camera_rows, event_rows, session_queries, session_rows, site_rows
from tracker.store.session_queries import Range, SessionColumns, Snapshot
from tracker.store.store_file import StoreFile
from tracker.store.tables import read_all

if TYPE_CHECKING:
    from tracker.presence.explain import Explanation


class Sessions:
    """Sessions, derived from events. Every method raises StoreError when the file or the disk fails."""

    def __init__(self, file: StoreFile) -> None:
        self._file = file

    def select(
        self,
        *,
        site_id: str,
        now: datetime,
        since: datetime | None = None,
        until: datetime | None = None,
        person_ids: Sequence[str] | None = None,
        rules: Rules | None = None,
    ) -> list[Session]:
        """Sessions that touch [since, until), by start, then person; open ones run to `now`.

        person_ids: of these people only. rules: other ones than the store's, by which all events of the site are
        worked out again.
        """
        wanted = Range(site_id=site_id, since=since, until=until, person_ids=person_ids)
        with self._file.one_state() as connection:
            stored = site_rows.rules(connection, site_id)
            if rules is None or rules == stored:
                rules, rows = stored, session_queries.select(connection, wanted, now)
            else:
                rows = session_queries.derive(connection, wanted, now, rules)
            min_visit = rules.min_visit
            return in_order(read_all(rows, lambda row: session_rows.session_of_row(row, now, min_visit)))

    def explain(self, session_id: str, *, site_id: str, now: datetime) -> Explanation:
        """How a session was derived: its boundaries and events, each with its reason.

        Raises LookupError when no session of the site has the id.
        """
        from tracker.presence.explain import explain

        with self._file.one_state() as connection:
            first = event_rows.select_one(connection, session_id)
            if first is None or first.site_id != site_id:
                raise LookupError(f"no visit has the id {session_id}")
            key = (site_id, first.person_id)
            return explain(
                session_id,
                session_rows.events_around(connection, key, time_text(first.at)),
                rules=site_rows.rules(connection, site_id),
                now=now,
                presences=camera_rows.select_presences(connection, *key),
            )

    def columns(
        self,
        *,
        site_id: str,
        now: datetime,
        since: datetime | None = None,
        until: datetime | None = None,
        person_ids: Sequence[str] | None = None,
    ) -> Iterator[SessionColumns]:
        """The same sessions by column, for reports: in portions, as a history may be long, and in no order."""
        wanted = Range(site_id=site_id, since=since, until=until, person_ids=person_ids)
        with self._file.one_state() as connection:
            yield from session_queries.select_columns(connection, wanted, now)

    @contextmanager
    def snapshot(self, site_id: str) -> Iterator[Snapshot]:
        """The sessions of a site as of one commit, for as long as the context lasts.

        Not inside `writing`, whose sessions may never be committed.
        """
        with self._file.one_state() as connection:
            yield Snapshot(connection, site_id)

    def first_starts(self, site_id: str, person_ids: Iterable[str]) -> dict[str, str]:
        """When (text) the first session of each of these people began; who has none is left out."""
        with self._file.reading() as connection:
            return session_queries.first_starts(connection, site_id, person_ids)

    def bounds(self, site_id: str) -> tuple[datetime, datetime] | None:
        """The starts of the first and of the last session of a site; None without any."""
        with self._file.reading() as connection:
            return session_queries.bounds(connection, site_id)

    def unsettled(self, now: datetime) -> int:
        """How many people's sessions the time alone has changed since the last write."""
        with self._file.reading() as connection:
            return len(session_rows.due(connection, now))

    def tick(self) -> None:
        """Close what became due since the last write. Every write does so as well."""
        with self._file.reading() as connection:
            if not session_rows.due(connection, self._file.now()):
                return
        with self._file.writing():
            pass  # every transaction closes what is due
