"""Whom to enrol from which picture files, by the names of folders and files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from config.errors import PeopleError
from tracker.identity.names import shown
from tracker.identity.pictures import pictures_in

_NOT_PEOPLE = frozenset({"#recycle", "$recycle.bin", "@eadir", "__macosx", "lost+found", "system volume information"})
"""Folders that operating systems and network disks make."""


ONE_A_FILE = "{name}"
"""The pattern of pictures each of which is a person."""
_NUMBERED = re.compile(r"(?P<name>.*?[^\W\d_].*?)(?P<before>[ _.-]+\(?|\()[0-9]+(?P<after>\)?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentRequest:
    """A person to enrol: the name as given, and picture files with one face each."""

    name: str
    pictures: tuple[Path, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbering:
    """How picture files seem to be numbered by person. first, second: names of two files of one person."""

    pattern: str
    first: str
    second: str


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


def requests_in(folder: Path, pattern: str = ONE_A_FILE) -> tuple[EnrolmentRequest, ...]:
    """The people of a folder: each subfolder is a person, and so are the pictures in it that have one name.

    pattern: how names of pictures (without suffix) are made up, such as `{name}_{number}`; underscores in a name are
    spaces then. A picture that does not fit is a person named after the file.
    Raises PeopleError when the folder is missing or empty, or its people are one level deeper, and for a pattern
    without `{name}`.
    """
    if not folder.is_dir():
        raise PeopleError(f"{folder}: no such folder", fix="give a folder with a picture or a folder for each person")
    folders = _folders_in(folder)
    people = [EnrolmentRequest(name=path.name, pictures=tuple(_pictures_in(path))) for path in folders]
    people += _by_name(_pictures_in(folder), pattern)
    if not any(each.pictures for each in people):
        for path in folders:
            _refuse_deeper(path, _folders_in(path))
    if not people:
        raise PeopleError(
            f"{folder}: no pictures in it", fix="put a picture or a folder of pictures for each person there"
        )
    return tuple(people)


def numbering_in(folder: Path) -> Numbering | None:
    """The way in which pictures directly in a folder are numbered by person, None where no two are."""
    found: dict[tuple[str, str], list[Path]] = {}
    for path in _pictures_in(folder) if folder.is_dir() else ():
        match = _NUMBERED.fullmatch(path.stem)
        if match is not None:
            pattern = f"{{name}}{match['before']}{{number}}{match['after']}"
            found.setdefault((pattern, match["name"]), []).append(path)
    several = {key: paths for key, paths in found.items() if len(paths) > 1}
    if not several:
        return None
    (pattern, _), paths = max(several.items(), key=lambda item: len(item[1]))
    return Numbering(pattern=pattern, first=paths[0].name, second=paths[1].name)


def _by_name(pictures: Iterable[Path], pattern: str) -> list[EnrolmentRequest]:
    if pattern == ONE_A_FILE:
        return [EnrolmentRequest(name=path.stem, pictures=(path,)) for path in pictures]
    expected = _expression(pattern)
    found: dict[str, list[Path]] = {}
    for path in pictures:
        match = expected.fullmatch(path.stem)
        found.setdefault(path.stem if match is None else match["name"].replace("_", " "), []).append(path)
    return [EnrolmentRequest(name=name, pictures=tuple(paths)) for name, paths in found.items()]


def _expression(pattern: str) -> re.Pattern[str]:
    """Raises PeopleError for a pattern without exactly one `{name}`."""
    if pattern.count("{name}") != 1:
        raise PeopleError(f"the pattern {shown(pattern)} has no {{name}}", fix="write it as '{name}_{number}'")
    escaped = re.escape(pattern).replace(r"\{name\}", "(?P<name>.+?)").replace(r"\{number\}", "[0-9]+")
    return re.compile(escaped.replace(r"\*", ".*"))


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
