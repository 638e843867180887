"""People who are renamed, enrolled, merged or forgotten while an agent sees them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tracker.fake_cameras import ADA, BOB, EVE, NOON, AgentHarness, at, face_of, scene
from tracker.actions import reassigning, undo, visits
from tracker.actions.actor import Actor
from tracker.presence.people import Consent
from tracker.store.store import Store
from tracker.store.users import UserRole
from tracker.vision.embedders import SFACE

ANN = Actor("Ann", UserRole.DESK)


@pytest.fixture
def harness(tmp_path: Path) -> AgentHarness:
    return AgentHarness(tmp_path / "gym.sqlite3")


def visitor_of(harness: AgentHarness) -> str:
    return next(person_id for person_id in harness.names() if person_id.startswith("v-"))


def test_person_enrolled_meanwhile_is_named_on_the_next_track(harness: AgentHarness) -> None:
    harness.play([*scene(0, 2), lambda: harness.enrol("Ada", ADA), *scene(3, 10), *scene(10.5, 15, ADA)])
    assert [(kind, second) for _, kind, second, _ in harness.reported()] == [("enter", 10.5), ("exit", 15)]
    assert list(harness.names().values()) == ["Ada"]


def test_visitor_renamed_meanwhile_keeps_the_name_and_the_visit(harness: AgentHarness) -> None:
    def rename() -> None:
        harness.store.people.rename(visitor_of(harness), "The postwoman")

    harness.play([*scene(0, 5, EVE), rename, *scene(5.5, 10, EVE)])
    (visit,) = harness.visits(100)
    assert (harness.names()[visit[0]], visit[1:]) == ("The postwoman", (0, 10))


def test_visitor_enrolled_meanwhile_stays_the_same_person(harness: AgentHarness) -> None:
    def enrol() -> None:
        harness.store.people.promote(visitor_of(harness), "Eve", consent=Consent(at=NOON))

    harness.play([*scene(0, 5, EVE), enrol, *scene(5.5, 60), *scene(60.5, 65, EVE)])
    assert {harness.names()[person_id] for person_id, *_ in harness.visits(1000)} == {"Eve"}
    assert len(harness.names()) == 1
    assert [match.authorised for match in harness.store.matches.select()] == [False, True]


def test_visitor_merged_meanwhile_goes_on_as_the_other_in_one_visit(harness: AgentHarness) -> None:
    ada = harness.enrol("Ada", ADA)

    def merge() -> None:
        harness.store.people.merge(visitor_of(harness), ada)

    harness.play([*scene(0, 5, EVE), merge, *scene(5.5, 20, EVE), *scene(20.5, 60)])
    assert harness.visits(1000) == [(ada, 0, 20)]
    assert harness.reported() == [(ada, "enter", 0, False), (ada, "exit", 20, False)]
    assert harness.names() == {ada: "Ada"}


@pytest.mark.parametrize("people", [(EVE, ADA), (EVE,), (ADA,)], ids=["both-stay", "the-visitor-stays", "she-stays"])
def test_two_presences_that_turn_out_to_be_one_person_become_one_visit(
    harness: AgentHarness, people: tuple[int, ...]
) -> None:
    ada = harness.enrol("Ada", ADA)

    def merge() -> None:
        harness.store.people.merge(visitor_of(harness), ada)

    harness.play([*scene(0, 5, EVE, ADA), merge, *scene(5.5, 20, *people), *scene(20.5, 60)])
    assert harness.visits(1000) == [(ada, 0, 20)]
    assert harness.store.cameras.presences() == []


@pytest.mark.parametrize("erase", [True, False], ids=["with-history", "without"])
def test_person_forgotten_meanwhile_leaves_nothing_and_is_a_stranger_from_then_on(
    harness: AgentHarness, erase: bool
) -> None:
    ada = harness.enrol("Ada", ADA)

    def forget() -> None:
        assert [each.person_id for each in harness.store.cameras.presences()] == [ada]
        harness.store.people.forget(ada, erase)

    harness.play([*scene(0, 5, ADA), forget, *scene(5.5, 20, ADA)])
    assert {match.person_id for match in harness.store.matches.select()} == {visitor_of(harness)}
    assert ada not in {person_id for person_id, *_ in harness.reported()}
    visits = harness.visits(1000)
    assert [person_id[:2] for person_id, *_ in visits] == (["v-"] if erase else ["x-", "v-"])
    assert 5 < visits[-1][1] <= 7.5
    assert visits[-1][2] == 20


def test_visitor_forgotten_meanwhile_is_not_written_back(harness: AgentHarness) -> None:
    gone: list[str] = []

    def forget() -> None:
        gone.append(visitor_of(harness))
        harness.store.people.forget(gone[0], True)

    harness.play([*scene(0, 5, EVE), forget, *scene(5.5, 20, EVE)])
    assert gone[0] not in harness.names()
    assert list(harness.names().values()) == ["Visitor 1"]
    assert [(start > 5, end) for _, start, end in harness.visits(1000)] == [(True, 20)]


def test_person_whose_pictures_change_is_known_by_the_new_ones(harness: AgentHarness) -> None:
    bob = harness.enrol("Bob", BOB)

    def add() -> None:
        harness.store.people.add_vectors(bob, face_of(EVE)[None])

    harness.play([*scene(0, 2), add, *scene(3, 10), *scene(10.5, 15, EVE)])
    assert {person_id for person_id, *_ in harness.reported()} == {bob}


def test_visitor_who_stays_away_for_a_month_is_somebody_new(harness: AgentHarness) -> None:
    day = 86400.0
    harness.play([*scene(0, 5, EVE), *scene(5.5, 60)])
    harness.play([*scene(29 * day, 29 * day + 5, EVE), *scene(29 * day + 5.5, 29 * day + 60)])
    assert list(harness.names().values()) == ["Visitor 1"]
    harness.play(scene(60 * day, 60 * day + 5))  # an agent erases the vectors; the next one has none of them
    harness.play(scene(60 * day + 10, 60 * day + 15, EVE))
    assert sorted(harness.names().values()) == ["Visitor 1", "Visitor 2"]
    assert len({person_id for person_id, *_ in harness.visits(61 * day)}) == 2


def open_visit(harness: AgentHarness) -> str:
    """The id of the visit of whom the camera has in view."""
    (visit,) = [each for each in harness.store.sessions.select(site_id="gym", now=at(5)) if each.ended_at is None]
    return visit.session_id


@pytest.mark.parametrize("restart", [False, True], ids=["she-stays-in-view", "the-agent-is-restarted"])
def test_a_visit_that_a_user_gave_to_somebody_else_ends_as_theirs(harness: AgentHarness, restart: bool) -> None:
    harness.enrol("Ada", ADA)
    bob = harness.enrol("Bob", BOB)

    def give() -> None:
        reassigning.reassign(
            harness.store, ANN, site_id="gym", session_id=open_visit(harness), to=bob, embedder=lambda: SFACE
        )

    first, later = scene(0, 5, ADA), [*scene(5.5, 20, ADA), *scene(20.5, 90)]
    if restart:
        harness.play(first, frames=len(first))
        give()
        harness.play(later)
    else:
        harness.play([*first, give, *later])
    assert harness.visits(1000) == [(bob, 0, 20)]
    assert harness.store.cameras.presences() == []


def test_a_visit_that_was_given_back_ends_as_before(harness: AgentHarness) -> None:
    ada, bob = harness.enrol("Ada", ADA), harness.enrol("Bob", BOB)

    def give() -> None:
        change = reassigning.reassign(
            harness.store, ANN, site_id="gym", session_id=open_visit(harness), to=bob, embedder=lambda: SFACE
        )
        undo.undo(harness.store, ANN, change)

    harness.play([*scene(0, 5, ADA), give, *scene(5.5, 20, ADA), *scene(20.5, 90)])
    assert harness.visits(1000) == [(ada, 0, 20)]


def test_a_visit_that_a_user_voided_does_not_come_back_with_its_exit(harness: AgentHarness) -> None:
    harness.enrol("Ada", ADA)

    def void() -> None:
        visits.void(harness.store, ANN, site_id="gym", session_id=open_visit(harness))

    harness.play([*scene(0, 5, ADA), void, *scene(5.5, 20, ADA), *scene(20.5, 90)])
    assert harness.visits(1000) == []


def test_a_visit_whose_start_a_user_corrected_ends_when_she_leaves(harness: AgentHarness) -> None:
    harness.store.close()
    harness.store = Store(harness.path, clock=lambda: at(1000)).open()
    ada = harness.enrol("Ada", ADA)

    def move() -> None:
        visits.move(harness.store, ANN, site_id="gym", session_id=open_visit(harness), entered_at=at(2))

    harness.play([*scene(0, 5, ADA), move, *scene(5.5, 20, ADA), *scene(20.5, 90)])
    assert harness.visits(1000) == [(ada, 2, 20)]
