"""Taking in people whom another machine enrolled: by id, never those who were forgotten here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from config.errors import PeopleError
from tracker.actions.actor import Actor
from tracker.actions.operation import Operation, changing, require
from tracker.identity.enrolment_checks import EnrolmentChecks, duplicates, lookalike
from tracker.presence.documents import encode
from tracker.presence.people import Person, PersonKind
from tracker.store import people_rows
from tracker.store.audit import SubjectKind
from tracker.store.people_copy import Faces, PersonCopy, faces_of
from tracker.store.store import Store
from tracker.store.users import UserRole
from tracker.vision.faces import FloatArray

IMPORT = Operation(name="people.import", words="imported from another machine", least=UserRole.ADMIN)
OPERATIONS = (IMPORT,)
_SAME_VECTOR = 1e-3


class Outcome(StrEnum):
    """What became of somebody in a gallery file."""

    ADDED = "added"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    FORGOTTEN = "forgotten"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedGallery:
    """The outcome for one person. faces: how many were added. problem: why nothing was, for a conflict.

    own_profile: whether the person has another name, role, groups, access or validity here, which stay.
    """

    person_id: str
    name: str
    outcome: Outcome
    faces: int = 0
    problem: str | None = None
    own_profile: bool = False


def import_gallery(
    store: Store, actor: Actor, people: Sequence[PersonCopy], checks: EnrolmentChecks
) -> list[ImportedGallery]:
    """Add people, and what is missing of those who are here, all in one transaction.

    A person is known by the id, or by an id that was merged. Who was forgotten here stays so. Somebody else of the same
    name, or of the same face unless the checks are forced, is a conflict that changes nothing. Raises NotAllowedError,
    StoreError, and PeopleError where the vectors do not fit those in the store.
    """
    require(actor, IMPORT)
    in_file = {each.person.person_id for each in people}
    with store.writing():
        done = [_one(store, actor, each, checks, in_file) for each in people]
        added = {each.person_id for each in done if each.outcome is Outcome.ADDED}
        limits = {each.person.person_id: each.limit for each in people if each.person.person_id in added}
        own = {person_id: limit for person_id, limit in limits.items() if limit is not None}
        if own:
            store.people.replace_limits({**store.people.limits(), **own})
    return done


def _one(
    store: Store, actor: Actor, copy: PersonCopy, checks: EnrolmentChecks, in_file: Iterable[str]
) -> ImportedGallery:
    person, ids = copy.person, (copy.person.person_id, *copy.former_ids)
    if any(store.people.is_forgotten(each) for each in ids):
        return ImportedGallery(person_id=person.person_id, name=person.name, outcome=Outcome.FORGOTTEN)
    here = next(filter(None, map(store.people.get, ids)), None)
    problem = _name_problem(store, person, here)
    if problem is None and here is None and not checks.force:
        problem = _face_problem(copy.faces[0], checks, in_file)
    if problem is not None:
        return ImportedGallery(person_id=person.person_id, name=person.name, outcome=Outcome.CONFLICT, problem=problem)
    if here is None:
        with changing(store, actor, IMPORT) as change:
            store.people.add(person, copy.faces[0], sources=copy.faces[1])
            _add_negatives(store, person.person_id, copy.negatives)
            _join(store, copy)
            after = {"person": encode(person), "pictures": len(copy.faces[0])}
            change.record(SubjectKind.PERSON, person.person_id, before={"person": None}, after=after)
        return ImportedGallery(
            person_id=person.person_id, name=person.name, outcome=Outcome.ADDED, faces=len(copy.faces[0])
        )
    return _update(store, actor, copy, here)


def _update(store: Store, actor: Actor, copy: PersonCopy, here: Person) -> ImportedGallery:
    """Add the faces that are missing of somebody who is here; a visitor here becomes enrolled as there."""
    known, known_negatives = faces_of(store, here.person_id)
    faces, negatives = _missing(copy.faces, known), _missing(copy.negatives, known_negatives)
    enrolled = replace(copy.person, person_id=here.person_id, created_at=here.created_at)
    promoted = here.kind is PersonKind.VISITOR
    consents = not promoted and here.consent is None and copy.person.consent is not None
    done = ImportedGallery(
        person_id=here.person_id,
        name=copy.person.name if promoted else here.name,
        outcome=Outcome.UPDATED if len(faces[0]) or len(negatives[0]) or promoted or consents else Outcome.UNCHANGED,
        faces=len(faces[0]),
        own_profile=not promoted and _profile(here) != _profile(enrolled),
    )
    if done.outcome is Outcome.UNCHANGED:
        return done
    with changing(store, actor, IMPORT) as change:
        if promoted:
            store.people.update(enrolled)
        store.people.add_vectors(here.person_id, faces[0], sources=faces[1], consent=copy.person.consent)
        _add_negatives(store, here.person_id, negatives)
        now = store.people.get(here.person_id) or here
        change.record(
            SubjectKind.PERSON,
            here.person_id,
            before={"person": encode(here), "pictures": len(known)},
            after={"person": encode(now), "pictures": len(known) + len(faces[0])},
        )
    return done


def _name_problem(store: Store, person: Person, here: Person | None) -> str | None:
    """Why the name cannot be the person's; none where an enrolled person keeps the name they have."""
    if here is not None and here.kind is PersonKind.ENROLLED:
        return None
    holder = store.people.by_name(person.name)
    if holder is None or (here is not None and holder.person_id == here.person_id):
        return None
    return f"somebody else is called {holder.name} here ({holder.person_id}): rename or merge them first"


def _face_problem(vectors: FloatArray, checks: EnrolmentChecks, in_file: Iterable[str]) -> str | None:
    """Why the faces cannot be a new person's: they match somebody here, who is not in the file as another person."""
    if not len(vectors):
        return None
    matches = duplicates(checks.gallery, vectors, checks.settings)
    twin = lookalike(matches, count=len(vectors))
    if twin is None or twin.person_id in in_file:
        return None
    return f"matches {checks.name_of(twin.person_id)}, who is enrolled here (distance {twin.distance:.2f})"


def _missing(faces: Faces, known: FloatArray) -> Faces:
    """The faces that are not among the known ones. Raises PeopleError where their lengths differ."""
    vectors, sources = faces
    if not len(vectors) or not len(known):
        return faces
    if vectors.shape[1] != known.shape[1]:
        raise PeopleError(
            f"vectors of {vectors.shape[1]} numbers do not fit those here, which have {known.shape[1]}",
            fix="import into a store of its own",
        )
    rows = [row for row, each in enumerate(vectors) if np.linalg.norm(known - each, axis=1).min() > _SAME_VECTOR]
    return vectors[rows], tuple(sources[row] for row in rows)


def _add_negatives(store: Store, person_id: str, negatives: Faces) -> None:
    if len(negatives[0]):
        store.people.add_negatives(person_id, negatives[0], sources=negatives[1])


def _join(store: Store, copy: PersonCopy) -> None:
    """What is recorded here under ids that were merged there is read as the person's."""
    with store.writing() as writing:
        for former_id in copy.former_ids:
            people_rows.join(writing, former_id, copy.person.person_id)


def _profile(person: Person) -> tuple[object, ...]:
    return person.name, person.role, person.groups, person.access, person.valid_from, person.valid_until
