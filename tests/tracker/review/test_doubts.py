"""Visits that rest on doubtful matches alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from config.recognition import MatchSettings
from tests.tracker.fake_cameras import ADA, BLENDED, AgentHarness, at, scene
from tests.tracker.review.places import NOW, RULES, Place, face, hours_ago
from tracker.review.doubts import DoubtfulVisit
from tracker.review.rules import ReviewRules
from tracker.review.waiting import waiting


def doubts(place: Place, rules: ReviewRules = RULES) -> tuple[DoubtfulVisit, ...]:
    return waiting(place.store, rules, NOW).visits


@pytest.fixture
def ada(place: Place) -> str:
    return place.enrol("Ada", face(1))


def test_doubtful_visit_has_its_match_and_the_runner_up(place: Place, ada: str) -> None:
    ben = place.enrol("Ben", face(2))
    match = place.doubtful_visit(ada, 5, face(1, 0.97, towards=2), face(1, 0.9))
    (found,) = doubts(place)
    assert (found.person.name, found.match, found.matches) == ("Ada", match, (match,))
    assert (found.visit.started_at, found.visit.ended_at) == (hours_ago(5), hours_ago(4))
    assert (found.vectors, found.limit) == (2, 1.05)
    assert found.doubt == pytest.approx(2 / 3, abs=0.01)
    assert found.runner_up is not None
    assert found.runner_up.person_id == ben
    assert found.runner_up.distance == pytest.approx(
        float(np.linalg.norm(face(1, 0.97, towards=2) - face(2))), abs=1e-3
    )
    assert waiting(place.store, RULES, NOW).names == {ben: "Ben"}


@pytest.mark.parametrize(
    ("distance", "margin", "doubtful"),
    [
        pytest.param(0.9, 0.4, False, id="clear"),
        pytest.param(0.95, 0.4, True, id="near-the-limit"),
        pytest.param(0.9, 0.08, True, id="small-margin"),
        pytest.param(0.9, None, False, id="nobody-else"),
    ],
)
def test_distance_and_margin_decide(
    place: Place, ada: str, distance: float, margin: float | None, doubtful: bool
) -> None:
    track = place.visit(ada, 5, 4)
    place.match(ada, 5, distance=distance, margin=margin, track=track)
    assert bool(doubts(place)) is doubtful


def test_one_clear_match_clears_the_visit(place: Place, ada: str) -> None:
    place.doubtful_visit(ada, 5)
    place.match(ada, 4.5, distance=0.5, track="other-9")
    assert doubts(place) == ()


def test_visits_of_a_person_are_judged_one_by_one_and_the_most_doubtful_is_first(place: Place, ada: str) -> None:
    little = place.doubtful_visit(ada, 30, distance=0.94)
    much = place.doubtful_visit(ada, 5, distance=0.98)
    place.doubtful_visit(ada, 60, distance=0.5)
    assert [each.match for each in doubts(place)] == [much, little]


def test_several_doubtful_matches_of_a_visit_are_one_item(place: Place, ada: str) -> None:
    first = place.doubtful_visit(ada, 5, face(1, 0.9), distance=0.98)
    second = place.match(ada, 4.5, face(1, 0.8), face(1, 0.85), distance=0.95, track="hall-2", camera="hall")
    (found,) = doubts(place)
    assert (found.match, found.matches, found.vectors) == (second, (first, second), 3)


def test_person_with_a_limit_is_judged_by_it(place: Place, ada: str) -> None:
    place.doubtful_visit(ada, 5, distance=0.75)
    assert doubts(place) == ()
    place.store.people.replace_limits({ada: 0.85})
    (found,) = doubts(place)
    assert found.limit == 0.85


def test_match_outside_of_every_visit_and_of_a_visitor_does_not_wait(place: Place, ada: str) -> None:
    place.match(ada, 5, distance=0.98)
    visitor = place.visitor(1, face(3), name="the plumber")
    place.doubtful_visit(visitor, 5)
    assert doubts(place) == ()


def test_match_just_before_the_line_belongs_to_the_visit(place: Place, ada: str) -> None:
    track = place.visit(ada, 5, 4)
    place.match(ada, 5 + 1 / 60, distance=0.98, track=track)
    assert len(doubts(place)) == 1


def test_only_the_days_of_evidence_are_looked_at(place: Place, ada: str) -> None:
    place.doubtful_visit(ada, 30)
    assert len(doubts(place)) == 1
    assert doubts(place, replace(RULES, evidence=timedelta(days=1))) == ()
    assert doubts(place, replace(RULES, evidence=timedelta(0))) == ()


def test_vectors_that_were_deleted_leave_the_visit_in_doubt(place: Place, ada: str) -> None:
    place.doubtful_visit(ada, 5, face(1, 0.9))
    place.store.matches.drop_evidence(NOW)
    (found,) = doubts(place)
    assert (found.vectors, found.runner_up) == (0, None)


def test_reviewed_visit_stays_away_also_when_it_goes_on(place: Place, ada: str) -> None:
    match = place.doubtful_visit(ada, 5)
    place.store.reviews.mark(match_ids=[match.match_id])
    place.match(ada, 4.5, distance=0.98, track="hall-2")
    assert doubts(place) == ()


def test_merged_people_are_one(place: Place, ada: str) -> None:
    double = place.enrol("Ada L", face(1, 0.3))
    place.doubtful_visit(double, 5)
    place.store.people.merge(double, ada)
    (found,) = doubts(place)
    assert found.person.person_id == ada


def test_what_an_agent_records_waits_for_a_review(tmp_path: Path) -> None:
    """Ada, turned by 25 degrees from her picture: 0.43 away, where a track needs a face within 0.47."""
    match = MatchSettings(max_distance=0.52, stranger_distance=0.6, min_margin=0.05, clear_by=0.05)
    harness = AgentHarness(tmp_path / "agent.sqlite3", match=match)
    ada = harness.enrol("Ada", ADA)
    harness.play([*scene(0, 10, BLENDED + 5), *scene(10.5, 60), *scene(600, 610, ADA), *scene(610.5, 700)])
    with harness.store as store:
        found = waiting(store, replace(RULES, match=match), at(800)).visits
    (doubtful,) = found
    assert (doubtful.person.person_id, doubtful.visit.started_at) == (ada, at(0))
    assert doubtful.match.distance == pytest.approx(0.433, abs=0.001)
    assert doubtful.vectors > 0
