"""Face embedding, compared with dlib with the same weights."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from benchmarks.measure import SEED, Row, floor_ms, in_turn, run
from benchmarks.peers import Dlib, strong_dlib
from config.settings import ModelSettings
from models.runtime import ensure_built
from tracker.vision.embed import Embedder
from tracker.vision.embedders import DLIB

TARGET = 20.0
_GROUPS = ((32, 3), (64, 4), (128, 3), (256, 3), (256, 1))


def multiply_adds() -> int:
    """Multiply-adds of the network per chip: the first convolution, then two in each residual block."""
    side, channels = 72, 32
    total = side**2 * 7 * 7 * 3 * channels
    side = 35
    for group, (filters, blocks) in enumerate(_GROUPS):
        for block in range(blocks):
            halves = group > 0 and block == 0
            inner = (side - 3) // 2 + 1 if halves else side
            total += inner**2 * 9 * filters * (channels + filters)
            side, channels = (side // 2 if halves else side), filters
    return total + 256 * 128


def rows() -> Iterator[Row]:
    """One face, and batches of 8 and 32; a batch must not be slower per face than a single face."""
    models = ModelSettings()
    ensure_built(models.dir, models.precision, DLIB.network)
    embedder = Embedder(DLIB, folder=models.dir, precision=models.precision, threads=models.threads)
    peer, strong = Dlib(), strong_dlib()
    rng = np.random.default_rng(SEED)
    alone_ms = 0.0
    for count in (1, 8, 32):
        chips = rng.integers(0, 256, (count, 150, 150, 3), dtype=np.uint8)
        ours, theirs = in_turn(
            partial(embedder.embed, chips), partial(peer.vectors, chips), rounds=max(2, 10 // count), each=(6, 1)
        )
        each_ms = ours.median_ms / count
        alone_ms = alone_ms or each_ms
        met = theirs.median_ms >= TARGET * ours.median_ms if count == 1 else each_ms <= 1.02 * alone_ms
        yield Row(
            case=f"embed {count} faces" if count > 1 else "embed 1 face",
            ours_ms=ours.median_ms,
            ours_p95_ms=ours.p95_ms,
            ours_cpu_ms=ours.cpu_ms,
            peer=peer.name,
            peer_ms=theirs.median_ms,
            peer_p95_ms=theirs.p95_ms,
            strong_peer="dlib compiled with a BLAS" if strong else None,
            strong_peer_ms=strong.get(count),
            floor_ms=floor_ms(count * multiply_adds()),
            target=f"{TARGET:.0f}x" if count == 1 else "not slower per face",
            met=met,
            note=f"{each_ms:.2f} ms a face",
        )


if __name__ == "__main__":
    run(rows, "embed")
