"""Pictures with a file of names beside them: matched by name, id and file, never by guessing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from config.errors import PeopleError
from tracker.moving.databases import database_in, named_pictures


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder People with pictures, whose content does not matter here."""
    for name in ("17/a.jpg", "17/b.jpg", "Ada_Byron.png", "bob-1.jpg", "bob-2.jpg", ".hidden.jpg", "note.txt"):
        path = tmp_path / "People" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return tmp_path


def write(project: Path, document: Any, name: str = "DataBase.json") -> Path:
    path = project / name
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def found(database: Path) -> dict[str, list[str]]:
    """By name the pictures of each person."""
    return {each.name: [path.name for path in each.pictures] for each in named_pictures(database).requests}


def test_pictures_are_matched_by_id_name_and_number(project: Path) -> None:
    database = write(project, {"17": {"name": "Cy"}, "x1": {"name": "ada byron"}, "x2": {"name": "BOB"}})
    assert found(database) == {
        "Cy": ["a.jpg", "b.jpg"], "ada byron": ["Ada_Byron.png"], "BOB": ["bob-1.jpg", "bob-2.jpg"],
    }  # fmt: skip


def test_pictures_are_matched_by_the_file_that_an_entry_names(project: Path) -> None:
    entries = [
        {"name": "Ada", "image": "C:\\gym\\People\\Ada_Byron.png"},
        {"name": "Robert", "photos": ["People/bob-1.jpg"]},
        {"name": "Eve", "image": "../../../etc/passwd"},
    ]
    database = write(project, entries)
    assert found(database) == {"Ada": ["Ada_Byron.png"], "Robert": ["bob-1.jpg"]}
    folder = named_pictures(database)
    assert (folder.without_pictures, folder.unnamed) == (("Eve",), ("bob-2", "17"))


@pytest.mark.parametrize("entry", [{"name": "Bob"}, {"name": "Cy"}], ids=["by-name", "by-file"])
def test_the_folder_of_a_picture_is_not_that_of_its_person(project: Path, entry: dict[str, str]) -> None:
    database = write(project, [{**entry, "images": ["People/bob-1.jpg", "People/bob-2.jpg"]}])
    assert found(database) == {entry["name"]: ["bob-1.jpg", "bob-2.jpg"]}


def test_all_pictures_in_the_folder_of_a_name_are_of_the_person(project: Path) -> None:
    database = write(project / "People", [{"id": "17", "name": "Cy", "image": "17/a.jpg"}])
    assert found(database) == {"Cy": ["a.jpg", "b.jpg"]}


def test_a_picture_that_could_be_of_two_people_is_of_nobody(project: Path) -> None:
    database = write(project, [{"id": 17, "name": "Cy"}, {"id": 17, "name": "Di"}, {"name": "Bob"}])
    folder = named_pictures(database)
    assert found(database) == {"Bob": ["bob-1.jpg", "bob-2.jpg"]}
    assert folder.without_pictures == ("Cy", "Di")
    assert "17" in folder.unnamed


def test_the_file_that_names_most_pictures_is_the_database(project: Path) -> None:
    write(project, {"17": "Cy"}, "a-few.json")
    best = write(project, {"17": "Cy", "2": "Bob"}, "people.JSON")
    write(project, {"camera": 0, "threshold": 0.6}, "settings.json")
    (project / "broken.json").write_text("{")
    assert database_in(project) == best
    assert database_in(project / "People") is None
    with pytest.raises(PeopleError, match="has one of its 2 names or ids"):
        named_pictures(write(project, {"1": "Zoe", "2": "Yan"}, "others.json"))
