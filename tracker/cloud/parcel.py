"""Documents of Firestore, read into what the store takes in. One that cannot be read is left out, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from config.errors import RecordError
from tracker.cloud.documents import (
    RECEIVED_AT,
    correction_of,
    event_of,
    person_of,
    require_possible,
    zone_stay_of,
)
from tracker.cloud.layout import Collection, record_id
from tracker.cloud.vital_signs import heartbeat_of
from tracker.presence.coverage import CoverageSpan
from tracker.presence.events import Correction, Event, time_text
from tracker.presence.health import CameraHealth
from tracker.presence.zones import ZoneStay
from tracker.store.arrivals import EMBEDDINGS, Arrivals, ArrivedCorrection, Refused
from tracker.store.arrived_people import ArrivedPerson
from tracker.store.tombstones import Tombstone

SITE = "site"

Vectors: TypeAlias = dict[str, NDArray[np.float32]]
"""By network (N, D)."""


@dataclass(frozen=True, slots=True)
class Paper:
    """A document as it came: its id in the collection, and its fields."""

    document_id: str
    fields: Mapping[str, Any]

    @property
    def received_at(self) -> datetime | None:
        """When the server took it, None where the document does not say."""
        value = self.fields.get(RECEIVED_AT)
        return value if isinstance(value, datetime) and value.tzinfo is not None else None


class Parcel:
    """Documents of one site, gathered for one write into the store."""

    def __init__(self, site_id: str) -> None:
        self._site_id = site_id
        self._events: list[Event] = []
        self._corrections: list[ArrivedCorrection] = []
        self._people: dict[str, ArrivedPerson] = {}
        self._healths: list[CameraHealth] = []
        self._watches: list[CoverageSpan] = []
        self._zone_stays: list[ZoneStay] = []
        self._tombstones: list[Tombstone] = []
        self._site: dict[str, Mapping[str, object]] = {}
        self._refused: list[Refused] = []
        self._read_well: list[tuple[str, str]] = []
        self._take: Mapping[str, Callable[[str, Mapping[str, Any]], None]] = {
            Collection.EVENTS: self._event,
            Collection.CORRECTIONS: self._correction,
            Collection.PEOPLE: self._person,
            Collection.HEARTBEATS: self._heartbeat,
            Collection.ZONE_STAYS: self._zone_stay,
            Collection.FORGOTTEN: self._tombstone,
        }

    def add(self, collection: Collection, papers: Iterable[Paper]) -> None:
        """Read documents of a collection."""
        for paper in papers:
            self._attempt(collection, record_id(paper.document_id), paper.fields, self._take[collection])

    def add_site(self, fields: Mapping[str, Any]) -> None:
        """Take the site's document; what of it can be used is found when it is used."""
        self._site[self._site_id] = {name: _json(value) for name, value in fields.items() if name != RECEIVED_AT}

    def people(self) -> list[tuple[str, bool]]:
        """Who is in here, and whether they consented, so that their vectors may be in the cloud."""
        return [(person_id, each.person.consented_at is not None) for person_id, each in self._people.items()]

    def add_vectors(self, person_id: str, papers: Iterable[Paper]) -> None:
        """Read the vectors of a person who is in here: all that the cloud has, maybe none."""
        found: dict[str, list[NDArray[np.float32]]] = {}

        def take(_: str, fields: Mapping[str, Any]) -> None:
            model, row = vector_of(fields)
            rows = found.setdefault(model, [])
            if rows and len(rows[0]) != len(row):
                raise RecordError("embedding: dimension: differs from the others", fix="enrol the person anew")
            rows.append(row)

        for paper in papers:
            self._attempt(EMBEDDINGS, f"{person_id}/{record_id(paper.document_id)}", paper.fields, take)
        vectors = {model: np.stack(rows) for model, rows in found.items()}
        self._people[person_id] = replace(self._people[person_id], vectors=vectors)

    def arrivals(self, cursors: Mapping[str, str], *, whole_history: bool) -> Arrivals:
        """All of it for the store, and how far reading has got."""
        return Arrivals(
            came=datetime.now(UTC),
            events=self._events,
            corrections=self._corrections,
            people=list(self._people.values()),
            healths=self._healths,
            spans=self._watches,
            zone_stays=self._zone_stays,
            tombstones=self._tombstones,
            site=self._site,
            refused=self._refused,
            read_well=self._read_well,
            cursors=cursors,
            whole_history=whole_history,
        )

    def _attempt(
        self,
        collection: str,
        one_id: str,
        fields: Mapping[str, Any],
        take: Callable[[str, Mapping[str, Any]], None],
    ) -> None:
        try:
            take(one_id, fields)
        except RecordError as error:
            self._refused.append(Refused(collection=collection, record_id=one_id, reason=error.problem))
        else:
            self._read_well.append((collection, one_id))

    def _event(self, event_id: str, fields: Mapping[str, Any]) -> None:
        self._events.append(event_of(self._site_id, event_id, fields))

    def _correction(self, correction_id: str, fields: Mapping[str, Any]) -> None:
        correction = correction_of(correction_id, fields)
        person_id = fields.get("person_id", "")
        if correction.event is not None:
            self._require_ours(correction)
            person_id = correction.event.person_id
        if not isinstance(person_id, str):
            raise RecordError("correction: person_id: expected a text", fix="correct it at the source")
        self._corrections.append(ArrivedCorrection(correction=correction, person_id=person_id))

    def _require_ours(self, correction: Correction) -> None:
        if correction.event is not None and correction.event.site_id != self._site_id:
            raise RecordError(
                f"correction: event: expected one of site {self._site_id}, got one of {correction.event.site_id[:64]}",
                fix="write it under its own site",
            )

    def _person(self, person_id: str, fields: Mapping[str, Any]) -> None:
        person, merged_into = person_of(person_id, fields)
        self._people[person_id] = ArrivedPerson(person=person, merged_into=merged_into)

    def _heartbeat(self, _id: str, fields: Mapping[str, Any]) -> None:
        health, watch = heartbeat_of(self._site_id, fields)
        require_possible(
            "heartbeat", at=health.updated_at, started_at=health.started_at, last_frame_at=health.last_frame_at
        )
        if watch is not None:
            require_possible("heartbeat", watch_started_at=watch.started_at, watch_ended_at=watch.ended_at)
            self._watches.append(watch)
        self._healths.append(health)

    def _zone_stay(self, stay_id: str, fields: Mapping[str, Any]) -> None:
        self._zone_stays.append(zone_stay_of(self._site_id, stay_id, fields))

    def _tombstone(self, digest: str, fields: Mapping[str, Any]) -> None:
        at, erase_history = fields.get("at"), fields.get("erase_history")
        if not isinstance(at, datetime) or at.tzinfo is None:
            raise RecordError("tombstone: at: expected a time", fix="forget the person again")
        if not isinstance(erase_history, bool):
            raise RecordError("tombstone: erase_history: expected true or false", fix="forget the person again")
        self._tombstones.append(Tombstone(digest=digest, at=at, erase_history=erase_history))


def vector_of(fields: Mapping[str, Any]) -> tuple[str, NDArray[np.float32]]:
    """The network and the vector (D,) of an embedding's document. Raises RecordError."""
    model, dimension, content = fields.get("model"), fields.get("dimension"), fields.get("vector")
    if not isinstance(model, str) or not model:
        raise RecordError("embedding: model: expected the name of a network", fix="enrol the person anew")
    if not isinstance(content, bytes) or not content or len(content) % 4:
        raise RecordError("embedding: vector: expected bytes, four a number", fix="enrol the person anew")
    row = np.frombuffer(content, dtype="<f4").astype(np.float32)
    if isinstance(dimension, bool) or dimension != len(row) or not np.isfinite(row).all():
        raise RecordError(
            f"embedding: vector: expected {dimension!r} finite numbers, got {len(row)}", fix="enrol the person anew"
        )
    return model, row


def _json(value: object) -> object:
    """A value of Firestore as JSON has it: times as text, what is neither as its words."""
    if isinstance(value, Mapping):
        return {str(name): _json(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_json(each) for each in value]
    if isinstance(value, datetime) and value.tzinfo is not None:
        return time_text(value)
    return value if value is None or isinstance(value, str | int | float | bool) else repr(value)[:200]
