"""Messages of the outbox as writes of Firestore: which document, its fields, and whether it must be new.

Events, matches and stays in zones are only created, so that uploading them again changes nothing. Everything else is
set in its newest state. The server stamps each with the time at which it took it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto
from typing import Any

from google.cloud.firestore import SERVER_TIMESTAMP
from google.cloud.firestore_v1.base_batch import BaseBatch

from tracker.cloud import documents, paths
from tracker.cloud.paths import Collection
from tracker.presence.day import DayFigures, day_document
from tracker.presence.events import SCHEMA, Event, Match
from tracker.presence.sessions import Session
from tracker.presence.zones import ZoneStay
from tracker.store.correction_rows import PersonCorrection
from tracker.store.cursors import Deletion
from tracker.store.outbox_rows import Message, PersonRecord

_PERSON_ID = re.compile(r"\b[pv]-[0-9a-f]{6,}\b")


class Kind(Enum):
    """What a write does to its document. CREATE fails where it exists already."""

    CREATE = auto()
    SET = auto()
    DELETE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One write. collection, record_id: of the record, by which a dead letter is found again."""

    kind: Kind
    path: str
    collection: str
    record_id: str
    document: Mapping[str, Any] | None = None

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        return len(self.path) + len(repr(self.document).encode(errors="replace"))

    def add_to(self, batch: BaseBatch) -> None:
        """Put it into a batch of the client. Raises ValueError or TypeError on what cannot be a document."""
        reference = batch._client.document(self.path)  # noqa: SLF001 - a batch belongs to its client
        if self.kind is Kind.DELETE:
            batch.delete(reference)
            return
        document = {**(self.document or {}), documents.RECEIVED_AT: SERVER_TIMESTAMP}
        if self.kind is Kind.CREATE:
            batch.create(reference, document)
        else:
            batch.set(reference, document)


class Encoder:
    """Makes writes. home_site: where people are written, who are the same at all sites of a store."""

    def __init__(self, home_site: str) -> None:
        self._home = home_site

    def writes(self, message: Message, now: datetime) -> Iterator[Write]:
        """The writes of one message. Raises ValueError on what cannot be a document."""
        record = message.record
        match record:
            case Event():
                yield self._created(message, Collection.EVENTS, documents.event_document(record))
            case Match():
                yield self._created(message, Collection.MATCHES, documents.match_document(_anonymised(record)))
            case ZoneStay():
                yield self._created(message, Collection.ZONE_STAYS, documents.zone_stay_document(record))
            case PersonCorrection():
                document = documents.correction_document(record.correction, record.person_id)
                yield self._set(message, Collection.CORRECTIONS, document)
            case Session():
                yield self._set(message, Collection.SESSIONS, documents.session_document(record))
            case DayFigures():
                yield self._set(message, Collection.DAYS, day_document(record))
            case PersonRecord():
                document = documents.person_document(record.person, merged_into=record.merged_into)
                yield self._set(message, Collection.PEOPLE, document)
            case Deletion(kind="zone_stay"):
                yield self._deletion(record, Collection.ZONE_STAYS, documents.tombstone_document(now))
            case Deletion(kind="session"):
                yield self._deletion(record, Collection.SESSIONS, None)
            case _:
                raise ValueError(message.problem or f"unknown record {type(record).__name__}")

    def vectors(self, person_id: str, vectors: Iterable[tuple[str, bytes]], uploaded: Iterable[str]) -> Iterator[Write]:
        """What makes the vectors of a person these (network, bytes); some are `uploaded` already, by their ids."""
        wanted = {paths.vector_id(model, vector): (model, vector) for model, vector in vectors}
        known = set(uploaded)
        for vector_id in sorted(known - wanted.keys()):
            yield deleted("people", person_id, paths.embeddings_path(self._home, person_id, vector_id))
        for vector_id, (model, vector) in wanted.items():
            if vector_id not in known:
                path = paths.embeddings_path(self._home, person_id, vector_id)
                document = _embedding_document(model, vector)
                yield Write(kind=Kind.SET, path=path, collection="people", record_id=person_id, document=document)

    def _created(self, message: Message, collection: Collection, document: Mapping[str, Any]) -> Write:
        return created(message.site_id, collection, message.record_id, document)

    def _set(self, message: Message, collection: Collection, document: Mapping[str, Any]) -> Write:
        path = paths.path_of(message.site_id or self._home, collection, message.record_id)
        return Write(
            kind=Kind.SET,
            path=path,
            collection=message.collection,
            record_id=message.record_id,
            document=document,
        )

    def _deletion(self, record: Deletion, collection: Collection, tombstone: Mapping[str, Any] | None) -> Write:
        return Write(
            kind=Kind.DELETE if tombstone is None else Kind.SET,
            path=paths.path_of(record.site_id, collection, record.record_id),
            collection=record.collection,
            record_id=record.record_id,
            document=tombstone,
        )


def created(site_id: str, collection: Collection, record_id: str, document: Mapping[str, Any]) -> Write:
    """A document that is only ever created."""
    path = paths.path_of(site_id, collection, record_id)
    return Write(kind=Kind.CREATE, path=path, collection=collection, record_id=record_id, document=document)


def deleted(collection: str, record_id: str, path: str) -> Write:
    """The deletion of a document."""
    return Write(kind=Kind.DELETE, path=path, collection=collection, record_id=record_id)


def _embedding_document(model: str, vector: bytes) -> dict[str, Any]:
    """Without the source: names of pictures may be names of people."""
    return {"model": model, "dimension": len(vector) // 4, "vector": vector, "source": "", "schema": SCHEMA}


def _anonymised(match: Match) -> Match:
    """A match whose reason names no other person: an erasure could not find them in it."""
    reason = _PERSON_ID.sub(lambda found: found[0] if found[0] == match.person_id else "somebody", match.reason)
    return match if reason == match.reason else replace(match, reason=reason)
