"""Counting at the lines of a recording: right, missed and false beside annotated crossings, and the time of a look.

    python -m benchmarks.counting --truth crossings.json [--clip vtest.avi] [--fps 7] [--looks 3.5]

The clip is vtest.avi of Debian's opencv-doc unless another is given (or named by FOOTFALL_VTEST). The annotation is
{"lines": {"A": {"line_px": [[x1, y1], [x2, y2]], "crossings": [{"frame": 41, "to": "right"}]}}}: by line the frames,
counted from 0, at which somebody's foot goes over it, with the side that the person goes to.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from benchmarks.measure import Timing, machine, summary
from config.settings import ModelSettings
from models.runtime import ensure_built
from tracker.agent.count_score import CountScore, Passing, scored
from tracker.agent.counting import LineCounter
from tracker.agent.looks import LOOKS_PER_S, SupportsDetect
from tracker.cameras.video import Video
from tracker.presence.line import Inside, Line
from tracker.vision.bodies import BodyDetector
from tracker.vision.faces import Image

VTEST = Path(os.environ.get("FOOTFALL_VTEST", "/usr/share/doc/opencv-doc/examples/data/vtest.avi"))
"""PETS09-S2L1 (University of Reading, 2009), 768x576, 795 frames."""
VTEST_FPS = 7.0
"""At which it was taken; its header says 10."""
_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotatedLine:
    """An upright line by its ends, px, and the frames at which somebody goes over it. inside: its right side."""

    name: str
    ends_px: tuple[tuple[float, float], tuple[float, float]]
    crossings: tuple[tuple[int, bool], ...]

    def on(self, size_wh: tuple[int, int]) -> Line:
        """The line in fractions of a frame."""
        (x1, y1), (x2, y2) = self.ends_px
        width, height = size_wh
        return Line(start=(x1 / width, y1 / height), end=(x2 / width, y2 / height), inside=Inside.RIGHT)

    def passings(self, fps: float) -> list[Passing]:
        return [Passing(at_s=frame / fps, inward=inward) for frame, inward in self.crossings]


@dataclass(slots=True, eq=False)
class LineRun:
    """A line while the frames of the clip pass."""

    line: AnnotatedLine
    counter: LineCounter
    found: list[Passing] = field(default_factory=list)
    looks_ms: list[float] = field(default_factory=list)

    def observe(self, image: Image, at: datetime) -> None:
        looks, began_s = self.counter.looks, time.perf_counter()
        crossings = self.counter.observe(image, at)
        if self.counter.looks > looks:
            self.looks_ms.append((time.perf_counter() - began_s) * 1e3)
        self.found += [Passing(at_s=(each.at - _BEGINNING).total_seconds(), inward=each.inward) for each in crossings]

    def scores(self, fps: float) -> tuple[CountScore, CountScore]:
        return scored(self.found, self.line.passings(fps))


def annotated(path: Path) -> list[AnnotatedLine]:
    """The lines of an annotation."""
    lines = json.loads(path.read_text(encoding="utf-8"))["lines"]
    return [
        AnnotatedLine(
            name=name,
            ends_px=tuple(map(tuple, line["line_px"])),
            crossings=tuple((each["frame"], each["to"] == "right") for each in line["crossings"]),
        )
        for name, line in lines.items()
    ]


def counted(
    clip: Path, lines: Sequence[AnnotatedLine], detector: SupportsDetect, *, looks_per_s: float, fps: float
) -> list[LineRun]:
    """Each line counted, all in one reading of the clip. fps: at which it was taken, whatever the file says."""
    video = Video.open_file(clip)
    runs: list[LineRun] = []
    try:
        for index in count():
            picture = video.read()
            if picture is None:
                return runs
            size_wh = picture.image.shape[1], picture.image.shape[0]
            runs = runs or [
                LineRun(line, LineCounter(detector, line.on(size_wh), line.name, looks_per_s)) for line in lines
            ]
            for run in runs:
                run.observe(picture.image, _BEGINNING + timedelta(seconds=index / fps))
    finally:
        video.close()
    return runs


def _record(runs: Sequence[LineRun], fps: float, looks_per_s: float) -> dict[str, object]:
    scores = [score for run in runs for score in run.scores(fps)]
    look: Timing = summary([each for run in runs for each in run.looks_ms])
    return {
        "looks_per_s": looks_per_s,
        "crossings": sum(len(run.line.crossings) for run in runs),
        "right": sum(each.right for each in scores),
        "missed": sum(len(each.missed_at_s) for each in scores),
        "false": sum(len(each.false_at_s) for each in scores),
        "look_ms": round(look.median_ms, 2),
        "look_p95_ms": round(look.p95_ms, 2),
    }


def main(arguments: Sequence[str]) -> int:
    """Print one JSON object for each rate of looks."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.counting")
    parser.add_argument("--clip", type=Path, default=VTEST, help="recording; default: vtest.avi of opencv-doc")
    parser.add_argument("--truth", type=Path, required=True, help="annotated crossings, JSON")
    parser.add_argument("--fps", type=float, default=VTEST_FPS, help="frames a second at which it was taken")
    parser.add_argument("--looks", type=float, action="append", help="looks a second; may be given several times")
    given = parser.parse_args(arguments)
    models = ModelSettings()
    ensure_built(models.dir, models.precision, ["bodies"])
    detector = BodyDetector(folder=models.dir, precision=models.precision, threads=1)
    lines = annotated(given.truth)
    for looks_per_s in given.looks or [LOOKS_PER_S]:
        runs = counted(given.clip, lines, detector, looks_per_s=looks_per_s, fps=given.fps)
        print(json.dumps(_record(runs, given.fps, looks_per_s) | machine()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
