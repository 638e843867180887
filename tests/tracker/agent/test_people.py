"""People who are renamed, enrolled, merged or forgotten while an agent sees them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tracker.puppets import ADA, BOB, EVE, NOON, Stage, face_of, scene


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path / "gym.sqlite3")


def visitor_of(stage: Stage) -> str:
    return next(person_id for person_id in stage.names() if person_id.startswith("v-"))


def test_person_enrolled_meanwhile_is_named_on_the_next_track(stage: Stage) -> None:
    stage.play([*scene(0, 2), lambda: stage.enrol("Ada", ADA), *scene(3, 10), *scene(10.5, 15, ADA)])
    assert [(kind, second) for _, kind, second, _ in stage.reported()] == [("enter", 10.5), ("exit", 15)]
    assert list(stage.names().values()) == ["Ada"]


def test_visitor_renamed_meanwhile_keeps_the_name_and_the_visit(stage: Stage) -> None:
    def rename() -> None:
        stage.store.people.rename(visitor_of(stage), "The postwoman")

    stage.play([*scene(0, 5, EVE), rename, *scene(5.5, 10, EVE)])
    (visit,) = stage.visits(100)
    assert (stage.names()[visit[0]], visit[1:]) == ("The postwoman", (0, 10))


def test_visitor_enrolled_meanwhile_stays_the_same_person(stage: Stage) -> None:
    def enrol() -> None:
        stage.store.people.promote(visitor_of(stage), "Eve", consented_at=NOON)

    stage.play([*scene(0, 5, EVE), enrol, *scene(5.5, 60), *scene(60.5, 65, EVE)])
    assert {stage.names()[person_id] for person_id, *_ in stage.visits(1000)} == {"Eve"}
    assert len(stage.names()) == 1
    assert [match.authorised for match in stage.store.matches.select()] == [False, True]


def test_visitor_merged_meanwhile_goes_on_as_the_other_in_one_visit(stage: Stage) -> None:
    ada = stage.enrol("Ada", ADA)

    def merge() -> None:
        stage.store.people.merge(visitor_of(stage), ada)

    stage.play([*scene(0, 5, EVE), merge, *scene(5.5, 20, EVE), *scene(20.5, 60)])
    assert stage.visits(1000) == [(ada, 0, 20)]
    assert stage.reported() == [(ada, "enter", 0, False), (ada, "exit", 20, False)]
    assert stage.names() == {ada: "Ada"}


@pytest.mark.parametrize("people", [(EVE, ADA), (EVE,), (ADA,)], ids=["both-stay", "the-visitor-stays", "she-stays"])
def test_two_presences_that_turn_out_to_be_one_person_become_one_visit(stage: Stage, people: tuple[int, ...]) -> None:
    ada = stage.enrol("Ada", ADA)

    def merge() -> None:
        stage.store.people.merge(visitor_of(stage), ada)

    stage.play([*scene(0, 5, EVE, ADA), merge, *scene(5.5, 20, *people), *scene(20.5, 60)])
    assert stage.visits(1000) == [(ada, 0, 20)]
    assert stage.store.cameras.presences() == []


@pytest.mark.parametrize("erase", [True, False], ids=["with-history", "without"])
def test_person_forgotten_meanwhile_leaves_nothing_and_is_a_stranger_from_then_on(stage: Stage, erase: bool) -> None:
    ada = stage.enrol("Ada", ADA)

    def forget() -> None:
        assert [each.person_id for each in stage.store.cameras.presences()] == [ada]
        stage.store.people.forget(ada, erase)

    stage.play([*scene(0, 5, ADA), forget, *scene(5.5, 20, ADA)])
    assert {match.person_id for match in stage.store.matches.select()} == {visitor_of(stage)}
    assert ada not in {person_id for person_id, *_ in stage.reported()}
    visits = stage.visits(1000)
    assert [person_id[:2] for person_id, *_ in visits] == (["v-"] if erase else ["x-", "v-"])
    assert 5 < visits[-1][1] <= 7.5
    assert visits[-1][2] == 20


def test_visitor_forgotten_meanwhile_is_not_written_back(stage: Stage) -> None:
    gone: list[str] = []

    def forget() -> None:
        gone.append(visitor_of(stage))
        stage.store.people.forget(gone[0], True)

    stage.play([*scene(0, 5, EVE), forget, *scene(5.5, 20, EVE)])
    assert gone[0] not in stage.names()
    assert list(stage.names().values()) == ["Visitor 1"]
    assert [(start > 5, end) for _, start, end in stage.visits(1000)] == [(True, 20)]


def test_person_whose_pictures_change_is_known_by_the_new_ones(stage: Stage) -> None:
    bob = stage.enrol("Bob", BOB)

    def add() -> None:
        stage.store.people.add_vectors(bob, face_of(EVE)[None])

    stage.play([*scene(0, 2), add, *scene(3, 10), *scene(10.5, 15, EVE)])
    assert {person_id for person_id, *_ in stage.reported()} == {bob}


def test_visitor_who_stays_away_for_a_month_is_somebody_new(stage: Stage) -> None:
    day = 86400.0
    stage.play([*scene(0, 5, EVE), *scene(5.5, 60)])
    stage.play([*scene(29 * day, 29 * day + 5, EVE), *scene(29 * day + 5.5, 29 * day + 60)])
    assert list(stage.names().values()) == ["Visitor 1"]
    stage.play(scene(60 * day, 60 * day + 5))  # an agent erases the vectors; the next one has none of them
    stage.play(scene(60 * day + 10, 60 * day + 15, EVE))
    assert sorted(stage.names().values()) == ["Visitor 1", "Visitor 2"]
    assert len({person_id for person_id, *_ in stage.visits(61 * day)}) == 2
