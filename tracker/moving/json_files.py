"""JSON files of other programs: people are found by the structure, whatever the file is called.

Read are objects by name, lists of objects, two lists of names and vectors, and each of them inside an object that has
other fields as well.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile
from pathlib import PurePosixPath
from typing import Any

from config.errors import PeopleError
from tracker.identity.names import shown
from tracker.identity.pictures import PICTURE_SUFFIXES
from tracker.moving.records import VECTORS, ImportedPerson, field_key, is_person, person_of

MOST_PEOPLE = 100_000
_WRAPPERS = frozenset(
    {
        "people", "persons", "person", "members", "students", "employees", "users", "faces", "knownfaces", "database",
        "db", "data", "default", "records", "items", "entries", "results", "gallery", *VECTORS,
    }
)  # fmt: skip
_OF_FACES = frozenset({*VECTORS, "faces", "images", "pictures", "samples"})
_DEEPEST = 4
_NETWORKS = ("network", "model", "modelname", "embedder", "pack")
_SHORTEST_TEXT = 8
"""Numbers in a text that is a vector."""
_DECIMAL = re.compile(r"[+-]?[0-9]*\.[0-9]+(?:e[+-]?[0-9]+)?", re.ASCII | re.IGNORECASE)
_FIX = "give a file of names with vectors; docs/moving.md shows the shapes that are read"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImportedFile:
    """What a file of another program holds. network: what it says made the vectors, empty where it says nothing."""

    people: tuple[ImportedPerson, ...]
    network: str = ""


def read_json(content: bytes, *, name: str) -> ImportedFile:
    """The people of a JSON file. name: of the file, for messages. Vectors without a name are a person without one.

    Raises PeopleError where it is no JSON, names a person twice in one object, or holds nobody.
    """
    document = parsed(content, name=name)
    people = tuple(each for each in _merged(_people(document, _DEEPEST)) if each.name.strip() or each.vectors)
    if not people:
        problem = "vectors without names" if _vectors(document) else "no people found in it"
        raise PeopleError(f"{name}: {problem}", fix=_FIX)
    if len(people) > MOST_PEOPLE:
        raise PeopleError(f"{name}: {len(people):,} people, at most {MOST_PEOPLE:,} are read", fix="divide the file")
    return ImportedFile(people=people, network=_network(document))


def parsed(content: bytes, *, name: str) -> Any:
    """The value of a JSON text in UTF-8 or UTF-16. Raises PeopleError."""
    try:
        return json.loads(content.removeprefix(b"\xef\xbb\xbf"), object_pairs_hook=_distinct)
    except RecursionError as error:
        raise PeopleError(f"{name}: it is nested too deeply", fix=_FIX) from error
    except UnicodeDecodeError as error:
        raise PeopleError(f"{name}: it is not in UTF-8", fix="save it in UTF-8") from error
    except ValueError as error:
        reason = str(error) if isinstance(error, json.JSONDecodeError | _TwiceError) else "a number is too long"
        raise PeopleError(f"{name}: not valid JSON: {reason}", fix="export it again") from error


class _TwiceError(ValueError):
    """A name is given twice in one object, of which JSON readers would keep the last only."""


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = sorted(name for name, _ in pairs)
        twice = next(first for first, second in pairwise(names) if first == second)
        raise _TwiceError(f"{shown(twice)} is there twice in one object")
    return found


def _people(value: Any, depth: int) -> Iterator[ImportedPerson]:
    """The people of a value, in the order of the file."""
    if depth == 0:
        return
    if isinstance(value, list):
        yield from _of_list(value)
    elif isinstance(value, dict):
        parallel = _parallel(value)
        inner = [] if parallel is not None else _wrapped(value, depth)
        vectors = _vectors(value)
        if parallel is not None:
            yield from _of_pairs(*parallel)
        elif is_person(value) and (vectors or not inner):
            yield from _given(person_of(value, vectors))
        elif inner:
            yield from inner
        else:
            for name, each in value.items():
                if field_key(name) not in VECTORS:  # else vectors without names
                    yield from _given(_of_entry(name, each))


def _given(person: ImportedPerson | None) -> Iterator[ImportedPerson]:
    if person is not None:
        yield person


def _of_entry(name: str, value: Any) -> ImportedPerson | None:
    """The person of one field of an object whose names are those of people, or their ids."""
    if isinstance(value, dict) and _vector(value) is None:
        return person_of(value, _vectors(value), called=name)
    vectors = _vectors(value)
    if isinstance(value, str) and not vectors and value.strip():  # an id, and whose it is
        return ImportedPerson(name=value.strip(), keys=(name, value.strip()), own_id=name)
    if vectors or value in (None, [], {}):
        return ImportedPerson(name=name, keys=(name,), vectors=vectors)
    return None


def _of_list(value: list[Any]) -> Iterator[ImportedPerson]:
    if len(value) == 2 and all(isinstance(each, list) for each in value):
        names, vectors = value if _are_names(value[0]) else value[::-1]
        if _are_names(names) and len(names) == len(vectors):
            yield from _of_pairs(names, vectors)
            return
    objects = [each for each in value if isinstance(each, dict)]
    paths = _folders([each["identity"] for each in objects if isinstance(each.get("identity"), str)])
    for each in objects:
        if isinstance(each.get("identity"), str):
            yield from _given(person_of({**each, "name": paths[each["identity"]]}, _vectors(each)))
        elif is_person(each):
            yield from _given(person_of(each, _vectors(each)))


def _of_pairs(names: Sequence[str], vectors: Sequence[Any]) -> Iterator[ImportedPerson]:
    for name, each in zip(names, vectors, strict=True):
        yield ImportedPerson(name=name, keys=(name,), vectors=_vectors(each))


def _parallel(value: Mapping[str, Any]) -> tuple[list[str], list[Any]] | None:
    """A list of names and one of as many vectors, side by side in an object."""
    lists = {field_key(key): each for key, each in value.items() if isinstance(each, list)}
    names = [each for key, each in lists.items() if key not in VECTORS and _are_names(each)]
    vectors = [each for key, each in lists.items() if key in VECTORS or "encoding" in key or "embedding" in key]
    if len(names) == 1 and len(vectors) == 1 and len(names[0]) == len(vectors[0]):
        return names[0], vectors[0]
    return None


def _wrapped(value: Mapping[str, Any], depth: int) -> list[ImportedPerson]:
    """The people in the field that holds them, where the others describe the file; nobody where there is none."""
    fields = {key: each for key, each in value.items() if isinstance(each, list | dict) and _vector(each) is None}
    inside = {key: each for key, each in fields.items() if field_key(key) in _WRAPPERS}
    if any(_vectors(each) for key, each in value.items() if key not in inside):
        return []
    found = [list(_people(each, depth - 1)) for each in inside.values()]
    return max(found, key=lambda people: (sum(bool(each.vectors) for each in people), len(people)), default=[])


def _are_names(value: object) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(each, str) and _vector(each) is None for each in value)
    )


def _vectors(value: Any) -> tuple[object, ...]:
    """The vectors of one person: one, several, or those in the fields of an object."""
    vector = _vector(value)
    if vector is not None:
        return (vector,)
    return _each_of(value, depth=2) if isinstance(value, list) else _in_fields(value)


def _in_fields(value: Any, depth: int = 2) -> tuple[object, ...]:
    """The vectors in the fields of an object that are named after them, or after faces that have them."""
    if not isinstance(value, dict) or depth == 0:
        return ()
    found: list[object] = []
    for each in (each for key, each in value.items() if field_key(key) in _OF_FACES):
        vector = _vector(each)
        if vector is not None:
            found.append(vector)
        elif isinstance(each, list | dict):
            found += _each_of(each if isinstance(each, list) else each.values(), depth=depth - 1)
    return tuple(found)


def _each_of(values: Iterable[Any], *, depth: int) -> tuple[object, ...]:
    """The vectors of several values, each of which is one or has them in its fields."""
    found: list[object] = []
    for each in values:
        vector = _vector(each)
        found += _in_fields(each, depth) if vector is None else (vector,)
    return tuple(found)


def _vector(value: Any) -> list[Any] | None:
    """The numbers of a list, of an object by position as JavaScript writes typed arrays, or of a text; else None.

    A list that holds something else besides is one, too: it is rejected with the reason. Numbers in a list may be texts
    where they have a point.
    """
    if isinstance(value, list):
        some = any(map(_is_number, value)) or (len(value) >= _SHORTEST_TEXT and all(map(_is_decimal, value)))
        return value if some and not any(isinstance(each, list | dict) for each in value) else None
    if isinstance(value, dict):
        by_position = len(value) >= _SHORTEST_TEXT and all(key.isascii() and key.isdigit() for key in value)
        return _vector([value[key] for key in sorted(value, key=_position)]) if by_position else None
    return numbers_of(value) if isinstance(value, str) else None


def _position(key: str) -> tuple[int, str]:
    """Orders texts of digits, however long, by their number."""
    digits = key.lstrip("0")
    return len(digits), digits


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _is_decimal(value: object) -> bool:
    """Whether a value is a text such as `-0.12` or `1.2e-05`; not `17`, which may be an id."""
    return isinstance(value, str) and _DECIMAL.fullmatch(value.strip()) is not None


def numbers_of(text: str) -> list[float] | None:
    """The numbers of a text such as `[0.1, -0.2 …]` or `0.1 -0.2 …`; None where it is something else."""
    parts = text.strip().removeprefix("[").removesuffix("]").replace(",", " ").replace(";", " ").split()
    if len(parts) < _SHORTEST_TEXT:
        return None
    try:
        return [float(part) for part in parts]
    except ValueError:
        return None


def _folders(identities: Iterable[str]) -> dict[str, str]:
    """By the path of a picture whose it is: of the first folder that not all have, else of the file.

    An identity that is no path is a name.
    """
    paths = {each: PurePosixPath(each.replace("\\", "/")) for each in identities}
    pictures = {each: path for each, path in paths.items() if path.suffix.lower() in PICTURE_SUFFIXES}
    folders = [path.parts[:-1] for path in pictures.values()]
    shared = len(list(takewhile(lambda names: len(set(names)) == 1, zip(*folders, strict=False))))
    names = dict.fromkeys(paths, "") | {
        each: path.parts[shared] if len(path.parts) - 1 > shared else path.stem for each, path in pictures.items()
    }
    return {each: name or each for each, name in names.items()}


def _merged(people: Iterable[ImportedPerson]) -> Iterator[ImportedPerson]:
    """The people, with the vectors of several entries of one name and id together."""
    found: dict[tuple[str, str], list[ImportedPerson]] = {}
    for each in people:
        found.setdefault((each.name, each.own_id), []).append(each)
    for entries in found.values():
        first = entries[0]
        yield ImportedPerson(
            name=first.name,
            keys=tuple(dict.fromkeys(key for each in entries for key in each.keys)),
            own_id=first.own_id,
            changes={key: value for each in reversed(entries) for key, value in each.changes.items()},
            vectors=tuple(vector for each in entries for vector in each.vectors),
            ignored=tuple(sorted({name for each in entries for name in each.ignored})),
        )


def _network(document: Any) -> str:
    """The network that a file names for its vectors."""
    if not isinstance(document, dict):
        return ""
    named = {field_key(key): value for key, value in document.items() if isinstance(value, str)}
    return next((named[key][:80] for key in _NETWORKS if key in named), "")
