"""The face of an enrolment picture: which of those in the picture counts, and how good it has to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from config.errors import PictureError
from config.recognition import QualitySettings
from tracker.vision.align import align
from tracker.vision.faces import Faces, FloatArray, Image
from tracker.vision.quality import CHIP, Quality, assess

ENROL_QUALITY = QualitySettings(min_width=40, max_yaw=90)
"""Required of enrolment pictures. Profiles are accepted, other than in recognition."""
_MAX_SEARCH_SIDE_PX = 1280
"""Larger pictures are downscaled to this for detection; the chip is taken from the original."""
_MIN_RELATIVE_WIDTH = 0.25
"""Faces narrower than this share of the widest are in the background and ignored."""
_CONFIDENT_SCORE = 0.95
"""In a picture with a face of this score, faces of lower scores are ignored as false positives."""


class FaceExtractor(Protocol):
    """Face detection and embedding, as `tracker.vision.engine.FaceEngine` implements them."""

    def detect(self, image: Image) -> Faces:
        """The faces of a BGR picture."""

    def embed(self, image: Image, faces: Faces) -> FloatArray:
        """(N, D) vectors of the given faces of that picture; NaN where the network gives none."""


@dataclass(frozen=True, slots=True, eq=False)
class SingleFace:
    """The one face of a picture, and its quality; both have one row."""

    faces: Faces
    quality: Quality


def single_face(image: Image, engine: FaceExtractor, *, name: str) -> SingleFace:
    """The only prominent face of a picture. name: of the picture, for messages.

    Raises PictureError unless there is exactly one.
    """
    faces = prominent_faces(image, engine)
    problem = count_problem(faces)
    if problem is not None:
        raise PictureError(f"{name}: {problem}", fix="give a picture of one person with the face clearly visible")
    return SingleFace(faces, quality_of(image, faces))


def vector_of(image: Image, engine: FaceExtractor, face: Faces, *, name: str) -> FloatArray:
    """The vector (D,) of the one face given. name: of the picture, for messages. Raises PictureError without one."""
    vector: FloatArray = engine.embed(image, face)[0]
    if not np.isfinite(vector).all():
        raise PictureError(f"{name}: the network gives no finite vector", fix="use another network or picture")
    return vector


def count_problem(faces: Faces) -> str | None:
    """Why the faces of a picture are not the one that is needed, as text; None for one."""
    if len(faces) == 1:
        return None
    return f"{len(faces)} faces found, exactly one is needed" if len(faces) else "no face found"


def quality_of(image: Image, faces: Faces) -> Quality:
    """The quality of faces of a picture."""
    return assess(faces, align(image, faces.landmarks, CHIP))


def prominent_faces(image: Image, engine: FaceExtractor) -> Faces:
    """The faces of a picture, in its px, without background faces and likely false positives."""
    faces = _search(image, engine)
    certain = faces.take(faces.scores >= _CONFIDENT_SCORE)
    counted = certain if len(certain) else faces
    return counted.take(counted.widths >= _MIN_RELATIVE_WIDTH * max(counted.widths.tolist(), default=0.0))


def _search(image: Image, engine: FaceExtractor) -> Faces:
    height, width = image.shape[:2]
    scale = _MAX_SEARCH_SIDE_PX / max(width, height)
    if scale >= 1:
        return engine.detect(image)
    size_wh = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    faces = engine.detect(small)
    back = np.array([width / size_wh[0], height / size_wh[1]], np.float32)
    return Faces(faces.boxes * np.tile(back, 2), faces.scores, faces.landmarks * back)
