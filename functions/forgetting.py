"""Erasing a person from a site, and keeping them erased when a machine uploads late records of them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from functions.database import Fields, chunks, decoded, delete_documents, equals_any, fields_of, pages, stamped
from functions.person_records import Identity, identity_of
from tracker.cloud import documents
from tracker.cloud.paths import EMBEDDINGS, Collection, path_of, site_path
from tracker.presence.events import ANONYMOUS_PREFIX, ITSELF, SCHEMA, corrected
from tracker.presence.people import Redaction, digest_of

_Record = TypeVar("_Record")

LATE = timedelta(days=30)
"""How long after somebody was forgotten a machine may still upload records of them."""
_MOVE_BATCH = 100
"""Documents moved in one commit: two writes each, more where they are corrected."""
_PAGE = 500
_OF_PEOPLE = (
    Collection.EVENTS, Collection.CORRECTIONS, Collection.ZONE_STAYS, Collection.MATCHES, Collection.SESSIONS,
)  # fmt: skip
"""The collections whose documents have a person's id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """How many documents were deleted, and how many events are kept for the counts, under an anonymous id."""

    deleted: int
    events_kept: int


def is_forgotten(client: firestore.Client, site_id: str, person_id: str) -> bool:
    """Whether the person of this id was forgotten."""
    return client.document(path_of(site_id, Collection.FORGOTTEN, digest_of(person_id))).get().exists


def forget(
    client: firestore.Client, site_id: str, person_id: str, *, erase_history: bool, now: datetime
) -> Erasure | None:
    """Erase a person with all ids they had; None where the id is not known. Idempotent.

    erase_history: delete the events too. Otherwise events and zone stays are kept under a new random id; corrections
    of them stay in effect without their reasons. Corrections of other people's events lose the person's name. The
    tombstone is written first, so that records that arrive meanwhile are deleted.
    """
    document = client.document(path_of(site_id, Collection.PEOPLE, person_id)).get()
    if not document.exists and not is_forgotten(client, site_id, person_id):
        return None
    identity = identity_of(client, site_id, person_id, document.to_dict(), None)
    _write_tombstones(client, site_id, identity.ids, erase_history=erase_history, now=now)
    eraser = _Eraser(client, site_id, identity)
    kept = 0 if erase_history else eraser.anonymise()
    eraser.delete_all()
    eraser.redact()
    for one_id in reversed(identity.ids):  # the present id last: the others are found by it
        eraser.deleted += erase_person(client, site_id, one_id)
    return Erasure(deleted=eraser.deleted, events_kept=kept)


def erase_person(client: firestore.Client, site_id: str, person_id: str) -> int:
    """Delete a profile and its vectors. Returns how many documents."""
    person = client.document(path_of(site_id, Collection.PEOPLE, person_id))
    vectors = [each.reference for each in person.collection(EMBEDDINGS).select([]).stream()]
    return delete_documents(client, [*vectors, person])


def erase_late(client: firestore.Client, site_id: str, *, since: datetime, now: datetime) -> int:
    """Delete matches and zone stays of forgotten people that were received since an instant.

    Reads no records where nobody was forgotten in the last 30 days.
    """
    tombstones = client.collection(path_of(site_id, Collection.FORGOTTEN))
    digests = {each.id for each in tombstones.where(filter=FieldFilter("at", ">=", now - LATE)).stream()}
    if not digests:
        return 0
    found = []
    for collection in (Collection.MATCHES, Collection.ZONE_STAYS):
        received = client.collection(path_of(site_id, collection)).where(
            filter=FieldFilter(documents.RECEIVED_AT, ">=", since)
        )
        found += [
            each.reference
            for each in received.select(["person_id"]).stream()
            if digest_of(str(fields_of(each).get("person_id"))) in digests
        ]
    return delete_documents(client, found)


def _write_tombstones(
    client: firestore.Client, site_id: str, ids: Sequence[str], *, erase_history: bool, now: datetime
) -> None:
    tombstone = stamped({"at": now, "erase_history": erase_history, "schema": SCHEMA})
    batch = client.batch()
    for one_id in ids:
        batch.set(client.document(path_of(site_id, Collection.FORGOTTEN, digest_of(one_id))), tombstone)
    batch.commit()


@dataclass(frozen=True, slots=True)
class _Move:
    """A document that replaces old ones, which are given by collection and id."""

    collection: Collection
    record_id: str
    document: Fields
    old: list[tuple[Collection, str]]


class _Eraser:
    """Erases the records of one person at a site. deleted: documents so far."""

    def __init__(self, client: firestore.Client, site_id: str, identity: Identity) -> None:
        self._client = client
        self._site_id = site_id
        self._identity = identity
        self.deleted = 0

    def delete_all(self) -> None:
        """Delete every record under the ids of the person."""
        paths = [path_of(self._site_id, each) for each in _OF_PEOPLE]
        for path in (*paths, f"{site_path(self._site_id)}/usage"):  # usage: written by versions before 0.2
            self.deleted += delete_documents(self._client, [each.reference for each in self._of_person(path)])

    def anonymise(self) -> int:
        """Replace events and zone stays by the same ones under a new random id. Returns how many events.

        A document is deleted in the commit that writes its replacement, so that an interrupted run doubles nothing.
        """
        anonymous_id = ANONYMOUS_PREFIX + secrets.token_hex(6)
        moves = [*self._event_moves(anonymous_id), *self._zone_stay_moves(anonymous_id)]
        for chunk in chunks(moves, _MOVE_BATCH):
            self._move(chunk)
        return len({move.record_id for move in moves if move.collection is Collection.EVENTS})

    def redact(self) -> None:
        """Take the ids and names of the person out of the reasons and authors of other people's corrections."""
        redaction = Redaction([*self._identity.ids, *self._identity.names])
        corrections = self._client.collection(path_of(self._site_id, Collection.CORRECTIONS))
        changed = []
        for each in pages(corrections.select(["by", "reason"]).order_by("__name__"), _PAGE):
            fields = fields_of(each)
            redacted = _redacted(fields, redaction)
            if redacted != fields:
                changed.append((each.reference, stamped(redacted)))
        for chunk in chunks(changed, _MOVE_BATCH):
            batch = self._client.batch()
            for reference, fields in chunk:
                batch.update(reference, fields)
            batch.commit()

    def _event_moves(self, anonymous_id: str) -> Iterator[_Move]:
        events = self._records(Collection.EVENTS, partial(documents.event_of, self._site_id))
        corrections = self._records(Collection.CORRECTIONS, documents.correction_of)
        of_event: dict[str, list[tuple[Collection, str]]] = {}
        for each in corrections:
            of_event.setdefault(each.event_id, []).append((Collection.CORRECTIONS, each.correction_id))
        for event in sorted(corrected(events, corrections), key=lambda each: (each.at, each.event_id)):
            new = replace(event, person_id=anonymous_id, event_id="")
            old = [(Collection.EVENTS, event.event_id), *of_event.get(event.event_id, ())]
            yield _Move(Collection.EVENTS, new.event_id, documents.event_document(new), old)

    def _zone_stay_moves(self, anonymous_id: str) -> Iterator[_Move]:
        for stay in self._records(Collection.ZONE_STAYS, partial(documents.zone_stay_of, self._site_id)):
            new = replace(stay, person_id=anonymous_id, stay_id="", over=True)
            old = [(Collection.ZONE_STAYS, stay.stay_id)]
            yield _Move(Collection.ZONE_STAYS, new.stay_id, documents.zone_stay_document(new), old)

    def _move(self, moves: Iterable[_Move]) -> None:
        batch = self._client.batch()
        for move in moves:
            for collection, one_id in move.old:
                batch.delete(self._client.document(path_of(self._site_id, collection, one_id)))
                self.deleted += 1
            reference = self._client.document(path_of(self._site_id, move.collection, move.record_id))
            batch.set(reference, stamped(move.document))
        batch.commit()

    def _records(self, collection: Collection, decode: Callable[[str, Fields], _Record]) -> list[_Record]:
        return list(decoded(self._of_person(path_of(self._site_id, collection)), decode))

    def _of_person(self, path: str) -> Iterator[Any]:
        for chunk in chunks(self._identity.ids):
            yield from self._client.collection(path).where(filter=equals_any("person_id", chunk)).stream()


def _redacted(correction: Fields, redaction: Redaction) -> Fields:
    by, reason = str(correction.get("by", "")), str(correction.get("reason", ""))
    return {"by": by if by == ITSELF else redaction.user_name(by), "reason": redaction.text(reason)}
