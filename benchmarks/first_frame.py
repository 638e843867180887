"""Child process of start.py: load everything, process one frame of each camera, and print the memory used."""

from __future__ import annotations

import json
import resource
import sys

import tracker.agent.loop  # noqa: F401  what a real run loads is part of the time
from benchmarks.frames import scene
from benchmarks.pipeline import START, Watching, body_detector, engine
from tracker.agent.looks import BodyWatch

_BYTES = 1 if sys.platform == "darwin" else 1024


def main() -> None:
    """Print the peak resident memory, MB, for the number of cameras in the first argument."""
    faces, detector, frame = engine(), body_detector(), scene((1280, 720), 3)
    for _ in range(int(sys.argv[1])):
        Watching(faces, bodies=BodyWatch(detector, "bench"))(frame, START)
    print(json.dumps({"rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _BYTES / 2**20}))


if __name__ == "__main__":
    main()
