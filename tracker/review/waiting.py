"""All that waits for a review, for the command line and the pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tracker.identity.known import enrolled_gallery
from tracker.review.doubts import DoubtfulVisit, doubtful_visits
from tracker.review.rules import ReviewRules
from tracker.review.strangers import Stranger, strangers
from tracker.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What waits for a review. strangers: most visits first. visits: the most doubtful first.

    names: of the people whom they resemble, by person id.
    """

    strangers: tuple[Stranger, ...]
    visits: tuple[DoubtfulVisit, ...]
    names: Mapping[str, str]

    def __len__(self) -> int:
        return len(self.strangers) + len(self.visits)


def waiting(store: Store, rules: ReviewRules, now: datetime) -> Waiting:
    """What waits as of now. Raises StoreError."""
    enrolled = enrolled_gallery(store.people)
    found, visits = strangers(store, rules, enrolled, now), doubtful_visits(store, rules, enrolled, now)
    like = [each.like for each in found] + [each.runner_up for each in visits]
    names = {person.person_id: person.name for person in store.people.some(x.person_id for x in like if x is not None)}
    return Waiting(strangers=found, visits=visits, names=names)
