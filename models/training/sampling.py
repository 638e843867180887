"""Which pictures are in which batch: the same for the same seed and epoch, so that a run can go on at any step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.training.options import Loss, TrainingOptions

Rows = NDArray[np.int64]
Images = NDArray[np.uint8]
_SAMPLING = 1
"""Distinguishes the random numbers here from those of augmentation."""


class Pictures(Protocol):
    """Pictures by number."""

    def read(self, rows: Rows) -> Images:
        """(n, size, size, 3) RGB, px in 0..255."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingSet:
    """Pictures to teach with. labels: (n,), the number of the person, from 0 on without gaps."""

    pictures: Pictures
    labels: Rows


def batches(labels: Rows, options: TrainingOptions, epoch: int) -> list[Rows]:
    """The rows of each batch of an epoch, all of one length; few pictures are gone through several times."""
    found: list[Rows] = []
    while len(found) < max(1, options.steps):
        found += _pass(labels, options, np.random.default_rng([options.seed, _SAMPLING, epoch, len(found)]))
    return found


def _pass(labels: Rows, options: TrainingOptions, random: np.random.Generator) -> list[Rows]:
    """Batches in which every picture is at most once, but for those that fill up groups."""
    if options.loss is Loss.TRIPLET:
        groups = np.array(list(_groups(labels, options.pictures_per_person, random)))
        size = max(2, options.batch // options.pictures_per_person)
        return [rows.reshape(-1) for rows in _parts(groups, size)]
    return _parts(random.permutation(len(labels)), options.batch)


def _parts(rows: Rows, size: int) -> list[Rows]:
    """Rows in parts of a size; what is left over waits for another epoch, unless there is nothing else."""
    size = min(size, len(rows))
    return [rows[start : start + size] for start in range(0, len(rows) - size + 1, size)]


def _groups(labels: Rows, count: int, random: np.random.Generator) -> Iterator[Rows]:
    """Groups of `count` pictures of one person, such that neighbours are of different people where that is possible.

    Each picture is in one group; the last group of a person is filled up with pictures drawn from the others.
    """
    order = np.argsort(labels, kind="stable")
    by_person = np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
    left = {int(labels[rows[0]]): random.permutation(rows) for rows in by_person}
    everything = dict(left)
    while left:
        for person in random.permutation(list(left)):
            group, left[person] = left[person][:count], left[person][count:]
            more = random.choice(everything[person], count - len(group)) if len(group) < count else group[:0]
            yield np.concatenate([group, more])
        left = {person: rows for person, rows in left.items() if len(rows)}
