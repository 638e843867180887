"""Processor time per frame of an empty, static scene, at 10 frames per second."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count

from benchmarks.frames import Image, room
from benchmarks.measure import Row, run, timed
from benchmarks.pipeline import START, engine, recognition, watch
from config.settings import ModelSettings
from models.catalog import required
from models.runtime import ensure_built
from tracker.vision.engine import FaceEngine

PART_OF_A_CORE = 0.15
FRAMES_PER_S = 10


def rows() -> Iterator[Row]:
    """Both frame sizes; constant light, changing sensor noise."""
    models = ModelSettings()
    ensure_built(models.dir, models.precision, required("sface"))
    faces = engine()
    for size_wh in ((640, 360), (1280, 720)):
        frames = [room(size_wh, noise) for noise in range(5)]
        ours = timed(_watching(faces, frames), repeats=60)
        yield Row(
            case=f"idle {size_wh[0]}x{size_wh[1]}, {FRAMES_PER_S} frames a second",
            ours_ms=ours.median_ms,
            ours_p95_ms=ours.p95_ms,
            ours_cpu_ms=ours.cpu_ms,
            target=f"under {PART_OF_A_CORE:.0%} of one core",
            met=ours.cpu_ms < PART_OF_A_CORE * 1000 / FRAMES_PER_S,
            note=f"{ours.cpu_ms * FRAMES_PER_S / 1000:.1%} of one core",
        )


def _watching(faces: FaceEngine, frames: list[Image]) -> Callable[[], object]:
    names, number = recognition(), count()

    def step() -> object:
        index = next(number)
        frame = frames[index % len(frames)]
        at = START + timedelta(seconds=index / FRAMES_PER_S)
        return watch(faces, names, frame, at)

    return step


if __name__ == "__main__":
    run(rows, "idle")
