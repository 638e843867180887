"""The stored sessions and the events of one person at one site, read in a transaction."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from config.errors import RecordError
from functions.database import Fields, chunks, content_of, equals_any, fields_of
from functions.identity import Identity
from functions.site import SiteConfig
from tracker.cloud import documents
from tracker.cloud.paths import Collection, path_of, record_id
from tracker.presence.events import Correction, Event, corrected
from tracker.presence.projection import CleanStart

LOG = logging.getLogger(__name__)

_FIRST_PAGE = 3
_NEXT_PAGE = 8
"""Sessions read at once after a late event: mostly the one that it belongs to and the next are enough."""


class OtherRulesError(Exception):
    """A stored session was derived by rules that are no longer those of the site."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """The stored sessions that a change may affect.

    since: where their events begin, None for all events. end: the clean session that follows them and is not affected,
    None where there is none. documents: by session id, as stored.
    """

    since: datetime | None = None
    end: CleanStart | None = None
    documents: dict[str, Fields] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Stored:
    session_id: str
    started_at: datetime
    clean: bool
    document: Fields


class PersonRecords:
    """Reads what Firestore has of one person. Every method raises what Google's client raises."""

    def __init__(
        self, client: firestore.Client, transaction: firestore.Transaction, site: SiteConfig, identity: Identity
    ) -> None:
        self._client = client
        self._transaction = transaction
        self._site = site
        self._identity = identity

    def all_sessions(self) -> Affected:
        """All sessions under any id of the person."""
        found: dict[str, Fields] = {}
        for chunk in chunks(self._identity.ids):
            query = self._collection(Collection.SESSIONS).where(filter=equals_any("person_id", chunk))
            for each in query.stream(transaction=self._transaction):
                found[record_id(each.id)] = content_of(each)
        return Affected(documents=found)

    def sessions_around(self, at: datetime, now: datetime, *, to_the_end: bool = False) -> Affected:
        """The sessions that a change at an instant may affect; to_the_end: and all later ones.

        Raises RecordError where one cannot be read and OtherRulesError where one was derived by other rules: then
        all sessions must be derived again.
        """
        latest = self._read(_latest_first(self._sessions()).limit(1), now)
        if not latest:
            return Affected()
        if latest[0].clean and latest[0].started_at < at:
            return Affected(since=latest[0].started_at, documents={latest[0].session_id: latest[0].document})
        clean = self._sessions().where(filter=FieldFilter("clean", "==", True))
        before = _latest_first(clean.where(filter=FieldFilter("started_at", "<", at))).limit(1)
        since = next((each.started_at for each in self._read(before, now)), None)
        query = self._sessions()
        if since is not None:
            query = query.where(filter=FieldFilter("started_at", ">=", since))
        query = query.order_by("started_at")
        found, end = (self._read(query, now), None) if to_the_end else self._up_to_clean(query, at, now)
        return Affected(since=since, end=end, documents={each.session_id: each.document for each in found})

    def events(self, since: datetime | None, until: datetime | None = None) -> list[Event]:
        """The events in [since, until], corrected. What cannot be read is logged and left out."""
        corrections = list(self._corrections())
        found: dict[str, Event] = {}
        for chunk in chunks(self._identity.ids):
            query = self._collection(Collection.EVENTS).where(filter=equals_any("person_id", chunk))
            if since is not None:
                query = query.where(filter=FieldFilter("at", ">=", since))
            if until is not None:
                query = query.where(filter=FieldFilter("at", "<=", until))
            for each in query.stream(transaction=self._transaction):
                try:
                    event = documents.event_of(self._site.site_id, record_id(each.id), fields_of(each))
                except RecordError as error:
                    LOG.error("event %s left out: %s", each.id, error)
                    continue
                found[event.event_id] = event
        return [
            event
            for event in corrected(found.values(), corrections)
            if (since is None or event.at >= since) and (until is None or event.at <= until)
        ]

    def _up_to_clean(
        self, query: firestore.Query, at: datetime, now: datetime
    ) -> tuple[list[_Stored], CleanStart | None]:
        """The sessions of a query in order of start up to the first clean one after `at`, and that one."""
        found: list[_Stored] = []
        size = _FIRST_PAGE
        page = self._read(query.limit(size), now)
        while page:
            for each in page:
                if each.clean and each.started_at > at:
                    return found, CleanStart(each.session_id, each.started_at)
                found.append(each)
            if len(page) < size:
                break
            size = _NEXT_PAGE
            rest = self._sessions().where(filter=FieldFilter("started_at", ">", found[-1].started_at))
            page = self._read(rest.order_by("started_at").limit(size), now)
        return found, None

    def _read(self, query: firestore.Query, now: datetime) -> list[_Stored]:
        """The sessions of a query. Raises RecordError and OtherRulesError."""
        found = []
        for each in query.stream(transaction=self._transaction):
            session_id, document = record_id(each.id), content_of(each)
            if document.get("rules") != self._site.rules_digest:
                raise OtherRulesError(f"session {session_id} was derived by other rules")
            session = documents.session_of(self._site.site_id, session_id, document, now=now)
            found.append(_Stored(session_id, session.started_at, document.get("clean") is True, document))
        return found

    def _corrections(self) -> Iterator[Correction]:
        for chunk in chunks(self._identity.ids):
            query = self._collection(Collection.CORRECTIONS).where(filter=equals_any("person_id", chunk))
            for each in query.stream(transaction=self._transaction):
                try:
                    correction = documents.correction_of(record_id(each.id), fields_of(each))
                except RecordError as error:
                    LOG.error("correction %s left out: %s", each.id, error)
                    continue
                if correction.event is None or correction.event.site_id == self._site.site_id:
                    yield correction

    def _sessions(self) -> firestore.Query:
        return self._collection(Collection.SESSIONS).where(
            filter=FieldFilter("person_id", "==", self._identity.person_id)
        )

    def _collection(self, collection: Collection) -> firestore.CollectionReference:
        return self._client.collection(path_of(self._site.site_id, collection))


def _latest_first(query: firestore.Query) -> firestore.Query:
    return query.order_by("started_at", direction=firestore.Query.DESCENDING)
