"""Everybody whom one machine can know again: the enrolled and the visitors, shared by all its cameras."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

import numpy as np

from config.settings import MatchSettings
from tracker.identity.gallery import Gallery
from tracker.identity.visitors import Visitor, Visitors
from tracker.presence.people import Person, PersonKind
from tracker.vision.faces import FloatArray

SavedVisitor = tuple[Person, FloatArray]
"""A visitor and all vectors (K, D) kept for them."""


class PeopleStore(Protocol):
    """What is asked of a store here."""

    def all(self) -> list[Person]: ...
    def vectors(self, kind: PersonKind) -> tuple[FloatArray, tuple[str, ...]]: ...
    def limits(self) -> dict[str, float]: ...
    def negatives(self) -> tuple[FloatArray, tuple[str, ...]]: ...
    def version(self) -> int: ...


class KnownPeople:
    """Gallery, visitors and names as the store has them, with what it does not have yet. Safe to share by threads."""

    def __init__(self, settings: MatchSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._version: int | None = None
        self._gallery = Gallery.empty()
        self._people: dict[str, Person] = {}
        self._visitors = Visitors(settings)
        self._unsaved: dict[str, SavedVisitor] = {}
        self._absorbed: dict[str, str] = {}

    @property
    def gallery(self) -> Gallery:
        """The enrolled people."""
        return self._gallery

    def person(self, person_id: str) -> Person | None:
        """Somebody enrolled or a visitor; None for nobody, and for somebody who was forgotten or merged away."""
        with self._lock:
            return self._people.get(person_id)

    def refresh(self, store: PeopleStore) -> None:
        """Take over what others changed in the store since the last time. Raises StoreError.

        Others wait meanwhile: a visitor whom another camera saves while this reads must not be lost between the two.
        """
        with self._lock:
            version = store.version()
            if version != self._version:
                self._load(store)
                self._version = version

    def _load(self, store: PeopleStore) -> None:
        people = {person.person_id: person for person in store.all()}
        gallery = Gallery.of(*store.vectors(PersonKind.ENROLLED))
        gallery = gallery.with_exceptions(store.limits(), *store.negatives())
        vectors, person_ids = store.vectors(PersonKind.VISITOR)
        self._unsaved = {key: each for key, each in self._unsaved.items() if _still_visitor(people.get(key))}
        for person, _ in self._unsaved.values():
            people.setdefault(person.person_id, person)
        for gone_id in self._absorbed:
            people.pop(gone_id, None)
        kept = [row for row, owner in enumerate(person_ids) if owner not in self._unsaved]
        rows = [vectors[kept], *(each for _, each in self._unsaved.values())]
        owners = [person_ids[row] for row in kept]
        owners += [key for key, (_, each) in self._unsaved.items() for _ in range(len(each))]
        stacked = np.concatenate([each for each in rows if each.size] or [vectors])
        visitors = Visitors(self._settings, people=people.values(), vectors=stacked, person_ids=owners)
        visitors.keep_apart_as(self._visitors)
        self._visitors = visitors
        self._people, self._gallery = people, gallery

    def visitor_for(self, vectors: FloatArray, *, at: datetime, camera_id: str, track_id: str) -> Visitor | None:
        """The visitor whom a stranger's track shows, known or new; None while that cannot be told."""
        with self._lock:
            visitor = self._visitors.for_track(vectors, at=at, camera_id=camera_id, track_id=track_id)
            if visitor is not None and visitor.changed:
                self._people[visitor.person.person_id] = visitor.person
                self._unsaved[visitor.person.person_id] = (visitor.person, visitor.vectors)
                for gone_id in visitor.absorbed:
                    self._absorb(gone_id, visitor.person.person_id)
            return visitor

    def seen_together(self, person_ids: Iterable[str]) -> None:
        """These are in one frame, so that they cannot turn out to be one person."""
        with self._lock:
            self._visitors.seen_together(person_ids)

    def _absorb(self, gone_id: str, into_id: str) -> None:
        """One visitor is another from now on; who is not stored yet will be, so that the history can follow."""
        self._people.pop(gone_id, None)
        self._absorbed = {each: into_id if kept == gone_id else kept for each, kept in self._absorbed.items()}
        self._absorbed[gone_id] = into_id

    @property
    def unsaved_merges(self) -> tuple[tuple[str, str], ...]:
        """Visitors who turned out to be another: from which id into which, since that was last saved."""
        with self._lock:
            return tuple(self._absorbed.items())

    def merges_saved(self, saved: Iterable[tuple[str, str]]) -> None:
        """These are in the store now."""
        with self._lock:
            for gone_id, into_id in saved:
                if self._absorbed.get(gone_id) == into_id:
                    del self._absorbed[gone_id]

    @property
    def unsaved_visitors(self) -> tuple[SavedVisitor, ...]:
        """Visitors that are new, or look new ways, since they were last saved."""
        with self._lock:
            return tuple(self._unsaved.values())

    def visitors_saved(self, saved: Iterable[SavedVisitor]) -> None:
        """These are in the store now."""
        with self._lock:
            for person, vectors in saved:
                current = self._unsaved.get(person.person_id)
                if current is not None and current[1] is vectors:
                    del self._unsaved[person.person_id]


def _still_visitor(person: Person | None) -> bool:
    """Not in the store yet, or there as a visitor: nobody enrolled them meanwhile."""
    return person is None or person.kind is PersonKind.VISITOR
