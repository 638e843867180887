"""Strangers who wait for a name: visitors who are probably one person, with their visits and whom they resemble."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tracker.identity.gallery import Gallery
from tracker.identity.match import distances
from tracker.identity.review import Likeness, clusters, likeness
from tracker.identity.visitors import is_label
from tracker.presence.habit import Habit, habit_of
from tracker.presence.people import Person
from tracker.presence.sessions import Session
from tracker.review.rules import ReviewRules, sessions_by_person
from tracker.store.store import Store

MOST_COMPARED = 500
"""Visitors who are compared with one another: those with most visits."""
_TOGETHER = timedelta(minutes=5)
"""Visitors whose visits overlap for so long are two people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """Visitors who are probably one person.

    people: the one with most visits first. visits, first_seen, last_seen, habit, camera_id: of all of them together,
    within `store.visitor_days`; camera_id is where most visits began, None where no camera saw that. like: whom they
    resemble among enrolled people and named visitors.
    """

    people: tuple[Person, ...]
    visits: int
    first_seen: datetime
    last_seen: datetime
    habit: Habit
    camera_id: str | None
    vectors: int
    like: Likeness | None

    @property
    def person_ids(self) -> tuple[str, ...]:
        """The ids of the visitors."""
        return tuple(person.person_id for person in self.people)


def strangers(store: Store, rules: ReviewRules, enrolled: Gallery, now: datetime) -> tuple[Stranger, ...]:
    """Visitors without a name who were not reviewed, most visits first.

    A stranger who was reviewed returns when another visitor turns out to be the same person. Raises StoreError.
    """
    visitor_ids = store.reviews.strangers(rules.site_id, limit=MOST_COMPARED)
    people = {person.person_id: person for person in store.people.some(visitor_ids)}
    named = [each for each in visitor_ids if each in people and not is_label(people[each].name)]
    unnamed = [each for each in visitor_ids if each in people and each not in named]
    visitors = Gallery.of(*store.reviews.vectors(unnamed))
    known = enrolled.with_rows(*store.reviews.vectors(named))
    visits = sessions_by_person(store, rules, unnamed, since=now - rules.visitors, now=now)
    reviewed = store.reviews.reviewed_people()
    measured = distances(known, visitors.vectors)
    found: list[Stranger] = []
    for members in clusters(visitors, rules.match, apart=_together(visits.values())):
        if not reviewed.issuperset(members) and any(visits[each] for each in members):
            rows = [row for each in members for row in _rows(visitors, each)]
            like = likeness(measured[rows], known, rules.match)
            found.append(_stranger([people[each] for each in members], visits, rules, vectors=len(rows), like=like))
    return tuple(sorted(found, key=lambda each: (-each.visits, -each.last_seen.timestamp())))


def _rows(gallery: Gallery, person_id: str) -> range:
    rows = gallery.rows_of(gallery.people.index(person_id))
    return range(rows.start, rows.stop)


def _stranger(
    members: Iterable[Person],
    visits: Mapping[str, Sequence[Session]],
    rules: ReviewRules,
    *,
    vectors: int,
    like: Likeness | None,
) -> Stranger:
    people = sorted(members, key=lambda each: (-len(visits[each.person_id]), each.created_at))
    theirs = [visit for person in people for visit in visits[person.person_id]]
    cameras = Counter(visit.enter_camera_id for visit in theirs if visit.enter_camera_id is not None)
    return Stranger(
        people=tuple(people),
        visits=len(theirs),
        first_seen=min(visit.started_at for visit in theirs),
        last_seen=max(visit.ended_at or visit.started_at for visit in theirs),
        habit=habit_of([visit.started_at.astimezone(rules.zone) for visit in theirs]),
        camera_id=cameras.most_common(1)[0][0] if cameras else None,
        vectors=vectors,
        like=like,
    )


def _together(visits: Iterable[Sequence[Session]]) -> set[frozenset[str]]:
    """Pairs of people who were seen to be here at the same time."""
    seen = [
        (visit.started_at, visit.ended_at, visit.person_id)
        for of_person in visits
        for visit in of_person
        if visit.ended_at is not None and not visit.exit_inferred and not visit.enter_inferred
    ]
    pairs: set[frozenset[str]] = set()
    here: list[tuple[datetime, str]] = []
    for started_at, ended_at, person_id in sorted(seen):
        here = [(until, other_id) for until, other_id in here if until - started_at >= _TOGETHER]
        if ended_at - started_at >= _TOGETHER:
            pairs.update(frozenset((person_id, other_id)) for _, other_id in here if other_id != person_id)
            here.append((ended_at, person_id))
    return pairs
