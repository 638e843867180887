"""Whom folders and files of pictures name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from config.errors import PeopleError
from tracker.identity.enrolment_requests import numbering_in, pictures_of, requests_in


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def people(folder: Path, *pattern: str) -> dict[str, list[str]]:
    return {each.name: [path.name for path in each.pictures] for each in requests_in(folder, *pattern)}


def test_folder_has_a_subfolder_or_a_file_per_person(tmp_path: Path) -> None:
    touch(tmp_path, "Ada/1.png", "Ada/2.png", "Ben.png", "Ľuba Š.png", ".hidden/1.png", ".Dot.png", "notes.txt")
    (tmp_path / "Empty").mkdir()
    assert people(tmp_path) == {"Ada": ["1.png", "2.png"], "Empty": [], "Ben": ["Ben.png"], "Ľuba Š": ["Ľuba Š.png"]}


@pytest.mark.parametrize("folder", ["@eaDir", "__MACOSX", "lost+found", "#recycle", "System Volume Information"])
def test_folders_of_operating_systems_are_no_people(tmp_path: Path, folder: str) -> None:
    touch(tmp_path, "Ada/1.jpg", f"{folder}/Ada.jpg")
    assert people(tmp_path) == {"Ada": ["1.jpg"]}


@pytest.mark.parametrize("suffix", ["jfif", "pjpeg", "pgm", "ppm", "heic", "avif", "JPG"])
def test_pictures_of_any_suffix_count(tmp_path: Path, suffix: str) -> None:
    touch(tmp_path, f"Ada/1.{suffix}", f"Ben.{suffix}")
    assert people(tmp_path) == {"Ada": [f"1.{suffix}"], "Ben": [f"Ben.{suffix}"]}


def test_a_folder_one_level_too_high_is_refused_with_the_right_one(tmp_path: Path) -> None:
    touch(tmp_path, "photos/people/Ada/1.jpg", "photos/people/Ben/1.jpg")
    for refused in (requests_in, lambda folder: pictures_of([folder / "people"])):
        with pytest.raises(PeopleError, match="people: no picture in it, but in folders in it") as caught:
            refused(tmp_path / "photos")
        assert caught.value.fix == f"give {tmp_path / 'photos' / 'people'}: each folder in it is a person"
    assert set(people(tmp_path / "photos" / "people")) == {"Ada", "Ben"}


def test_folders_and_files_can_be_mixed(tmp_path: Path) -> None:
    touch(tmp_path, "more/2.png", "more/1.JPG", "one.png", "more/notes.txt")
    found = pictures_of([tmp_path / "one.png", tmp_path / "more", tmp_path / "missing.png"])
    assert [path.name for path in found] == ["one.png", "1.JPG", "2.png", "missing.png"]


@pytest.mark.parametrize("make", [None, Path.mkdir, Path.touch])
def test_folder_without_pictures_is_rejected(tmp_path: Path, make: Callable[[Path], None] | None) -> None:
    if make is not None:
        make(tmp_path / "x")
    with pytest.raises(PeopleError):
        requests_in(tmp_path / "x")


@pytest.mark.parametrize(
    ("names", "pattern"),
    [
        pytest.param(["Ada_Byron_0001.jpg", "Ada_Byron_0002.jpg"], "{name}_{number}", id="faces-in-the-wild"),
        pytest.param(["Ada-1.jpg", "Ada-2.png"], "{name}-{number}", id="hyphen"),
        pytest.param(["Ada (1).jpg", "Ada (2).jpg", "Ben_1.jpg"], "{name} ({number})", id="copies"),
        pytest.param(["Ada 1.jpg", "Ben 2.jpg"], None, id="one-each"),
        pytest.param(["2024-01-01.jpg", "2024-01-02.jpg"], None, id="dates"),
        pytest.param(["Ada1.jpg", "Ada2.jpg"], None, id="no-separator"),
        pytest.param(["Ada.jpg", "Ben.jpg"], None, id="plain"),
    ],
)
def test_numbering_is_found_where_two_files_have_one_name(
    tmp_path: Path, names: list[str], pattern: str | None
) -> None:
    touch(tmp_path, *names)
    found = numbering_in(tmp_path)
    assert (None if found is None else found.pattern) == pattern


def test_a_pattern_puts_pictures_of_one_name_together(tmp_path: Path) -> None:
    touch(tmp_path, "Ada_Byron_0001.jpg", "Ada_Byron_0002.jpg", "Ben_1_left.jpg", "Cy.jpg", "Dan/Dan_0001.jpg")
    assert people(tmp_path, "{name}_{number}*") == {
        "Dan": ["Dan_0001.jpg"],
        "Ada Byron": ["Ada_Byron_0001.jpg", "Ada_Byron_0002.jpg"],
        "Ben": ["Ben_1_left.jpg"],
        "Cy": ["Cy.jpg"],
    }
    with pytest.raises(PeopleError, match=r"has no \{name\}"):
        people(tmp_path, "{number}")
