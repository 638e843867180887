"""One visit in detail: how it was derived, the matches behind it, and who changed it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from dashboard.queries import Board
from dashboard.wording import camera_text
from tracker.actions.undo import can_undo, words
from tracker.presence.events import OPERATOR, Match
from tracker.presence.explain import Edge, in_words
from tracker.presence.sessions import Session
from tracker.reports.text import printable
from tracker.store.audit import AuditEntry, SubjectKind

_MATCHES = 20
_CHANGES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A boundary of a visit. at: UTC, None while it goes on. camera: at which, empty for none. because: the rule."""

    edge: Edge
    at: datetime | None
    camera: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """A change of a visit, in words. undone_by: who undid it, empty where nobody has.

    undo: id of the entry that a button may undo, None where none may.
    """

    at: datetime
    actor: str
    words: str
    reason: str
    undone_by: str
    undo: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchRow:
    """A match behind a visit. taken_for: whose face it was taken for, empty where that is the person of the visit."""

    match: Match
    taken_for: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitDetail:
    """A visit. name: of its person. seen_at: when a camera had the person in view last, None where none has now."""

    visit: Session
    name: str
    seen_at: datetime | None
    steps: tuple[Step, ...]
    matches: tuple[MatchRow, ...]
    changes: tuple[ChangeRow, ...]


def visit_detail(board: Board, session_id: str) -> VisitDetail | None:
    """The visit of this id, with names: for those who may see them. None where there is none."""
    store, now = board.store(), board.now()
    rules = store.sites.rules(board.site_id)
    try:
        found = store.sessions.explain(session_id, site_id=board.site_id, now=now)
    except LookupError:
        return None
    person_id = found.session.person_id
    tracks = dict.fromkeys(event.track_id for event, _ in found.events if event.track_id != OPERATOR)
    seen = [each.seen_at for each in store.cameras.presences(site_id=board.site_id) if each.person_id == person_id]

    matches = store.matches.of_tracks(tracks, site_id=board.site_id, limit=_MATCHES)
    ids = {person_id, *(each.person_id for each in matches if each.person_id is not None)}
    names = {person.person_id: printable(person.name) for person in store.people.some(ids)}
    return VisitDetail(
        visit=found.session,
        name=names.get(person_id, person_id),
        seen_at=max(seen, default=None),
        steps=tuple(
            Step(
                edge=each.edge,
                at=each.at,
                camera="" if each.event is None else camera_text(each.event.camera_id),
                because=in_words(each.reason, rules),
            )
            for each in found.boundaries
        ),
        matches=tuple(
            MatchRow(match=each, taken_for="" if each.person_id == person_id else _name(each.person_id, names))
            for each in matches
        ),
        changes=_changes(store.audit.about(SubjectKind.VISIT, session_id, limit=_CHANGES)),
    )


def _name(person_id: str | None, names: Mapping[str, str]) -> str:
    return "nobody" if person_id is None else names.get(person_id, person_id)


def _changes(entries: list[AuditEntry]) -> tuple[ChangeRow, ...]:
    """Entries of the audit trail as rows, the latest first; the latest change that is in force can be undone."""
    made = [each for each in entries if each.undoes is None]
    actors = {each.audit_id: each.actor for each in entries}
    in_force = next((each.audit_id for each in made if each.undone_by is None), None)
    return tuple(
        ChangeRow(
            at=each.at,
            actor=each.actor,
            words=words(each),
            reason=each.reason,
            undone_by="" if each.undone_by is None else actors.get(each.undone_by, "somebody"),
            undo=each.audit_id if each.audit_id == in_force and can_undo(each) else None,
        )
        for each in made
    )
