"""Faces that are not a person's: marked, so that they match the person no more, and the marks removed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from config.errors import PeopleError
from tracker.actions.actor import Actor
from tracker.actions.corrections import changed_since
from tracker.actions.operation import Change, Operation, changing
from tracker.actions.people import require
from tracker.identity.gallery import Gallery
from tracker.identity.match import distances
from tracker.presence.people import Person
from tracker.store.audit import AuditEntry, SubjectKind
from tracker.store.store import Store
from tracker.store.users import UserRole
from tracker.vision.embedders import EmbedderSpec
from tracker.vision.faces import FloatArray


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Faces:
    """Faces of somebody else. vectors: (N, D). sources: the picture or track of each. reach: a face nearer than that
    to the person's own may be theirs.
    """

    vectors: FloatArray
    sources: tuple[str, ...]
    reach: float


def _undo(change: Change, entry: AuditEntry) -> None:
    marks = entry.after
    count = change.store.people.delete_negatives(marks["negatives"], network=marks["network"])
    if count != sum(map(len, marks["negatives"].values())):
        raise changed_since("")
    change.record(SubjectKind.PERSON, entry.subject_id, before=marks, after=entry.before)


MARK = Operation(name="people.not", words="marked faces as not theirs", least=UserRole.DESK, undo=_undo)
CLEAR = Operation(name="people.not_clear", words="removed the faces marked as not theirs", least=UserRole.DESK)
OPERATIONS = (MARK, CLEAR)


def mark(store: Store, actor: Actor, person_id: str, faces: Sequence[Faces], *, force: bool = False) -> int:
    """Mark faces as not the person's. Returns the id of the audit entry, which has the ids of the marks.

    Raises PeopleError where a face looks like the person's own, unless `force`, and where nobody has the id.
    """
    with changing(store, actor, MARK) as change:
        person = require(store, person_id)
        for each in faces:
            if not force:
                _require_others(store, person, each)
        ids = [
            negative_id
            for each in faces
            for negative_id in store.people.add_negatives(person.person_id, each.vectors, sources=each.sources)
        ]
        after = {"negatives": {person.person_id: ids}, "network": store.model}
        change.record(SubjectKind.PERSON, person.person_id, before={"negatives": {}}, after=after)
    return change.audit_id


def clear(store: Store, actor: Actor, person_id: str) -> int:
    """Remove all marks of a person. Returns how many there were."""
    with changing(store, actor, CLEAR) as change:
        person = require(store, person_id)
        count = store.people.clear_negatives(person.person_id)
        change.record(SubjectKind.PERSON, person.person_id, before={"faces": count}, after={"faces": 0})
    return count


def of_track(store: Store, person: Person, track_id: str, embedder: EmbedderSpec) -> Faces:
    """The faces of a track that was matched to the person. Raises PeopleError where there are none."""
    vectors, sources = kept_faces(store, person.person_id, [track_id])
    if not len(vectors):
        raise PeopleError(
            f"track {track_id[:80]} was not matched to {person.name}, or its vectors have expired",
            fix="give a track that 'footfall track --explain' shows, or a picture of the other person",
        )
    return Faces(vectors=vectors, sources=sources, reach=embedder.embedding.same_face)


def kept_faces(store: Store, person_id: str, track_ids: Iterable[str]) -> tuple[FloatArray, tuple[str, ...]]:
    """The kept faces (N, D) of tracks that were matched to the person, and the track of each."""
    found, sources = [np.empty((0, 0), np.float32)], []
    for track_id in track_ids:
        vectors, taken_for = store.matches.evidence(track_id)
        own = vectors[[row for row, each in enumerate(taken_for) if each == person_id]]
        if len(own):
            found.append(own)
            sources += [track_id] * len(own)
    return np.concatenate(found[1:]) if sources else found[0], tuple(sources)


def other_faces(store: Store, person: Person, vectors: FloatArray, embedder: EmbedderSpec) -> list[int]:
    """The rows of those faces (N, D) that do not look like the person's own."""
    apart = _distances(store, person, vectors)
    return [row for row, distance in enumerate(apart) if distance > embedder.embedding.same_face]


def _require_others(store: Store, person: Person, faces: Faces) -> None:
    near = min(zip(_distances(store, person, faces.vectors), faces.sources, strict=True), default=(np.inf, ""))
    distance, source = near
    if distance <= faces.reach:
        raise PeopleError(
            f"{source[:80]} looks like {person.name} (distance {distance:.2f}): marking it would keep {person.name}"
            " from being recognised",
            fix="give a picture or track of the other person; if it is somebody who looks alike, add --force",
        )


def _distances(store: Store, person: Person, vectors: FloatArray) -> list[float]:
    """How far each face (N, D) is from the nearest of the person's own; infinite without any."""
    gallery = Gallery.of(*store.people.vectors(person.kind))
    if person.person_id not in gallery.people:
        return [np.inf] * len(vectors)
    found: list[float] = distances(gallery, vectors)[:, gallery.people.index(person.person_id)].tolist()
    return found
