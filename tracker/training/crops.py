"""Pictures of aligned faces as a network takes them: squares of one size, in memory where they fit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from config.errors import PictureError
from tracker.dataset.folders import PersonFolder
from tracker.identity.pictures import read_picture

Images: TypeAlias = NDArray[np.uint8]
Rows: TypeAlias = NDArray[np.int64]

_MEMORY_BYTES = 2_000_000_000
"""Pictures up to that are read once; more are read whenever they are needed."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Crops:
    """Pictures of people that can be read.

    paths: of n pictures. labels: (n,), the number of the person, in the order of `people`. fingerprint: of people and
    pixels. sides: (n,), the shorter side of each file, px.
    """

    size: int
    paths: tuple[Path, ...]
    labels: Rows
    people: tuple[str, ...]
    fingerprint: str
    sides: Rows
    kept: Images | None

    def read(self, rows: Rows) -> Images:
        """(n, size, size, 3) RGB. Raises PictureError where a picture cannot be read any more."""
        if self.kept is not None:
            return self.kept[rows]
        return np.stack([read_crop(self.paths[row], self.size)[0] for row in rows])


def read_crop(path: Path, size: int) -> tuple[Images, int]:
    """(size, size, 3) RGB, the square in the middle of a picture, scaled; and that square's side in the file, px.

    Raises PictureError.
    """
    image = read_picture(path)
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = np.ascontiguousarray(image[top : top + side, left : left + side, ::-1], np.uint8)
    if side != size:
        interpolation = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
        square = np.asarray(cv2.resize(square, (size, size), interpolation=interpolation), np.uint8)
    return square, side


def load(
    people: Sequence[PersonFolder], size: int, pictures: Iterable[tuple[str, Path]], *, memory: int = _MEMORY_BYTES
) -> tuple[Crops, list[PictureError]]:
    """Read the pictures of people once; those that cannot be read are left out, and returned as errors.

    pictures: name and file of each, in the order of the people. memory: bytes that pictures may take.
    """
    numbers = {person.name: number for number, person in enumerate(people)}
    total = sum(len(person.pictures) for person in people)
    kept = np.empty((total, size, size, 3), np.uint8) if total * size * size * 3 <= memory else None
    paths: list[Path] = []
    labels: list[int] = []
    sides: list[int] = []
    failures: list[PictureError] = []
    fingerprint = hashlib.sha256(f"{size}\n".encode())
    for name, path in pictures:
        try:
            crop, side = read_crop(path, size)
        except PictureError as error:
            failures.append(error)
            continue
        if kept is not None:
            kept[len(paths)] = crop
        fingerprint.update(f"{numbers[name]}\n".encode() + crop.tobytes())
        paths.append(path)
        labels.append(numbers[name])
        sides.append(side)
    crops = Crops(
        size=size,
        paths=tuple(paths),
        labels=np.array(labels, np.int64),
        people=tuple(numbers),
        fingerprint=fingerprint.hexdigest(),
        sides=np.array(sides, np.int64),
        kept=None if kept is None else kept[: len(paths)],
    )
    return crops, failures
