"""People whom nobody enrolled, known again when they return."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from config.settings import MatchSettings
from tracker.faces.faces import FloatArray
from tracker.identity.gallery import DIMENSION, Gallery
from tracker.identity.match import distances
from tracker.presence.events import content_id, time_text
from tracker.presence.people import Person, PersonKind

VECTORS_A_VISITOR = 8
_DIFFERENT = 0.2
"""A vector nearer than this to one that is kept says nothing new."""
_NAME = re.compile(r"^Visitor ([0-9]{1,9})$")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Visitor:
    """A visitor as the store should have it. vectors: (K, D), K at most VECTORS_A_VISITOR; changed: since last told."""

    person: Person
    vectors: FloatArray
    changed: bool


class Visitors:
    """The visitors known so far. The same calls in the same order give the same ids.

    Each visitor keeps the first face as an anchor and a few that differ; a face joins only when it is near the anchor,
    so that a visitor cannot wander off into somebody else.
    """

    def __init__(
        self,
        settings: MatchSettings,
        *,
        people: Iterable[Person] = (),
        vectors: FloatArray | None = None,
        person_ids: Sequence[str] = (),
    ) -> None:
        """people, vectors (N, D), person_ids (one a row): as the store has them, each visitor's anchor first.

        Rows of others are passed over. Raises ValueError when vectors and ids do not fit each other.
        """
        self._settings = settings
        self._people = {person.person_id: person for person in people if person.kind is PersonKind.VISITOR}
        rows = np.empty((0, DIMENSION), np.float32) if vectors is None else vectors
        self._gallery = Gallery.of(rows, person_ids)
        for other in set(person_ids) - set(self._people):
            self._gallery = self._gallery.without(other)

    def __len__(self) -> int:
        return len(self._people)

    def for_track(self, vectors: FloatArray, *, at: datetime, camera_id: str, track_id: str) -> Visitor | None:
        """The visitor whom a stranger's track shows: one who was here before, or a new one.

        vectors: (K, D) good faces of the track (`Vote.stranger_vectors`). None in the dead zone, where they are too
        near to a visitor to be new and too far to be the same: ask again when the track has more faces. Decided by the
        median over the faces, so that one odd face decides nothing. Raises ValueError without a vector.
        """
        if not len(vectors):
            raise ValueError("vectors: expected at least one, got none")
        if self._gallery.people:
            medians = np.median(distances(self._gallery, vectors), axis=0)
            best = int(np.argmin(medians))
            if medians[best] <= self._settings.max_distance:
                return self._seen_again(best, vectors)
            if medians[best] <= self._settings.stranger_distance:
                return None
        return self._new(vectors, at=at, camera_id=camera_id, track_id=track_id)

    def _seen_again(self, place: int, vectors: FloatArray) -> Visitor:
        person = self._people[self._gallery.people[place]]
        known = self._gallery.vectors[self._gallery.rows_of(place)]
        kept = _enriched(known, vectors, reach=self._settings.max_distance)
        if len(kept) > len(known):
            self._gallery = self._gallery.with_person(person.person_id, kept[len(known) :])
        return Visitor(person=person, vectors=kept, changed=len(kept) > len(known))

    def _new(self, vectors: FloatArray, *, at: datetime, camera_id: str, track_id: str) -> Visitor:
        digits = content_id(camera_id, track_id, time_text(at))
        while (person_id := f"v-{digits[:10]}") in self._people:
            digits = content_id(digits)
        person = Person(
            person_id=person_id,
            name=f"Visitor {self._next_number()}",
            created_at=at,
            kind=PersonKind.VISITOR,
        )
        anchor = _middle(vectors)
        kept = _enriched(vectors[anchor : anchor + 1], vectors, reach=self._settings.max_distance)
        self._people[person_id] = person
        self._gallery = self._gallery.with_person(person_id, kept)
        return Visitor(person=person, vectors=kept, changed=True)

    def _next_number(self) -> int:
        found = (_NAME.match(person.name) for person in self._people.values())
        return 1 + max((int(match.group(1)) for match in found if match), default=0)


def _middle(vectors: FloatArray) -> int:
    """The row nearest to all the others."""
    apart = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    return int(np.argmin(apart.sum(axis=1)))


def _enriched(known: FloatArray, vectors: FloatArray, *, reach: float) -> FloatArray:
    """The known vectors, the anchor first, and those of the others that are near the anchor and say something new."""
    kept = known[:VECTORS_A_VISITOR]
    for vector in vectors:
        if len(kept) == VECTORS_A_VISITOR:
            break
        apart = np.linalg.norm(kept - vector, axis=1)
        if apart[0] <= reach and apart.min() >= _DIFFERENT:
            kept = np.concatenate([kept, vector[None]])
    return kept
