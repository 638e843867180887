"""Visitors: people who are not enrolled, re-identified when they return."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations

import numpy as np

from config.recognition import MatchSettings
from tracker.identity.gallery import NO_VECTORS, Gallery
from tracker.identity.limits import confident_distance
from tracker.identity.match import distances
from tracker.presence.events import content_id, time_text
from tracker.presence.people import Person, PersonKind
from tracker.vision.embedders import SFACE, EmbedderSpec
from tracker.vision.faces import FloatArray

MAX_VECTORS = 8
_MIN_FACES_TO_MERGE = 4
_MAX_PAIRS = 50_000
_LABEL = re.compile(r"^Visitor ([0-9]{1,9})(?: \([0-9]{1,9}\))?$")
"""The automatic name of a visitor; the store appends a number where it is taken (`free_label`)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Visitor:
    """A visitor to save.

    vectors: (K, D), K at most MAX_VECTORS. changed: whether there is anything to save. merged: ids of visitors who were
    merged into this one.
    """

    person: Person
    vectors: FloatArray
    changed: bool
    merged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarPerson:
    """The person most similar to a visitor. distance: between the nearest two of their vectors.

    strong: the median distance of the visitor's vectors is confident, not only that of the nearest.
    """

    person_id: str
    other_id: str
    distance: float
    strong: bool


class Visitors:
    """The known visitors. Deterministic: the same calls in the same order give the same ids.

    Each visitor keeps the first face as an anchor and a few different ones; a face is added only when it is near the
    anchor, which prevents drift towards another person. Two visitors are merged when a track confidently matches both
    (for example one that links a profile to a frontal face), unless they were seen in one frame or both were named by
    users.
    """

    def __init__(
        self,
        settings: MatchSettings,
        embedder: EmbedderSpec = SFACE,
        *,
        people: Iterable[Person] = (),
        vectors: FloatArray | None = None,
        person_ids: Sequence[str] = (),
    ) -> None:
        """people, vectors (N, D), person_ids (one per row): from the store, each visitor's anchor first.

        Rows of other people are ignored. Raises ValueError when vectors and ids do not match.
        """
        self._settings = settings
        self._new_view = embedder.embedding.new_view
        self._people = {person.person_id: person for person in people if person.kind is PersonKind.VISITOR}
        rows = NO_VECTORS if vectors is None else vectors
        self._gallery = Gallery.of(rows, person_ids)
        for other in set(person_ids) - set(self._people):
            self._gallery = self._gallery.without(other)
        self._together: dict[frozenset[str], None] = {}

    def __len__(self) -> int:
        return len(self._people)

    def identify(self, vectors: FloatArray, *, at: datetime, camera_id: str, track_id: str) -> Visitor | None:
        """The visitor of a stranger's track, a returning or a new one.

        vectors: (K, D) good faces of the track (`Vote.stranger_vectors`). None while undecided, when the distance is
        between `max_distance` and `stranger_distance`: call again when the track has more faces. Uses the median over
        the faces, which is robust to outliers. Raises ValueError without vectors.
        """
        if not len(vectors):
            raise ValueError("vectors: expected at least one, got none")
        if self._gallery.people:
            medians = np.median(distances(self._gallery, vectors), axis=0)
            best = int(np.argmin(medians))
            if medians[best] <= self._settings.max_distance:
                return self._merged(medians, vectors) or self._returning(best, vectors)
            if medians[best] <= self._settings.stranger_distance:
                return None
        return self._new(vectors, at=at, camera_id=camera_id, track_id=track_id)

    def seen_together(self, person_ids: Iterable[str]) -> None:
        """Record that these are in one frame, so that they are different people."""
        visitors = sorted({person_id for person_id in person_ids if person_id in self._people})
        for pair in combinations(visitors, 2):
            self._together[frozenset(pair)] = None
        while len(self._together) > _MAX_PAIRS:
            del self._together[next(iter(self._together))]

    def copy_seen_together(self, earlier: Visitors) -> None:
        """Adopt the record of people seen together."""
        self._together = earlier._together

    def _merged(self, medians: FloatArray, vectors: FloatArray) -> Visitor | None:
        """Merge the visitors whom the faces confidently match; None if that is at most one."""
        if len(vectors) < _MIN_FACES_TO_MERGE:
            return None
        confident = np.flatnonzero(medians <= confident_distance(self._settings))
        if len(confident) < 2:
            return None
        found = [self._people[self._gallery.people[index]] for index in confident]
        kept, *others = sorted(found, key=lambda each: (is_label(each.name), each.created_at, each.person_id))
        merged = [other for other in others if self._mergeable(kept, other)]
        if not merged:
            return None
        vectors_kept = _interleaved([self._vectors_of(each.person_id) for each in (kept, *merged)])
        for each in (kept, *merged):
            self._gallery = self._gallery.without(each.person_id)
        for each in merged:
            del self._people[each.person_id]
        self._gallery = self._gallery.with_person(kept.person_id, vectors_kept)
        merged_ids = tuple(each.person_id for each in merged)
        return Visitor(person=kept, vectors=vectors_kept, changed=True, merged=merged_ids)

    def _mergeable(self, kept: Person, other: Person) -> bool:
        return is_label(other.name) and frozenset((kept.person_id, other.person_id)) not in self._together

    def _vectors_of(self, person_id: str) -> FloatArray:
        return self._gallery.vectors[self._gallery.rows_of(self._gallery.people.index(person_id))]

    def _returning(self, index: int, vectors: FloatArray) -> Visitor:
        person = self._people[self._gallery.people[index]]
        known = self._gallery.vectors[self._gallery.rows_of(index)]
        kept = self._extended(known, vectors)
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
        anchor = _medoid(vectors)
        kept = self._extended(vectors[anchor : anchor + 1], vectors)
        self._people[person_id] = person
        self._gallery = self._gallery.with_person(person_id, kept)
        return Visitor(person=person, vectors=kept, changed=True)

    def _extended(self, known: FloatArray, vectors: FloatArray) -> FloatArray:
        """The known vectors, anchor first, plus those that are near the anchor and differ from all kept ones."""
        kept = known[:MAX_VECTORS]
        for vector in vectors:
            if len(kept) == MAX_VECTORS:
                break
            to_kept = np.linalg.norm(kept - vector, axis=1)
            if to_kept[0] <= self._settings.max_distance and to_kept.min() >= self._new_view:
                kept = np.concatenate([kept, vector[None]])
        return kept

    def _next_number(self) -> int:
        found = (_LABEL.match(person.name) for person in self._people.values())
        return 1 + max((int(match.group(1)) for match in found if match), default=0)


def similar_people(visitors: Gallery, enrolled: Gallery, settings: MatchSettings) -> dict[str, SimilarPerson]:
    """By visitor id: the nearest enrolled person or other visitor within the match distance."""
    found: dict[str, SimilarPerson] = {}
    for index, person_id in enumerate(visitors.people):
        vectors = visitors.vectors[visitors.rows_of(index)]
        candidates = [
            similar
            for gallery in (visitors, enrolled)
            if (similar := _nearest(person_id, vectors, gallery, settings)) is not None
        ]
        if candidates:
            found[person_id] = min(candidates, key=lambda each: each.distance)
    return found


def mergeable_pairs(found: dict[str, SimilarPerson]) -> list[tuple[str, ...]]:
    """Pairs of visitors who are each other's nearest with a strong similarity."""
    pairs: list[tuple[str, ...]] = []
    for person_id, similar in found.items():
        back = found.get(similar.other_id)
        if similar.strong and back is not None and back.strong and back.other_id == person_id:
            pair = (person_id, similar.other_id)
            if pair[::-1] not in pairs:
                pairs.append(pair)
    return pairs


def _nearest(person_id: str, vectors: FloatArray, gallery: Gallery, settings: MatchSettings) -> SimilarPerson | None:
    measured = distances(gallery, vectors)
    if person_id in gallery.people:
        measured[:, gallery.people.index(person_id)] = np.inf
    if not measured.size:
        return None
    index = int(np.argmin(measured.min(axis=0)))
    other_id, distance = gallery.people[index], float(measured[:, index].min())
    if distance > gallery.limits.get(other_id, settings.max_distance):
        return None
    strong = float(np.median(measured[:, index])) <= confident_distance(settings)
    return SimilarPerson(person_id=person_id, other_id=other_id, distance=distance, strong=strong)


def is_label(name: str) -> bool:
    """Whether the name is automatic, not given by a user."""
    return _LABEL.match(name) is not None


def _interleaved(several: Sequence[FloatArray]) -> FloatArray:
    """Rows of each in round-robin order, up to MAX_VECTORS."""
    longest = max(len(vectors) for vectors in several)
    rows = [vectors[row] for row in range(longest) for vectors in several if row < len(vectors)]
    return np.stack(rows[:MAX_VECTORS])


def _medoid(vectors: FloatArray) -> int:
    """The row with the smallest sum of distances to the others."""
    pairwise = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    return int(np.argmin(pairwise.sum(axis=1)))
