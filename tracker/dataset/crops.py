"""Crops of faces, as networks are taught with: by the detected box, or aligned by five landmarks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

import cv2
import numpy as np

from config.errors import PictureError
from tracker.dataset.examination import ExaminedPicture
from tracker.dataset.folders import PersonFolder
from tracker.dataset.writing import placing
from tracker.identity.pictures import read_picture
from tracker.vision.align import cut
from tracker.vision.embedders import ARCFACE_CHIP, DLIB_CHIP, BoxLayout, ChipLayout, Layout
from tracker.vision.faces import Faces, Image

Cut: TypeAlias = Callable[[Image, Faces], Image]
"""Makes the crop, BGR, of a picture and its one face."""


class Template(StrEnum):
    """Where the landmarks come to lie in an aligned crop."""

    ARCFACE = "arcface"
    DLIB = "dlib"


class Written(StrEnum):
    """What became of a crop. DIFFERENT: another file is in its place, and was left there."""

    NEW = "new"
    UP_TO_DATE = "up to date"
    DIFFERENT = "different"


LAYOUTS: Mapping[Template, ChipLayout] = MappingProxyType({Template.ARCFACE: ARCFACE_CHIP, Template.DLIB: DLIB_CHIP})


def by_box(size: int, margin: int) -> Cut:
    """Squares of `size` px around the box; its longer side and `margin` px, half on each side, fill the square.

    Pixels outside the picture are black. margin: at most half of size.
    """

    layout = BoxLayout(side=size, margin=margin)
    return partial(_cut_to, layout)


def by_landmarks(template: Template, size: int | None = None) -> Cut:
    """Squares in which the five landmarks lie as in the template. size: in px, None for that of the template."""
    layout = LAYOUTS[template]
    if size is not None:
        layout = ChipLayout(size, layout.template * np.float32(size / layout.side))
    return partial(_cut_to, layout)


def _cut_to(layout: Layout, image: Image, face: Faces) -> Image:
    return np.ascontiguousarray(cut(image, face, layout)[0][:, :, ::-1])


def places(people: Iterable[PersonFolder], out: Path) -> dict[Path, Path]:
    """By picture, the file of its crop: `OUT/Ada/1.png` of `Ada/1.jpg`; `1.jpg.png` where `1.bmp` is there too."""
    found = {}
    for person in people:
        stems = Counter(path.stem.casefold() for path in person.pictures)
        for path in person.pictures:
            name = path.stem if stems[path.stem.casefold()] == 1 else path.name
            found[path] = out / person.name / f"{name}.png"
    return found


def write_crop(picture: ExaminedPicture, place: Path, make: Cut, *, force: bool = False) -> Written:
    """Write the crop of a picture with a face. force: replace another file in its place. Raises PictureError."""
    if picture.face is None:
        raise ValueError(f"{picture.path}: no face to crop")
    done, data = cv2.imencode(".png", make(read_picture(picture.path), picture.face))
    if not done:
        raise PictureError(f"{place}: cannot be written as PNG", fix="give another --size")
    content = data.tobytes()
    if place.exists():
        if _holds(place, content):
            return Written.UP_TO_DATE
        if not force:
            return Written.DIFFERENT
    with placing(place) as file:
        file.write_bytes(content)
    return Written.NEW


def _holds(place: Path, content: bytes) -> bool:
    try:
        return place.stat().st_size == len(content) and place.read_bytes() == content
    except OSError as error:
        raise PictureError(f"{place}: cannot be read ({error.strerror})", fix="give another folder to --to") from error
