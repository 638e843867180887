"""What is unsent as writes of Firestore: which document, what stands in it, and on what condition.

Events, matches and stays in zones are only ever created: again changes nothing. Everything else is set in its newest
state, or deleted. All of it is stamped by the server with the time at which it came.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from tracker.cloud import documents, layout
from tracker.cloud.layout import Collection
from tracker.cloud.values import fill
from tracker.cloud.wire import Write, WriteMessage
from tracker.presence.events import SCHEMA, Event, Match
from tracker.presence.zones import ZoneStay
from tracker.store.outbox_pages import Unsent
from tracker.store.outbox_rows import UnsentCorrection, UnsentPerson, UnsentSession

_REQUEST_TIME = 1
"""google.firestore.v1.DocumentTransform.FieldTransform.ServerValue.REQUEST_TIME"""
_SOMEBODY = re.compile(r"\b[pv]-[0-9a-f]{6,}\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One write, and of which record it is. creates: it is refused, and that is well, where the document is there."""

    collection: str
    record_id: str
    message: WriteMessage
    creates: bool = False

    @property
    def size(self) -> int:
        """Bytes."""
        return int(self.message.ByteSize())


class Writer:
    """Makes writes for one database. home_site: where people are written, who are the same at all sites of a store."""

    def __init__(self, database: str, *, home_site: str) -> None:
        self._root = f"{database}/documents/"
        self._home = home_site

    def writes_of(self, unsent: Unsent) -> Iterator[Outgoing]:
        """The writes of one record. Raises ValueError or TypeError on what cannot be a document."""
        record = unsent.record
        site = unsent.site_id or self._home
        if isinstance(record, Event):
            yield self._created(unsent, Collection.EVENTS, documents.event_document(record))
        elif isinstance(record, Match):
            yield self._created(unsent, Collection.MATCHES, documents.match_document(_discreet(record)))
        elif isinstance(record, ZoneStay):
            yield self._created(unsent, Collection.ZONE_STAYS, documents.zone_stay_document(record))
        elif isinstance(record, UnsentCorrection):
            document = documents.correction_document(record.correction, record.person_id)
            yield self._set(unsent, layout.path_of(site, Collection.CORRECTIONS, unsent.record_id), document)
        elif isinstance(record, UnsentSession):
            path = layout.path_of(site, Collection.SESSIONS, record.session_id)
            yield self._put(
                unsent, path, None if record.session is None else documents.session_document(record.session)
            )
        elif isinstance(record, UnsentPerson):
            yield from self._person(unsent, record)
        else:
            yield self.deleted(unsent.collection, unsent.record_id, f"{layout.site_path(site)}/{_name(unsent)}")

    def created(self, site_id: str, collection: Collection, record_id: str, document: Mapping[str, object]) -> Outgoing:
        """A document that must not be there yet."""
        message = self._message(layout.path_of(site_id, collection, record_id), document)
        message.current_document.exists = False
        return Outgoing(collection=collection, record_id=record_id, message=message, creates=True)

    def replaced(self, collection: str, record_id: str, path: str, document: Mapping[str, object]) -> Outgoing:
        """A document that is this and nothing else from now on."""
        return Outgoing(collection=collection, record_id=record_id, message=self._message(path, document))

    def founded(self, collection: str, record_id: str, path: str, document: Mapping[str, object]) -> Outgoing:
        """A document that is not there yet. Where it is, it is refused: to be looked at before it is changed."""
        message = self._message(path, document)
        message.current_document.exists = False
        return Outgoing(collection=collection, record_id=record_id, message=message)

    def merged(self, collection: str, record_id: str, path: str, document: Mapping[str, object]) -> Outgoing:
        """These fields of a document; its others stay."""
        message = self._message(path, document)
        message.update_mask.field_paths.extend(sorted(document))
        return Outgoing(collection=collection, record_id=record_id, message=message)

    def deleted(self, collection: str, record_id: str, path: str) -> Outgoing:
        """No such document any more."""
        return Outgoing(collection=collection, record_id=record_id, message=Write(delete=self._root + path))

    def vectors(self, person_id: str, vectors: Iterable[tuple[str, bytes]], there: Iterable[str]) -> Iterator[Outgoing]:
        """What makes the vectors of a person these (network, bytes), where some are `there` already, by their ids."""
        wanted = {layout.vector_id(model, vector): (model, vector) for model, vector in vectors}
        known = set(there)
        for vector_id in sorted(known - wanted.keys()):
            yield self.deleted("people", person_id, layout.embeddings_path(self._home, person_id, vector_id))
        for vector_id, (model, vector) in wanted.items():
            if vector_id not in known:
                path = layout.embeddings_path(self._home, person_id, vector_id)
                yield self.replaced("people", person_id, path, _embedding_document(model, vector))

    def _person(self, unsent: Unsent, record: UnsentPerson) -> Iterator[Outgoing]:
        person_id = record.person.person_id
        document = documents.person_document(record.person, merged_into=record.merged_into)
        yield self._set(unsent, layout.path_of(self._home, Collection.PEOPLE, person_id), document)

    def _created(self, unsent: Unsent, collection: Collection, document: Mapping[str, object]) -> Outgoing:
        return self.created(unsent.site_id, collection, unsent.record_id, document)

    def _put(self, unsent: Unsent, path: str, document: Mapping[str, object] | None) -> Outgoing:
        if document is None:
            return self.deleted(unsent.collection, unsent.record_id, path)
        return self._set(unsent, path, document)

    def _set(self, unsent: Unsent, path: str, document: Mapping[str, object]) -> Outgoing:
        return self.replaced(unsent.collection, unsent.record_id, path, document)

    def _message(self, path: str, document: Mapping[str, object]) -> WriteMessage:
        message = Write()
        message.update.name = self._root + path
        fill(message.update.fields, document)
        stamp = message.update_transforms.add()
        stamp.field_path = documents.RECEIVED_AT
        stamp.set_to_server_value = _REQUEST_TIME
        return message


def _embedding_document(model: str, vector: bytes) -> dict[str, object]:
    """What it was made from is not told: names of pictures may be names of people."""
    return {"model": model, "dimension": len(vector) // 4, "vector": vector, "source": "", "schema": SCHEMA}


def _discreet(match: Match) -> Match:
    """A match whose reason names nobody else: who asks to be forgotten later could not be found in it."""
    reason = _SOMEBODY.sub(lambda found: found[0] if found[0] == match.person_id else "somebody", match.reason)
    return match if reason == match.reason else replace(match, reason=reason)


def _name(unsent: Unsent) -> str:
    return f"{unsent.collection}/{layout.document_id(unsent.record_id)}"
