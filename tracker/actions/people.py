"""Changes of people: name, groups, role, access, validity and consent, naming visitors, merging and forgetting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any, TypeAlias

from config.errors import PeopleError
from tracker.actions.actor import Actor
from tracker.actions.corrections import changed_since
from tracker.actions.operation import Change, Operation, changing
from tracker.identity.names import clean_group, clean_name
from tracker.presence.documents import decode, encode
from tracker.presence.people import Consent, Person, PersonKind, Role
from tracker.store.audit import AuditEntry, SubjectKind
from tracker.store.store import Store
from tracker.store.users import UserRole

CHOOSE_LISTED = "choose a person of the list"
"""What to do instead on a page."""

Validity: TypeAlias = tuple[date | None, date | None]
"""First and last local day, None for no limit."""


def _undo(change: Change, entry: AuditEntry) -> None:
    """Write the person as they were. Raises RecordError where they changed since, or got faces by their consent."""
    person, before = change.store.people.get(entry.subject_id), decode(Person, entry.before["person"])
    if person is None or encode(person) != entry.after.get("person") or _needs_consent(change.store, person, before):
        latest = change.store.audit.about(SubjectKind.PERSON, entry.subject_id, limit=1)
        raise changed_since(latest[0].actor if latest and latest[0].audit_id > entry.audit_id else "")
    _write(change, person, before)


def _needs_consent(store: Store, person: Person, before: Person) -> bool:
    """Whether the store has faces of a person who had not agreed before."""
    agreed_since = before.consented_at is None and person.consented_at is not None
    return agreed_since and store.people.vector_count(person.person_id) > 0


RENAME = Operation(name="people.rename", words="renamed", least=UserRole.DESK, undo=_undo)
PROFILE = Operation(name="people.profile", words="changed name or groups", least=UserRole.DESK, undo=_undo)
EDIT = Operation(
    name="people.edit", words="changed role, access, validity or consent", least=UserRole.ADMIN, undo=_undo
)
NAME = Operation(name="people.name", words="named", least=UserRole.DESK)
MERGE = Operation(name="people.merge", words="merged", least=UserRole.DESK)
FORGET = Operation(name="people.forget", words="forgot a person", least=UserRole.ADMIN)
OPERATIONS = (RENAME, PROFILE, EDIT, NAME, MERGE, FORGET)


def rename(store: Store, actor: Actor, person_id: str, name: str) -> int:
    """Give a person or visitor another name. Returns the id of the audit entry.

    Raises PeopleError when nobody has the id, or the name is taken or invalid.
    """
    with changing(store, actor, RENAME) as change:
        person = require(store, person_id)
        _write(change, person, replace(person, name=clean_name(name)))
    return change.audit_id


def edit_profile(store: Store, actor: Actor, person_id: str, *, name: str, groups: Sequence[str]) -> int:
    """Change name and groups of a person or visitor. Returns the id of the audit entry.

    Raises PeopleError when nobody has the id, the name is taken, or a name or the number of groups is invalid.
    """
    with changing(store, actor, PROFILE) as change:
        person = require(store, person_id)
        cleaned = tuple(map(clean_group, groups))
        called = name if name == person.name else clean_name(name)  # names of imported people may be anything
        _write(change, person, _changed(person, name=called, groups=cleaned))
    return change.audit_id


def edit(
    store: Store,
    actor: Actor,
    person_id: str,
    *,
    role: Role | None = None,
    access: bool | None = None,
    validity: Validity | None = None,
    consented: bool = False,
) -> int:
    """Change role, access or validity of an enrolled person, or record that they consented now; None: as it is.

    Returns the id of the audit entry. Raises PeopleError when nobody is enrolled under the id, or the validity ends
    before it begins.
    """
    with changing(store, actor, EDIT) as change:
        person = require(store, person_id)
        if person.kind is not PersonKind.ENROLLED:
            raise PeopleError(f"{person.name} is a visitor, who has no role", fix="name and enrol the visitor first")
        valid_from, valid_until = (person.valid_from, person.valid_until) if validity is None else validity
        after = _changed(
            person,
            role=person.role if role is None else role,
            access=person.access if access is None else access,
            valid_from=valid_from,
            valid_until=valid_until,
        )
        agrees = consented and person.consented_at is None
        _write(change, person, after.with_consent(_consent(change)) if agrees else after)
    return change.audit_id


def name_visitors(
    store: Store,
    actor: Actor,
    visitor_ids: Sequence[str],
    name: str,
    *,
    consented: bool = False,
    role: Role = Role.MEMBER,
) -> int:
    """Name visitors, who become one person: the known one of that name, else the first of them.

    consented: the person agreed to be recognised and is enrolled with the faces that cameras recorded. Returns the id
    of the audit entry. Raises PeopleError when one is no visitor, or the known person did not consent.
    """
    with changing(store, actor, NAME) as change:
        called = clean_name(name)
        people = [require(store, each) for each in dict.fromkeys(visitor_ids)]
        for person in people:
            if person.kind is not PersonKind.VISITOR:
                fix = "use 'footfall people rename' or 'footfall people merge' for enrolled people"
                raise PeopleError(f"{person.name} is enrolled", fix=fix)
        target = store.people.by_name(called) or people[0]
        consent = _consent(change) if consented else None
        for person in people:
            if person.person_id != target.person_id:
                store.people.merge(person.person_id, target.person_id, consent=consent)
        if target.kind is PersonKind.VISITOR and consent is not None:
            store.people.promote(target.person_id, called, consent=consent, role=role)
        elif target.kind is PersonKind.VISITOR:
            store.people.rename(target.person_id, called)
        _record(change, people, require(store, target.person_id))
    return change.audit_id


def merge(store: Store, actor: Actor, from_id: str, into_id: str) -> int:
    """Merge a person into another: visits and faces. Returns the id of the audit entry.

    Raises PeopleError as `store.people.merge` does.
    """
    with changing(store, actor, MERGE) as change:
        people = [require(store, each) for each in (from_id, into_id)]
        store.people.merge(people[0].person_id, people[1].person_id)
        _record(change, people, require(store, people[1].person_id))
    return change.audit_id


def forget(store: Store, actor: Actor, person_id: str, *, erase_history: bool) -> int:
    """Erase a person; cannot be undone. Returns the id of the audit entry, which does not say who it was.

    erase_history: delete the visits too, not only the identity. Raises PeopleError when nobody has the id, and
    StoreError as `store.people.forget` does.
    """
    with changing(store, actor, FORGET) as change:
        found = store.people.get(person_id)
        counts = {} if found is None else _counts(store, found.person_id)
        store.people.forget(person_id if found is None else found.person_id, erase_history)
        after = {"erased": ["name", "faces", "matches", *(["visits"] if erase_history else [])]}
        change.record(SubjectKind.PERSON, "", before=counts, after=after)
    return change.audit_id


def require(
    store: Store, person_id: str, *, fix: str = "'footfall people list' shows everybody and their ids"
) -> Person:
    """The person of this id, or into whom this id was merged. Raises PeopleError when there is none."""
    person = store.people.get(person_id)
    if person is None:
        raise PeopleError("nobody is known by this id", fix=fix)
    return person


def _changed(person: Person, **fields: Any) -> Person:
    """The person with other fields. Raises PeopleError where nobody can have them."""
    try:
        return replace(person, **fields)
    except ValueError as error:
        raise PeopleError(f"{person.name}: {error}", fix="give other values") from error


def _consent(change: Change) -> Consent:
    return Consent(at=change.at, by=change.actor.name)


def _write(change: Change, before: Person, after: Person) -> None:
    change.store.people.update(after)
    change.record(
        SubjectKind.PERSON, before.person_id, before={"person": encode(before)}, after={"person": encode(after)}
    )


def _record(change: Change, people: Sequence[Person], now: Person) -> None:
    change.record(
        SubjectKind.PERSON,
        now.person_id,
        before={"people": [encode(each) for each in people]},
        after={"person": encode(now)},
        others=[(SubjectKind.PERSON, each.person_id) for each in people],
    )


def _counts(store: Store, person_id: str) -> dict[str, Any]:
    return {"faces": store.people.vector_counts().get(person_id, 0)}
