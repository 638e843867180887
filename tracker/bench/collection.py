"""The pictures that networks are compared on, and the pairs of them whose truth is known."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import TypeAlias

import numpy as np

from config.errors import PeopleError, PictureError
from tracker.demo.portraits import PORTRAITS, picture
from tracker.identity.enrolment_requests import requests_in
from tracker.identity.evaluation import Pair, files_of, path_of, read_pairs
from tracker.identity.pictures import read_picture
from tracker.vision.faces import Image

SEED = 20_240_101
MAX_PAIRS = 3000
"""Pairs of one person, and as many of two, that are drawn of a folder."""
Units: TypeAlias = tuple[tuple[int, int], ...]
_NONE = "give pictures: --pictures DIR, with a folder of pictures for each person to measure accuracy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """Pictures by name, each with what reads it, and pairs of them.

    units: of each pair, what to resample for an interval: numbers of the two people, or twice that of the pair.
    one_face: every picture shows exactly one face. title: where they are from, for people.
    """

    title: str
    pictures: Mapping[str, Callable[[], Image]]
    pairs: tuple[Pair, ...] = ()
    units: Units = ()
    one_face: bool = False


def chosen(pictures: Path | None, pairs: Path | None) -> Collection:
    """The collection of a folder, of a list of pairs (names are relative to the folder, else to that of the list), or
    the two portraits of the demo.

    Raises PeopleError, PictureError or RecordError where there is nothing to use.
    """
    if pairs is not None:
        return _of_pairs(pairs, pairs.parent if pictures is None else pictures)
    return portraits() if pictures is None else in_folder(pictures)


def portraits() -> Collection:
    """The demo's portraits, of packages. Raises PictureError when they are not installed."""
    found = {}
    for key, portrait in PORTRAITS.items():
        try:
            picture(portrait)
        except PictureError as error:
            raise PictureError(error.problem, fix=_NONE) from error
        found[key] = partial(picture, portrait)
    return Collection(title="the portraits of the demo", pictures=found)


def in_folder(folder: Path) -> Collection:
    """The pictures of a folder. Where each person has a folder in it, they have one face each, and pairs are drawn:
    all of one person, up to MAX_PAIRS, and as many of two people.

    Raises PeopleError when it is no folder, or holds no pictures.
    """
    people = [each for each in requests_in(folder) if each.pictures]
    files = {path.relative_to(folder).as_posix(): path for each in people for path in each.pictures}
    if not files:
        raise PeopleError(f"{folder}: no pictures in it", fix=_NONE)
    pictures = {name: partial(read_picture, path) for name, path in files.items()}
    if any(path.parent == folder for path in files.values()):
        return Collection(title=str(folder), pictures=pictures)
    owners = np.repeat(np.arange(len(people)), [len(each.pictures) for each in people])
    pairs, units = _drawn(list(files), owners.tolist())
    return Collection(title=str(folder), pictures=pictures, pairs=pairs, units=units, one_face=True)


def _of_pairs(path: Path, root: Path) -> Collection:
    pairs = tuple(read_pairs(path))
    pictures = {name: partial(read_picture, path_of(root, name)) for name in files_of(pairs)}
    units = tuple((number, number) for number in range(len(pairs)))
    return Collection(title=str(path), pictures=pictures, pairs=pairs, units=units)


def _drawn(names: Sequence[str], owners: Sequence[int]) -> tuple[tuple[Pair, ...], Units]:
    rng = np.random.default_rng(SEED)
    same = _of_one(owners, rng)
    different = _of_two(owners, len(same), rng) if len(set(owners)) > 1 else []
    drawn = [*same, *different]
    pairs = tuple(Pair(names[first], names[second], owners[first] == owners[second]) for first, second in drawn)
    return pairs, tuple((owners[first], owners[second]) for first, second in drawn)


def _of_one(owners: Sequence[int], rng: np.random.Generator) -> list[tuple[int, int]]:
    """Distinct pairs of pictures of one person: MAX_PAIRS, each as likely as the others, or all. owners: ascending.

    Pairs are numbered and drawn by number. Those of one person are (0, 1), (0, 2), (1, 2), (0, 3), and so on: the first
    whose later picture is k has the number k (k - 1) / 2.
    """
    pictures = np.bincount(owners)
    counts = pictures * (pictures - 1) // 2
    ends, total = np.cumsum(counts), int(counts.sum())
    drawn = np.arange(total) if total <= MAX_PAIRS else np.sort(rng.choice(total, MAX_PAIRS, replace=False))
    people = np.searchsorted(ends, drawn, side="right")
    numbers = (drawn - (ends - counts)[people]).tolist()
    firsts = (np.cumsum(pictures) - pictures)[people].tolist()
    later = [(1 + math.isqrt(1 + 8 * number)) // 2 for number in numbers]
    return [
        (first + number - k * (k - 1) // 2, first + k) for first, number, k in zip(firsts, numbers, later, strict=True)
    ]


def _of_two(owners: Sequence[int], wanted: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Distinct pairs of pictures of two people, as many as wanted or there are."""
    counts = np.bincount(owners)
    there = (len(owners) ** 2 - int((counts**2).sum())) // 2
    if there <= 4 * wanted:
        every = [pair for pair in combinations(range(len(owners)), 2) if owners[pair[0]] != owners[pair[1]]]
        return [every[number] for number in np.sort(rng.permutation(len(every))[:wanted])]
    found: dict[tuple[int, int], None] = {}
    while len(found) < wanted:
        first, second = sorted(rng.integers(0, len(owners), 2).tolist())
        if owners[first] != owners[second]:
            found[first, second] = None
    return list(found)


def sample(names: Iterable[str], count: int) -> frozenset[str]:
    """Some of the names, the same each time."""
    listed = list(names)
    return frozenset(listed[row] for row in np.random.default_rng(SEED).permutation(len(listed))[:count])
