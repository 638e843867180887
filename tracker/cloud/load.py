"""One load: what is sent next, and how far everything has been sent once it has arrived."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from tracker.cloud import layout
from tracker.cloud.delivery import MOST_WRITES
from tracker.cloud.writes import Outgoing, Writer
from tracker.store.outbox import Forgotten
from tracker.store.outbox_pages import Scope, Unsent
from tracker.store.outbox_rows import UnsentPerson
from tracker.store.store import Store
from tracker.store.sync_rows import Gone, Kind, Parked, Position

VECTORS = "up vectors "
"""How the notes begin that say which vectors of a person were sent."""
_WRITES_AN_EVENT = 2
"""Itself, and the match behind it."""
_PEOPLE_AT_ONCE = 50
_LOOKED_UP = 20
"""So many documents the rules look up for one commit of a device: for each of its corrections the event."""
_OWN = (Kind.EVENTS, Kind.CORRECTIONS, Kind.ZONE_STAYS)
_PROFILES = (Kind.PEOPLE, Kind.ALIASES)
_DERIVED = (Kind.SESSIONS,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What this machine sends. scope: of one camera only, and what its agent said itself, none of which it can take
    back. people: also people. visits: also visits and usage. vectors: with the face vectors of people who agreed."""

    scope: Scope | None = None
    people: bool = True
    visits: bool = True
    vectors: bool = False


@dataclass(slots=True)
class Load:
    """Writes by document, the newest of each; what cannot be a document is refused. more: something was left for the
    next load. events: how many. vectors: by person the ids of those that are there once this has arrived."""

    writes: dict[str, Outgoing] = field(default_factory=dict)
    reached: dict[Kind, Position] = field(default_factory=dict)
    gone: list[Gone] = field(default_factory=list)
    forgotten: list[Forgotten] = field(default_factory=list)
    refused: list[Parked] = field(default_factory=list)
    vectors: dict[str, list[str]] = field(default_factory=dict)
    more: bool = False
    events: int = 0

    @property
    def room(self) -> int:
        """How many writes more it takes."""
        return MOST_WRITES - len(self.writes)

    def add(self, writes: Iterable[Outgoing]) -> None:
        """Put these in. Of two for one document the later holds, but what is created is created once."""
        for write in writes:
            name = write.message.update.name or write.message.delete
            if not (write.creates and name in self.writes):
                self.writes[name] = write


class Loader:
    """Puts loads together. For one thread."""

    def __init__(self, store: Store, writer: Writer, rights: Rights) -> None:
        self._store = store
        self._writer = writer
        self.rights = rights
        self.positions: dict[Kind, Position] = {kind: store.outbox.cursor(kind) for kind in Kind}
        self.made_here = bool(store.outbox.notes("up made here"))
        """Whether events of this machine were ever sent, so that visits are its business too."""
        self.vectors: dict[str, list[str]] = {
            person_id: json.loads(ids) for person_id, ids in store.outbox.notes(VECTORS).items()
        }
        """By person the ids of the vectors that were sent from here."""

    def next(self, now: datetime, *, without: Iterable[Kind] = ()) -> Load:
        """What is to be sent next. without: kinds to leave alone.

        People go before the events that name them, corrections after the events that they are about. Visits and usage
        go along with the last of the events: then they are sent once, as they are after all of those.
        """
        load = Load()
        left_out = set(without)
        if self.rights.people and not self.rights.vectors and Kind.PEOPLE not in left_out:
            self._take_back(load)
        for kind in (*_PROFILES, *_OWN) if self.rights.people else _OWN:
            if kind not in left_out and not self._take(load, kind, now):
                load.more = True
                return load
        if load.room > MOST_WRITES // 2:
            self._add_derived(load, now, left_out)
        else:
            load.more = True
        return load

    def _take(self, load: Load, kind: Kind, now: datetime) -> bool:
        """Add a page of a kind; False when there is more of it."""
        limit = max(1, load.room // _WRITES_AN_EVENT)
        if kind in _PROFILES:
            limit = min(limit, _PEOPLE_AT_ONCE)
        if kind is Kind.CORRECTIONS and self.rights.scope is not None:
            limit = min(limit, _LOOKED_UP)
        page = self._store.outbox.page(
            kind,
            self.positions[kind],
            now=now,
            limit=limit,
            scope=self.rights.scope,
            vectors=self.rights.vectors,
        )
        self._add(load, page.records, now)
        load.reached[kind] = page.reached
        if kind is Kind.EVENTS:
            load.events = len(page.records)
        return page.is_last and load.room > _WRITES_AN_EVENT

    def _take_back(self, load: Load) -> None:
        """Vectors that were sent while that was wanted go."""
        for person_id in list(self.vectors)[:_PEOPLE_AT_ONCE]:
            load.add(self._writer.vectors(person_id, (), self.vectors[person_id]))
            load.vectors[person_id] = []
            load.more = load.more or len(self.vectors) > _PEOPLE_AT_ONCE

    def _add_derived(self, load: Load, now: datetime, left_out: set[Kind]) -> None:
        load.gone, said, load.forgotten = self._store.outbox.deletions(limit=load.room // 4)
        sends = self.rights.visits and (self.made_here or load.events > 0)
        if not sends:
            said = [each for each in said if each.collection not in _DERIVED]
        if self.rights.scope is not None:
            said = [each for each in said if each.collection != "zone_stays"]
        self._add(load, said, now)
        if load.gone:
            load.more = True
        for kind in _DERIVED if sends else ():
            if kind not in left_out and not self._take(load, kind, now):
                load.more = True
                return

    def _add(self, load: Load, records: Iterable[Unsent], now: datetime) -> None:
        for unsent in records:
            try:
                if unsent.problem:
                    raise ValueError(unsent.problem)
                if isinstance(unsent.record, UnsentPerson):  # before the profile, which tells readers to look at them
                    self._add_vectors(load, unsent.record)
                load.add(list(self._writer.writes_of(unsent)))
            except (ValueError, TypeError) as error:
                refused = Parked(
                    collection=unsent.collection, record_id=unsent.record_id, reason=f"no document: {error}", at=now
                )
                load.refused.append(refused)

    def _add_vectors(self, load: Load, record: UnsentPerson) -> None:
        person_id = record.person.person_id
        load.add(self._writer.vectors(person_id, record.vectors, self.vectors.get(person_id, ())))
        if record.vectors or person_id in self.vectors:
            load.vectors[person_id] = [layout.vector_id(model, vector) for model, vector in record.vectors]
