"""A place with strangers and doubtful visits, for the tests of the review."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from tests.tracker.review.places import Place, face
from tracker.store.store import Store

STRANGER, SAME, ONCE = "Visitor 1", "Visitor 2", "Visitor 3"
WEEK_H = 7 * 24.0


def fill(path: Path, now: datetime) -> None:
    """Ada and Ben, a stranger of two visitors who comes every week, another who came once, two doubtful visits."""
    with Store(path) as store:
        place = Place(store, now=now)
        ada, ben = place.enrol("Ada Lovelace", face(1)), place.enrol("Ben Okri", face(2))
        often, same, once = (
            place.visitor(1, face(3)),
            place.visitor(2, face(3, 0.5)),
            place.visitor(3, face(2, 1.02, 9)),
        )
        for week in (1, 2, 3):
            place.visit(often, week * WEEK_H, week * WEEK_H - 1, camera="door-1")
        place.visit(same, WEEK_H - 24, WEEK_H - 25, camera="door-1")
        place.visit(once, 26, 25, camera="door-2")
        place.doubtful_visit(ada, 5, face(1, 0.97, towards=2), face(1, 0.9, towards=20), distance=0.98)
        place.doubtful_visit(ben, 30, distance=0.95)
