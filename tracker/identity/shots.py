"""Shots of an enrolment before a camera: which frames are worth keeping, and what to ask for until there are enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np

from config.errors import PictureError
from tracker.identity.enrolment_faces import (
    ENROL_QUALITY,
    FaceExtractor,
    SingleFace,
    prominent_faces,
    quality_of,
    single_face,
    vector_of,
)
from tracker.vision.embedders import EmbedderSpec
from tracker.vision.faces import Faces, FloatArray, Image
from tracker.vision.quality import Fault, fault, rejection, turned_deg

ENOUGH_SHOTS = 5
"""No more are taken from a camera."""
MAX_SHOTS = 10
"""No more are kept, wherever they come from."""
_FRONTAL_DEG = 10.0
"""A face that is turned less looks at the camera."""
_ASIDE_DEG = 45.0
"""A face that is turned more is not a little turned."""


class ShotEngine(FaceExtractor, Protocol):
    """Detection and embedding by a network whose distances are known; `FaceEngine` has it."""

    @property
    def embedder(self) -> EmbedderSpec: ...


class Pose(StrEnum):
    """Where a face looks, as the person says it."""

    FRONT = "front"
    LEFT = "left"
    RIGHT = "right"


class Hint(StrEnum):
    """What the person before the camera should do."""

    APPEAR = "appear"
    ALONE = "alone"
    CLOSER = "closer"
    LIGHT = "light"
    GLARE = "glare"
    STILL = "still"
    FRONT = "front"
    LEFT = "left"
    RIGHT = "right"
    MOVE = "move"
    ENOUGH = "enough"


_HINTS = {
    Fault.SMALL: Hint.CLOSER,
    Fault.UNDEREXPOSED: Hint.LIGHT,
    Fault.OVEREXPOSED: Hint.GLARE,
    Fault.DARK: Hint.LIGHT,
    Fault.FLAT: Hint.LIGHT,
    Fault.BLURRED: Hint.STILL,
    Fault.ASIDE: Hint.FRONT,
    Fault.UP: Hint.FRONT,
    Fault.DOWN: Hint.FRONT,
}
_WANTED = {Pose.FRONT: Hint.FRONT, Pose.LEFT: Hint.LEFT, Pose.RIGHT: Hint.RIGHT}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shot:
    """What is kept of a picture. vector: (D,) float32. quality: 0..1. pose: None where the face is turned far aside."""

    vector: FloatArray
    quality: float
    pose: Pose | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Look:
    """What was seen in one frame. faces: the prominent ones, in its px. hint: what to do next. shot: if it is kept."""

    faces: Faces
    hint: Hint
    shot: Shot | None = None


def look(image: Image, engine: ShotEngine, taken: Sequence[Shot]) -> Look:
    """Look at a frame of a camera (BGR). taken: the shots so far, of the same network.

    The first shot looks at the camera. Then one is kept for each pose that is missing, and up to ENOUGH_SHOTS others
    that differ from all before. Raises PictureError where the network gives no vector.
    """
    faces = prominent_faces(image, engine)
    if len(taken) >= ENOUGH_SHOTS:
        return Look(faces=faces, hint=Hint.ENOUGH)
    if len(faces) != 1:
        return Look(faces=faces, hint=Hint.ALONE if len(faces) else Hint.APPEAR)
    face = SingleFace(faces, quality_of(image, faces))
    found = fault(face.quality, 0, ENROL_QUALITY)
    if found is not None:
        return Look(faces=faces, hint=_HINTS[found])
    pose, missing = _pose(faces), _missing(taken)
    if pose is None or (not taken and pose is not Pose.FRONT):
        return Look(faces=faces, hint=Hint.FRONT)
    extras = len(taken) - (len(Pose) - len(missing))
    if pose not in missing and extras >= ENOUGH_SHOTS - len(Pose):
        return Look(faces=faces, hint=_next(missing))
    shot = _shot(image, engine, face, name="the frame")
    if pose not in missing and _nearest(shot, taken) < engine.embedder.embedding.new_view:
        return Look(faces=faces, hint=_next(missing))
    return Look(faces=faces, hint=_next(_missing([*taken, shot]), enough=len(taken) + 1 >= ENOUGH_SHOTS), shot=shot)


def look_at_picture(image: Image, engine: ShotEngine, taken: Sequence[Shot], *, name: str) -> Look:
    """Look at a picture (BGR) that somebody chose, which gives a shot. name: for messages. taken: as for `look`.

    Raises PictureError when there is not exactly one good face in it, it looks like one before, or there are MAX_SHOTS.
    """
    if len(taken) >= MAX_SHOTS:
        raise PictureError(f"{name}: {MAX_SHOTS} pictures are enough", fix="remove one first")
    face = single_face(image, engine, name=name)
    reason = rejection(face.quality, 0, ENROL_QUALITY)
    if reason is not None:
        raise PictureError(f"{name}: the face is {reason}", fix="give a larger, sharper picture")
    shot = _shot(image, engine, face, name=name)
    if _nearest(shot, taken) < engine.embedder.embedding.new_view:
        raise PictureError(f"{name}: it shows hardly more than one before", fix="give one from another side")
    return Look(faces=face.faces, hint=_next(_missing([*taken, shot])), shot=shot)


def _shot(image: Image, engine: FaceExtractor, face: SingleFace, *, name: str) -> Shot:
    vector = vector_of(image, engine, face.faces, name=name)
    return Shot(vector=vector, quality=float(face.quality.score[0]), pose=_pose(face.faces))


def _pose(faces: Faces) -> Pose | None:
    turned = float(turned_deg(faces.landmarks)[0])
    if abs(turned) < _FRONTAL_DEG:
        return Pose.FRONT
    if not abs(turned) <= _ASIDE_DEG:
        return None
    return Pose.LEFT if turned > 0 else Pose.RIGHT


def _missing(taken: Sequence[Shot]) -> list[Pose]:
    known = {shot.pose for shot in taken}
    return [pose for pose in Pose if pose not in known]


def _next(missing: Sequence[Pose], *, enough: bool = False) -> Hint:
    if enough:
        return Hint.ENOUGH
    return _WANTED[missing[0]] if missing else Hint.MOVE


def _nearest(shot: Shot, taken: Sequence[Shot]) -> float:
    """The distance to the most similar shot; infinite without any."""
    return min((float(np.linalg.norm(shot.vector - each.vector)) for each in taken), default=np.inf)
