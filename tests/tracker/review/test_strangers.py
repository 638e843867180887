"""Strangers who wait for a name."""

from __future__ import annotations

from datetime import time

import pytest

from tests.tracker.review.places import NOW, RULES, Place, face, hours_ago
from tracker.identity.review import Resemblance
from tracker.presence.habit import Habit
from tracker.review.strangers import Stranger
from tracker.review.waiting import waiting

WEEK_H = 7 * 24


def strangers(place: Place) -> tuple[Stranger, ...]:
    return waiting(place.store, RULES, NOW).strangers


def names(place: Place) -> list[tuple[str, ...]]:
    return [tuple(person.name for person in each.people) for each in strangers(place)]


def test_visitors_who_are_probably_one_person_are_one_stranger(place: Place) -> None:
    often = place.visitor(1, face(1))
    same = place.visitor(2, face(1, 0.5))
    other = place.visitor(3, face(2))
    for week in (1, 2, 3):
        place.visit(often, week * WEEK_H, week * WEEK_H - 1, camera="door-1")
    place.visit(same, WEEK_H + 24, WEEK_H + 23, camera="door-2")
    place.visit(other, 5, 4)
    first, second = strangers(place)
    assert first.person_ids == (often, same)
    assert (first.visits, first.vectors, first.camera_id) == (4, 2, "door-1")
    assert (first.first_seen, first.last_seen) == (hours_ago(3 * WEEK_H), hours_ago(WEEK_H - 1))
    assert first.habit == Habit(weekdays=(0,), around=time(13, 0))
    assert second.person_ids == (other,)
    assert second.habit == Habit()


def test_strangers_with_most_visits_come_first_then_the_latest(place: Place) -> None:
    for number, visits in ((1, [9]), (2, [30, 20]), (3, [3])):
        person_id = place.visitor(number, face(number))
        for hours in visits:
            place.visit(person_id, hours, hours - 1)
    assert names(place) == [("Visitor 2",), ("Visitor 3",), ("Visitor 1",)]


def test_two_who_were_here_together_are_two_strangers(place: Place) -> None:
    for number in (1, 2):
        place.visit(place.visitor(number, face(1, 0.1 * number)), 3, 2)
    assert len(names(place)) == 2


def test_a_visit_that_nobody_saw_end_separates_nobody(place: Place) -> None:
    place.visit(place.visitor(1, face(1)), 3, None)
    place.visit(place.visitor(2, face(1, 0.2)), 2, None)
    assert len(names(place)) == 1


@pytest.mark.parametrize(
    ("distance", "resemblance"), [(0.8, Resemblance.STRONG), (1.02, Resemblance.NEAR), (1.1, Resemblance.SLIGHT)]
)
def test_stranger_resembles_an_enrolled_person(place: Place, distance: float, resemblance: Resemblance) -> None:
    ada = place.enrol("Ada", face(1))
    place.visit(place.visitor(1, face(1, distance)), 3, 2)
    (found,) = strangers(place)
    assert found.like is not None
    assert (found.like.person_id, found.like.resemblance) == (ada, resemblance)
    assert found.like.distance == pytest.approx(distance, abs=1e-3)
    assert waiting(place.store, RULES, NOW).names == {ada: "Ada"}


def test_named_visitor_is_no_stranger_but_somebody_to_resemble(place: Place) -> None:
    plumber = place.visitor(1, face(1), name="the plumber")
    for person_id in (plumber, place.visitor(2, face(1, 0.5))):
        place.visit(person_id, 3, 2)
    (found,) = strangers(place)
    assert found.people[0].name == "Visitor 2"
    assert found.like is not None
    assert found.like.person_id == plumber


def test_visitor_without_visits_or_vectors_does_not_wait(place: Place) -> None:
    place.visitor(1, face(1))
    faded = place.visitor(2, face(2))
    place.visit(faded, 3, 2)
    assert names(place) == [("Visitor 2",)]
    assert place.store.people.expire_visitors(hours_ago(1)) == 2
    assert names(place) == []


def test_reviewed_stranger_returns_with_another_visitor_only(place: Place) -> None:
    first = place.visitor(1, face(1))
    place.visit(first, 9, 8)
    place.store.reviews.mark(person_ids=[first])
    place.visit(first, 6, 5)
    assert names(place) == []
    place.visit(place.visitor(2, face(1, 0.4)), 3, 2)
    assert names(place) == [("Visitor 1", "Visitor 2")]


def test_nothing_waits_in_an_empty_store(place: Place) -> None:
    found = waiting(place.store, RULES, NOW)
    assert (len(found), found.names) == (0, {})
