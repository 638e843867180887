"""`footfall people visitors`, `name`, `not`, `calibrate`."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from config.recognition import MatchSettings
from tests.tracker.cli.conftest import Run
from tests.tracker.fake_cameras import ADA, BLENDED, BOB, EVE, NOON, AgentHarness, at, face_of, scene
from tracker.presence.events import Match
from tracker.presence.people import Person, PersonKind
from tracker.store.observation import Observation


@pytest.fixture
def harness(tmp_path: Path) -> AgentHarness:
    return AgentHarness(tmp_path / "store.sqlite3")


def visitor(harness: AgentHarness, number: int, vector: np.ndarray) -> str:
    person = Person(
        person_id=f"v-{number:010d}", name=f"Visitor {number}", created_at=at(number), kind=PersonKind.VISITOR
    )
    harness.store.record(Observation(visitors=[(person, vector[None].astype(np.float32))]))
    return person.person_id


def like(number: int, distance: float, other: int = 100) -> np.ndarray:
    vector = face_of(number).copy()
    vector[other] = distance
    return vector


# -- visitors


def test_visitors_are_listed_with_visits_and_whom_they_resemble(run: Run, harness: AgentHarness) -> None:
    harness.play([*scene(0, 5, EVE), *scene(5.5, 400), *scene(400.5, 410, EVE), *scene(410.5, 450)])
    harness.enrol("Ada", ADA)
    visitor(harness, 7, like(ADA, 0.3))
    visitor(harness, 8, like(BOB, 0.0))
    rows = {row["name"]: row for row in run("people", "visitors", "--json").data}
    assert (rows["Visitor 1"]["visits"], rows["Visitor 1"]["like"]) == (2, None)
    assert rows["Visitor 1"]["first_seen"] == "2026-03-02T12:00:00.000000Z"
    assert rows["Visitor 1"]["last_seen"] == "2026-03-02T12:06:50.000000Z"
    assert (rows["Visitor 7"]["visits"], rows["Visitor 7"]["like"], rows["Visitor 7"]["strong"]) == (0, "Ada", True)
    assert rows["Visitor 7"]["like_distance"] == pytest.approx(0.3)
    out = run("people", "visitors").out
    assert "Ada (0.30)," in out
    assert "surely" in out
    assert "Visitor 8" in out
    assert [row["name"] for row in run("people", "visitors", "--limit", "1", "--json").data] == ["Visitor 1"]


def test_without_visitors_the_list_prints_a_note(run: Run, harness: AgentHarness) -> None:
    harness.enrol("Ada", ADA)
    assert run("people", "visitors").out == "No visitors.\n"
    assert run("people", "visitors", "--json").data == []


def test_sure_pairs_are_merged_into_the_older(run: Run, harness: AgentHarness) -> None:
    old, new, other = (
        visitor(harness, number, vector)
        for number, vector in ((1, face_of(EVE)), (2, like(EVE, 0.2)), (3, face_of(BOB)))
    )
    done = run("people", "visitors", "--merge", "--yes", "--json")
    assert {row["person_id"] for row in done.data} == {old, other}
    assert harness.store.people.get(new) == harness.store.people.get(old)


# -- name


def test_naming_visitors_renames_their_past_visits(run: Run, harness: AgentHarness) -> None:
    harness.play([*scene(0, 5, EVE), *scene(5.5, 60)])
    assert run("people", "name", "Visitor 1", "--as", "the plumber").out == "Visitor 1: now the plumber\n"
    (person,) = harness.store.people.all()
    assert (person.name, person.kind) == ("the plumber", PersonKind.VISITOR)
    report = run("report", "visits", "--from", "2026-03-01", "--to", "2026-03-03", "--json").out
    assert ("the plumber" in report, "Visitor 1" in report) == (True, False)


def test_a_consenting_visitor_is_enrolled_with_the_camera_vectors(run: Run, harness: AgentHarness) -> None:
    harness.play([*scene(0, 5, EVE), *scene(5.5, 60)])
    assert run("people", "name", "Visitor 1", "--as", "Eve", "--consent", "--staff").code == 0
    (row,) = run("people", "list", "--json").data
    assert (row["name"], row["kind"], row["role"], row["vectors"]) == ("Eve", "enrolled", "staff", 1)
    assert row["consented_at"] is not None
    harness.play([*scene(1000, 1005, EVE), *scene(1005.5, 1060)])
    assert {person_id for person_id, *_ in harness.visits(2000)} == {row["person_id"]}


def test_visitors_are_merged_into_one_or_an_enrolled_person(run: Run, harness: AgentHarness) -> None:
    ada = harness.enrol("Ada", ADA)
    ids = [visitor(harness, number, like(EVE, 0.7 * number)) for number in (1, 2, 3)]
    assert run("people", "name", "Visitor 1", ids[1], "--as", "the postman").code == 0
    assert [person.name for person in harness.store.people.all(kind=PersonKind.VISITOR)] == ["the postman", "Visitor 3"]
    done = run("people", "name", "the postman", "Visitor 3", "--as", "ADA")
    assert done.out == "the postman, Visitor 3: now Ada\n"
    assert [person.person_id for person in harness.store.people.all()] == [ada]
    assert {harness.store.people.get(each) for each in ids} == {harness.store.people.get(ada)}


def test_naming_that_makes_no_sense_is_refused(run: Run, harness: AgentHarness) -> None:
    harness.enrol("Ada", ADA)
    visitor(harness, 1, face_of(EVE))
    run("people", "name", "Ada", "--as", "Bob").refused("Ada is enrolled")
    run("people", "name", "Visitor 1", "--as", "a/b").refused("slash")
    run("people", "name", "Visitor 9", "--as", "Bob").refused("no person named 'Visitor 9'")
    run("people", "name", "Visitor 1", "--as", "Bob", "--staff").refused("--consent", code=2)
    assert [person.name for person in harness.store.people.all()] == ["Ada", "Visitor 1"]


# -- not


DOUBLE = BLENDED + 10
"""Somebody 0.85 from Ada, who is taken for her."""


def test_not_marks_a_track_and_can_be_reverted(run: Run, harness: AgentHarness) -> None:
    ada = harness.enrol("Ada", ADA)
    harness.match = MatchSettings()
    harness.play([*scene(0, 5, DOUBLE), *scene(5.5, 60)])
    (match,) = harness.store.matches.select()
    assert run("people", "not", "Ada", "--track", match.track_id).out == "2 faces marked as not Ada\n"
    assert harness.store.people.negatives()[1] == (ada, ada)
    assert "faces marked as not: 2\n" in run("people", "show", "Ada").out
    assert run("people", "not", "Ada", "--clear").out == "removed 2 faces marked as not Ada\n"
    assert harness.store.people.negatives()[1] == ()
    assert run("people", "show", "Ada", "--json").data["faces_marked_as_not"] == 0


def test_a_track_of_the_person_is_refused_unless_forced(run: Run, harness: AgentHarness) -> None:
    harness.enrol("Ada", ADA)
    harness.play([*scene(0, 5, ADA), *scene(5.5, 60)])
    (match,) = harness.store.matches.select()
    run("people", "not", "Ada", "--track", match.track_id).refused("looks like Ada (distance 0.00", "--force")
    assert harness.store.people.negatives()[1] == ()
    assert run("people", "not", "Ada", "--track", match.track_id, "--force").code == 0
    assert len(harness.store.people.negatives()[1]) == 2


def test_not_refuses_a_track_of_another_person(run: Run, harness: AgentHarness) -> None:
    harness.enrol("Ada", ADA)
    harness.enrol("Bob", BOB)
    harness.play([*scene(0, 5, BOB), *scene(5.5, 60)])
    (match,) = harness.store.matches.select()
    run("people", "not", "Ada", "--track", match.track_id).refused("was not matched to Ada")
    run("people", "not", "Ada", "--track", "no-such-track").refused("no-such-track")
    run("people", "not", "Zoe", "--track", match.track_id).refused("no person named 'Zoe'")
    assert harness.store.people.negatives()[1] == ()


def test_not_marks_a_picture(run: Run, pictures: Path, harness: AgentHarness) -> None:
    run("enroll", pictures / "ada.png", "--name", "Ada")
    assert run("people", "not", "Ada", pictures / "bob.jpg").out == "1 face marked as not Ada\n"
    assert len(harness.store.people.negatives()[1]) == 1
    run("people", "not", "Ada", pictures / "bob.jpg", pictures / "nobody.png").refused("nobody.png", "no face found")
    assert len(harness.store.people.negatives()[1]) == 1


@pytest.mark.parametrize("picture", ["ada.png", "ada-dark.png"], ids=["enrolled", "another-of-hers"])
def test_a_picture_of_the_person_is_refused_unless_forced(
    run: Run, pictures: Path, harness: AgentHarness, picture: str
) -> None:
    run("enroll", pictures / "ada.png", "--name", "Ada")
    run("people", "not", "Ada", pictures / "bob.jpg", pictures / picture).refused(
        f"{picture} looks like Ada", "--force"
    )
    assert len(harness.store.people.negatives()[1]) == 0
    assert run("people", "not", "Ada", pictures / picture, "--force").out == "1 face marked as not Ada\n"


def test_a_limit_of_one_person_applies(run: Run, pictures: Path, harness: AgentHarness) -> None:
    run("enroll", pictures / "ada.png", "--name", "Ada")
    (ada,) = harness.store.people.all()
    harness.store.people.replace_limits({ada.person_id: 0.01})
    assert run("people", "not", "Ada", pictures / "ada-dark.png").code == 0
    run("people", "not", "Ada", pictures / "ada.png").refused("looks like Ada")


def test_a_visitor_is_compared_by_camera_vectors(run: Run, harness: AgentHarness, pictures: Path) -> None:
    run("enroll", pictures / "ada.png", "--name", "Ada")
    vectors, _ = harness.store.people.vectors(PersonKind.ENROLLED)
    visitor(harness, 4, vectors[0])
    run("people", "not", "Visitor 4", pictures / "ada-dark.png").refused("looks like Visitor 4")
    assert run("people", "not", "Visitor 4", pictures / "bob.jpg").code == 0


@pytest.mark.parametrize("words", [(), ("x.png", "--clear")], ids=["nothing", "too-much"])
def test_not_needs_exactly_one_source(run: Run, harness: AgentHarness, words: tuple[str, ...]) -> None:
    harness.enrol("Ada", ADA)
    run("people", "not", "Ada", *words).refused(code=2)


# -- calibrate


@pytest.fixture
def alike(harness: AgentHarness) -> dict[str, str]:
    """Ada and Bea, 0.9 apart; Cy far from both. Name -> person id."""
    faces = {
        "Ada": [face_of(ADA), like(ADA, 0.2)],
        "Bea": [like(ADA, 0.9, other=50), like(ADA, 1.0, other=50)],
        "Cy": [face_of(EVE)],
    }
    for number, (name, vectors) in enumerate(faces.items()):
        person = Person(person_id=f"p-{number}", name=name, created_at=NOON, consented_at=NOON)
        harness.store.people.add(person, np.array(vectors, np.float32))
    return {person.name: person.person_id for person in harness.store.people.all()}


def test_calibration_as_json(run: Run, alike: dict[str, str]) -> None:
    done = run("people", "calibrate", "--far", "0.01", "--json")
    assert (done.code, done.err) == (0, "")
    found = done.data
    people = {row["name"]: row for row in found["people"]}
    assert (found["far"], found["current"], found["confirmed"], found["applied"]) == (0.01, 1.05, False, False)
    assert (found["comparisons_of_one"], found["comparisons_of_two"], found["comparisons_needed"]) == (4, 10, 300)
    assert found["comparisons_with_strangers"] == 0
    assert found["changes"] == {"stricter": 2, "looser": 0, "unchanged": 1}
    assert {name: row["limit"] for name, row in people.items()} == {"Ada": 0.87, "Bea": 0.87, "Cy": 1.05}
    assert (people["Ada"]["lookalike"], people["Ada"]["nearest"]) == ("Bea", pytest.approx(0.9, abs=1e-3))
    assert sum(found["histogram"]["one"]) == 4
    assert sum(found["histogram"]["two"]) == 10
    assert len(found["histogram"]["from"]) == len(found["histogram"]["one"]) == len(found["histogram"]["two"])


def test_calibration_is_saved_on_request_and_can_be_reverted(
    run: Run, harness: AgentHarness, alike: dict[str, str]
) -> None:
    out = run("people", "calibrate").out
    for words in ("the same person", "different people", "◄ now", "too few to confirm a rate of 0.001", "--apply"):
        assert words in out
    assert harness.store.people.limits() == {}
    assert "'footfall people calibrate --apply' would save these limits: 2 stricter, 0 looser, 1 unchanged" in out
    assert "saved limits: 2 stricter, 0 looser, 1 unchanged" in run("people", "calibrate", "--apply").out
    assert harness.store.people.limits() == {alike["Ada"]: 0.87, alike["Bea"]: 0.87}
    assert "would change nothing: 3 unchanged" in run("people", "calibrate").out
    assert run("people", "calibrate", "--reset").code == 0
    assert harness.store.people.limits() == {}


def test_looser_limits_are_counted(run: Run, harness: AgentHarness) -> None:
    """Many people who are far from each other confirm a looser limit than the setting."""
    for number in range(20, 40):
        harness.enrol(f"P {number}", number)
    out = run("people", "calibrate", "--far", "0.01", "--apply").out
    assert "saved limits: 0 stricter, 20 looser, 0 unchanged" in out
    assert set(harness.store.people.limits().values()) == {1.13}


def test_one_person_is_compared_with_strangers(run: Run, harness: AgentHarness) -> None:
    ada = harness.enrol("Ada", ADA)
    visitor(harness, 1, like(ADA, 0.9))
    done = run("people", "calibrate", "--apply")
    assert "compared with 1 faces of strangers, the nearest at 0.90" in done.out
    assert "1 stricter" in done.out
    assert harness.store.people.limits() == {ada: pytest.approx(0.87, abs=1e-3)}


def test_a_person_enrolled_twice_is_reported(run: Run, harness: AgentHarness) -> None:
    for number, name in enumerate(("Ada", "A. Lovelace")):
        person = Person(person_id=f"p-{number}", name=name, created_at=NOON)
        harness.store.people.add(person, like(ADA, 0.1 * number)[None])
    done = run("people", "calibrate")
    assert "note: A. Lovelace and Ada are 0.10 apart, like one person" in done.err


@pytest.mark.parametrize("people", [(), (("Ada", ADA),)], ids=["nobody", "one-person"])
def test_too_few_people_are_reported(run: Run, harness: AgentHarness, people: tuple[tuple[str, int], ...]) -> None:
    for name, number in people:
        harness.enrol(name, number)
    done = run("people", "calibrate")
    assert done.code == 0
    assert ("One person alone allows no comparison" if people else "Nobody is enrolled yet") in done.out
    assert run("people", "calibrate", "--json").data["threshold"] == 1.05


@pytest.mark.parametrize("words", [("--far", "0"), ("--far", "1"), ("--far", "nan"), ("--apply", "--reset")])
def test_calibration_that_makes_no_sense_is_wrong_use(run: Run, harness: AgentHarness, words: tuple[str, ...]) -> None:
    run("people", "calibrate", *words).refused(code=2)


# -- enrolling somebody who was here before


def test_enrolling_reports_the_matching_visitor(run: Run, pictures: Path, harness: AgentHarness) -> None:
    run("enroll", pictures / "ada.png", "--name", "Ada")
    vectors, _ = harness.store.people.vectors(PersonKind.ENROLLED)
    harness.store.people.forget(harness.store.people.all()[0].person_id, erase_history=True)
    visitor(harness, 4, vectors[0])
    done = run("enroll", pictures / "ada-dark.png", "--name", "Ada")
    assert "note: Visitor 4 looks like Ada" in done.err


def test_somebody_enrolled_already_is_refused_under_another_name_unless_forced(
    run: Run, pictures: Path, harness: AgentHarness
) -> None:
    run("enroll", pictures / "ada.png", "--name", "Ada")
    done = run("enroll", pictures / "ada-dark.png", "--name", "Augusta")
    done.refused("1 of 1 people were not enrolled")
    assert "matches Ada, who is already enrolled" in done.err
    assert 'use --name "Ada" --add for the same person, --force for another' in done.err
    assert run("enroll", pictures / "ada-dark.png", "--name", "Ada", "--add").code == 0
    assert run("enroll", pictures / "ada-dark.png", "--name", "Augusta", "--force").code == 0
    assert len(harness.store.people.all()) == 2


# -- tidy


def test_visitors_absent_for_long_are_new_visitors(run: Run, harness: AgentHarness) -> None:
    harness.enrol("Ada", ADA)
    visitor(harness, 7, like(BOB, 0.1))
    visitor(harness, 8, like(EVE, 0.1))
    harness.store.record(
        Observation(matches=[replace(matched("v-0000000008"), at=datetime.now(UTC) - timedelta(days=9))])
    )
    assert run("people", "tidy", "--json").data == {"visitors": 1, "evidence": 0, "audit": 0}
    assert set(harness.store.people.vector_counts()) == {f"p-{ADA:012x}", "v-0000000008"}
    done = run("people", "tidy", "--days", "7")
    assert done.out.startswith("deleted the vectors of 1 visitors not seen for 7 days")
    assert set(harness.store.people.vector_counts()) == {f"p-{ADA:012x}"}
    assert len(harness.names()) == 3
    assert run("people", "tidy", "--days", "0").code == 2


def matched(person_id: str) -> Match:
    return Match(
        site_id="gym",
        camera_id="front",
        track_id="t",
        at=NOON,
        person_id=person_id,
        distance=0.4,
        margin=None,
        quality=0.9,
        authorised=False,
        reason="near enough",
    )
