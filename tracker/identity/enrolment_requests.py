"""Whom to enrol from which picture files, by the names of folders and files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from config.errors import PeopleError
from tracker.identity.pictures import pictures_in

_NOT_PEOPLE = frozenset({"#recycle", "$recycle.bin", "@eadir", "__macosx", "lost+found", "system volume information"})
"""Folders that operating systems and network disks make."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentRequest:
    """A person to enrol: the name as given, and picture files with one face each."""

    name: str
    pictures: tuple[Path, ...]


def pictures_of(paths: Iterable[Path]) -> tuple[Path, ...]:
    """The given files, with each folder replaced by the pictures directly in it, sorted by name.

    Raises PeopleError when a folder cannot be listed, or holds pictures in its own folders only.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            pictures = _pictures_in(path)
            if not pictures:
                _refuse_deeper(path, _folders_in(path))
            found += pictures
        else:
            found.append(path)
    return tuple(found)


def requests_in(folder: Path) -> tuple[EnrolmentRequest, ...]:
    """The people of a folder: each subfolder is a person, and each picture in it is a person named after the file.

    Raises PeopleError when the folder is missing or empty, or its people are one level deeper.
    """
    if not folder.is_dir():
        raise PeopleError(f"{folder}: no such folder", fix="give a folder with a picture or a folder for each person")
    folders = _folders_in(folder)
    people = [EnrolmentRequest(name=path.name, pictures=tuple(_pictures_in(path))) for path in folders]
    people += [EnrolmentRequest(name=path.stem, pictures=(path,)) for path in _pictures_in(folder)]
    if not any(each.pictures for each in people):
        for path in folders:
            _refuse_deeper(path, _folders_in(path))
    if not people:
        raise PeopleError(
            f"{folder}: no pictures in it", fix="put a picture or a folder of pictures for each person there"
        )
    return tuple(people)


def _refuse_deeper(folder: Path, folders: Iterable[Path]) -> None:
    """Raises PeopleError when one of the folders in a folder without pictures holds some."""
    if any(_pictures_in(path) for path in folders):
        raise PeopleError(
            f"{folder}: no picture in it, but in folders in it", fix=f"give {folder}: each folder in it is a person"
        )


def _folders_in(folder: Path) -> list[Path]:
    """The folders directly in a folder that may be people's, sorted by name. Raises PeopleError."""
    try:
        folders = sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError as error:
        raise _unlisted(folder, error) from error
    return [path for path in folders if not path.name.startswith(".") and path.name.casefold() not in _NOT_PEOPLE]


def _pictures_in(folder: Path) -> list[Path]:
    try:
        return pictures_in(folder)
    except OSError as error:
        raise _unlisted(folder, error) from error


def _unlisted(folder: Path, error: OSError) -> PeopleError:
    return PeopleError(f"{folder}: cannot be listed ({error.strerror})", fix="give a readable folder")
