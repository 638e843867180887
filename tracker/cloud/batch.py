"""One batch: what is uploaded next, and how far each stream is uploaded once it is delivered."""

from __future__ import annotations

import json
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime

from tracker.cloud import paths
from tracker.cloud.writes import Encoder, Kind, Write
from tracker.presence.events import CameraRef
from tracker.store.cursors import Cursor, Deletion, Rejected, Stream
from tracker.store.outbox_messages import Erasure, Message, PersonRecord
from tracker.store.store import Store

VECTORS = "upload vectors "
"""How the state begins that remembers which vectors of a person are uploaded."""
MOST_WRITES = 500
_WRITES_AN_EVENT = 2
"""Itself, and the match behind it."""
_PEOPLE_AT_ONCE = 50
_CORRECTIONS_AT_ONCE = 20
"""The rules look up a document for each correction of a device, and at most 20 for one commit."""
DELETED_FROM = {"person": Stream.PEOPLE, "zone_stay": Stream.ZONE_STAYS, "session": Stream.SESSIONS}
"""The kinds of deletions, and the streams with which they are skipped."""
_PROFILES = (Stream.PEOPLE, Stream.ALIASES)
_FACTS = (Stream.EVENTS, Stream.CORRECTIONS, Stream.ZONE_STAYS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What this machine uploads. scope: with a device key only records of this camera, no people and no deletions.
    vectors: with the face vectors of those who consented. sites: whose sessions it derives and uploads."""

    scope: CameraRef | None = None
    vectors: bool = False
    sites: frozenset[str] = frozenset()

    @property
    def people(self) -> bool:
        """Whether people are uploaded, too."""
        return self.scope is None


@dataclass(slots=True)
class Batch:
    """Writes by path, the newest of each. rejected: what cannot be a document. more: something was left for the next
    batch. events: how many. sites: uploaded to. vectors: by person the ids of those in Firestore once it is delivered.
    """

    writes: dict[str, Write] = field(default_factory=dict)
    cursors: dict[Stream, Cursor] = field(default_factory=dict)
    deletions: list[Deletion] = field(default_factory=list)
    erasures: list[Erasure] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    vectors: dict[str, list[str]] = field(default_factory=dict)
    sites: set[str] = field(default_factory=set)
    more: bool = False
    events: int = 0

    def add(self, writes: Iterable[Write]) -> None:
        """Of two writes to one document the later is kept, but what is created is created once."""
        for write in writes:
            if not (write.kind is Kind.CREATE and write.path in self.writes):
                self.writes[write.path] = write


class BatchBuilder:
    """Builds batches from the outbox. For one thread. cursors: how far each stream is uploaded."""

    def __init__(self, store: Store, encoder: Encoder, rights: Rights) -> None:
        self._store = store
        self._encoder = encoder
        self.rights = rights
        self.cursors: dict[Stream, Cursor] = {stream: store.outbox.cursor(stream) for stream in Stream}
        self.vectors: dict[str, list[str]] = {
            person_id: json.loads(ids) for person_id, ids in store.outbox.state(VECTORS).items()
        }
        """By person the ids of the vectors that were uploaded from here."""

    def next(
        self, now: datetime, *, size: int = MOST_WRITES, skip: AbstractSet[Stream] = frozenset(), days: bool
    ) -> Batch:
        """What is to be uploaded next, about `size` writes. skip: streams of which the circuit breaker is open.

        People go before the events that name them, corrections after the events that they are about, sessions last.
        days: with the figures of days.
        """
        batch = Batch()
        if self.rights.people and not self.rights.vectors and Stream.PEOPLE not in skip:
            self._withdraw_vectors(batch)
        for stream in (*_PROFILES, *_FACTS) if self.rights.people else _FACTS:
            if stream not in skip and not self._fill(batch, stream, now, size):
                batch.more = True
                return batch
        self._add_deletions(batch, now, size, skip)
        derived = (Stream.SESSIONS, Stream.DAYS) if days else (Stream.SESSIONS,)
        for stream in derived if self.rights.sites else ():
            if stream not in skip and not self._fill(batch, stream, now, size):
                batch.more = True
                break
        return batch

    def _fill(self, batch: Batch, stream: Stream, now: datetime, size: int) -> bool:
        """Add a page of a stream; False when there is more of it."""
        room = size - len(batch.writes)
        limit = max(1, room // _WRITES_AN_EVENT)
        if stream in _PROFILES:
            limit = min(limit, _PEOPLE_AT_ONCE)
        if stream is Stream.CORRECTIONS and self.rights.scope is not None:
            limit = min(limit, _CORRECTIONS_AT_ONCE)
        rights = self.rights
        page = self._store.outbox.page(
            stream, self.cursors[stream], now=now, limit=limit, scope=rights.scope, vectors=rights.vectors
        )
        messages: Iterable[Message] = page.messages
        if stream in (Stream.SESSIONS, Stream.DAYS):
            messages = [each for each in messages if each.site_id in rights.sites]
        self._add(batch, messages, now)
        batch.cursors[stream] = page.cursor
        if stream is Stream.EVENTS:
            batch.events = len(page.messages)
        has_room = not batch.writes or size - len(batch.writes) > _WRITES_AN_EVENT
        return page.is_last and has_room

    def _withdraw_vectors(self, batch: Batch) -> None:
        """Delete vectors that were uploaded while sharing was switched on."""
        for person_id in list(self.vectors)[:_PEOPLE_AT_ONCE]:
            batch.add(self._encoder.vectors(person_id, (), self.vectors[person_id]))
            batch.vectors[person_id] = []
            batch.more = batch.more or len(self.vectors) > _PEOPLE_AT_ONCE

    def _add_deletions(self, batch: Batch, now: datetime, size: int, skip: AbstractSet[Stream]) -> None:
        kinds = [kind for kind, stream in DELETED_FROM.items() if stream not in skip]
        found = self._store.outbox.deletions(limit=max(1, size // 4), kinds=kinds)
        batch.deletions, batch.erasures = list(found.rows), list(found.erasures)
        messages = [each for each in found.messages if self._may_delete(each)]
        self._add(batch, messages, now)
        batch.more = batch.more or bool(found.rows)

    def _may_delete(self, message: Message) -> bool:
        if message.collection == "sessions":
            return message.site_id in self.rights.sites
        return self.rights.scope is None

    def _add(self, batch: Batch, messages: Iterable[Message], now: datetime) -> None:
        for message in messages:
            try:
                if message.problem:
                    raise ValueError(message.problem)
                if isinstance(message.record, PersonRecord):  # before the profile, which makes readers look at them
                    self._add_vectors(batch, message.record)
                batch.add([self._encoder.write(message, now)])
            except (ValueError, TypeError) as error:
                reason = f"no document: {error}"
                batch.rejected.append(
                    Rejected(collection=message.collection, record_id=message.record_id, reason=reason, at=now)
                )
            else:
                batch.sites.add(message.site_id)

    def _add_vectors(self, batch: Batch, record: PersonRecord) -> None:
        person_id = record.person.person_id
        batch.add(self._encoder.vectors(person_id, record.vectors, self.vectors.get(person_id, ())))
        if record.vectors or person_id in self.vectors:
            batch.vectors[person_id] = [paths.vector_id(model, vector) for model, vector in record.vectors]
