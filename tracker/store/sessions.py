"""Sessions of a store: the view of its events that is kept up to date with them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from tracker.presence.events import as_utc
from tracker.presence.hours import HourUsage
from tracker.presence.rules import Rules
from tracker.presence.sessions import Session
from tracker.store import visit_queries, visit_rows
from tracker.store.store_file import StoreFile
from tracker.store.visit_queries import Moment


class Sessions:
    """Visits, worked out from events. Every method raises StoreError when the file or the disk fails."""

    def __init__(self, file: StoreFile) -> None:
        self._file = file

    def select(
        self,
        *,
        site_id: str,
        rules: Rules,
        now: datetime,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[Session]:
        """Visits that touch [since, until), by start, then person; open ones run to `now`.

        By the rules in use (`use_rules`) they are read, by any others worked out from all events of the site.
        """
        with self._file.reading() as connection:
            moment = Moment(site_id=site_id, rules=rules, now=as_utc(now))
            return visit_queries.select_sessions(connection, moment, since=since, until=until)

    def usage_hours(
        self,
        *,
        site_id: str,
        rules: Rules,
        now: datetime,
        since: datetime,
        until: datetime,
        without: Iterable[str] = (),
    ) -> list[HourUsage]:
        """Hours of the rules' zone that begin in [since, until) and have any usage; people of some ids left out.

        Read or worked out as `sessions` are.
        """
        with self._file.reading() as connection:
            moment = Moment(site_id=site_id, rules=rules, now=as_utc(now))
            return visit_queries.select_usage(connection, moment, since=since, until=until, without=without)

    def use_rules(self, rules: Rules) -> bool:
        """Make visits by these rules from now on; True when all of them had to be made anew."""
        with self._file.reading() as connection:
            if visit_rows.stored_rules(connection) == rules:
                return False
        with self._file.writing() as writing:
            visit_rows.rebuild(writing, rules)
        return True
