"""The end of an enrolment: questions before anything is saved, and what is saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from config.errors import NotAllowedError, PeopleError
from dashboard.enrolment.running import Enrolment, Enrolments
from dashboard.enrolment.saving import Answers, Question, Saved, name_problem, save
from tests.dashboard import boards
from tracker.actions.actor import Actor
from tracker.identity import networks
from tracker.identity.enrolment_checks import EnrolmentChecks
from tracker.identity.shots import Shot
from tracker.presence.people import Person, PersonKind
from tracker.store.observation import Observation
from tracker.store.store import Store
from tracker.store.users import UserRole

DESK = Actor("Ann", UserRole.DESK)
BEN = Person(person_id="p-ben", name="Ben", created_at=boards.NOW, consented_at=boards.NOW)
ZOE = Person(person_id="p-zoe", name="Zoe", created_at=boards.NOW, consented_at=boards.NOW)


def line(*positions: float) -> np.ndarray:
    """(N, 128): faces on a line, so that distances are differences."""
    vectors = np.zeros((len(positions), 128), np.float32)
    vectors[:, 1] = positions
    return vectors


def running(*positions: float, person_id: str = "", network: str = "sface") -> Enrolment:
    """An enrolment with a shot at each position, numbered from 1 on."""
    enrolment = Enrolments().begin("Ann", person_id=person_id)
    for vector in line(*positions):
        enrolment.add(Shot(vector=vector, quality=0.9, pose=None), network)
    return enrolment


@pytest.fixture
def people(path: Path, store: Store) -> Store:
    """The store, with Ben at 10 and a visitor at 20."""
    store.use_model("sface")
    store.people.add(BEN, line(10.0))
    visitor = Person(person_id="v-0000000001", name="Visitor 1", created_at=boards.NOW, kind=PersonKind.VISITOR)
    store.record(Observation(visitors=[(visitor, line(20.0))]))
    return store


def saved(store: Store, path: Path, enrolment: Enrolment, person: Person = ZOE, **answers: object) -> Question | Saved:
    return save(store, boards.settings(path), DESK, enrolment, person, Answers(**answers))  # type: ignore[arg-type]


def test_somebody_new_is_saved_with_consent_and_without_pictures(people: Store, path: Path) -> None:
    found = saved(people, path, running(4.0, 4.5, 4.9))
    assert found == Saved(person=ZOE, pictures=3, added=False, visitors=())
    assert people.people.get("p-zoe") == ZOE
    assert people.people.vector_counts()["p-zoe"] == 3
    (entry,) = people.audit.all()
    assert (entry.action, entry.actor, entry.after["pictures"]) == ("people.enrol", "Ann", 3)


def test_an_outlier_is_asked_about_and_left_out_or_kept(people: Store, path: Path) -> None:
    enrolment = running(4.0, 4.5, 7.0)
    assert saved(people, path, enrolment) == Question(whose="Zoe", shots=(3,))
    assert people.people.get("p-zoe") is None
    found = saved(people, path, enrolment, without=frozenset({3}))
    assert isinstance(found, Saved)
    assert found.pictures == 2


def test_pictures_that_have_nothing_in_common_are_saved_when_they_are_kept(people: Store, path: Path) -> None:
    enrolment = running(4.0, 7.0)
    assert saved(people, path, enrolment) == Question(whose="Zoe", shots=(1, 2), all_shots=True)
    assert isinstance(saved(people, path, enrolment, kept=frozenset({1, 2})), Saved)


def test_somebody_who_is_known_is_asked_about(people: Store, path: Path) -> None:
    enrolment = running(10.3, 10.6)
    assert saved(people, path, enrolment) == Question(whose="Zoe", lookalike=BEN)
    assert saved(people, path, enrolment, same="p-ben") == Saved(person=BEN, pictures=2, added=True, visitors=())
    assert people.people.get("p-zoe") is None
    assert people.people.vector_counts()["p-ben"] == 3


def test_somebody_who_only_looks_like_another_is_saved_apart(people: Store, path: Path) -> None:
    found = saved(people, path, running(10.3, 10.6), others=frozenset({"p-ben"}))
    assert isinstance(found, Saved)
    assert found.person == ZOE
    assert people.people.vector_counts()["p-ben"] == 1


def test_added_pictures_are_compared_with_those_of_the_person(people: Store, path: Path) -> None:
    assert saved(people, path, running(10.3, person_id="p-ben")) == Saved(
        person=BEN, pictures=1, added=True, visitors=()
    )
    assert saved(people, path, running(15.0, person_id="p-ben")) == Question(whose="Ben", shots=(1,), all_shots=True)


def test_visitors_who_look_the_same_are_named(people: Store, path: Path) -> None:
    found = saved(people, path, running(20.3))
    assert isinstance(found, Saved)
    assert found.visitors == ("Visitor 1",)


@pytest.mark.parametrize(
    ("enrolment", "person", "problem"),
    [
        pytest.param(running(), ZOE, "no pictures", id="no-picture"),
        pytest.param(running(4.0, network="dlib_resnet"), ZOE, "another network", id="other-network"),
        pytest.param(running(4.0, person_id="p-gone"), ZOE, "nobody is enrolled", id="nobody-there"),
        pytest.param(running(4.0, person_id="v-0000000001"), ZOE, "nobody is enrolled", id="visitor"),
        pytest.param(
            running(4.0),
            Person(person_id="p-2", name="ben", created_at=boards.NOW, consented_at=boards.NOW),
            "called Ben already",
            id="taken-name",
        ),
        pytest.param(
            running(4.0), Person(person_id="p-3", name="Cy", created_at=boards.NOW), "did not agree", id="no-consent"
        ),
    ],
)
def test_what_cannot_be_saved_leaves_nothing(
    people: Store, path: Path, enrolment: Enrolment, person: Person, problem: str
) -> None:
    before = people.people.vector_counts()
    with pytest.raises(PeopleError, match=problem):
        saved(people, path, enrolment, person)
    assert people.people.vector_counts() == before
    assert people.audit.all() == []


def test_a_viewer_may_not_save(people: Store, path: Path) -> None:
    viewer = Actor("Vic", UserRole.VIEWER)
    with pytest.raises(NotAllowedError):
        save(people, boards.settings(path), viewer, running(4.0), ZOE, Answers())
    assert people.people.get("p-zoe") is None


def test_a_name_that_is_taken_or_none_is_said(people: Store) -> None:
    assert name_problem(people, "  Zoe ") is None
    assert name_problem(people, "BEN") == "somebody is called Ben already"
    assert name_problem(people, " ") == "the name is empty"


def test_pictures_are_not_saved_once_another_process_changed_the_network(
    people: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare = networks.checks_of

    def changed(*args: Any) -> EnrolmentChecks:
        found = compare(*args)
        with Store(path) as other:
            known = [each.person_id for each in other.people.recognised()]
            other.people.replace_network("dlib_resnet", {each: (line(1.0), ["a"]) for each in known}, people=known)
        return found

    monkeypatch.setattr(networks, "checks_of", changed)
    with pytest.raises(PeopleError, match="another network now"):
        saved(people, path, running(4.0, 4.5, 4.9))
    assert people.people.get("p-zoe") is None
