"""Processor time per frame of an empty, static scene, at 10 frames per second."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count

from benchmarks.frames import Image, room
from benchmarks.measure import Row, run, timed
from benchmarks.pipeline import DOOR, START, Watching, body_detector, engine
from config.settings import ModelSettings
from models.catalog import required
from models.runtime import ensure_built
from tracker.agent.looks import BodyWatch

PART_OF_A_CORE = 0.15
FRAMES_PER_S = 10


def rows() -> Iterator[Row]:
    """Both frame sizes; constant light, changing sensor noise."""
    models = ModelSettings()
    ensure_built(models.dir, models.precision, required("sface"))
    faces, detector = engine(), body_detector()
    for size_wh in ((640, 360), (1280, 720)):
        frames = [room(size_wh, noise) for noise in range(5)]
        alone = 0.0
        door, hall = BodyWatch(detector, "bench", line=DOOR), BodyWatch(detector, "bench")
        for what, by in (("faces", None), ("bodies at a door", door), ("bodies in a room", hall)):
            ours = timed(_watching(Watching(faces, bodies=by), frames), repeats=70)
            cores = ours.cpu_ms * FRAMES_PER_S / 1000
            alone = cores if by is None else alone
            yield Row(
                case=f"idle {size_wh[0]}x{size_wh[1]}, {FRAMES_PER_S} frames a second, {what}",
                ours_ms=ours.median_ms,
                ours_p95_ms=ours.p95_ms,
                ours_cpu_ms=ours.cpu_ms,
                target=f"{'under' if by is None else 'no more than faces and'} {PART_OF_A_CORE:.0%} of one core",
                met=cores < PART_OF_A_CORE if by is None else cores - alone <= PART_OF_A_CORE,
                note=f"{cores:.1%} of one core" + ("" if by is None else f", {cores - alone:.1%} more than faces"),
            )


def _watching(watching: Watching, frames: list[Image]) -> Callable[[], object]:
    number = count()

    def step() -> object:
        index = next(number)
        return watching(frames[index % len(frames)], START + timedelta(seconds=index / FRAMES_PER_S))

    return step


if __name__ == "__main__":
    run(rows, "idle")
