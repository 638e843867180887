"""The people whom one machine can recognise, enrolled people and visitors, shared by its cameras."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

import numpy as np

from config.errors import ModelError
from config.recognition import MatchSettings
from tracker.identity.current_rule import CurrentRule
from tracker.identity.gallery import Gallery
from tracker.identity.limits import match_settings
from tracker.identity.match import Nearest
from tracker.identity.rules import Comparison, LinearRule
from tracker.identity.visitors import Visitor, Visitors
from tracker.presence.people import Person, PersonKind
from tracker.vision.embedders import SFACE, EmbedderSpec
from tracker.vision.faces import FloatArray

SavedVisitor = tuple[Person, FloatArray]
"""A visitor and all their vectors (K, D)."""


class PeopleStore(Protocol):
    """The part of the store that is needed here."""

    def all(self) -> list[Person]: ...
    def network(self) -> str | None: ...
    def vectors(self, kind: PersonKind) -> tuple[FloatArray, tuple[str, ...]]: ...
    def limits(self) -> dict[str, float]: ...
    def negatives(self) -> tuple[FloatArray, tuple[str, ...]]: ...
    def version(self) -> int: ...
    def fitted_rule(self, fingerprint: str) -> tuple[tuple[str, ...], FloatArray] | None: ...
    def save_fitted_rule(self, fingerprint: str, person_ids: Sequence[str], weights: FloatArray) -> bool: ...


def enrolled_gallery(store: PeopleStore) -> Gallery:
    """The enrolled people as recognition compares them: with their own limits, and the faces marked as not theirs."""
    enrolled = Gallery.of(*store.vectors(PersonKind.ENROLLED))
    return enrolled.with_exceptions(store.limits(), *store.negatives())


class KnownPeople:
    """Gallery, visitors and names: those of the store, and visitors that are not saved yet. Thread-safe."""

    def __init__(self, settings: MatchSettings, embedder: EmbedderSpec = SFACE) -> None:
        """settings: as given; `match` has those for the size of the gallery. embedder: of all vectors."""
        self._given = settings
        self.embedder = embedder
        self._lock = threading.Lock()
        self._version: int | None = None
        self._people: dict[str, Person] = {}
        self._compared = Comparison(Gallery.empty(), match_settings(settings, embedder, people=0))
        self._rule = CurrentRule(self._use)
        self._visitors = Visitors(self.match, embedder)
        self._unsaved: dict[str, SavedVisitor] = {}
        self._merged: dict[str, str] = {}

    @property
    def match(self) -> MatchSettings:
        """The settings for as many people as are enrolled."""
        return self._compared.settings

    @property
    def gallery(self) -> Gallery:
        """The enrolled people."""
        return self._compared.gallery

    @property
    def compared(self) -> Comparison:
        """What faces are compared with. A rule that is being fitted anew is left out until it is ready."""
        return self._compared

    def closest(self, vectors: FloatArray) -> list[Nearest | None]:
        """The enrolled person of each of (Q, D) vectors; see `Comparison.closest`."""
        return self._compared.closest(vectors)

    def person(self, person_id: str) -> Person | None:
        """An enrolled person or visitor; None for an unknown, forgotten or merged id."""
        with self._lock:
            return self._people.get(person_id)

    def refresh(self, store: PeopleStore) -> None:
        """Reload when the store has changed since the last call.

        Raises StoreError, and ModelError when people were enrolled anew with another network meanwhile, or when the
        first call has to fit a rule and cannot, see `fit`.

        Holds the lock while reading, so that a visitor saved by another camera meanwhile is not lost.
        """
        with self._lock:
            version = store.version()
            if version != self._version:
                self._load(store)
                self._version = version

    def _load(self, store: PeopleStore) -> None:
        if store.network() not in (None, self.embedder.network):
            raise ModelError(
                f"the people in the store are now recognised by {store.network()}, not by {self.embedder.network}",
                fix="start this again",
            )
        people = {person.person_id: person for person in store.all()}
        gallery = enrolled_gallery(store)
        vectors, person_ids = store.vectors(PersonKind.VISITOR)
        self._unsaved = {key: each for key, each in self._unsaved.items() if _is_visitor(people.get(key))}
        for person, _ in self._unsaved.values():
            people.setdefault(person.person_id, person)
        for merged_id in self._merged:
            people.pop(merged_id, None)
        kept = [row for row, owner in enumerate(person_ids) if owner not in self._unsaved]
        rows = [vectors[kept], *(each for _, each in self._unsaved.values())]
        owners = [person_ids[row] for row in kept]
        owners += [key for key, (_, each) in self._unsaved.items() for _ in range(len(each))]
        stacked = np.concatenate([each for each in rows if each.size] or [vectors])
        match = match_settings(self._given, self.embedder, people=len(gallery.people))
        compared = Comparison(gallery, match, self._rule.of(store, match, gallery))
        visitors = Visitors(match, self.embedder, people=people.values(), vectors=stacked, person_ids=owners)
        visitors.copy_seen_together(self._visitors)
        self._visitors, self._compared, self._people = visitors, compared, people

    def _use(self, key: str, rule: LinearRule) -> None:
        """Use a rule that was fitted in the background, unless the people have changed again."""
        with self._lock:
            if key == self._rule.key:
                self._compared = replace(self._compared, rule=rule.in_order(self._compared.gallery.people))

    def visitor_for(self, vectors: FloatArray, *, at: datetime, camera_id: str, track_id: str) -> Visitor | None:
        """The known or new visitor of a stranger's track; None while undecided."""
        with self._lock:
            visitor = self._visitors.identify(vectors, at=at, camera_id=camera_id, track_id=track_id)
            if visitor is not None and visitor.changed:
                self._people[visitor.person.person_id] = visitor.person
                self._unsaved[visitor.person.person_id] = (visitor.person, visitor.vectors)
                for merged_id in visitor.merged:
                    self._merge(merged_id, visitor.person.person_id)
            return visitor

    def seen_together(self, person_ids: Iterable[str]) -> None:
        """Record that these are in one frame, so that they are never merged."""
        with self._lock:
            self._visitors.seen_together(person_ids)

    def _merge(self, merged_id: str, into_id: str) -> None:
        """Replace a visitor by another. An unsaved visitor is still saved, so that its history can be reassigned."""
        self._people.pop(merged_id, None)
        self._merged = {each: into_id if kept == merged_id else kept for each, kept in self._merged.items()}
        self._merged[merged_id] = into_id

    @property
    def unsaved_merges(self) -> tuple[tuple[str, str], ...]:
        """Merged visitors that are not saved yet: pairs of the merged id and the id that replaces it."""
        with self._lock:
            return tuple(self._merged.items())

    def merges_saved(self, saved: Iterable[tuple[str, str]]) -> None:
        """Mark as saved."""
        with self._lock:
            for merged_id, into_id in saved:
                if self._merged.get(merged_id) == into_id:
                    del self._merged[merged_id]

    @property
    def unsaved_visitors(self) -> tuple[SavedVisitor, ...]:
        """Visitors that are new or have new vectors since they were last saved."""
        with self._lock:
            return tuple(self._unsaved.values())

    def visitors_saved(self, saved: Iterable[SavedVisitor]) -> None:
        """Mark as saved."""
        with self._lock:
            for person, vectors in saved:
                current = self._unsaved.get(person.person_id)
                if current is not None and current[1] is vectors:
                    del self._unsaved[person.person_id]


def _is_visitor(person: Person | None) -> bool:
    """Whether the person is still a visitor, not enrolled meanwhile; also True before the visitor is saved."""
    return person is None or person.kind is PersonKind.VISITOR
