"""The demo's actors: cutouts of two public-domain portraits from the scikit-image and matplotlib wheels.

The astronaut is Eileen Collins, the rear admiral Grace Hopper; both photographs are works of the United States
government. The packages are located, never imported, and the files are verified by hash, because the
outlines below fit only these pictures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from config.errors import PictureError
from tracker.vision.faces import FloatArray, Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Portrait:
    """The source of a portrait and the outline of the person in it.

    package, distribution: as Python and as pip name it. file: inside the package. sha256: of the file.
    face_xywh: middle and size of the face, px. outline_xy: the person's silhouette, px. pad: rows and columns to add
    below and on the right, where the picture ends before the person does. sleeve_rows: rows with nothing but cloth,
    from which the addition is made. feather: sigma px of the silhouette's edge. colour: how much of
    the picture's colourfulness to keep, 0..1.
    """

    package: str
    distribution: str
    file: str
    sha256: str
    face_xywh: tuple[float, float, float, float]
    outline_xy: tuple[tuple[int, int], ...]
    pad: tuple[int, int] = (0, 0)
    sleeve_rows: tuple[int, int] = (0, 0)
    feather: float = 1.0
    colour: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Cutout:
    """A person without background.

    image: (H, W, 3) uint8 BGR. alpha: (H, W) float32 0..1. face_xywh: middle and size of the face, px.
    """

    image: Image
    alpha: FloatArray
    face_xywh: tuple[float, float, float, float]


# fmt: off
PORTRAITS = {
    "astronaut": Portrait(
        package="skimage",
        distribution="scikit-image",
        file="data/astronaut.png",
        sha256="88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
        face_xywh=(223.0, 117.0, 83.0, 107.0),
        outline_xy=(
            (231, 16), (251, 20), (276, 31), (288, 43), (296, 60), (300, 86), (296, 102), (290, 113), (279, 128),
            (276, 135), (270, 137), (266, 137), (264, 146), (260, 155), (257, 164), (255, 174), (265, 179),
            (275, 188), (285, 200), (295, 215), (301, 228), (304, 237), (312, 241), (324, 248), (333, 255),
            (340, 262), (346, 279), (352, 287), (356, 302), (357, 318), (361, 332), (361, 348), (372, 345),
            (396, 343), (418, 345), (436, 351), (456, 362), (470, 374), (482, 389), (490, 405), (495, 422),
            (498, 445), (503, 457), (501, 463), (506, 475), (508, 490), (511, 492), (511, 511), (40, 511),
            (36, 501), (30, 495), (26, 484), (23, 460), (24, 432), (20, 419), (19, 390), (26, 366), (27, 341),
            (34, 315), (39, 305), (40, 294), (50, 271), (65, 246), (78, 234), (91, 226), (107, 211), (113, 206),
            (114, 200), (119, 194), (121, 183), (131, 167), (140, 158), (149, 153), (161, 149), (171, 148),
            (184, 149), (182, 132), (176, 129), (171, 119), (158, 105), (155, 98), (153, 68), (157, 57), (174, 43),
            (189, 36), (201, 24), (216, 20),
        ),
        feather=0.9,
    ),
    "hopper": Portrait(
        package="matplotlib",
        distribution="matplotlib",
        file="mpl-data/sample_data/grace_hopper.jpg",
        sha256="a8ca6d734765703b09728ab47fe59f473d93ae3967fc24c7c0288c3c7adb7130",
        face_xywh=(264.0, 225.0, 173.0, 220.0),
        outline_xy=(
            (218, 40), (226, 31), (238, 25), (254, 22), (270, 24), (289, 32), (300, 40), (313, 42), (330, 48),
            (343, 58), (350, 70), (354, 86), (364, 87), (369, 100), (371, 134), (369, 165), (366, 179), (374, 188),
            (375, 198), (370, 211), (370, 222), (367, 236), (361, 261), (358, 276), (350, 292), (342, 303),
            (334, 308), (330, 312), (343, 326), (363, 341), (376, 346), (422, 366), (464, 377), (492, 393),
            (506, 436), (514, 470), (521, 520), (526, 600), (530, 1110), (8, 1110), (11, 599), (15, 568),
            (17, 526), (22, 501), (27, 459), (27, 434), (24, 426), (39, 409), (40, 402), (47, 387), (53, 382),
            (63, 380), (74, 372), (96, 364), (121, 361), (132, 355), (165, 345), (183, 334), (193, 322), (201, 312),
            (200, 303), (196, 298), (180, 291), (166, 281), (161, 270), (162, 262), (158, 222), (153, 200),
            (153, 192), (160, 181), (148, 172), (149, 135), (153, 112), (160, 96), (173, 87), (182, 84), (178, 74),
            (186, 58), (197, 47), (208, 42),
        ),
        pad=(545, 20),
        sleeve_rows=(532, 566),
        feather=1.8,
        colour=0.78,
    ),
}
# fmt: on


def picture(portrait: Portrait) -> Image:
    """The portrait from its package. Raises PictureError when it is missing or another picture."""
    return _decoded(portrait, _file(portrait))


def cutouts(keys: Iterable[str] = tuple(PORTRAITS)) -> dict[str, Cutout]:
    """The cutouts of the actors, by key. Raises PictureError as `picture` does."""
    return {key: _cut_out(PORTRAITS[key], picture(PORTRAITS[key])) for key in keys}


def enrolment_picture() -> Image:
    """A photograph of the astronaut to enrol from: with other lighting, crop and size than in the clip.

    Raises PictureError as `picture` does.
    """
    portrait = PORTRAITS["astronaut"]
    x, y, width, height = portrait.face_xywh
    whole = picture(portrait)
    left, right = max(0, round(x - 1.35 * width)), round(x + 1.7 * width)
    crop = whole[max(0, round(y - height)) : round(y + 1.3 * height), left:right]
    bigger = cv2.resize(crop, None, fx=1.6, fy=1.6, interpolation=cv2.INTER_CUBIC).astype(np.float32) / 255
    side = np.linspace(0.62, 1.08, bigger.shape[1], dtype=np.float32)[None, :, None]
    cool = np.array([1.06, 1.0, 0.9], np.float32)
    return _grey_levels(np.power(bigger, 1.12) * side * cool * 255)


def _file(portrait: Portrait) -> Path:
    fix = f"python -m pip install --force-reinstall {portrait.distribution}"
    spec = find_spec(portrait.package)
    if spec is None or spec.origin is None:
        raise PictureError(f"the demo needs a portrait from {portrait.distribution}, which is not installed", fix=fix)
    path = Path(spec.origin).parent / portrait.file
    if not path.is_file():
        raise PictureError(f"{portrait.distribution} is installed without {portrait.file}", fix=fix)
    return path


def _decoded(portrait: Portrait, path: Path) -> Image:
    fix = f"python -m pip install --force-reinstall {portrait.distribution}"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PictureError(f"{path}: cannot be read ({error.strerror})", fix=fix) from error
    digest = hashlib.sha256(data).hexdigest()
    if digest != portrait.sha256:
        raise PictureError(
            f"{path}: sha256 {digest[:12]}, expected {portrait.sha256[:12]}: not the expected portrait", fix=fix
        )
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise PictureError(f"{path}: OpenCV cannot decode it", fix="python -m pip install --upgrade opencv-python")
    return np.asarray(image, np.uint8)


def _cut_out(portrait: Portrait, whole: Image) -> Cutout:
    image = _completed(portrait, whole)
    hard = np.zeros(image.shape[:2], np.uint8)
    cv2.fillPoly(hard, [np.array(portrait.outline_xy, np.int32)], 255)
    reach = 2 * round(portrait.feather) + 1
    solid = np.asarray(cv2.erode(hard, _disc(reach)), np.uint8)
    alpha = np.asarray(cv2.GaussianBlur(solid, (0, 0), portrait.feather), np.float32) / np.float32(255)
    inner = np.asarray(cv2.erode(hard, _disc(2 * reach + 3)), np.uint8)
    return Cutout(_without_halo(image, inner, 2.0 * reach), alpha, portrait.face_xywh)


def _completed(portrait: Portrait, whole: Image) -> Image:
    """The picture extended with cloth at the bottom and on the right, with lower contrast."""
    below, right = portrait.pad
    image = whole
    if right:
        image = np.concatenate([image, image[:, -right:][:, ::-1]], axis=1)
    if below:
        cloth = image[portrait.sleeve_rows[0] : portrait.sleeve_rows[1]]
        tile = np.concatenate([cloth[::-1], cloth])
        rows = np.concatenate([tile] * (below // len(tile) + 1))[:below]
        image = np.concatenate([image[: portrait.sleeve_rows[1]], rows])
    grey = image.astype(np.float32).mean(axis=2, keepdims=True)
    calm = grey + (image - grey) * np.float32(portrait.colour)
    return _grey_levels(np.asarray(calm * 0.9 + 14, np.float32))


def _without_halo(image: Image, inner: NDArray[np.uint8], sigma: float) -> Image:
    """Replaces the colours of the old background along the edge by those just inside it."""
    weight = inner.astype(np.float32) / 255
    colour = cv2.GaussianBlur(image.astype(np.float32) * weight[..., None], (0, 0), sigma)
    total = cv2.GaussianBlur(weight, (0, 0), sigma)
    spread = colour / np.maximum(total, 1e-3)[..., None]
    soft = cv2.GaussianBlur(weight, (0, 0), sigma / 3)[..., None]
    return _grey_levels(np.asarray(image * soft + spread * (1 - soft), np.float32))


def _grey_levels(image: FloatArray) -> Image:
    return np.asarray(np.clip(image, 0, 255), np.uint8)


@cache
def _disc(size: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), np.uint8)
