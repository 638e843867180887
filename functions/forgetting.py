"""Erasing a person from a site, and keeping the person from coming back by a machine that has not heard of it."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from config.errors import RecordError
from functions.identities import Identity, any_of, chunks, digest_of, identity_of
from functions.snapshots import fields_of
from tracker.cloud import documents
from tracker.cloud.layout import EMBEDDINGS, Collection, path_of, record_id
from tracker.presence.events import ANONYMOUS_PREFIX, SCHEMA, Correction, Event, corrected
from tracker.presence.zones import ZoneStay

LOG = logging.getLogger(__name__)

LATE = timedelta(days=30)
"""How long after somebody was forgotten a machine may still send what it had of them."""
_AT_ONCE = 100
"""Documents moved in one commit: two writes each, more where an operator corrected."""
_DELETED_AT_ONCE = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """How many documents were deleted, and how many events stay for the counts under an id that leads to nobody."""

    deleted: int
    events_kept: int


def is_forgotten(client: firestore.Client, site_id: str, person_id: str) -> bool:
    """Whether somebody of this id asked to be forgotten."""
    return client.document(path_of(site_id, Collection.FORGOTTEN, digest_of(person_id))).get().exists


def forget(
    client: firestore.Client, site_id: str, person_id: str, *, erase_history: bool, now: datetime
) -> Forgotten | None:
    """Erase a person with all ids they had. None where nobody of the id is known; doing it again cleans up again.

    erase_history: delete the events too. Without it they stay under a new random id, and so do stays in zones; what
    operators corrected holds, what they wrote about it goes. The id goes onto the list of the forgotten first, so that
    nothing that arrives meanwhile stays.
    """
    document = client.document(path_of(site_id, Collection.PEOPLE, person_id)).get()
    if not document.exists and not is_forgotten(client, site_id, person_id):
        return None
    identity = identity_of(client, site_id, person_id, document.to_dict() if document.exists else None, None)
    _put_on_the_list(client, site_id, identity.ids, erase_history=erase_history, now=now)
    eraser = _Eraser(client, site_id, identity)
    kept = 0 if erase_history else eraser.make_anonymous()
    for collection in (
        Collection.EVENTS,
        Collection.CORRECTIONS,
        Collection.ZONE_STAYS,
        Collection.MATCHES,
        Collection.SESSIONS,
        Collection.USAGE,
    ):
        eraser.delete_all(collection)
    for one_id in identity.ids[::-1]:  # who they were merged into goes last: by it the others are found
        eraser.deleted += erase_person(client, site_id, one_id)
    return Forgotten(deleted=eraser.deleted, events_kept=kept)


def erase_person(client: firestore.Client, site_id: str, person_id: str) -> int:
    """Delete a profile and its vectors. Returns how many documents that were."""
    person = client.document(path_of(site_id, Collection.PEOPLE, person_id))
    vectors = [each.reference for each in person.collection(EMBEDDINGS).select([]).stream()]
    return delete_documents(client, [*vectors, person])


def erase_late(client: firestore.Client, site_id: str, *, since: datetime, now: datetime) -> int:
    """Delete matches and stays in zones that were taken since a moment and name somebody forgotten.

    Nothing is read where nobody was forgotten in the last 30 days: no machine has anything of them any more.
    """
    place = client.collection(path_of(site_id, Collection.FORGOTTEN))
    digests = {each.id for each in place.where(filter=FieldFilter("at", ">=", now - LATE)).stream()}
    if not digests:
        return 0
    found = []
    for collection in (Collection.MATCHES, Collection.ZONE_STAYS):
        arrived = client.collection(path_of(site_id, collection)).where(
            filter=FieldFilter(documents.RECEIVED_AT, ">=", since)
        )
        found += [
            each.reference
            for each in arrived.select(["person_id"]).stream()
            if digest_of(str(fields_of(each).get("person_id"))) in digests
        ]
    return delete_documents(client, found)


def delete_documents(client: firestore.Client, references: Iterable[Any]) -> int:
    """Delete documents; those that are gone already do not matter. Returns how many."""
    count = 0
    for some in chunks(references, _DELETED_AT_ONCE):
        batch = client.batch()
        for reference in some:
            batch.delete(reference)
        batch.commit()
        count += len(some)
    return count


def _put_on_the_list(
    client: firestore.Client, site_id: str, ids: Sequence[str], *, erase_history: bool, now: datetime
) -> None:
    tombstone = {
        "at": now,
        "erase_history": erase_history,
        "schema": SCHEMA,
        documents.RECEIVED_AT: firestore.SERVER_TIMESTAMP,
    }
    batch = client.batch()
    for one_id in ids:
        batch.set(client.document(path_of(site_id, Collection.FORGOTTEN, digest_of(one_id))), tombstone)
    batch.commit()


@dataclass(frozen=True, slots=True)
class _Move:
    """A document that takes the place of old ones, each given by collection and id."""

    collection: Collection
    record_id: str
    document: dict[str, Any]
    old: list[tuple[Collection, str]]


class _Eraser:
    """What one person left in the collections of a site."""

    def __init__(self, client: firestore.Client, site_id: str, identity: Identity) -> None:
        self._client = client
        self._site_id = site_id
        self._identity = identity
        self.deleted = 0

    def delete_all(self, collection: Collection) -> None:
        self.deleted += delete_documents(self._client, [each.reference for each in self._of_person(collection)])

    def make_anonymous(self) -> int:
        """Put events and stays in zones under a new random id. Returns how many events.

        Each goes in the commit that brings its successor: whoever is cut off and begins again doubles nothing.
        """
        anonymous_id = ANONYMOUS_PREFIX + secrets.token_hex(6)
        events: list[Event] = list(self._records(Collection.EVENTS, documents.event_of))
        corrections = list(self._records(Collection.CORRECTIONS, _correction_of))
        said: dict[str, list[str]] = {}
        for correction in corrections:
            said.setdefault(correction.event_id, []).append(correction.correction_id)
        moves = []
        for event in sorted(corrected(events, corrections), key=lambda each: (each.at, each.event_id)):
            new = replace(event, person_id=anonymous_id, event_id="")
            old = [(Collection.EVENTS, event.event_id)]
            old += [(Collection.CORRECTIONS, one_id) for one_id in said.get(event.event_id, ())]
            moves.append(_Move(Collection.EVENTS, new.event_id, documents.event_document(new), old))
        stays: list[ZoneStay] = list(self._records(Collection.ZONE_STAYS, documents.zone_stay_of))
        for stay in stays:
            later = replace(stay, person_id=anonymous_id, stay_id="", over=True)
            document = documents.zone_stay_document(later)
            moves.append(_Move(Collection.ZONE_STAYS, later.stay_id, document, [(Collection.ZONE_STAYS, stay.stay_id)]))
        for some in chunks(moves, _AT_ONCE):
            self._carry_out(some)
        return len({move.record_id for move in moves if move.collection is Collection.EVENTS})

    def _carry_out(self, moves: Iterable[_Move]) -> None:
        batch = self._client.batch()
        for move in moves:
            for collection, one_id in move.old:
                batch.delete(self._client.document(path_of(self._site_id, collection, one_id)))
                self.deleted += 1
            document = {**move.document, documents.RECEIVED_AT: firestore.SERVER_TIMESTAMP}
            batch.set(self._client.document(path_of(self._site_id, move.collection, move.record_id)), document)
        batch.commit()

    def _records(self, collection: Collection, read: Callable[[str, str, Any], Any]) -> Iterator[Any]:
        for each in self._of_person(collection):
            try:
                yield read(self._site_id, record_id(each.id), fields_of(each))
            except RecordError as error:
                LOG.error("%s %s is not kept: %s", collection, each.id, error)

    def _of_person(self, collection: Collection) -> Iterator[Any]:
        for some in chunks(self._identity.ids):
            query = self._client.collection(path_of(self._site_id, collection))
            yield from query.where(filter=any_of("person_id", some)).stream()


def _correction_of(_: str, correction_id: str, document: dict[str, Any]) -> Correction:
    return documents.correction_of(correction_id, document)
