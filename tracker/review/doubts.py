"""Visits that rest on doubtful matches alone: was that really the person?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tracker.identity.gallery import Gallery
from tracker.identity.review import RunnerUp, doubt, runner_up
from tracker.presence.events import Match
from tracker.presence.people import Person
from tracker.presence.sessions import Session
from tracker.review.rules import ReviewRules, sessions_by_person
from tracker.store.reviews import DoubtLimits
from tracker.store.store import Store

MOST_MATCHES = 1000
"""Doubtful matches that are looked at, the latest first."""
_NEAR = timedelta(minutes=2)
"""A match belongs to a visit that begins or ends so near: a door sees the face before it crosses the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtfulVisit:
    """A visit of an enrolled person all of whose matches are in doubt.

    match: the least doubtful of them; doubt: of that match, 0..1. limit: the greatest match distance of the person.
    matches: all of them, by time. vectors: how many of the faces behind them are kept. runner_up: whom those resemble
    most besides the person; None without faces or without anybody else.
    """

    person: Person
    visit: Session
    match: Match
    doubt: float
    limit: float
    matches: tuple[Match, ...]
    vectors: int = 0
    runner_up: RunnerUp | None = None


def doubtful_visits(store: Store, rules: ReviewRules, enrolled: Gallery, now: datetime) -> tuple[DoubtfulVisit, ...]:
    """Visits within `store.evidence_days` that were not reviewed, the most doubtful first. Raises StoreError.

    A visit with one match that is out of doubt is that person's, whatever the others are like.
    """
    since = now - rules.evidence
    doubtful = store.reviews.doubtful(rules.site_id, since=since, limits=_limits(rules), limit=MOST_MATCHES)
    person_ids = list(dict.fromkeys(str(each.person_id) for each in doubtful))
    visits = sessions_by_person(store, rules, person_ids, since=since - _NEAR, now=now)
    matches = store.reviews.matches(rules.site_id, person_ids, since=since)
    people = {person.person_id: person for person in store.people.some(person_ids)}
    reviewed = store.reviews.reviewed_matches()
    found = []
    for visit, theirs in _by_visit(matches, visits):
        person = people.get(visit.person_id)
        if person is not None and reviewed.isdisjoint(each.match_id for each in theirs):
            found.append(_judged(person, visit, theirs, rules, enrolled))
    doubted = sorted((each for each in found if each.doubt), key=lambda each: (-each.doubt, each.match.at))
    return _with_faces(store, doubted, enrolled)


def _limits(rules: ReviewRules) -> DoubtLimits:
    """Where `doubt` begins."""
    match = rules.match
    return DoubtLimits(max_distance=match.max_distance, below_limit=2 * match.clear_by, margin=2 * match.min_margin)


def _by_visit(
    matches: Iterable[Match], visits: Mapping[str, Sequence[Session]]
) -> Iterator[tuple[Session, tuple[Match, ...]]]:
    """Each visit with the matches that belong to it; matches outside of every visit are left out."""
    by_id: dict[str, Session] = {}
    found: dict[str, list[Match]] = defaultdict(list)
    for match in matches:
        visit = _visit_of(match, visits[str(match.person_id)])
        if visit is not None:
            by_id[visit.session_id] = visit
            found[visit.session_id].append(match)
    return ((by_id[session_id], tuple(theirs)) for session_id, theirs in found.items())


def _visit_of(match: Match, visits: Iterable[Session]) -> Session | None:
    """The visit during which the match was, else the one that is nearest."""
    away = [(_away(match, visit), visit) for visit in visits]
    nearest = min(away, key=lambda each: each[0], default=None)
    return nearest[1] if nearest is not None and nearest[0] <= _NEAR else None


def _away(match: Match, visit: Session) -> timedelta:
    """How far a match is from a visit, 0 within it."""
    before = visit.started_at - match.at
    after = timedelta(0) if visit.ended_at is None else match.at - visit.ended_at
    return max(before, after, timedelta(0))


def _judged(
    person: Person, visit: Session, matches: tuple[Match, ...], rules: ReviewRules, enrolled: Gallery
) -> DoubtfulVisit:
    limit = enrolled.limits.get(person.person_id, rules.match.max_distance)
    doubts = [doubt(each.distance, each.margin, limit, rules.match) for each in matches]
    least = min(range(len(matches)), key=doubts.__getitem__)
    return DoubtfulVisit(
        person=person, visit=visit, match=matches[least], doubt=doubts[least], limit=limit, matches=matches
    )


def _with_faces(store: Store, visits: Sequence[DoubtfulVisit], enrolled: Gallery) -> tuple[DoubtfulVisit, ...]:
    """The visits with what is known from the faces behind their matches."""
    vectors, match_ids = store.reviews.evidence(match.match_id for each in visits for match in each.matches)
    rows: dict[str, list[int]] = defaultdict(list)
    for row, match_id in enumerate(match_ids):
        rows[match_id].append(row)
    found = []
    for each in visits:
        own = [row for match in each.matches for row in rows[match.match_id]]
        rival = runner_up(vectors[own], each.person.person_id, enrolled) if own else None
        found.append(replace(each, vectors=len(own), runner_up=rival))
    return tuple(found)
