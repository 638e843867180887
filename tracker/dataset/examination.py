"""What one picture of a dataset shows: the rules of enrolment, in its words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

import numpy as np

from config.errors import PictureError
from tracker.identity.enrolment_faces import (
    ENROL_QUALITY,
    FaceExtractor,
    count_problem,
    prominent_faces,
    quality_of,
    vector_of,
)
from tracker.identity.pictures import digest, read_picture
from tracker.vision.faces import Faces, FloatArray, Image
from tracker.vision.quality import Fault, fault, rejection


class Problem(StrEnum):
    """What is wrong with a picture of a dataset, apart from the quality of its face."""

    UNREADABLE = "unreadable"
    NO_FACE = "no face"
    SEVERAL_FACES = "several faces"
    DUPLICATE = "duplicate"
    """The same file as another one of the person."""
    SHARED = "of several people"
    """The same file, or nearly the same picture, is given for several people."""
    MISLABELLED = "mislabelled"
    """It shows somebody else of the dataset."""
    OUTLIER = "outlier"
    """It matches no other picture of the person."""
    NEAR_DUPLICATE = "near-duplicate"
    """It adds hardly anything to another picture of the person."""


AnyProblem: TypeAlias = Problem | Fault


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExaminedPicture:
    """A picture of a person. content: digest of the file, empty where it cannot be read.

    problem, reason: None and empty for a good picture. face: the one face, or the widest of several; vector: (D,)
    float32, of that face, quality: 0..1; None where there is no face.
    """

    person: str
    path: Path
    content: str
    problem: AnyProblem | None = None
    reason: str = ""
    face: Faces | None = None
    vector: FloatArray | None = None
    quality: float | None = None

    @property
    def refused(self) -> bool:
        """Whether it must not be used; a near-duplicate may be."""
        return self.problem not in (None, Problem.NEAR_DUPLICATE)


def examine(person: str, path: Path, engine: FaceExtractor, *, multi: bool = False) -> ExaminedPicture:
    """Read a picture, find its face and judge it. multi: of several faces, the widest counts."""
    content = digest(path)
    try:
        return _examined(person, path, content, read_picture(path), engine, multi=multi)
    except PictureError as error:
        reason = error.problem.removeprefix(f"{path}: ")
        return ExaminedPicture(person=person, path=path, content=content, problem=Problem.UNREADABLE, reason=reason)


def _examined(
    person: str, path: Path, content: str, image: Image, engine: FaceExtractor, *, multi: bool
) -> ExaminedPicture:
    """Raises PictureError where the network gives no vector."""
    found = prominent_faces(image, engine)
    count = count_problem(found)
    if not len(found):
        return ExaminedPicture(person=person, path=path, content=content, problem=Problem.NO_FACE, reason=count or "")
    face = found.take(np.array([int(np.argmax(found.widths))]))
    quality = quality_of(image, face)
    problem: AnyProblem | None = fault(quality, 0, ENROL_QUALITY)
    reason = "" if problem is None else f"the face is {rejection(quality, 0, ENROL_QUALITY)}"
    if count is not None and not multi:
        problem, reason = Problem.SEVERAL_FACES, count
    return ExaminedPicture(
        person=person,
        path=path,
        content=content,
        problem=problem,
        reason=reason,
        face=face,
        vector=vector_of(image, engine, face, name=str(path)),
        quality=float(quality.score[0]),
    )
