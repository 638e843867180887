"""Documents of Firestore decoded into records of the store; unreadable ones are skipped, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config.errors import RecordError
from tracker.cloud import documents
from tracker.cloud.documents import RECEIVED_AT, require_possible
from tracker.cloud.paths import Collection, record_id
from tracker.cloud.reads import Document
from tracker.presence.events import time_text
from tracker.store.camera_rows import MachineReport
from tracker.store.correction_rows import PersonCorrection
from tracker.store.inbox import EMBEDDINGS, Incoming, Unreadable
from tracker.store.inbox_erasures import IncomingErasure
from tracker.store.inbox_people import IncomingPerson

SITE = "site"


class Decoder:
    """Gathers documents of one site for one write into the store."""

    def __init__(self, site_id: str) -> None:
        self._site_id = site_id
        self._people: dict[str, IncomingPerson] = {}
        self._found = Incoming(at=datetime.now(UTC))
        self._decode: Mapping[str, Callable[[str, Mapping[str, Any]], None]] = {
            Collection.EVENTS: self._event,
            Collection.CORRECTIONS: self._correction,
            Collection.PEOPLE: self._person,
            Collection.HEARTBEATS: self._heartbeat,
            Collection.ZONE_STAYS: self._zone_stay,
            Collection.FORGOTTEN: self._erasure,
        }

    def add(self, collection: Collection, found: Iterable[Document]) -> None:
        """Decode documents of a collection."""
        for each in found:
            self._attempt(collection, record_id(each.document_id), each.fields, self._decode[collection])

    def add_site(self, fields: Mapping[str, Any]) -> None:
        """Take the document of the site; its fields are checked where they are used."""
        self._found.site[self._site_id] = {name: _json(value) for name, value in fields.items() if name != RECEIVED_AT}

    def people(self) -> list[tuple[str, bool]]:
        """Who is in here, and whether they consented, so that their vectors may be in Firestore."""
        return [(person_id, each.person.consented_at is not None) for person_id, each in self._people.items()]

    def add_vectors(self, person_id: str, found: Iterable[Document]) -> None:
        """Decode the vectors of a person who is in here: all there are, maybe none."""
        rows_by_model: dict[str, list[NDArray[np.float32]]] = {}

        def decode(_: str, fields: Mapping[str, Any]) -> None:
            model, row = vector_of(fields)
            rows = rows_by_model.setdefault(model, [])
            if rows and len(rows[0]) != len(row):
                raise RecordError("embedding: dimension: differs from the others", fix="enrol the person again")
            rows.append(row)

        for each in found:
            self._attempt(EMBEDDINGS, f"{person_id}/{record_id(each.document_id)}", each.fields, decode)
        vectors = {model: np.stack(rows) for model, rows in rows_by_model.items()}
        self._people[person_id] = replace(self._people[person_id], vectors=vectors)

    def incoming(self, cursors: Mapping[str, str], *, whole_history: bool) -> Incoming:
        """Everything for the store, and how far it is downloaded."""
        people = list(self._people.values())
        return replace(self._found, people=people, cursors=cursors, whole_history=whole_history)

    def _attempt(
        self,
        collection: str,
        one_id: str,
        fields: Mapping[str, Any],
        decode: Callable[[str, Mapping[str, Any]], None],
    ) -> None:
        try:
            decode(one_id, fields)
        except RecordError as error:
            self._found.unreadable.append(Unreadable(collection=collection, record_id=one_id, reason=error.problem))
        else:
            self._found.readable.append((collection, one_id))

    def _event(self, event_id: str, fields: Mapping[str, Any]) -> None:
        self._found.events.append(documents.event_of(self._site_id, event_id, fields))

    def _correction(self, correction_id: str, fields: Mapping[str, Any]) -> None:
        correction = documents.correction_of(correction_id, fields)
        person_id = fields.get("person_id", "")
        if correction.event is not None:
            if correction.event.site_id != self._site_id:
                raise RecordError(
                    f"correction: event: expected one of site {self._site_id}, got {correction.event.site_id[:64]}",
                    fix="write it under its own site",
                )
            person_id = correction.event.person_id
        if not isinstance(person_id, str):
            raise RecordError("correction: person_id: expected a text", fix="correct it at the source")
        self._found.corrections.append(PersonCorrection(correction=correction, person_id=person_id))

    def _person(self, person_id: str, fields: Mapping[str, Any]) -> None:
        person, merged_into = documents.person_of(person_id, fields)
        self._people[person_id] = IncomingPerson(person=person, merged_into=merged_into)

    def _heartbeat(self, _id: str, fields: Mapping[str, Any]) -> None:
        health, span, machine_id = documents.heartbeat_of(self._site_id, fields)
        self._found.healths.append(health)
        if span is not None:
            self._found.spans.append(span)
        if machine_id:
            self._found.machines.append(
                MachineReport(
                    site_id=self._site_id, camera_id=health.camera_id, machine_id=machine_id, at=health.updated_at
                )
            )

    def _zone_stay(self, stay_id: str, fields: Mapping[str, Any]) -> None:
        if documents.is_tombstone(fields):
            self._found.deleted_stays.append(stay_id)
        else:
            self._found.zone_stays.append(documents.zone_stay_of(self._site_id, stay_id, fields))

    def _erasure(self, digest: str, fields: Mapping[str, Any]) -> None:
        at, erase_history = fields.get("at"), fields.get("erase_history")
        if not isinstance(at, datetime) or at.tzinfo is None:
            raise RecordError("tombstone: at: expected a time", fix="forget the person again")
        if not isinstance(erase_history, bool):
            raise RecordError("tombstone: erase_history: expected true or false", fix="forget the person again")
        require_possible("tombstone", at=at)
        self._found.erasures.append(IncomingErasure(digest=digest, at=at, erase_history=erase_history))


def vector_of(fields: Mapping[str, Any]) -> tuple[str, NDArray[np.float32]]:
    """The network and the vector (D,) of an embedding's document. Raises RecordError."""
    model, dimension, content = fields.get("model"), fields.get("dimension"), fields.get("vector")
    if not isinstance(model, str) or not model:
        raise RecordError("embedding: model: expected the name of a network", fix="enrol the person again")
    if not isinstance(content, bytes) or not content or len(content) % 4:
        raise RecordError("embedding: vector: expected bytes, four a number", fix="enrol the person again")
    row = np.frombuffer(content, dtype="<f4").astype(np.float32)
    if isinstance(dimension, bool) or dimension != len(row) or not np.isfinite(row).all():
        raise RecordError(
            f"embedding: vector: expected {dimension!r} finite numbers, got {len(row)}", fix="enrol the person again"
        )
    return model, row


def _json(value: object) -> object:
    """A value of Firestore as JSON has it: times as text, anything else as its repr."""
    if isinstance(value, Mapping):
        return {str(name): _json(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_json(each) for each in value]
    if isinstance(value, datetime) and value.tzinfo is not None:
        return time_text(value)
    return value if value is None or isinstance(value, str | int | float | bool) else repr(value)[:200]
