"""The folders of a dataset: one for each person, with pictures in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from config.errors import PeopleError
from tracker.identity.enrolment_requests import requests_in


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonFolder:
    """A person of a dataset, by the name of their folder. pictures: the files directly in it, sorted by name."""

    name: str
    pictures: tuple[Path, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A folder with a folder for each person, sorted by name.

    ignored: below it, what is not read: files beside the folders, files that are no pictures, folders within those of
    people, and links that lead nowhere or back.
    """

    root: Path
    people: tuple[PersonFolder, ...]
    ignored: tuple[Path, ...]

    def pictures(self) -> Iterator[tuple[str, Path]]:
        """Every picture, with the person it is of."""
        for person in self.people:
            for path in person.pictures:
                yield person.name, path

    def name_of(self, path: Path) -> str:
        """A file of the dataset as `Ada/1.jpg`."""
        return path.relative_to(self.root).as_posix()


def read_dataset(root: Path) -> Dataset:
    """List the people and pictures of a folder; links are followed, hidden and system folders skipped.

    Raises PeopleError when it is no folder, cannot be listed, or has no pictures in folders directly in it.
    """
    if root.exists() and not root.is_dir():
        raise PeopleError(f"{root}: not a folder", fix="give a folder with a folder of pictures for each person")
    listed = [each for each in requests_in(root) if all(path.parent != root for path in each.pictures)]
    above = {root.resolve(), *root.resolve().parents}
    people = tuple(
        PersonFolder(name=each.name, pictures=each.pictures)
        for each in listed
        if (root / each.name).resolve() not in above
    )
    if not any(person.pictures for person in people):
        raise PeopleError(
            f"{root}: no pictures in folders in it", fix="put the pictures of each person into a folder of their name"
        )
    return Dataset(root=root, people=people, ignored=tuple(sorted(_ignored(root, people))))


def require_apart(root: Path, out: Path, places: Iterable[Path] = ()) -> None:
    """Raises PeopleError when files would be written into a dataset, or the folder `out` holds it.

    places: the files to write, whose folders may be links.
    """
    folders = {out, *(place.parent for place in places)}
    try:
        apart = not _is_within(root, out) and not any(_is_within(each, root) for each in folders)
    except (OSError, RuntimeError) as error:  # RuntimeError: Python before 3.13, of links that lead to themselves
        raise PeopleError(f"{out}: cannot be resolved ({error})", fix="give another folder to --to") from error
    if not apart:
        raise PeopleError(
            f"{out}: not apart from the dataset {root}",
            fix="give a folder beside the dataset to --to, neither in it nor above it",
        )


def _is_within(path: Path, folder: Path) -> bool:
    """Whether the path, which need not exist, is the folder or below it."""
    resolved = path.resolve()
    return folder.exists() and any(each.exists() and each.samefile(folder) for each in (resolved, *resolved.parents))


def _ignored(root: Path, people: tuple[PersonFolder, ...]) -> Iterator[Path]:
    names = {person.name for person in people}
    yield from (path for path in _visible(root) if path.name not in names)
    for person in people:
        read = set(person.pictures)
        yield from (path for path in _visible(root / person.name) if path not in read)


def _visible(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if not path.name.startswith("."))
