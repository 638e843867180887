"""A folder of pictures with a file that says whose they are, such as DataBase.json beside a folder People."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from config.errors import PeopleError
from tracker.identity.enrolment_requests import EnrolmentRequest
from tracker.identity.pictures import pictures_in
from tracker.moving.json_files import read_json
from tracker.moving.records import ImportedPerson
from tracker.moving.vectors import content_of
from tracker.presence.people import name_key

_MOST_JSON_FILES = 20
_LONGEST_NUMBER = 6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PictureFolder:
    """Whom to enrol from which pictures. database: the file that names them, None without one.

    people: by the name of a request what the database has of that person. without_pictures: whom it names besides.
    unnamed: folders and files that it does not name. certain: how many people were found by name or id, and not only by
    a file that the database names.
    """

    requests: tuple[EnrolmentRequest, ...]
    database: Path | None = None
    people: Mapping[str, ImportedPerson] = field(default_factory=dict)
    without_pictures: tuple[str, ...] = ()
    unnamed: tuple[str, ...] = ()
    certain: int = 0


def named_pictures(database: Path) -> PictureFolder:
    """The pictures in folders beside a database, with its names. Raises PeopleError where it names none of them."""
    people = read_json(content_of(database), name=str(database)).people
    found = max(
        (_matched(database, people, pictures) for pictures in _picture_places(database.parent)),
        key=lambda each: (len(each.people), each.certain),
        default=None,
    )
    if found is None or not found.people:
        raise PeopleError(
            f"{database}: no picture in {database.parent} has one of its {len(people)} names or ids",
            fix="put a folder beside it with a folder or a picture for each person, named by name or id",
        )
    return found


def database_in(folder: Path) -> Path | None:
    """The JSON file in a folder that names most of the pictures in it; None without one."""
    best: tuple[int, Path] | None = None
    for path in sorted(folder.glob("*.[jJ][sS][oO][nN]"))[:_MOST_JSON_FILES]:
        try:
            count = len(named_pictures(path).people)
        except PeopleError:  # some other file
            continue
        if best is None or count > best[0]:
            best = (count, path)
    return None if best is None else best[1]


def _picture_places(folder: Path) -> list[Mapping[str, tuple[Path, ...]]]:
    """Where pictures may be: in folders in the folder, and in itself. Each by names of folders and stems of files."""
    places = [*sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")), folder]
    return [_pictures(place) for place in places]


def _pictures(place: Path) -> Mapping[str, tuple[Path, ...]]:
    found: dict[str, tuple[Path, ...]] = {path.stem: (path,) for path in pictures_in(place)}
    for path in sorted(each for each in place.iterdir() if each.is_dir() and not each.name.startswith(".")):
        inside = tuple(pictures_in(path))
        if inside:
            found[path.name] = found.get(path.name, ()) + inside
    return found


def _matched(
    database: Path, people: Sequence[ImportedPerson], pictures: Mapping[str, tuple[Path, ...]]
) -> PictureFolder:
    owners = _owners(people)
    by_number: dict[int, list[Path]] = {}
    certain: set[int] = set()
    unnamed: list[str] = []
    for name, paths in pictures.items():
        owner = next((owners[key] for key in _keys_of(name) if key in owners), None)
        if owner is None:
            unnamed.append(name)
        else:
            by_number.setdefault(owner, []).extend(paths)
            if {name_key(people[owner].name), name_key(people[owner].own_id)} & set(_keys_of(name)):
                certain.add(owner)
    requests = [
        EnrolmentRequest(name=people[number].name, pictures=tuple(paths)) for number, paths in sorted(by_number.items())
    ]
    return PictureFolder(
        requests=tuple(requests),
        database=database,
        people={people[number].name: people[number] for number in by_number},
        without_pictures=tuple(each.name for number, each in enumerate(people) if number not in by_number),
        unnamed=tuple(unnamed),
        certain=len(certain),
    )


def _owners(people: Iterable[ImportedPerson]) -> dict[str, int]:
    """By what a folder or file may be called the person; without what several people have."""
    found: dict[str, set[int]] = {}
    for number, person in enumerate(people):
        for key in person.keys:
            for each in (key, key.replace("_", " ")):
                found.setdefault(name_key(each), set()).add(number)
    return {key: next(iter(numbers)) for key, numbers in found.items() if len(numbers) == 1}


def _keys_of(name: str) -> list[str]:
    """What the owner of a picture or folder of this name may be called, the most exact first."""
    return [name_key(each) for stem in (name, _without_number(name)) for each in (stem, stem.replace("_", " "))]


def _without_number(name: str) -> str:
    """The name of a picture without the number at its end, as in `Ada_0001` or `17-2`."""
    stem = name.rstrip("0123456789")
    cut = len(name) - len(stem)
    return stem.rstrip(" _.-(") if 0 < cut <= _LONGEST_NUMBER and stem[-1:] in tuple(" _.-(") else name
