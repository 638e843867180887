"""A trained network as a model pack: converted, measured on held-out people, with its card. Loads TensorFlow."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models import packs
from models.cards import Accuracy, PackPrecision
from models.catalog import Pixels
from models.embedding import Distance, Embedding
from models.model_folder import Source
from models.packs import Pack
from models.runtime import Network
from models.training.learner import Learner
from tracker.reports.text import count_text
from tracker.training.crops import Crops
from tracker.training.request import Request
from tracker.training.verification import Rate, Verification, sample, verify
from tracker.vision.faces import FloatArray

_TIMED_FACES = 100
PRECISIONS = (PackPrecision.FLOAT32, PackPrecision.FLOAT16, PackPrecision.INT8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A network in one precision, measured on the test people on this machine.

    size_bytes: of the file. ms_median, ms_p95: of one face, alone. rates: true-accept rates.
    """

    precision: PackPrecision
    size_bytes: int
    ms_median: float
    ms_p95: float
    rates: list[Rate]


def measure(precision: PackPrecision, content: bytes, test: Crops, *, threads: int) -> Measured:
    """Run a converted network on the test people."""
    vectors, times_ms = _embedded(content, test, threads)
    return Measured(
        precision=precision,
        size_bytes=len(content),
        ms_median=round(float(np.median(times_ms)), 3),
        ms_p95=round(float(np.percentile(times_ms, 95)), 3),
        rates=verify(vectors, test.labels[sample(test.labels)]).rates(),
    )


def held_out_pairs(learner: Learner, validation: Crops, test: Crops) -> Verification:
    """All pairs of the people of both parts, by the network as it was trained."""
    images, labels = [], []
    for crops, first in ((validation, 0), (test, len(validation.people))):
        rows = sample(crops.labels)
        images.append(crops.read(rows))
        labels.append(crops.labels[rows] + first)
    return verify(learner.embed(np.concatenate(images)), np.concatenate(labels))


def write_pack(
    folder: Path,
    *,
    request: Request,
    purpose: str,
    contents: Mapping[PackPrecision, bytes],
    measured: Sequence[Measured],
    verification: Verification,
    test: Crops,
) -> Pack:
    """Write the pack, over one from before. verification: the pairs that its limits are chosen from.

    Raises ModelError where it cannot be written.
    """
    dataset = f"{count_text(len(test.paths), 'picture')} of {len(test.people):,} people held out from training"
    embedding = {
        "crop": request.crop(int(np.median(test.sides))),
        "distance": Distance.COSINE,
        "limits": verification.limits(),
    }
    return packs.create(
        folder,
        name=request.name,
        purpose=purpose,
        pixels=Pixels(channels="RGB"),
        embedding=Embedding.model_validate(embedding),
        dimension=request.training.dimension,
        contents=contents,
        source=Source(package="", version="", file="", sha256=hashlib.sha256(contents[PRECISIONS[0]]).hexdigest()),
        licence=request.licence,
        accuracy=[figure for each in measured for figure in _accuracy(each, dataset)],
        force=True,
    )


def _accuracy(measured: Measured, dataset: str) -> Iterator[Accuracy]:
    """The rates that the pairs suffice to tell."""
    for rate in measured.rates:
        if rate.tar is not None:
            yield Accuracy(
                precision=measured.precision,
                dataset=dataset,
                measure=f"TAR at FAR {rate.far:g}",
                value=round(rate.tar, 4),
            )


def _embedded(content: bytes, crops: Crops, threads: int) -> tuple[FloatArray, list[float]]:
    """(N, D), of unit length, of the pictures to compare; and the time of each of some faces, alone, ms."""
    network = Network(Path("network"), content=content, threads=threads)
    images = crops.read(sample(crops.labels)).astype(np.float32)
    network.run(images[:1])
    times_ms = [_timed(network.run, image[None]) for image in images[:_TIMED_FACES]]
    vectors = network.run(images)[0]
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12), times_ms


def _timed(run: Callable[[FloatArray], object], batch: FloatArray) -> float:
    started = time.perf_counter()
    run(batch)
    return (time.perf_counter() - started) * 1000
