"""Runs detectors and embedders over a collection: what each finds, and how long it takes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import cv2
import numpy as np

from config.errors import PictureError
from tracker.bench.collection import SEED, Collection, sample
from tracker.bench.contenders import Contenders
from tracker.bench.timing import in_turn
from tracker.identity.evaluation import foremost_face
from tracker.vision.faces import Faces, FloatArray, Image

MAX_SIDE_PX = 1280
"""Larger pictures are downscaled to this, as for enrolment."""
_TIMED_PICTURES = 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """What was measured: by name the wall times in ms, faces by picture, vectors (D,) by picture with a face.

    unreadable: pictures, and why. size_wh: of the pictures, px, as they were searched.
    """

    detector_ms: Mapping[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    embedder_ms: Mapping[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    faces: Mapping[str, dict[str, Faces]] = field(default_factory=lambda: defaultdict(dict))
    vectors: Mapping[str, dict[str, FloatArray]] = field(default_factory=lambda: defaultdict(dict))
    sizes_wh: dict[str, tuple[int, int]] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)


def measure(
    collection: Collection, contenders: Contenders, *, samples: int, on_picture: Callable[[], None]
) -> Measured:
    """Run everything over every picture, and measure the time on up to 20 of them. on_picture: called after each.

    samples: measurements of each contender, at least. All take turns on a picture, in a new order in each round; the
    first time on a picture does not count. Raises PictureError when no picture can be read.
    """
    found = Measured()
    rng = np.random.default_rng(SEED)
    timed = sample(collection.pictures, _TIMED_PICTURES)
    rounds = -(-samples // len(timed))
    for name, read in collection.pictures.items():
        try:
            image = _downscaled(read())
        except PictureError as error:
            found.unreadable[name] = error.problem
        else:
            found.sizes_wh[name] = (image.shape[1], image.shape[0])
            face = _examine(name, image, contenders, found)
            if name in timed:
                _time(image, face, contenders, found, rounds=rounds, rng=rng)
        on_picture()
    if not found.sizes_wh:
        first = next(iter(found.unreadable.values()))
        raise PictureError(
            f"no picture of {collection.title} can be read; {first}",
            fix="name the folder that they are in: --pictures DIR",
        )
    return found


def _examine(name: str, image: Image, contenders: Contenders, found: Measured) -> Faces | None:
    """Run everything once, which also warms up; returns the face that was embedded."""
    for key, detector in contenders.detectors.items():
        found.faces[key][name] = detector.detect(image)
    face = None if contenders.finder is None else foremost_face(image, contenders.finder)
    if face is not None:
        for key, engine in contenders.embedders.items():
            found.vectors[key][name] = engine.embed(image, face)[0]
    return face


def _time(
    image: Image,
    face: Faces | None,
    contenders: Contenders,
    found: Measured,
    *,
    rounds: int,
    rng: np.random.Generator,
) -> None:
    detecting = {key: partial(detector.detect, image) for key, detector in contenders.detectors.items()}
    for key, walls in in_turn(detecting, rounds=rounds, rng=rng).items():
        found.detector_ms[key].extend(walls)
    if face is not None:
        embedding = {key: partial(engine.embed, image, face) for key, engine in contenders.embedders.items()}
        for key, walls in in_turn(embedding, rounds=rounds, rng=rng).items():
            found.embedder_ms[key].extend(walls)


def _downscaled(image: Image) -> Image:
    scale = MAX_SIDE_PX / max(image.shape[:2])
    if scale >= 1:
        return image
    size_wh = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
