"""The results of a comparison: a row for each detector and embedder, for the terminal, JSON and CSV."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from tracker.bench.accuracy import PairAccuracy, pair_accuracy
from tracker.bench.collection import Collection
from tracker.bench.measuring import Measured
from tracker.bench.timing import Timing
from tracker.reports.sheets import Column, Kind, Row
from tracker.vision.boxes import iou_matrix
from tracker.vision.embedders import EmbedderSpec
from tracker.vision.faces import Faces

MIN_OVERLAP = 0.5
"""IoU from which two boxes are of one face."""
REFERENCE = "mtcnn"
"""The detector that others are compared with."""
COLUMNS = (
    Column("kind", "kind"),
    Column("name", "name"),
    Column("median_ms", "ms", Kind.NUMBER),
    Column("p95_ms", "p95", Kind.NUMBER),
    Column("calls", "calls", Kind.COUNT),
    Column("size_bytes", "bytes", Kind.COUNT),
    Column("pictures", "pictures", Kind.COUNT),
    Column("faces", "faces", Kind.COUNT),
    Column("missed", "missed", Kind.COUNT),
    Column("false_positives", "false pos.", Kind.COUNT),
    Column("mtcnn_recall", "MTCNN recall", Kind.SHARE),
    Column("extra_faces", "extra faces", Kind.COUNT),
    Column("dimension", "dimension", Kind.COUNT),
    Column("pairs", "pairs", Kind.COUNT),
    Column("limit", "limit", Kind.NUMBER),
    Column("accuracy", "accuracy", Kind.SHARE),
    Column("accuracy_low", "from", Kind.SHARE),
    Column("accuracy_high", "to", Kind.SHARE),
    Column("equal_error_rate", "EER", Kind.SHARE),
    Column("tar_at_far_0.01", "TAR 1 %", Kind.SHARE),
    Column("tar_at_far_0.001", "TAR 0.1 %", Kind.SHARE),
)
"""Of CSV; what does not apply to a row is empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorResult:
    """A detector on all pictures.

    missed, false_positives: where each picture shows one face: pictures without a face, and faces beyond one a picture.
    mtcnn_recall: share of MTCNN's faces that it found too (IoU from 0.5). extra_faces: its faces that MTCNN did not
    find. Both are None where MTCNN was not run.
    """

    name: str
    timing: Timing | None
    size_bytes: int
    pictures: int
    faces: int
    missed: int | None
    false_positives: int | None
    mtcnn_recall: float | None
    extra_faces: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedderResult:
    """An embedder on the face of each picture.

    dimension: of its vectors. limit: its own distance up to which two faces are of one person. accuracy: at that limit;
    None without pairs.
    """

    name: str
    timing: Timing | None
    size_bytes: int
    dimension: int
    faces: int
    limit: float
    accuracy: PairAccuracy | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All results, in the order in which they were asked for."""

    detectors: tuple[DetectorResult, ...]
    embedders: tuple[EmbedderResult, ...]

    def rows(self) -> list[Row]:
        """The values of COLUMNS for each of them."""
        empty = {column.key: None for column in COLUMNS}
        return [{**empty, **row} for row in [*map(_detector_row, self.detectors), *map(_embedder_row, self.embedders)]]


def detector_result(name: str, collection: Collection, found: Measured, *, size_bytes: int) -> DetectorResult:
    """The result of one detector."""
    by_picture = found.faces[name]
    counts = np.array([len(faces) for faces in by_picture.values()])
    reference = found.faces.get(REFERENCE)
    shared, beside = (None, None) if reference is None else _agreement(reference, by_picture)
    return DetectorResult(
        name=name,
        timing=Timing.of(found.detector_ms[name]),
        size_bytes=size_bytes,
        pictures=len(counts),
        faces=int(counts.sum()),
        missed=int((counts == 0).sum()) if collection.one_face else None,
        false_positives=int(np.maximum(counts - 1, 0).sum()) if collection.one_face else None,
        mtcnn_recall=shared,
        extra_faces=beside,
    )


def embedder_result(
    name: str, collection: Collection, found: Measured, *, spec: EmbedderSpec, size_bytes: int
) -> EmbedderResult:
    """The result of one embedder; its limit is that for a small gallery."""
    limit = spec.embedding.limits_for(1).max_distance
    return EmbedderResult(
        name=name,
        timing=Timing.of(found.embedder_ms[name]),
        size_bytes=size_bytes,
        dimension=spec.dimension,
        faces=len(found.vectors[name]),
        limit=limit,
        accuracy=pair_accuracy(collection, found.vectors[name], threshold=limit),
    )


def _agreement(reference: Mapping[str, Faces], other: Mapping[str, Faces]) -> tuple[float | None, int]:
    """The share of the reference's faces that are among the others, None without any, and how many others are not."""
    there = shared = beside = 0
    for picture, faces in reference.items():
        overlaps = iou_matrix(faces.boxes, other[picture].boxes)
        there += len(faces)
        shared += int((overlaps.max(axis=1, initial=0) >= MIN_OVERLAP).sum())
        beside += int((overlaps.max(axis=0, initial=0) < MIN_OVERLAP).sum())
    return (shared / there if there else None), beside


def _detector_row(result: DetectorResult) -> dict[str, object]:
    row = asdict(result)
    del row["timing"]
    return {"kind": "detector", **row, **_times(result.timing)}


def _embedder_row(result: EmbedderResult) -> dict[str, object]:
    row: dict[str, object] = {
        "kind": "embedder",
        "name": result.name,
        "size_bytes": result.size_bytes,
        "faces": result.faces,
        "dimension": result.dimension,
        "limit": result.limit,
        **_times(result.timing),
    }
    if result.accuracy is not None:
        found = result.accuracy.evaluation
        row |= {
            "pairs": len(found.scored),
            "accuracy": found.accuracy,
            "accuracy_low": result.accuracy.low,
            "accuracy_high": result.accuracy.high,
            "equal_error_rate": found.equal_error_rate,
            **{f"tar_at_far_{each.far:g}": each.tar for each in found.accepts},
        }
    return row


def _times(timing: Timing | None) -> dict[str, object]:
    return {} if timing is None else asdict(timing)
