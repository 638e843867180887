"""A visit that was somebody else's: its events move to another person, and cameras learn whose faces these are not."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from config.errors import RecordError
from tracker.actions import corrections
from tracker.actions.actor import Actor
from tracker.actions.negatives import kept_faces, other_faces
from tracker.actions.operation import Change, Operation, changing
from tracker.actions.people import CHOOSE_LISTED, require
from tracker.actions.visits import events_of
from tracker.identity.gallery import NO_VECTORS
from tracker.presence.events import Action, Event
from tracker.presence.people import Person, PersonKind
from tracker.store.audit import AuditEntry, SubjectKind
from tracker.store.store import Store
from tracker.store.users import UserRole
from tracker.vision.embedders import EmbedderSpec

_LABEL = re.compile(r"Visitor ([0-9]{1,9})")


def reassign(
    store: Store,
    actor: Actor,
    *,
    site_id: str,
    session_id: str,
    to: str | None,
    embedder: Callable[[], EmbedderSpec],
    reason: str = "",
) -> int:
    """Give a visit to the person `to`, or to a new visitor where it was nobody known. Returns the audit entry's id.

    embedder: returns that of the store's vectors; called only where this machine has faces of the visit. The faces that
    cameras kept of it count as not the first person's from now on, unless they look like that person's own. Raises
    RecordError when there is no such visit or it is of that person already, PeopleError when nobody is known by the id.
    """
    with changing(store, actor, REASSIGN, reason=reason) as change:
        events = events_of(store, site_id, session_id, change.at)
        wrong = events[0].person_id
        person = _new_visitor(store, change.at) if to is None else require(store, to, fix=CHOOSE_LISTED)
        if person.person_id == wrong:
            raise RecordError(f"the visit is that of {person.name} already", fix="choose another person")
        moved = [replace(event, person_id=person.person_id, event_id="") for event in events]
        planned = [(Action.VOID, each) for each in events] + [(Action.ADD, each) for each in moved]
        more = {
            "person_id": person.person_id,
            "new_visitor": to is None,
            "negatives": _note_faces(store, wrong, events, embedder),
            "network": store.model,
        }
        corrections.correct(change, planned, kind=SubjectKind.VISIT, subject_id=session_id, more=more)
    return change.audit_id


def _undo(change: Change, entry: AuditEntry) -> None:
    corrections.undo(change, entry)
    change.store.people.delete_negatives(entry.after["negatives"], network=entry.after["network"])
    if entry.after["new_visitor"]:
        change.store.people.remove_unused_visitor(entry.after["person_id"])


REASSIGN = Operation(name="visits.reassign", words="gave the visit to another person", least=UserRole.DESK, undo=_undo)
OPERATIONS = (REASSIGN,)


def _note_faces(
    store: Store, person_id: str, events: Sequence[Event], embedder: Callable[[], EmbedderSpec]
) -> dict[str, list[int]]:
    """Mark the kept faces of the visit's tracks as not the person's. Returns the ids of the marks by the person's."""
    person = store.people.get(person_id)
    if person is None or person.kind is not PersonKind.ENROLLED:
        return {}  # visitors are told apart by their own faces alone
    tracks = dict.fromkeys(event.track_id for event in events)
    vectors, sources = kept_faces(store, person_id, tracks)
    others = other_faces(store, person, vectors, embedder()) if len(vectors) else []
    if not others:
        return {}
    marked = store.people.add_negatives(person.person_id, vectors[others], sources=[sources[row] for row in others])
    return {person.person_id: marked}


def _new_visitor(store: Store, now: datetime) -> Person:
    """A visitor under the next free label, without faces: cameras will know them by none of these."""
    labels = [_LABEL.fullmatch(each.name) for each in store.people.all(kind=PersonKind.VISITOR)]
    number = 1 + max((int(label[1]) for label in labels if label), default=0)
    while store.people.by_name(f"Visitor {number}") is not None:
        number += 1
    person = Person(
        person_id=f"v-{secrets.token_hex(5)}", name=f"Visitor {number}", created_at=now, kind=PersonKind.VISITOR
    )
    store.people.add(person, NO_VECTORS)
    return person
