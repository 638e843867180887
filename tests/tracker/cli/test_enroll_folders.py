"""`footfall enroll` of folders: again and again, and by the names of files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.tracker.cli.conftest import Run
from tracker.store.store import Store


def stored(tmp_path: Path) -> dict[str, int]:
    """Name -> number of vectors."""
    with Store(tmp_path / "store.sqlite3") as store:
        counts = store.people.vector_counts()
        return {person.name: counts[person.person_id] for person in store.people.all()}


def test_update_enrolls_who_is_new_and_adds_what_is_new_and_nothing_twice(
    run: Run, pictures: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "people"
    (folder / "Ada").mkdir(parents=True)
    shutil.copy(pictures / "ada.png", folder / "Ada")
    assert run("enroll", folder, "--update").out == "enrolled Ada from 1 picture\n"
    shutil.copy(pictures / "ada-dark.png", folder / "Ada" / "new.png")
    shutil.copy(pictures / "ada.png", folder / "Ada" / "renamed.png")
    shutil.copy(pictures / "bob.jpg", folder / "Bob.jpg")
    assert run("enroll", folder, "--update").out == "added 1 picture to Ada\nenrolled Bob from 1 picture\n"
    again = run("enroll", folder, "--update", "--json")
    assert (again.code, [(row["name"], row["pictures"], row["added"]) for row in again.data]) == (
        0,
        [("Ada", 0, False), ("Bob", 0, False)],
    )
    assert run("enroll", folder, "--update").out == "Ada is up to date\nBob is up to date\n"
    assert stored(tmp_path) == {"Ada": 2, "Bob": 1}


def test_update_takes_nobody_for_somebody_else(run: Run, pictures: Path, tmp_path: Path) -> None:
    run("enroll", pictures / "ada.png", "--name", "Ada")
    folder = tmp_path / "people"
    folder.mkdir()
    shutil.copy(pictures / "bob.jpg", folder / "Ada.jpg")
    done = run("enroll", folder, "--update", "--json")
    done.refused("1 of 1 people were not enrolled")
    assert [(row["person_id"], row["added"]) for row in done.data] == [(None, False)]
    done = run("enroll", folder, "--update")
    assert "no picture matches the enrolled pictures of Ada" in done.err
    assert stored(tmp_path) == {"Ada": 1}


@pytest.fixture
def numbered(pictures: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "numbered"
    folder.mkdir()
    for source, name in (
        ("ada.png", "Ada_Byron_0001.png"),
        ("ada-dark.png", "Ada_Byron_0002.png"),
        ("bob.jpg", "Bob_1.jpg"),
    ):
        shutil.copy(pictures / source, folder / name)
    return folder


def test_numbered_pictures_are_of_one_person_by_a_pattern(run: Run, numbered: Path, tmp_path: Path) -> None:
    done = run("enroll", numbered)
    line = done.refused("Ada_Byron_0001.png and Ada_Byron_0002.png look like pictures of one person", code=2)
    assert "--pattern '{name}_{number}'" in line
    assert run("enroll", numbered, "--pattern", "{name}_{number}").code == 0
    run("people", "re-enroll", "--pictures", numbered).refused("look like pictures of one person", code=2)
    again = run("people", "re-enroll", "--pictures", numbered, "--pattern", "{name}_{number}")
    again.refused("the people are enrolled with")
    assert stored(tmp_path) == {"Ada Byron": 2, "Bob": 1}


def test_numbered_pictures_are_asked_about_on_a_terminal(
    run: Run, numbered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def answer(question: str, **_options: object) -> bool:
        asked.append(question)
        return True

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", answer)
    assert run("enroll", numbered).code == 0
    assert "Enrol one person for each name before the number?" in asked[0]
    assert stored(tmp_path) == {"Ada Byron": 2, "Bob": 1}
