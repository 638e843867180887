"""Face detection, compared with the mtcnn package."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from benchmarks.frames import COUNTS, SIZES_WH, scene
from benchmarks.measure import Row, floor_ms, in_turn, run
from benchmarks.peers import Mtcnn
from config.settings import ModelSettings
from models.catalog import required
from models.runtime import ensure_built
from tracker.vision.detector import Detector
from tracker.vision.pyramid import levels

MACS_PER_PIXEL = 1830
"""Multiply-adds of P-Net per pixel of the pyramid."""
TARGET = 20.0


def rows() -> Iterator[Row]:
    """Both frame sizes, with no, few and many faces; min_face 20."""
    models = ModelSettings()
    ensure_built(models.dir, models.precision, required("sface"))
    detector = Detector(folder=models.dir, precision=models.precision, threads=models.threads)
    peer = Mtcnn()
    for size_wh in SIZES_WH:
        pixels = sum(level.size_wh[0] * level.size_wh[1] for level in levels(size_wh, min_face=20, scale_factor=0.709))
        for people in COUNTS:
            image = scene(size_wh, people)
            rgb = np.ascontiguousarray(image[:, :, ::-1])
            ours, theirs = in_turn(partial(detector.detect, image), partial(peer.faces, rgb), rounds=12, each=(7, 1))
            confident = sum(float(face["confidence"]) >= 0.9 for face in peer.faces(rgb))
            found = int((detector.detect(image).scores >= 0.9).sum())
            yield Row(
                case=f"detect {size_wh[0]}x{size_wh[1]}, {people} faces",
                ours_ms=ours.median_ms,
                ours_p95_ms=ours.p95_ms,
                ours_cpu_ms=ours.cpu_ms,
                peer=peer.name,
                peer_ms=theirs.median_ms,
                peer_p95_ms=theirs.p95_ms,
                floor_ms=floor_ms(MACS_PER_PIXEL * pixels),
                target=f"{TARGET:.0f}x",
                met=theirs.median_ms >= TARGET * ours.median_ms,
                note=f"{found} confident faces, peer {int(confident)}",
            )


if __name__ == "__main__":
    run(rows, "detect")
