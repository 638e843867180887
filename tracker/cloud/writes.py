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

from google.cloud.firestore_v1.types import write as write_types

from tracker.cloud import documents, paths
from tracker.cloud.paths import Collection
from tracker.presence.day import DayFigures, day_document
from tracker.presence.events import SCHEMA, Event, Match
from tracker.presence.sessions import Session
from tracker.presence.zones import ZoneStay
from tracker.store.correction_rows import PersonCorrection
from tracker.store.cursors import Deletion
from tracker.store.outbox_messages import Message, PersonRecord

_Message = write_types.Write.meta.pb
"""The plain protobuf class of a write."""
_REQUEST_TIME = int(write_types.DocumentTransform.FieldTransform.ServerValue.REQUEST_TIME)
_SCALARS = {
    bool: "boolean_value",
    int: "integer_value",
    float: "double_value",
    str: "string_value",
    bytes: "bytes_value",
}
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

    def message(self, database: str) -> Any:
        """The write as protobuf message. Raises ValueError or TypeError on what Firestore cannot store."""
        name = f"{database}/documents/{self.path}"
        if self.kind is Kind.DELETE:
            return _Message(delete=name)
        message = _Message(update={"name": name})
        for field, value in (self.document or {}).items():
            _set_value(message.update.fields[field], value)
        message.update_transforms.add(field_path=documents.RECEIVED_AT, set_to_server_value=_REQUEST_TIME)
        if self.kind is Kind.CREATE:
            message.current_document.exists = False
        return message


def _set_value(message: Any, value: object) -> None:
    """Google's client does the same by wrapper objects, in twenty times the time."""
    kind = next((each for each in type(value).__mro__ if each in _SCALARS), None)
    if kind is not None:
        setattr(message, _SCALARS[kind], value)
    elif value is None:
        message.null_value = 0
    elif isinstance(value, datetime):
        message.timestamp_value.FromDatetime(value)
    elif isinstance(value, Mapping):
        message.map_value.SetInParent()
        for name, each in value.items():
            _set_value(message.map_value.fields[name], each)
    elif isinstance(value, list | tuple):
        message.array_value.SetInParent()
        for each in value:
            _set_value(message.array_value.values.add(), each)
    else:
        raise TypeError(f"expected a value that Firestore can store, got {type(value).__name__}")


class Encoder:
    """Makes writes. home_site: where people are written, who are the same at all sites of a store."""

    def __init__(self, home_site: str) -> None:
        self._home = home_site

    def write(self, message: Message, now: datetime) -> Write:
        """The write of one message. Raises ValueError on what cannot be a document."""
        match record := message.record:
            case Event():
                return created(message.site_id, Collection.EVENTS, message.record_id, documents.event_document(record))
            case Match():
                document = documents.match_document(_anonymised(record))
                return created(message.site_id, Collection.MATCHES, message.record_id, document)
            case ZoneStay():
                document = documents.zone_stay_document(record)
                return created(message.site_id, Collection.ZONE_STAYS, message.record_id, document)
            case PersonCorrection():
                return self._set(message, documents.correction_document(record.correction, record.person_id))
            case Session():
                return self._set(message, documents.session_document(record))
            case DayFigures():
                return self._set(message, day_document(record))
            case PersonRecord():
                return self._set(message, documents.person_document(record.person, merged_into=record.merged_into))
            case Deletion(kind="zone_stay"):
                return self._set(message, documents.tombstone_document(now), collection=record.collection)
            case Deletion(kind="session"):
                path = paths.path_of(message.site_id, Collection.SESSIONS, message.record_id)
                return deleted(record.collection, message.record_id, path)
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

    def _set(self, message: Message, document: Mapping[str, Any], *, collection: str = "") -> Write:
        """collection: under which a dead letter is found again, where it is another than that of the document."""
        return Write(
            kind=Kind.SET,
            path=paths.path_of(message.site_id or self._home, Collection(message.collection), message.record_id),
            collection=collection or message.collection,
            record_id=message.record_id,
            document=document,
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
