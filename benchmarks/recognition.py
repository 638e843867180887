"""Accuracy of recognition on sets of pictures: `python -m benchmarks.recognition [FOLDER ...]`, ORL always.

A folder holds a folder of pictures for each person. Intervals are of 95 %, by resampling people.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.face_sets import LabelledPicture, in_folder, orl
from benchmarks.measure import SEED
from config.recognition import DetectSettings, MatchSettings, QualitySettings
from config.settings import ModelSettings
from models.catalog import required
from models.runtime import ensure_built
from tracker.identity.enrolment_faces import prominent_faces
from tracker.identity.gallery import Gallery
from tracker.identity.limits import match_settings
from tracker.identity.match import Verdict, classify, nearest
from tracker.identity.rates import accepted, threshold_at
from tracker.vision.embedders import EMBEDDERS, EmbedderSpec
from tracker.vision.engine import FaceEngine
from tracker.vision.faces import Faces, FloatArray, Image

FAR = 1e-3
_RESAMPLES = 200


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedSet:
    """Vectors (N, D) with the person of each. missed: number of pictures without a face."""

    vectors: FloatArray
    people: NDArray[np.str_]
    missed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PairRates:
    """Rates over all pairs of pictures.

    tar: share of pairs of one person accepted at the threshold whose false-accept rate is `FAR`; interval: of it.
    far_default, tar_default: rates at the default limit for so many people.
    """

    threshold: float
    tar: float
    interval: tuple[float, float]
    far_default: float
    tar_default: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSetRates:
    """Half of the people enrolled with a few pictures each; shares of single pictures.

    right, wrong: of other pictures of the enrolled, named right and wrongly. strangers_named: of pictures of the rest.
    """

    pictures: int
    right: float
    wrong: float
    strangers_named: float


def engine_of(embedder: EmbedderSpec, models: ModelSettings) -> FaceEngine:
    """The networks with default settings."""
    return FaceEngine.load(models=models, detect=DetectSettings(), quality=QualitySettings(), embedder=embedder)


def embedded(pictures: Iterable[LabelledPicture], engine: FaceEngine, *, width_px: int | None = None) -> EmbeddedSet:
    """The vector of the widest face of each picture, whatever its quality.

    width_px: width to which the face is downscaled first; None leaves the picture as it is.
    """
    vectors, people, missed = [], [], 0
    for picture in pictures:
        image = picture.image
        face = _widest(image, engine)
        if face is not None and width_px is not None:
            scale = width_px / float(face.widths[0])
            image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.uint8)
            face = _widest(image, engine)
        if face is None:
            missed += 1
            continue
        vectors.append(engine.embed(image, face)[0])
        people.append(picture.person)
    return EmbeddedSet(np.stack(vectors), np.array(people), missed)


def pair_rates(found: EmbeddedSet, embedder: EmbedderSpec) -> PairRates:
    """The rates over all pairs."""
    distances = np.linalg.norm(found.vectors[:, None] - found.vectors[None], axis=2)
    names, owners = np.unique(found.people, return_inverse=True)
    same, different = _split(distances, owners)
    default = match_settings(MatchSettings(), embedder, people=len(names)).max_distance
    rng = np.random.default_rng(SEED)
    resampled = []
    for _ in range(_RESAMPLES):
        chosen = rng.integers(0, len(names), len(names))
        rows = np.concatenate([np.flatnonzero(owners == person) for person in chosen])
        copies = np.concatenate(
            [np.full(np.count_nonzero(owners == person), copy) for copy, person in enumerate(chosen)]
        )
        resampled.append(_tar(*_split(distances[np.ix_(rows, rows)], copies, owners[rows])))
    low, high = np.percentile(resampled, [2.5, 97.5]).tolist()
    return PairRates(
        threshold=threshold_at(different, FAR),
        tar=_tar(same, different),
        interval=(low, high),
        far_default=accepted(different, default),
        tar_default=accepted(same, default),
    )


def open_set_rates(found: EmbeddedSet, embedder: EmbedderSpec, *, pictures: int) -> OpenSetRates:
    """Every second person enrolled with the first few pictures; all others are strangers."""
    names = np.unique(found.people)
    enrolled = names[::2]
    rows = {name: np.flatnonzero(found.people == name) for name in names}
    known = np.concatenate([rows[name][:pictures] for name in enrolled])
    gallery = Gallery.of(found.vectors[known], found.people[known].tolist())
    match = match_settings(MatchSettings(), embedder, people=len(enrolled))

    def named(of: NDArray[np.str_], skip: int) -> tuple[list[str | None], list[str]]:
        probes = np.concatenate([rows[name][skip:] for name in of])
        results = nearest(gallery, found.vectors[probes])
        ids = [each.person_id if each and classify(each, match) is Verdict.MATCH else None for each in results]
        return ids, found.people[probes].tolist()

    ids, truth = named(enrolled, pictures)
    strangers, _ = named(names[1::2], 0)
    return OpenSetRates(
        pictures=pictures,
        right=float(np.mean([a == b for a, b in zip(ids, truth, strict=True)])),
        wrong=float(np.mean([a not in (None, b) for a, b in zip(ids, truth, strict=True)])),
        strangers_named=float(np.mean([each is not None for each in strangers])),
    )


def _widest(image: Image, engine: FaceEngine) -> Faces | None:
    faces = prominent_faces(image, engine)
    return faces.take(np.array([int(np.argmax(faces.widths))])) if len(faces) else None


def _split(
    distances: FloatArray, owners: NDArray[np.intp], people: NDArray[np.intp] | None = None
) -> tuple[FloatArray, FloatArray]:
    """Distances of pairs of one owner, and of different people. people: of each row, where owners are copies."""
    people = owners if people is None else people
    upper = np.triu(np.ones(distances.shape, np.bool_), 1)
    same = distances[upper & (owners[:, None] == owners[None])]
    return same, distances[upper & (people[:, None] != people[None])]


def _tar(same: FloatArray, different: FloatArray) -> float:
    return accepted(same, threshold_at(different, FAR))


def main(arguments: list[str]) -> int:
    """Print one JSON object for each set, embedder and width."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recognition", description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--embedder", choices=list(EMBEDDERS), action="append")
    parser.add_argument("--width", type=int, action="append", help="also with faces downscaled to so many px")
    given = parser.parse_args(arguments)
    models = ModelSettings()
    sets = {"ORL": list(orl())} | {folder.name: list(in_folder(folder)) for folder in given.folders}
    for name in given.embedder or list(EMBEDDERS):
        embedder = EMBEDDERS[name]
        ensure_built(models.dir, models.precision, required(embedder.network))
        engine = engine_of(embedder, models)
        for title, pictures in sets.items():
            for width in (None, *(given.width or [])):
                found = embedded(pictures, engine, width_px=width)
                record = {
                    "set": title,
                    "embedder": name,
                    "width_px": width,
                    "people": len(np.unique(found.people)),
                    "pictures": len(found.people),
                    "missed": found.missed,
                    "pairs": asdict(pair_rates(found, embedder)),
                    "open_set": [asdict(open_set_rates(found, embedder, pictures=count)) for count in (1, 3)],
                }
                print(json.dumps(record))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
