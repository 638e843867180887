"""What Firestore has of one person: visits as they were written, and the events from some point on."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from config.errors import RecordError
from functions.identities import Identity, any_of, chunks
from functions.sites import Site
from functions.snapshots import content_of, fields_of
from tracker.cloud import documents
from tracker.cloud.layout import Collection, path_of, record_id
from tracker.presence.events import Correction, Event, corrected
from tracker.presence.projection import CleanStart
from tracker.presence.sessions import Session

LOG = logging.getLogger(__name__)

_LATEST = 2
"""Visits read at first: most events are about the latest one, and the one before tells how far the day is known."""
_NEAR = 3
"""Visits read at first around something that came late: the one it is about, and the next."""
_MORE = 8


class OtherRulesError(Exception):
    """A visit was made by rules that do not hold any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The visits that may change.

    since: their events begin there, None for all that there are. documents: by session id, as they were written.
    after: the visit at which those that may change end, None where there is none.
    """

    since: datetime | None = None
    after: CleanStart | None = None
    sessions: tuple[Session, ...] = ()
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Written:
    session_id: str
    document: dict[str, Any]
    session: Session


class History:
    """The records of one person at one site, read in a transaction."""

    def __init__(
        self, client: firestore.Client, transaction: firestore.Transaction, site: Site, identity: Identity
    ) -> None:
        self._client = client
        self._transaction = transaction
        self._site = site
        self._identity = identity

    def known(self, at: datetime | None, now: datetime, *, to_the_end: bool = False) -> Known:
        """The visits that something at a moment may change, or all of them for None. to_the_end: all later ones too.

        Raises RecordError where one of them cannot be read and OtherRulesError where one was made by other rules: then
        all are to be made anew.
        """
        if at is not None:
            return self._since_clean(at, now, to_the_end=to_the_end)
        found: dict[str, dict[str, Any]] = {}
        for some in chunks(self._identity.ids):
            query = self._collection(Collection.SESSIONS).where(filter=any_of("person_id", some))
            for each in query.stream(transaction=self._transaction):
                found[record_id(each.id)] = content_of(each)
        return Known(documents=found)

    def events(self, since: datetime | None, until: datetime | None = None) -> list[Event]:
        """The events from a moment to another, both included, corrected. What cannot be read is logged and left out."""
        corrections = list(self._corrections())
        added = {each.event_id for each in corrections}
        found: dict[str, Event] = {}
        for some in chunks(self._identity.ids):
            query = self._collection(Collection.EVENTS).where(filter=any_of("person_id", some))
            if since is not None:
                query = query.where(filter=FieldFilter("at", ">=", since))
            if until is not None:
                query = query.where(filter=FieldFilter("at", "<=", until))
            for each in query.stream(transaction=self._transaction):
                try:
                    event = documents.event_of(self._site.site_id, record_id(each.id), fields_of(each))
                except RecordError as error:
                    LOG.error("event %s is left out: %s", each.id, error)
                    continue
                found[event.event_id] = event
        events = list(found.values())
        if added:
            events = corrected(events, corrections)
        return [
            event for event in events if (since is None or event.at >= since) and (until is None or event.at <= until)
        ]

    def _since_clean(self, at: datetime, now: datetime, *, to_the_end: bool) -> Known:
        """The visits from the last clean one before `at` on."""
        latest = self._read(_latest_first(self._visits()).limit(_LATEST), now)
        complete = len(latest) < _LATEST
        place = next((place for place, each in enumerate(latest) if _may_start(each, at)), None)
        if place is None and not complete:
            return self._since_older(at, now, to_the_end=to_the_end)
        cut = len(latest) if place is None else place + 1
        return Known(
            since=None if place is None else latest[place].session.started_at,
            sessions=tuple(each.session for each in latest[:cut]),
            documents={each.session_id: each.document for each in latest[:cut]},
        )

    def _since_older(self, at: datetime, now: datetime, *, to_the_end: bool) -> Known:
        """The visits from the last clean one before `at` to the first clean one after it."""
        clean = self._visits().where(filter=FieldFilter("clean", "==", True))
        before = _latest_first(clean.where(filter=FieldFilter("started_at", "<", at))).limit(1)
        start = next((each.session.started_at for each in self._read(before, now)), None)
        query = self._visits()
        if start is not None:
            query = query.where(filter=FieldFilter("started_at", ">=", start))
        found, after = self._up_to_clean(query.order_by("started_at"), at, now, to_the_end=to_the_end)
        return Known(
            since=start,
            after=after,
            sessions=tuple(each.session for each in found),
            documents={each.session_id: each.document for each in found},
        )

    def _up_to_clean(
        self, query: firestore.Query, at: datetime, now: datetime, *, to_the_end: bool
    ) -> tuple[list[_Written], CleanStart | None]:
        """The visits of a query in order of time before the first clean one after `at`, and that one."""
        if to_the_end:
            return self._read(query, now), None
        found: list[_Written] = []
        size = _NEAR
        page = self._read(query.limit(size), now)
        while page:
            for each in page:
                if each.document.get("clean") is True and each.session.started_at > at:
                    return found, CleanStart(each.session_id, each.session.started_at)
                found.append(each)
            if len(page) < size:
                break
            size = _MORE
            rest = self._visits().where(filter=FieldFilter("started_at", ">", found[-1].session.started_at))
            page = self._read(rest.order_by("started_at").limit(size), now)
        return found, None

    def _read(self, query: firestore.Query, now: datetime) -> list[_Written]:
        """The visits of a query. Raises RecordError, and OtherRulesError where one was made by other rules."""
        found = []
        for each in query.stream(transaction=self._transaction):
            session_id, document = record_id(each.id), content_of(each)
            if document.get("rules") != self._site.rules_mark:
                raise OtherRulesError(f"visit {session_id} was made by other rules")
            found.append(
                _Written(session_id, document, documents.session_of(self._site.site_id, session_id, document, now=now))
            )
        return found

    def _corrections(self) -> Iterator[Correction]:
        for some in chunks(self._identity.ids):
            query = self._collection(Collection.CORRECTIONS).where(filter=any_of("person_id", some))
            for each in query.stream(transaction=self._transaction):
                try:
                    correction = documents.correction_of(record_id(each.id), fields_of(each))
                except RecordError as error:
                    LOG.error("correction %s is left out: %s", each.id, error)
                    continue
                if correction.event is None or correction.event.site_id == self._site.site_id:
                    yield correction

    def _visits(self) -> firestore.Query:
        return self._collection(Collection.SESSIONS).where(
            filter=FieldFilter("person_id", "==", self._identity.person_id)
        )

    def _collection(self, collection: Collection) -> firestore.CollectionReference:
        return self._client.collection(path_of(self._site.site_id, collection))


def _latest_first(query: firestore.Query) -> firestore.Query:
    return query.order_by("started_at", direction=firestore.Query.DESCENDING)


def _may_start(written: _Written, at: datetime) -> bool:
    """Visits can be made anew from this one on, and `at` lies within that."""
    return written.document.get("clean") is True and written.session.started_at < at
