"""Face embedding: SFace, and dlib's network compared with dlib with the same weights."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from benchmarks.measure import SEED, Row, floor_ms, in_turn, run
from benchmarks.peers import Dlib, strong_dlib
from config.settings import ModelSettings
from models.catalog import required
from models.runtime import ensure_built
from tracker.vision.embed import Embedder
from tracker.vision.embedders import DLIB, SFACE, EmbedderSpec

TARGET = 20.0
_SFACE_BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))
_GROUPS = ((32, 3), (64, 4), (128, 3), (256, 3), (256, 1))


def sface_multiply_adds() -> int:
    """Multiply-adds of SFace per chip: the first convolution, the blocks, the dense layer."""
    side, channels = 112, 32
    total = side**2 * 9 * 3 * channels
    for filters, stride in _SFACE_BLOCKS:
        side //= stride
        total += side**2 * channels * (9 + filters)
        channels = filters
    return total + side**2 * channels * 128


def dlib_multiply_adds() -> int:
    """Multiply-adds of dlib's network per chip: the first convolution, then two in each residual block."""
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
    """One face, and batches of 8 and 32, of both networks, beside dlib on chips of its own size."""
    yield from _rows(SFACE, sface_multiply_adds(), title="SFace")
    yield from _rows(DLIB, dlib_multiply_adds(), title="dlib's network")


def _rows(spec: EmbedderSpec, multiply_adds: int, *, title: str) -> Iterator[Row]:
    """A batch must not be slower per face than a single face."""
    models = ModelSettings()
    ensure_built(models.dir, models.precision, required(spec.network))
    embedder = Embedder(spec, folder=models.dir, precision=models.precision, threads=models.threads)
    peer, strong = Dlib(), strong_dlib()
    rng = np.random.default_rng(SEED)
    alone_ms = 0.0
    for count in (1, 8, 32):
        side = spec.chip.side
        chips = rng.integers(0, 256, (count, side, side, 3), dtype=np.uint8)
        others = rng.integers(0, 256, (count, 150, 150, 3), dtype=np.uint8)
        ours, theirs = in_turn(
            partial(embedder.embed, chips), partial(peer.vectors, others), rounds=max(2, 10 // count), each=(6, 1)
        )
        each_ms = ours.median_ms / count
        alone_ms = alone_ms or each_ms
        met = theirs.median_ms >= TARGET * ours.median_ms if count == 1 else each_ms <= 1.02 * alone_ms
        yield Row(
            case=f"embed {count} faces, {title}" if count > 1 else f"embed 1 face, {title}",
            ours_ms=ours.median_ms,
            ours_p95_ms=ours.p95_ms,
            ours_cpu_ms=ours.cpu_ms,
            peer=peer.name,
            peer_ms=theirs.median_ms,
            peer_p95_ms=theirs.p95_ms,
            strong_peer="dlib compiled with a BLAS" if strong else None,
            strong_peer_ms=strong.get(count),
            floor_ms=floor_ms(count * multiply_adds),
            target=f"{TARGET:.0f}x" if count == 1 else "not slower per face",
            met=met,
            note=f"{each_ms:.2f} ms a face",
        )


if __name__ == "__main__":
    run(rows, "embed")
