"""What a report is about, read from Firestore: the visits of a range, and of earlier ones only what reports ask for."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from config.errors import RecordError, ReportError
from functions.identities import chunks
from functions.sites import Site
from functions.snapshots import fields_of
from functions.upkeep import close_due
from functions.watched import watches_of
from tracker.cloud import documents
from tracker.cloud.layout import Collection, path_of, record_id
from tracker.presence.coverage import Coverage
from tracker.presence.events import ANONYMOUS_PREFIX, Correction, Event, corrected
from tracker.presence.people import Person, PersonKind
from tracker.presence.projection import project
from tracker.presence.sessions import Session, SessionState, in_order
from tracker.reports.periods import cut_to_records
from tracker.reports.subject import Subject

LOG = logging.getLogger(__name__)

MOST_RECORDS = 20_000
"""Documents of one kind that one report reads."""
_AT_ONCE = 16
_PAGE = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The range [since, until) of a report, UTC.

    whole_days: it does not begin before the day the records begin on, or, where there are none, before its last day.
    stamps: the report shows enrolled people and single events too. staff: they count.
    """

    since: datetime
    until: datetime
    now: datetime
    whole_days: bool = False
    stamps: bool = False
    staff: bool = False


def subject_of(client: firestore.Client, site: Site, wish: Wish) -> Subject:
    """The history that is meant. Raises ReportError where the range holds too much."""
    reader = _Reader(client, site, wish.now)
    close_due(client, site, now=wish.now)
    coverage = Coverage(
        watches_of(client, site.site_id, since=wish.since), now=wish.now, first_event_at=reader.first_event_at()
    )
    since = wish.since
    if wish.whole_days:
        since = cut_to_records(since, wish.until, coverage.recorded_since, site.zone)
    sessions = reader.sessions(since, wish.until)
    return Subject(
        site_id=site.site_id,
        site_name=site.name,
        zone=site.zone,
        capacity=site.capacity,
        sessions=sessions,
        people=reader.people(sessions, enrolled=wish.stamps),
        events=reader.events(since, wish.until) if wish.stamps else (),
        coverage=coverage,
        since=since,
        until=wish.until,
        now=wish.now,
        staff=wish.staff,
    )


class _Reader:
    """Reads what a report asks for."""

    def __init__(self, client: firestore.Client, site: Site, now: datetime) -> None:
        self._client = client
        self._site = site
        self._now = now
        self._visits = client.collection(path_of(site.site_id, Collection.SESSIONS))
        self._events = client.collection(path_of(site.site_id, Collection.EVENTS))

    def first_event_at(self) -> datetime | None:
        """When the first event happened that was not voided."""
        firsts: list[datetime] = []
        query = self._events.order_by("at").limit(_PAGE)
        page = list(query.stream())
        while page and not firsts:
            events = [each for each in map(self._event, page) if each is not None]
            firsts += [each.at for each in self._holding(events)]
            page = list(query.start_after(page[-1]).stream()) if len(page) == _PAGE else []
        added = self._corrections.where(filter=FieldFilter("action", "==", "add")).stream()
        firsts += [each.at for each in self._holding_added(added)]
        return min(firsts, default=None)

    def sessions(self, since: datetime, until: datetime) -> list[Session]:
        """The visits that touch the range or are open, and the first one of everybody who came, by start."""
        started = FieldFilter("started_at", ">=", since), FieldFilter("started_at", "<", until)
        earlier = FieldFilter("started_at", "<", since), FieldFilter("ended_at", ">=", since)
        found = {
            each.session_id: each
            for query in (
                self._visits.where(filter=started[0]).where(filter=started[1]),
                self._visits.where(filter=earlier[0]).where(filter=earlier[1]),
                self._visits.where(filter=FieldFilter("state", "==", SessionState.OPEN.value)),
            )
            for each in self._read(query)
        }
        if not self._site.visits_here:
            found = self._now_so(found)
        people = {each.person_id for each in found.values() if since <= each.started_at < until}
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for firsts in pool.map(self._first_of, sorted(people)):
                found.update({each.session_id: each for each in firsts})
        for direction in (firestore.Query.ASCENDING, firestore.Query.DESCENDING):
            ends = self._read(self._visits.order_by("started_at", direction=direction).limit(1))
            found.update({each.session_id: each for each in ends if each.session_id not in found})
        return in_order(found.values())

    def people(self, sessions: Iterable[Session], *, enrolled: bool) -> list[Person]:
        """Whoever the visits are of; enrolled: and everybody who is."""
        place = self._client.collection(path_of(self._site.site_id, Collection.PEOPLE))
        ids = sorted({each.person_id for each in sessions})
        found: dict[str, Person] = {}
        snapshots: list[Any] = []
        for some in chunks(ids, 300):
            paths = (path_of(self._site.site_id, Collection.PEOPLE, one_id) for one_id in some)
            snapshots += self._client.get_all([self._client.document(path) for path in paths])
        if enrolled:
            snapshots += place.where(filter=FieldFilter("kind", "==", PersonKind.ENROLLED.value)).stream()
        for each in snapshots:
            if each.exists:
                try:
                    person, merged_into = documents.person_of(record_id(each.id), fields_of(each))
                except RecordError as error:
                    LOG.error("person %s is left out: %s", each.id, error)
                    continue
                if merged_into is None:
                    found[person.person_id] = person
        gone = {each.person_id: each.started_at for each in sessions if each.person_id.startswith(ANONYMOUS_PREFIX)}
        for person_id, at in gone.items():
            nobody = Person(person_id=person_id, name="Forgotten person", kind=PersonKind.VISITOR, created_at=at)
            found.setdefault(person_id, nobody)
        return list(found.values())

    def events(self, since: datetime, until: datetime) -> list[Event]:
        """The events of the range, corrected, under the ids that count now."""
        within = self._events.where(filter=FieldFilter("at", ">=", since)).where(filter=FieldFilter("at", "<", until))
        found = [self._event(each) for each in self._limited(within)]
        events = self._holding([each for each in found if each is not None])
        added = self._corrections.where(filter=FieldFilter("action", "==", "add")).stream()
        known = {each.event_id for each in events}
        events += [each for each in self._holding_added(added) if each.event_id not in known]
        return self._renamed([each for each in events if since <= each.at < until])

    @property
    def _corrections(self) -> firestore.CollectionReference:
        return self._client.collection(path_of(self._site.site_id, Collection.CORRECTIONS))

    def _read(self, query: Any) -> Iterator[Session]:
        for each in self._limited(query):
            try:
                yield documents.session_of(self._site.site_id, record_id(each.id), fields_of(each), now=self._now)
            except RecordError as error:
                LOG.error("visit %s is left out: %s", each.id, error)

    def _limited(self, query: Any) -> list[Any]:
        found = list(query.limit(MOST_RECORDS + 1).stream())
        if len(found) > MOST_RECORDS:
            raise ReportError(f"the range holds more than {MOST_RECORDS} records", fix="ask for a shorter range")
        return found

    def _first_of(self, person_id: str) -> list[Session]:
        own = self._visits.where(filter=FieldFilter("person_id", "==", person_id))
        return list(self._read(own.order_by("started_at").limit(1)))

    def _now_so(self, found: dict[str, Session]) -> dict[str, Session]:
        """The same where machines write the visits: those leave open what silence has ended since."""
        kept = {name: each for name, each in found.items() if each.state is not SessionState.OPEN}
        for each in (each for each in found.values() if each.state is SessionState.OPEN):
            query = self._events.where(filter=FieldFilter("person_id", "==", each.person_id))
            said = [self._event(one) for one in query.where(filter=FieldFilter("at", ">=", each.started_at)).stream()]
            events = self._holding([one for one in said if one is not None])
            key = (each.site_id, each.person_id)
            entries = project(events, key=key, rules=self._site.rules, now=self._now)
            kept.update({entry.session.session_id: entry.session for entry in entries})
        return kept

    def _event(self, snapshot: Any) -> Event | None:
        try:
            return documents.event_of(self._site.site_id, record_id(snapshot.id), fields_of(snapshot))
        except RecordError as error:
            LOG.error("event %s is left out: %s", snapshot.id, error)
            return None

    def _holding(self, events: Sequence[Event]) -> list[Event]:
        """The events as operators left them."""
        said: list[Correction] = []
        for some in chunks([each.event_id for each in events]):
            query = self._corrections.where(filter=FieldFilter("event_id", "in", some))
            said += [each for each in map(_correction, query.stream()) if each is not None]
        return corrected(events, said)

    def _holding_added(self, snapshots: Iterable[Any]) -> list[Event]:
        said = [each for each in map(_correction, snapshots) if each is not None]
        return self._holding([each.event for each in said if each.event is not None])

    def _renamed(self, events: Sequence[Event]) -> list[Event]:
        """The events under the ids of whoever people were merged into."""
        place = self._client.collection(path_of(self._site.site_id, Collection.PEOPLE))
        merged = {
            record_id(each.id): str(fields_of(each)["merged_into"])
            for each in place.where(filter=FieldFilter("merged_into", ">", "")).stream()
        }
        return [_under(each, merged) for each in events]


def _under(event: Event, merged: Mapping[str, str]) -> Event:
    person_id, seen = event.person_id, set[str]()
    while person_id in merged and person_id not in seen:
        seen.add(person_id)
        person_id = merged[person_id]
    return replace(event, person_id=person_id) if person_id != event.person_id else event


def _correction(snapshot: Any) -> Correction | None:
    try:
        return documents.correction_of(record_id(snapshot.id), fields_of(snapshot))
    except RecordError as error:
        LOG.error("correction %s is left out: %s", snapshot.id, error)
        return None
