"""What Firestore has of one person at one site: all their ids, their sessions and events, read in a transaction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from functions.database import Fields, Snapshot, chunks, content_of, decoded, equals_any
from functions.site import SiteConfig
from tracker.cloud import documents
from tracker.cloud.paths import Collection, path_of, record_id
from tracker.presence.events import Correction, Event, corrected
from tracker.presence.projection import CleanStart

_MAX_MERGES = 50
_FIRST_PAGE = 3
_NEXT_PAGE = 8
"""Sessions read at once after a late event: mostly the one that it belongs to and the next are enough."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A person under their present id. ids: all they had, the present one first. names: of all their profiles."""

    person_id: str
    ids: tuple[str, ...]
    names: tuple[str, ...] = ()


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


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRecords:
    """Reads what Firestore has of one person. now: UTC. Every method raises what Google's client raises."""

    client: firestore.Client
    transaction: firestore.Transaction
    site: SiteConfig
    identity: Identity
    now: datetime

    @property
    def key(self) -> tuple[str, str]:
        """The site, and the present id of the person."""
        return self.site.site_id, self.identity.person_id

    def all_sessions(self) -> Affected:
        """All sessions under any id of the person."""
        found = self._of_person(self._collection(Collection.SESSIONS))
        return Affected(documents={record_id(each.id): content_of(each) for each in found})

    def sessions_around(self, at: datetime, *, to_the_end: bool = False) -> Affected:
        """The sessions that a change at an instant may affect; to_the_end: and all later ones.

        Raises RecordError where one cannot be read and OtherRulesError where one was derived by other rules: then
        all sessions must be derived again.
        """
        latest = self._read(_latest_first(self._sessions()).limit(1))
        if not latest:
            return Affected()
        if latest[0].clean and latest[0].started_at < at:
            return Affected(since=latest[0].started_at, documents={latest[0].session_id: latest[0].document})
        clean = self._sessions().where(filter=FieldFilter("clean", "==", True))
        before = _latest_first(clean.where(filter=FieldFilter("started_at", "<", at))).limit(1)
        since = next((each.started_at for each in self._read(before)), None)
        query = self._sessions()
        if since is not None:
            query = query.where(filter=FieldFilter("started_at", ">=", since))
        query = query.order_by("started_at")
        found, end = (self._read(query), None) if to_the_end else self._up_to_clean(query, at)
        return Affected(since=since, end=end, documents={each.session_id: each.document for each in found})

    def events(self, since: datetime | None, until: datetime | None = None) -> list[Event]:
        """The events in [since, until], corrected. What cannot be read is logged and left out."""
        query: Any = self._collection(Collection.EVENTS)
        if since is not None:
            query = query.where(filter=FieldFilter("at", ">=", since))
        if until is not None:
            query = query.where(filter=FieldFilter("at", "<=", until))
        events = decoded(self._of_person(query), partial(documents.event_of, self.site.site_id))
        known = {event.event_id: event for event in events}
        return [
            event
            for event in corrected(known.values(), self._corrections())
            if (since is None or event.at >= since) and (until is None or event.at <= until)
        ]

    def _up_to_clean(self, query: firestore.Query, at: datetime) -> tuple[list[_Stored], CleanStart | None]:
        """The sessions of a query in order of start up to the first clean one after `at`, and that one."""
        found: list[_Stored] = []
        size = _FIRST_PAGE
        page = self._read(query.limit(size))
        while page:
            for each in page:
                if each.clean and each.started_at > at:
                    return found, CleanStart(each.session_id, each.started_at)
                found.append(each)
            if len(page) < size:
                break
            size = _NEXT_PAGE
            rest = self._sessions().where(filter=FieldFilter("started_at", ">", found[-1].started_at))
            page = self._read(rest.order_by("started_at").limit(size))
        return found, None

    def _read(self, query: firestore.Query) -> list[_Stored]:
        """The sessions of a query. Raises RecordError and OtherRulesError."""
        found = []
        for each in query.stream(transaction=self.transaction):
            session_id, document = record_id(each.id), content_of(each)
            if document.get("rules") != self.site.rules_digest:
                raise OtherRulesError(f"session {session_id} was derived by other rules")
            session = documents.session_of(self.site.site_id, session_id, document, now=self.now)
            found.append(_Stored(session_id, session.started_at, document.get("clean") is True, document))
        return found

    def _corrections(self) -> Iterator[Correction]:
        found = self._of_person(self._collection(Collection.CORRECTIONS))
        for correction in decoded(found, documents.correction_of):
            if correction.event is None or correction.event.site_id == self.site.site_id:
                yield correction

    def _of_person(self, query: Any) -> Iterator[Snapshot]:
        """The documents of a query that are under any id of the person."""
        for chunk in chunks(self.identity.ids):
            yield from query.where(filter=equals_any("person_id", chunk)).stream(transaction=self.transaction)

    def _sessions(self) -> firestore.Query:
        return self._collection(Collection.SESSIONS).where(
            filter=FieldFilter("person_id", "==", self.identity.person_id)
        )

    def _collection(self, collection: Collection) -> firestore.CollectionReference:
        return self.client.collection(path_of(self.site.site_id, collection))


def _latest_first(query: firestore.Query) -> firestore.Query:
    return query.order_by("started_at", direction=firestore.Query.DESCENDING)


def identity_of(
    client: firestore.Client,
    site_id: str,
    person_id: str,
    document: Fields | None,
    transaction: firestore.Transaction | None,
) -> Identity:
    """The identity of a person. document: `people/{person_id}` as read, None where it does not exist.

    Follows merges in both directions and over several steps. A circle of merges ends where it closes.
    """
    root, names, seen = person_id, [*_names(document)], {person_id}
    into = merged_into(document)
    while into is not None and into not in seen and len(seen) < _MAX_MERGES:
        root = into
        seen.add(into)
        document = client.document(path_of(site_id, Collection.PEOPLE, into)).get(transaction=transaction).to_dict()
        names += _names(document)
        into = merged_into(document)
    ids = [root]
    frontier = [root]
    people = client.collection(path_of(site_id, Collection.PEOPLE))
    while frontier:
        merged: dict[str, Fields] = {}
        for chunk in chunks(frontier):
            for each in people.where(filter=equals_any("merged_into", chunk)).stream(transaction=transaction):
                merged[record_id(each.id)] = each.to_dict() or {}
        frontier = [each for each in merged if each not in ids]
        ids += frontier
        names += [name for each in frontier for name in _names(merged[each])]
    return Identity(root, tuple(ids), tuple(dict.fromkeys(names)))


def merged_into(document: Fields | None) -> str | None:
    """The id of the person that the one of a document was merged into."""
    into = None if document is None else document.get("merged_into")
    return into if isinstance(into, str) and into else None


def _names(document: Fields | None) -> Iterator[str]:
    name = (document or {}).get("name")
    if isinstance(name, str) and name.strip():
        yield name.strip()
