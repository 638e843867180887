"""People whom nobody enrolled, known again when they return."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations

import numpy as np

from config.settings import MatchSettings
from tracker.identity.gallery import DIMENSION, Gallery
from tracker.identity.match import distances
from tracker.presence.events import content_id, time_text
from tracker.presence.people import Person, PersonKind
from tracker.vision.faces import FloatArray

VECTORS_A_VISITOR = 8
SAME_SHARE = 0.9
"""A track within this share of `max_distance` of two visitors shows that both are one person."""
_FACES_TO_MERGE = 4
_PAIRS_KEPT = 50_000
_DIFFERENT = 0.2
"""A vector nearer than this to one that is kept says nothing new."""
_NAME = re.compile(r"^Visitor ([0-9]{1,9})(?: \([0-9]{1,9}\))?$")
"""The label of a visitor whom nobody named, with the number that a store adds where it is taken (`free_label`)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Visitor:
    """A visitor as the store should have it.

    vectors: (K, D), K at most VECTORS_A_VISITOR. changed: since last told. absorbed: ids of visitors who turned out to
    be this one, and are visitors no more.
    """

    person: Person
    vectors: FloatArray
    changed: bool
    absorbed: tuple[str, ...] = ()


class Visitors:
    """The visitors known so far. The same calls in the same order give the same ids.

    Each visitor keeps the first face as an anchor and a few that differ; a face joins only when it is near the anchor,
    so that a visitor cannot wander off into somebody else. Two visitors become one when a track is clearly both (seen
    from a side that links a profile to a frontal face, say), unless they were once seen side by side or people gave
    both a name.
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
        self._together: dict[frozenset[str], None] = {}

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
                return self._merged(medians, vectors) or self._seen_again(best, vectors)
            if medians[best] <= self._settings.stranger_distance:
                return None
        return self._new(vectors, at=at, camera_id=camera_id, track_id=track_id)

    def seen_together(self, person_ids: Iterable[str]) -> None:
        """These are in one frame: they are different people, whatever they look like."""
        visitors = sorted({person_id for person_id in person_ids if person_id in self._people})
        for pair in combinations(visitors, 2):
            self._together[frozenset(pair)] = None
        while len(self._together) > _PAIRS_KEPT:
            del self._together[next(iter(self._together))]

    def keep_apart_as(self, earlier: Visitors) -> None:
        """Take over who was seen together from what stood here before."""
        self._together = earlier._together

    def _merged(self, medians: FloatArray, vectors: FloatArray) -> Visitor | None:
        """One visitor out of several whom the faces clearly show; None where they show one only."""
        if len(vectors) < _FACES_TO_MERGE:
            return None
        clear = np.flatnonzero(medians <= SAME_SHARE * self._settings.max_distance)
        if len(clear) < 2:
            return None
        found = [self._people[self._gallery.people[place]] for place in clear]
        kept, *others = sorted(found, key=lambda each: (_is_label(each.name), each.created_at, each.person_id))
        absorbed = [other for other in others if self._may_be_one(kept, other)]
        if not absorbed:
            return None
        joined = _in_turn([self._vectors_of(each.person_id) for each in (kept, *absorbed)])
        for each in (kept, *absorbed):
            self._gallery = self._gallery.without(each.person_id)
        for each in absorbed:
            del self._people[each.person_id]
        self._gallery = self._gallery.with_person(kept.person_id, joined)
        gone = tuple(each.person_id for each in absorbed)
        return Visitor(person=kept, vectors=joined, changed=True, absorbed=gone)

    def _may_be_one(self, kept: Person, other: Person) -> bool:
        return _is_label(other.name) and frozenset((kept.person_id, other.person_id)) not in self._together

    def _vectors_of(self, person_id: str) -> FloatArray:
        return self._gallery.vectors[self._gallery.rows_of(self._gallery.people.index(person_id))]

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


def _is_label(name: str) -> bool:
    """Whether nobody has named the visitor yet."""
    return _NAME.match(name) is not None


def _in_turn(several: Sequence[FloatArray]) -> FloatArray:
    """The first rows of each, one of each in turn, as many as are kept for one visitor."""
    longest = max(len(vectors) for vectors in several)
    rows = [vectors[row] for row in range(longest) for vectors in several if row < len(vectors)]
    return np.stack(rows[:VECTORS_A_VISITOR])


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
