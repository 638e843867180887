"""Time from process start to the first processed frame, and memory then."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator

from benchmarks.measure import ROOT, Row, run, summary
from config.settings import ModelSettings
from models.catalog import required
from models.runtime import ensure_built

START_MS = 3000.0
LIMITS_MB = {1: 350.0, 4: 500.0}
TRIES = 5


def rows() -> Iterator[Row]:
    """One and four cameras, each run in a new process."""
    models = ModelSettings()
    ensure_built(models.dir, models.precision, required("sface"))
    for cameras, limit_mb in LIMITS_MB.items():
        walls, sizes = [], []
        for _ in range(TRIES):
            start = time.perf_counter()
            result = subprocess.run(
                [sys.executable, "-m", "benchmarks.first_frame", str(cameras)],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=True,
            )
            walls.append((time.perf_counter() - start) * 1e3)
            sizes.append(json.loads(result.stdout)["rss_mb"])
        ours = summary(walls)
        yield Row(
            case=f"start, {cameras} camera{'s' if cameras > 1 else ''} at 1280x720",
            ours_ms=ours.median_ms,
            ours_p95_ms=ours.p95_ms,
            target=f"under {START_MS / 1000:.0f} s and {limit_mb:.0f} MB",
            met=ours.median_ms < START_MS and max(sizes) < limit_mb,
            note=f"{max(sizes):.0f} MB",
        )


if __name__ == "__main__":
    run(rows, "start")
