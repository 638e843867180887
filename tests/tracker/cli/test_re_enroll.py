"""`footfall people re-enroll`: from one network to another."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.tracker.cli.conftest import Run
from tests.tracker.fake_cameras import BOB, NOON, face_of
from tracker.identity import enrolment
from tracker.identity.gallery import NO_VECTORS
from tracker.presence.people import Person, PersonKind
from tracker.store.store import Store


@pytest.fixture
def people(pictures: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "people"
    folder.mkdir()
    shutil.copy(pictures / "ada.png", folder / "Ada.png")
    return folder


@pytest.fixture
def old_store(run: Run, people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store made with dlib: Ada, who has visits, and a visitor."""
    monkeypatch.setenv("FOOTFALL_RECOGNITION__EMBEDDER", "dlib_resnet")
    assert run("enroll", people).code == 0
    monkeypatch.delenv("FOOTFALL_RECOGNITION__EMBEDDER")
    path = tmp_path / "store.sqlite3"
    with Store(path) as store:
        assert store.model == "dlib_resnet"
        visitor = Person(person_id="v-0000000001", name="Visitor 1", created_at=NOON, kind=PersonKind.VISITOR)
        store.people.add(visitor, face_of(BOB)[None])
    return path


def test_store_of_dlib_goes_on_with_dlib(run: Run, old_store: Path, pictures: Path) -> None:
    done = run("enroll", pictures / "ada-dark.png", "--name", "Ada", "--add")
    assert (done.code, done.out) == (0, "added 1 picture to Ada\n")
    with Store(old_store) as store:
        assert len(store.people.vectors(PersonKind.ENROLLED)[0]) == 2
        assert store.people.network() == "dlib_resnet"
    (row,) = [row for row in run("doctor", "--json").data if row["check"] == "recognition"]
    assert row["outcome"] == "warning"
    assert "re-enroll" in row["fix"]


def test_another_network_in_the_settings_is_refused(
    run: Run, old_store: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTFALL_RECOGNITION__EMBEDDER", "sface")
    run("enroll", pictures / "bob.jpg", "--name", "Bob").refused("enrolled with dlib", "re-enroll")
    run("track", "--camera", pictures / "bob.jpg").refused("enrolled with dlib", "re-enroll")


def test_everybody_is_enrolled_anew(run: Run, old_store: Path, people: Path, pictures: Path) -> None:
    with Store(old_store) as store:
        (ada,) = store.people.all(kind=PersonKind.ENROLLED)
        store.people.replace_limits({ada.person_id: 0.3})
    done = run("people", "re-enroll", "--pictures", people)
    assert (done.code, done.out) == (0, "enrolled 1 of 1 people anew with sface\n")
    with Store(old_store) as store:
        assert store.people.network() == "sface"
        assert [person.person_id for person in store.people.all(kind=PersonKind.ENROLLED)] == [ada.person_id]
        assert store.people.vectors(PersonKind.VISITOR)[1] == ()
        assert store.people.limits() == {}
    run("people", "re-enroll", "--pictures", people).refused("enrolled with sface already", "recognition.embedder")
    (drawing,) = run("annotate", pictures / "ada-dark.png", "--out", "drawn", "--json").data
    assert [face["name"] for face in drawing["faces"]] == ["Ada"]


def test_people_without_a_picture_keep_all_from_changing(
    run: Run, old_store: Path, people: Path, pictures: Path
) -> None:
    with Store(old_store) as store:
        store.people.add(Person(person_id="p-bob", name="Bob", created_at=NOON, consented_at=NOON), face_of(BOB)[None])
    shutil.copy(pictures / "ada-dark.png", people / "Bob.png")
    done = run("people", "re-enroll", "--pictures", people)
    assert done.code == 1
    assert "Bob: matches Ada, who is already enrolled" in done.err
    assert "this deletes the faces of 1 visitor (strangers who come back get new ids)\n" in done.err
    (people / "Bob.png").unlink()
    run("people", "re-enroll", "--pictures", people).refused("of Bob; nothing was changed", "--without-pictures")
    with Store(old_store) as store:
        assert store.people.network() == "dlib_resnet"
    done = run("people", "re-enroll", "--pictures", people, "--without-pictures")
    assert done.code == 0
    assert "note: Bob has no usable picture and is not recognised" in done.err
    with Store(old_store) as store:
        assert store.people.get("p-bob") is not None
        assert len(store.people.vectors(PersonKind.ENROLLED)[1]) == 1


def while_planning(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], object]) -> None:
    """Let another process do something while pictures are looked at."""
    plan = enrolment.plan_enrolment

    def planned(*args: Any, **named: Any) -> Any:
        meanwhile()
        return plan(*args, **named)

    monkeypatch.setattr(enrolment, "plan_enrolment", planned)


def test_somebody_enrolled_meanwhile_keeps_all_from_changing(
    run: Run, old_store: Path, people: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def enrol_bob() -> None:
        with Store(old_store) as store:
            bob = Person(person_id="p-bob", name="Bob", created_at=NOON, consented_at=NOON)
            store.people.add(bob, face_of(BOB)[None])

    while_planning(monkeypatch, enrol_bob)
    run("people", "re-enroll", "--pictures", people).refused("changed meanwhile", "run this again")
    with Store(old_store) as store:
        assert (store.people.network(), store.people.vector_count("p-bob")) == ("dlib_resnet", 1)


def test_an_enrolment_that_ends_after_the_change_is_refused(
    run: Run, old_store: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change() -> None:
        with Store(old_store) as store:
            (ada,) = [each.person_id for each in store.people.recognised()]
            store.people.replace_network("sface", {ada: (face_of(BOB)[None], ["ada.png"])}, people=[ada])

    while_planning(monkeypatch, change)
    run("enroll", pictures / "bob.jpg", "--name", "Bob").refused("now recognised by sface", "run this again")
    with Store(old_store) as store:
        assert (store.people.network(), store.people.by_name("Bob")) == ("sface", None)


def test_people_known_by_events_alone_take_no_part(
    run: Run, old_store: Path, people: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(old_store) as store:
        store.people.add(Person(person_id="card-17", name="Grace", created_at=NOON), NO_VECTORS)
    monkeypatch.setenv("FOOTFALL_RECOGNITION__SHADOW", "sface")
    assert "sface: 0 of 1 person with enough confirmed faces" in run("people", "shadow").out
    assert [row["name"] for row in run("people", "shadow", "--json").data["people"]] == ["Ada"]
    shutil.copy(pictures / "bob.jpg", people / "Grace.jpg")
    done = run("people", "re-enroll", "--pictures", people)
    assert (done.code, done.out) == (0, "enrolled 1 of 1 people anew with sface\n")
    with Store(old_store) as store:
        assert store.people.vector_count("card-17") == 0


def found_by_doctor(run: Run) -> dict[str, str]:
    (row,) = [row for row in run("doctor", "--json").data if row["check"] == "shadow period"]
    return row


def test_a_shadow_period_changes_the_network_without_pictures(
    run: Run, old_store: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("people", "re-enroll", "--shadow").refused("recognition.shadow is not set", "name the network")
    assert "no shadow period" in run("people", "shadow").out
    monkeypatch.setenv("FOOTFALL_RECOGNITION__SHADOW", "nobodys")
    run("people", "shadow").refused("no embedder named 'nobodys'", "set recognition.shadow to one of: sface, dlib")
    assert found_by_doctor(run)["outcome"] == "failed"
    monkeypatch.setenv("FOOTFALL_RECOGNITION__SHADOW", "sface")
    for minute in range(3):  # each pass of Ada is a track of its own, of which up to two faces are taken
        assert "sface: 0 of 1 person with enough confirmed faces" in run("people", "shadow").out
        run("people", "re-enroll", "--shadow").refused(
            "not enough confirmed faces of a shadow period of Ada", "wait ('footfall people shadow')"
        )
        done = run("track", "--camera", clip, "--fast", "--start", f"2026-03-02T12:0{minute}:00")
        assert done.code == 0, done.err
    with Store(old_store) as store:
        assert store.people.network() == "dlib_resnet"
        before = store.events.select()
    shown = run("people", "shadow", "--json").data
    assert shown["ready"] == 1
    found = found_by_doctor(run)
    assert (found["outcome"], found["detail"]) == ("ok", "1 of 1 people can be recognised by sface")
    assert [(row["name"], row["faces"], row["confirmed"]) for row in shown["people"]] == [("Ada", 6, 6)]
    assert "change over with 'footfall people re-enroll --shadow'" in run("people", "shadow").err
    done = run("people", "re-enroll", "--shadow")
    assert "enrolled 1 of 1 people anew with sface" in done.out
    assert "this deletes the faces of 2 visitors (strangers who come back get new ids)" in done.err
    with Store(old_store) as store:
        assert store.people.network() == "sface"
        _, _, sources = store.people.vectors_with_sources(PersonKind.ENROLLED)
        assert (len(sources), len(set(sources))) == (6, 3)
        assert all(source.startswith("shadow camera-1-") for source in sources)
        assert store.shadow.counts("sface") == {}
        assert store.events.select() == before
    monkeypatch.delenv("FOOTFALL_RECOGNITION__SHADOW")
    done = run("track", "--camera", clip, "--fast", "--start", "2026-03-02T13:00:00")
    assert "enter  Ada" in done.out
