"""Nearest-neighbour search, compared with faiss."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from benchmarks.measure import SEED, Row, in_turn, read_gbytes, run
from tracker.identity.gallery import Gallery
from tracker.identity.match import nearest

SIZES = (1_000, 100_000, 1_000_000)
TARGET = 1.5


def rows() -> Iterator[Row]:
    """One face against galleries of three sizes, with four vectors per person."""
    faiss: Any = importlib.import_module("faiss")
    rng = np.random.default_rng(SEED)
    for size in SIZES:
        vectors = rng.standard_normal((size, 128), np.float32) * np.float32(0.12)
        gallery = Gallery(vectors, tuple(f"p-{row // 4:07d}" for row in range(size)))
        index = faiss.IndexFlatL2(128)
        index.add(vectors)
        asked = vectors[size // 2 : size // 2 + 1] + np.float32(0.01)
        rounds = 60 if size < 10_000 else 6
        ours, theirs = in_turn(
            partial(nearest, gallery, asked), partial(index.search, asked, 8), rounds=rounds, each=(8, 8)
        )
        yield Row(
            case=f"match 1 face in {size:,}",
            ours_ms=ours.median_ms,
            ours_p95_ms=ours.p95_ms,
            ours_cpu_ms=ours.cpu_ms,
            peer="faiss-cpu flat, 8 nearest",
            peer_ms=theirs.median_ms,
            peer_p95_ms=theirs.p95_ms,
            floor_ms=vectors.nbytes / read_gbytes() / 1e6,
            target=f"within {TARGET}x of faiss",
            met=ours.median_ms <= TARGET * theirs.median_ms,
        )


if __name__ == "__main__":
    run(rows, "match")
