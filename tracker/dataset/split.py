"""Divides a dataset in two by the names in it: pictures to teach a network, and pictures to test it."""

from __future__ import annotations

import filecmp
import hashlib
import os
import shutil
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path

import numpy as np

from config.errors import PeopleError, PictureError
from tracker.dataset.comparison import distances_by_row, vectors_of
from tracker.dataset.examination import ExaminedPicture
from tracker.dataset.folders import Dataset, require_apart
from tracker.dataset.writing import placing
from tracker.reports.sheets import Column

COLUMNS = (Column("set", "set"), Column("person", "person"), Column("file", "file"))
"""Of the list of all pictures, as CSV."""


class Part(StrEnum):
    """The part of a split, and the name of its folder."""

    TRAIN = "train"
    TEST = "test"


class By(StrEnum):
    """What is divided: people, whose pictures stay together, or the pictures of each person."""

    PERSON = "person"
    PICTURE = "picture"


def split_people(dataset: Dataset, share: float, seed: int) -> dict[Path, Part]:
    """By picture, its part: that of its person. share: of the people in the test, at least one and never all.

    Raises PeopleError for one person.
    """
    people = [person for person in dataset.people if person.pictures]
    if len(people) < 2:
        raise PeopleError(f"{dataset.root}: pictures of one person only", fix="divide their pictures: --by picture")
    drawn = sorted(people, key=lambda person: _draw(person.name, seed))
    test = {person.name for person in drawn[: min(max(round(share * len(people)), 1), len(people) - 1)]}
    return {path: Part.TEST if name in test else Part.TRAIN for name, path in dataset.pictures()}


def split_pictures(
    dataset: Dataset, pictures: Sequence[ExaminedPicture], new_view: float, share: float, seed: int
) -> dict[Path, Part]:
    """By picture, its part, for each person by itself. share: of a person's pictures in the test, rounded.

    Near-duplicates, nearer than `new_view`, and copies stay together, also those of several people; where they are too
    many for the test they are all in the other part.
    Raises PictureError where nothing can be in the test.
    """
    groups = _groups(pictures, new_view)
    own: dict[str, dict[int, list[Path]]] = defaultdict(lambda: defaultdict(list))
    for each in pictures:
        own[each.person][groups[each.path]].append(each.path)
    keys = _keys(dataset, pictures, groups)
    parts: dict[int, Part] = {}
    for person in sorted(own):
        members = own[person]
        total = sum(map(len, members.values()))
        wanted = min(round(share * total), total - 1)
        wanted -= sum(len(paths) for group, paths in members.items() if parts.get(group) is Part.TEST)
        for group in sorted(members.keys() - parts.keys(), key=lambda one: _draw(keys[one], seed)):
            parts[group] = Part.TEST if len(members[group]) <= wanted else Part.TRAIN
            wanted -= len(members[group]) if parts[group] is Part.TEST else 0
    if Part.TEST not in parts.values():
        raise PictureError(
            f"{dataset.root}: nothing can be in the test: too few pictures of each person that are no near-duplicates",
            fix="give more pictures, a larger --test, or --by person",
        )
    return {each.path: parts[groups[each.path]] for each in pictures}


def write_split(dataset: Dataset, parts: Mapping[Path, Part], out: Path, *, link: bool) -> int:
    """Write `OUT/train/Ada/1.jpg` and so on, as copies or symbolic links; how many were not there yet.

    Before anything is written: raises PeopleError where OUT is not apart from the dataset, PictureError where it has
    files that are not of this split.
    """
    planned = {out / part / dataset.name_of(path): path for path, part in parts.items()}
    require_apart(dataset.root, out, planned)
    _require_same(out, planned, link=link)
    new = [place for place in planned if not place.exists()]
    for place in new:
        with placing(place) as file:
            if link:
                file.symlink_to(planned[place].resolve())
            else:
                shutil.copyfile(planned[place], file)
    return len(new)


def rows(dataset: Dataset, parts: Mapping[Path, Part]) -> list[dict[str, str]]:
    """A row for each picture, by `COLUMNS`."""
    return [{"set": parts[path], "person": name, "file": dataset.name_of(path)} for name, path in dataset.pictures()]


def _groups(pictures: Sequence[ExaminedPicture], new_view: float) -> dict[Path, int]:
    """By picture, the number of the group that it stays together with."""
    first: dict[str, int] = {}
    groups = np.array([first.setdefault(each.content or str(each.path), row) for row, each in enumerate(pictures)])
    seen = np.array([each.vector is not None for each in pictures])
    if seen.any():
        for distances in distances_by_row(vectors_of(pictures)):
            joined = np.unique(groups[seen][distances < new_view])
            if len(joined) > 1:
                groups[np.isin(groups, joined)] = joined[0]
    return {each.path: int(group) for each, group in zip(pictures, groups, strict=True)}


def _keys(dataset: Dataset, pictures: Iterable[ExaminedPicture], groups: Mapping[Path, int]) -> dict[int, str]:
    """By group, the first of the names in it."""
    names: dict[int, str] = {}
    for each in pictures:
        group, name = groups[each.path], dataset.name_of(each.path)
        names[group] = min(names.get(group, name), name)
    return names


def _draw(name: str, seed: int) -> bytes:
    """What decides the order in which names are drawn: the same on every machine."""
    return hashlib.sha256(os.fsencode(f"{seed}\n{unicodedata.normalize('NFC', name)}")).digest()


def _require_same(out: Path, planned: Mapping[Path, Path], *, link: bool) -> None:
    """Raises PictureError where the parts in OUT have other files, or the planned ones differ from those there."""
    there = [path for part in Part for path in (out / part).rglob("*") if path.is_symlink() or not path.is_dir()]
    strange = [path for path in there if path not in planned or not _same(path, planned[path], link=link)]
    if strange:
        raise PictureError(
            f"{out}: has {len(strange)} files that are not of this split, such as {strange[0]}",
            fix="give another folder to --to, or delete this one first",
        )


def _same(place: Path, original: Path, *, link: bool) -> bool:
    try:
        if link or place.is_symlink():
            return link and place.is_symlink() and place.resolve() == original.resolve()
        return filecmp.cmp(place, original, shallow=False)
    except OSError as error:
        raise PictureError(
            f"{place}: cannot be compared ({error.strerror})", fix="give another folder to --to"
        ) from error
