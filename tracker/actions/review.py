"""Answers in a review: what is ignored, visitors who are one person, and matches that were right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from config.errors import PeopleError
from tracker.actions.actor import Actor
from tracker.actions.corrections import changed_since
from tracker.actions.operation import Change, Operation, changing
from tracker.actions.people import require
from tracker.identity.known import enrolled_gallery
from tracker.identity.review import learnable
from tracker.presence.documents import encode
from tracker.presence.people import Person, PersonKind
from tracker.review.doubts import DoubtfulVisit
from tracker.review.rules import ReviewRules
from tracker.store.audit import AuditEntry, SubjectKind
from tracker.store.store import Store
from tracker.store.users import UserRole


def _undo(change: Change, entry: AuditEntry) -> None:
    """Put the subject up for review again, without the vectors that were added. Raises RecordError without them."""
    done = entry.after
    count = change.store.people.delete_vectors(done["vectors"], network=done["network"])
    if count != sum(map(len, done["vectors"].values())):
        raise changed_since("")
    change.store.reviews.unmark(person_ids=done["people"], match_ids=done["matches"])
    change.record(entry.subject_kind, entry.subject_id, site_id=entry.site_id, before=done, after=entry.before)


IGNORE = Operation(name="review.ignore", words="ignored in the review", least=UserRole.DESK, undo=_undo)
CONFIRM = Operation(name="review.confirm", words="confirmed who it was", least=UserRole.DESK, undo=_undo)
MERGE = Operation(name="review.merge", words="merged visitors", least=UserRole.DESK)
OPERATIONS = (IGNORE, CONFIRM, MERGE)


def ignore_visitors(store: Store, actor: Actor, visitor_ids: Sequence[str]) -> int:
    """Keep visitors out of the review until another one joins them. Returns the id of the audit entry.

    Raises PeopleError when one is no visitor.
    """
    with changing(store, actor, IGNORE) as change:
        people = [_visitor(store, each) for each in dict.fromkeys(visitor_ids)]
        ids = [person.person_id for person in people]
        store.reviews.mark(person_ids=ids)
        others = [(SubjectKind.PERSON, each) for each in ids[1:]]
        change.record(SubjectKind.PERSON, ids[0], before=_state(), after=_state(people=ids), others=others)
    return change.audit_id


def ignore_visits(store: Store, actor: Actor, doubtful: Sequence[DoubtfulVisit]) -> int:
    """Keep doubtful visits of one site out of the review. Returns the id of the audit entry."""
    with changing(store, actor, IGNORE) as change:
        _record_visits(change, doubtful, vectors={})
    return change.audit_id


def confirm(store: Store, actor: Actor, doubtful: Sequence[DoubtfulVisit], rules: ReviewRules) -> int:
    """Record that doubtful visits were those of their people, and learn from the kept faces what is worth it.

    Nothing is learned of somebody who did not consent. Returns the id of the audit entry. Raises PeopleError when a
    person is not known any more.
    """
    with changing(store, actor, CONFIRM) as change:
        added: dict[str, list[int]] = {}
        for each in doubtful:
            added.setdefault(each.person.person_id, []).extend(_learn(store, each, rules))
        _record_visits(change, doubtful, vectors=added)
    return change.audit_id


def merge_visitors(store: Store, actor: Actor, visitor_ids: Sequence[str]) -> int:
    """Make visitors one, the first of them. Returns the id of the audit entry.

    Raises PeopleError when one is no visitor, or there are fewer than two.
    """
    with changing(store, actor, MERGE) as change:
        people = [_visitor(store, each) for each in dict.fromkeys(visitor_ids)]
        if len(people) < 2:
            raise PeopleError("one visitor alone cannot be merged", fix="select several visitors")
        kept, *others = people
        for person in others:
            store.people.merge(person.person_id, kept.person_id)
        change.record(
            SubjectKind.PERSON,
            kept.person_id,
            before={"people": [encode(each) for each in people]},
            after={"person": encode(kept)},
            others=[(SubjectKind.PERSON, each.person_id) for each in others],
        )
    return change.audit_id


def _visitor(store: Store, person_id: str) -> Person:
    person = require(store, person_id)
    if person.kind is not PersonKind.VISITOR:
        raise PeopleError(f"{person.name} is enrolled, and no visitor any more", fix="load the page again")
    return person


def _learn(store: Store, doubtful: DoubtfulVisit, rules: ReviewRules) -> list[int]:
    """Add the kept faces that are worth it to the person. Returns the ids of the vectors."""
    person = require(store, doubtful.person.person_id)
    vectors, match_ids = store.reviews.evidence(match.match_id for match in doubtful.matches)
    if person.kind is not PersonKind.ENROLLED or person.consented_at is None or not len(vectors):
        return []
    new_view = rules.embedder.embedding.new_view
    rows = learnable(vectors, person.person_id, enrolled_gallery(store.people), rules.match, new_view=new_view)
    tracks = {match.match_id: match.track_id for match in doubtful.matches}
    sources = [tracks[match_ids[row]] for row in rows]
    return store.people.add_vectors(person.person_id, vectors[rows], sources=sources) if rows else []


def _record_visits(change: Change, doubtful: Sequence[DoubtfulVisit], *, vectors: Mapping[str, list[int]]) -> None:
    """Mark the matches of visits as reviewed, and describe the change."""
    matches = [match.match_id for each in doubtful for match in each.matches]
    change.store.reviews.mark(match_ids=matches)
    first = doubtful[0].visit
    change.record(
        SubjectKind.VISIT,
        first.session_id,
        site_id=first.site_id,
        before=_state(),
        after=_state(matches=matches, vectors=vectors, network=change.store.model),
        others=[
            *((SubjectKind.VISIT, each.visit.session_id) for each in doubtful[1:]),
            *((SubjectKind.PERSON, each.person.person_id) for each in doubtful),
        ],
    )


def _state(
    *,
    people: Sequence[str] = (),
    matches: Sequence[str] = (),
    vectors: Mapping[str, list[int]] = MappingProxyType({}),
    network: str = "",
) -> dict[str, Any]:
    """What was reviewed, and the ids of the vectors that were added, by the id of their person, with their network."""
    return {"people": list(people), "matches": list(matches), "vectors": dict(vectors), "network": network}
