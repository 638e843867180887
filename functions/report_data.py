"""The data of a report, read from Firestore: the sessions that touch its range, and no more than it needs beside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from config.errors import ReportError
from functions.coverage import coverage_of
from functions.database import chunks, decoded, sessions_touching
from functions.event_records import EventRecords
from functions.schedule import close_due
from functions.site import SiteConfig
from tracker.cloud import documents
from tracker.cloud.paths import Collection, path_of
from tracker.presence.events import EARLIEST, LATEST, is_unidentified, time_text
from tracker.presence.occupancy import count, margin, resets
from tracker.presence.people import Person, PersonKind
from tracker.presence.rules import Rules
from tracker.presence.sessions import Session, in_order
from tracker.reports.data import ReportData, by_id
from tracker.reports.frames import Frames
from tracker.reports.headcount import Headcount, headcount_of
from tracker.reports.periods import cut_to_records

MAX_RECORDS = 20_000
"""Documents of one kind that one report reads."""
_THREADS = 16
_PEOPLE_PAGE = 300
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """The range [since, until) of a report, UTC.

    whole_days: begin at the day of the first record at the earliest; without records, at the last day of the range.
    enrolled: read every enrolled person, and the events. staff: they count.
    """

    since: datetime
    until: datetime
    now: datetime
    whole_days: bool = False
    enrolled: bool = False
    staff: bool = False


def data_of(client: firestore.Client, site: SiteConfig, query: Query) -> ReportData:
    """The data that the query selects, after sessions that are due are closed.

    Raises ReportError where the range has too many records.
    """
    close_due(client, site, now=query.now)
    reader = _Reader(client, site, query.now)
    coverage = coverage_of(
        client, site.site_id, since=query.since, now=query.now, first_event_at=reader.events.first_at()
    )
    since = query.since
    if query.whole_days:
        since = cut_to_records(since, query.until, coverage.recorded_since, site.zone)
    sessions = reader.sessions(since, query.until)
    bounds = reader.bounds()
    return ReportData(
        site_id=site.site_id,
        site_name=site.name,
        zone=site.zone,
        capacity=site.capacity,
        frames=replace(
            Frames.of_sessions(sessions, now=query.now, first_starts=reader.first_starts),
            count=reader.headcount(site.rules, since, query.until),
        ),
        people=reader.people({each.person_id for each in sessions}, enrolled=query.enrolled),
        coverage=coverage,
        since=since,
        until=query.until,
        now=query.now,
        events=reader.events.between(since, query.until) if query.enrolled else (),
        first_last=bounds,
        uncounted=reader.uncounted() if bounds is None else None,
        staff=query.staff,
    )


class _Reader:
    """Reads the records of one site."""

    def __init__(self, client: firestore.Client, site: SiteConfig, now: datetime) -> None:
        self._client = client
        self._site_id = site.site_id
        self._session = partial(documents.session_of, site.site_id, now=now)
        self._now = now
        self.events = EventRecords(client, site, self._limited)
        self._sessions = client.collection(path_of(site.site_id, Collection.SESSIONS))
        self._people = client.collection(path_of(site.site_id, Collection.PEOPLE))

    def sessions(self, since: datetime, until: datetime) -> list[Session]:
        """The sessions that touch the range or are open, by start."""
        queries = sessions_touching(self._sessions, since, until)
        found = {each.session_id: each for query in queries for each in decoded(self._limited(query), self._session)}
        return in_order(found.values())

    def headcount(self, rules: Rules, since: datetime, until: datetime) -> Headcount | None:
        """What is counted of the range beside the sessions, up to now; None where those are all."""
        if not self.events.counts_people():
            return None
        begin, end = resets(rules, since, since)[0], min(until, self._now + _MOMENT)
        passages = self.events.passages(begin - rules.max_visit, end + 2 * margin(rules))
        return headcount_of(count(passages, rules, since=begin)).between(since, end)

    def first_starts(self, person_ids: Sequence[str]) -> dict[str, str]:
        """When (text) the first session of each of these people began."""

        def first(person_id: str) -> Session | None:
            own = self._sessions.where(filter=FieldFilter("person_id", "==", person_id))
            return self._first(own.order_by("started_at"))

        with ThreadPoolExecutor(_THREADS) as pool:
            firsts = pool.map(first, person_ids)
            return {each.person_id: time_text(each.started_at) for each in firsts if each is not None}

    def bounds(self) -> tuple[datetime, datetime] | None:
        """The starts of the first and of the last session; None without any."""
        first = self._first(self._sessions.order_by("started_at"))
        last = self._first(self._sessions.order_by("started_at", direction=firestore.Query.DESCENDING))
        return None if first is None or last is None else (first.started_at, last.started_at)

    def uncounted(self) -> tuple[int, str] | None:
        """How many events there are, and the id of the first; None without any."""
        events = [event for event in self.events.between(EARLIEST, LATEST) if not is_unidentified(event.person_id)]
        first = min(events, key=lambda event: (event.at, event.event_id), default=None)
        return None if first is None else (len(events), first.event_id)

    def people(self, person_ids: Iterable[str], *, enrolled: bool) -> dict[str, Person]:
        """These people by id; enrolled: and every enrolled person."""
        snapshots: list[Any] = []
        for chunk in chunks(sorted(person_ids), _PEOPLE_PAGE):
            paths = (path_of(self._site_id, Collection.PEOPLE, person_id) for person_id in chunk)
            snapshots += self._client.get_all([self._client.document(path) for path in paths])
        if enrolled:
            snapshots += self._people.where(filter=FieldFilter("kind", "==", PersonKind.ENROLLED.value)).stream()
        known = decoded((each for each in snapshots if each.exists), documents.person_of)
        return by_id(person for person, merged_into in known if merged_into is None)

    def _first(self, query: Any) -> Session | None:
        return next(decoded(query.limit(1).stream(), self._session), None)

    def _limited(self, query: Any) -> list[Any]:
        found = list(query.limit(MAX_RECORDS + 1).stream())
        if len(found) > MAX_RECORDS:
            raise ReportError(f"the range has more than {MAX_RECORDS} records", fix="ask for a shorter range")
        return found
