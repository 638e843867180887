"""Answers in a review: what they change, and that they come back when they are undone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from config.errors import RecordError
from tests.tracker.actions.conftest import DESK
from tests.tracker.review.places import NOW, RULES, Place, face
from tracker.actions import people, reassigning, review
from tracker.actions.undo import undo
from tracker.presence.people import PersonKind
from tracker.review.waiting import Waiting, waiting
from tracker.store.store import Store
from tracker.vision.embedders import SFACE


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with Store(tmp_path / "footfall.sqlite3", clock=lambda: NOW) as store:
        yield Place(store)


@pytest.fixture
def ada(place: Place) -> str:
    return place.enrol("Ada", face(1))


def found(place: Place) -> Waiting:
    return waiting(place.store, RULES, NOW)


def counts(place: Place) -> dict[str, int]:
    return place.store.people.vector_counts()


def test_confirmed_visit_teaches_new_views_until_it_is_undone(place: Place, ada: str) -> None:
    place.doubtful_visit(ada, 5, face(1, 0.97, 20), face(1, 0.9, 30), face(1, 0.1, 40), face(1, 0.8, 50))
    (doubtful,) = found(place).visits
    audit_id = review.confirm(place.store, DESK, [doubtful], RULES)
    assert (counts(place), len(found(place))) == ({ada: 3}, 0)
    undo(place.store, DESK, audit_id)
    assert (counts(place), found(place).visits) == ({ada: 1}, (doubtful,))


def test_face_that_also_matches_somebody_else_is_not_learned(place: Place, ada: str) -> None:
    place.enrol("Ben", face(2))
    place.doubtful_visit(ada, 5, face(1, 0.7, towards=2))
    (doubtful,) = found(place).visits
    review.confirm(place.store, DESK, [doubtful], RULES)
    assert (counts(place)[ada], len(found(place))) == (1, 0)


def test_confirmation_is_not_undone_when_its_faces_are_gone(place: Place, ada: str) -> None:
    place.doubtful_visit(ada, 5, face(1, 0.9, 30))
    (doubtful,) = found(place).visits
    audit_id = review.confirm(place.store, DESK, [doubtful], RULES)
    entry = place.store.audit.get(audit_id)
    assert entry is not None
    place.store.people.delete_vectors(entry.after["vectors"], network=entry.after["network"])
    with pytest.raises(RecordError, match="changed since"):
        undo(place.store, DESK, audit_id)


def test_confirmation_is_not_undone_after_everybody_was_enrolled_anew(place: Place, ada: str) -> None:
    place.doubtful_visit(ada, 5, face(1, 0.97, 20), face(1, 0.9, 30))
    (doubtful,) = found(place).visits
    audit_id = review.confirm(place.store, DESK, [doubtful], RULES)
    found_anew = {ada: (np.stack([face(2), face(3), face(4)]), ["a", "b", "c"])}
    place.store.people.replace_network("other", found_anew, people=[ada])
    with pytest.raises(RecordError, match="changed since"):
        undo(place.store, DESK, audit_id)
    assert counts(place) == {ada: 3}


def test_ignored_visit_stays_away_until_it_is_undone(place: Place, ada: str) -> None:
    place.doubtful_visit(ada, 5, face(1, 0.9, 30))
    (doubtful,) = found(place).visits
    audit_id = review.ignore_visits(place.store, DESK, [doubtful])
    assert (counts(place), len(found(place))) == ({ada: 1}, 0)
    undo(place.store, DESK, audit_id)
    assert found(place).visits == (doubtful,)


def test_visit_of_somebody_else_leaves_the_review_and_returns_when_undone(place: Place, ada: str) -> None:
    place.doubtful_visit(ada, 5, face(1, 0.97, 20))
    (doubtful,) = found(place).visits
    audit_id = reassigning.reassign(
        place.store, DESK, site_id=RULES.site_id, session_id=doubtful.visit.session_id, to=None, embedder=lambda: SFACE
    )
    assert found(place).visits == ()
    assert len(place.store.people.negatives()[0]) == 1
    undo(place.store, DESK, audit_id)
    assert found(place).visits == (doubtful,)


def test_ignored_stranger_returns_when_it_is_undone(place: Place) -> None:
    visitor = place.visitor(1, face(3))
    place.visit(visitor, 5, 4)
    audit_id = review.ignore_visitors(place.store, DESK, [visitor])
    assert len(found(place)) == 0
    undo(place.store, DESK, audit_id)
    assert [each.person_ids for each in found(place).strangers] == [(visitor,)]


def test_visitors_become_one_with_all_visits(place: Place) -> None:
    ids = [place.visitor(number, face(3, 0.3 * number)) for number in (1, 2)]
    for hours, person_id in ((9, ids[0]), (5, ids[1])):
        place.visit(person_id, hours, hours - 1)
    review.merge_visitors(place.store, DESK, ids)
    (stranger,) = found(place).strangers
    assert (stranger.person_ids, stranger.visits, stranger.vectors) == ((ids[0],), 2, 2)


def test_named_stranger_has_past_visits_under_the_name_and_waits_no_more(place: Place) -> None:
    ids = [place.visitor(number, face(3, 0.3 * number)) for number in (1, 2)]
    for hours, person_id in ((9, ids[0]), (5, ids[1])):
        place.visit(person_id, hours, hours - 1)
    (stranger,) = found(place).strangers
    people.name_visitors(place.store, DESK, stranger.person_ids, "Eve Polastri", consented=True)
    person = place.store.people.by_name("Eve Polastri")
    assert person is not None
    assert (person.kind, person.consented_at) == (PersonKind.ENROLLED, NOW)
    visits = place.store.sessions.select(site_id=RULES.site_id, now=NOW)
    assert [visit.person_id for visit in visits] == [person.person_id] * 2
    assert len(found(place)) == 0
