"""Enrolling people: the vectors of their pictures, with their consent. The audit trail has the number of them only."""

from __future__ import annotations

from collections.abc import Sequence

from config.errors import PeopleError
from tracker.actions.actor import Actor
from tracker.actions.operation import Operation, changing
from tracker.actions.people import require
from tracker.presence.documents import encode
from tracker.presence.people import Consent, Person, PersonKind
from tracker.store.audit import SubjectKind
from tracker.store.store import Store
from tracker.store.users import UserRole
from tracker.vision.faces import FloatArray

ENROL = Operation(name="people.enrol", words="enrolled", least=UserRole.DESK)
ADD = Operation(name="people.add_pictures", words="added pictures", least=UserRole.DESK)
OPERATIONS = (ENROL, ADD)


def enrol(store: Store, actor: Actor, person: Person, vectors: FloatArray, *, sources: Sequence[str] = ()) -> int:
    """Add a person who consented, with the vectors (N, D) of their pictures. Returns the id of the audit entry.

    sources: the names of the pictures. Raises PeopleError without consent or a vector, and as `store.people.add` does.
    """
    with changing(store, actor, ENROL) as change:
        _require_vectors(vectors)
        if person.consented_at is None:
            raise _no_consent(person.name)
        store.people.add(person, vectors, sources=sources)
        after = {"person": encode(person), "pictures": len(vectors)}
        change.record(SubjectKind.PERSON, person.person_id, before={"person": None}, after=after)
    return change.audit_id


def add_pictures(
    store: Store,
    actor: Actor,
    person_id: str,
    vectors: FloatArray,
    *,
    consent: Consent | None,
    sources: Sequence[str] = (),
) -> int:
    """Add the vectors (N, D) of pictures to an enrolled person. Returns the id of the audit entry.

    consent: of the person, kept where they had not agreed to its text. sources: the names of the pictures. Raises
    PeopleError when nobody is enrolled under the id, without consent, or without a vector.
    """
    with changing(store, actor, ADD) as change:
        _require_vectors(vectors)
        person = require(store, person_id)
        if person.kind is not PersonKind.ENROLLED:
            raise PeopleError(f"{person.name} is a visitor", fix="name and enrol the visitor first")
        if consent is None:
            raise _no_consent(person.name)
        known = store.people.vector_counts().get(person.person_id, 0)
        if consent.version not in {"", person.consent_version}:
            store.people.update(person.with_consent(consent))
        store.people.add_vectors(person.person_id, vectors, sources=sources, consent=consent)
        change.record(
            SubjectKind.PERSON,
            person.person_id,
            before={"person": encode(person), "pictures": known},
            after={"person": encode(require(store, person.person_id)), "pictures": known + len(vectors)},
        )
    return change.audit_id


def _require_vectors(vectors: FloatArray) -> None:
    if not len(vectors):
        raise PeopleError("there is no picture to recognise anybody from", fix="take or upload at least one")


def _no_consent(name: str) -> PeopleError:
    return PeopleError(f"{name} did not agree to be recognised", fix="ask them, and tick that they agree")
