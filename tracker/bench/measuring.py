"""Runs detectors and embedders over a collection: what each finds, and how long it takes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

import cv2
import numpy as np

from config.errors import PictureError
from tracker.bench.collection import SEED, Collection, sample
from tracker.bench.contenders import Contenders
from tracker.bench.timing import in_turn
from tracker.identity.enrolment_faces import vector_of
from tracker.identity.evaluation import foremost_face
from tracker.vision.faces import Faces, FloatArray, Image

MAX_SIDE_PX = 1280
"""Larger pictures are downscaled to this, as for enrolment."""
_TIMED_PICTURES = 20
Progress: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """What was measured: by name the wall times in ms, faces by picture, vectors (D,) by picture with a face.

    unreadable: pictures, and why. sizes_wh: of the pictures, px, as they were searched.
    """

    detector_ms: Mapping[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    embedder_ms: Mapping[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    faces: Mapping[str, dict[str, Faces]] = field(default_factory=lambda: defaultdict(dict))
    vectors: Mapping[str, dict[str, FloatArray]] = field(default_factory=lambda: defaultdict(dict))
    sizes_wh: dict[str, tuple[int, int]] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)


def measure(collection: Collection, contenders: Contenders, *, samples: int, on_progress: Progress) -> Measured:
    """Run everything over every picture, and measure the time on up to 20 of them.

    samples: measurements of each contender, at least. All take turns on a picture, in a new order in each round; the
    first time on a picture does not count. on_progress: called with the steps that are done and their number. Raises
    PictureError when no picture can be read, or an embedder gives no vector of a face.
    """
    found = Measured()
    embedded: dict[str, Faces] = {}
    pictures = len(collection.pictures)
    steps = pictures + min(pictures, _TIMED_PICTURES)
    for done, (name, read) in enumerate(collection.pictures.items(), 1):
        try:
            image = _downscaled(read())
        except PictureError as error:
            found.unreadable[name] = error.problem
        else:
            found.sizes_wh[name] = (image.shape[1], image.shape[0])
            face = _examine(name, image, contenders, found)
            if face is not None:
                embedded[name] = face
        on_progress(done, steps)
    if not found.sizes_wh:
        first = next(iter(found.unreadable.values()))
        raise PictureError(
            f"no picture of {collection.title} can be read; {first}",
            fix="name the folder that they are in: --pictures DIR",
        )
    _time(collection, contenders, embedded, found, samples=samples, on_progress=on_progress)
    return found


def _examine(name: str, image: Image, contenders: Contenders, found: Measured) -> Faces | None:
    """Run everything once; returns the face that was embedded."""
    for key, detector in contenders.detectors.items():
        found.faces[key][name] = detector.detect(image)
    face = None if contenders.finder is None else foremost_face(image, contenders.finder)
    if face is not None:
        for key, engine in contenders.embedders.items():
            found.vectors[key][name] = vector_of(image, engine, face, name=f"{key}: {name}")
    return face


def _time(
    collection: Collection,
    contenders: Contenders,
    embedded: Mapping[str, Faces],
    found: Measured,
    *,
    samples: int,
    on_progress: Progress,
) -> None:
    """Time detectors on some of the pictures that can be read, embedders on some of the faces in `embedded`."""
    rng = np.random.default_rng(SEED)
    searched, faces = sample(found.sizes_wh, _TIMED_PICTURES), sample(embedded, _TIMED_PICTURES)
    names = [name for name in collection.pictures if name in searched | faces]
    for done, name in enumerate(names, len(collection.pictures) + 1):
        image = _downscaled(collection.pictures[name]())
        if name in searched:
            detecting = {key: partial(detector.detect, image) for key, detector in contenders.detectors.items()}
            _take_turns(detecting, found.detector_ms, rounds=-(-samples // len(searched)), rng=rng)
        if name in faces:
            embedding = {
                key: partial(engine.embed, image, embedded[name]) for key, engine in contenders.embedders.items()
            }
            _take_turns(embedding, found.embedder_ms, rounds=-(-samples // len(faces)), rng=rng)
        on_progress(done, len(collection.pictures) + len(names))


def _take_turns(
    calls: Mapping[str, Callable[[], object]],
    walls_ms: Mapping[str, list[float]],
    *,
    rounds: int,
    rng: np.random.Generator,
) -> None:
    """Add the wall times of all rounds but the first one, which warms up."""
    for key, walls in in_turn(calls, rounds=rounds + 1, rng=rng).items():
        walls_ms[key].extend(walls[1:])


def _downscaled(image: Image) -> Image:
    scale = MAX_SIDE_PX / max(image.shape[:2])
    if scale >= 1:
        return image
    size_wh = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
