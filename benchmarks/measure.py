"""Timing, the lower bound set by the machine, and result rows."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

SEED = 20_240_101
WARM_UP = 3
COLUMNS = {
    "case": "case",
    "ours ms": "ours_ms",
    "p95": "ours_p95_ms",
    "cpu": "ours_cpu_ms",
    "peer": "peer",
    "peer ms": "peer_ms",
    "ratio": "ratio",
    "strong ratio": "strong_ratio",
    "floor ms": "floor_ms",
    "target": "target",
    "met": "met",
    "note": "note",
}
ROOT = Path(__file__).resolve().parents[1]
STRONG_DLIB = "FOOTFALL_BENCH_DLIB"
"""Environment variable: Python interpreter of an environment with a dlib compiled with a BLAS library."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Wall time of one call, ms: median, 95th percentile and minimum; cpu_ms: processor time of all threads, mean."""

    median_ms: float
    p95_ms: float
    least_ms: float
    cpu_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One result. ours_ms and peer_ms: median wall time; ratio: peer over ours.

    floor_ms: the multiply-adds (or bytes) that the case needs, at the speed measured on this machine. target: in words.
    strong_peer: a peer that few people have, beside the one from the package index.
    """

    case: str
    ours_ms: float
    target: str
    met: bool
    peer: str | None = None
    peer_ms: float | None = None
    floor_ms: float | None = None
    ours_p95_ms: float | None = None
    ours_cpu_ms: float | None = None
    peer_p95_ms: float | None = None
    strong_peer: str | None = None
    strong_peer_ms: float | None = None
    note: str | None = None

    def record(self) -> dict[str, object]:
        """As a JSON object, with the ratios."""
        fields = {key: round(value, 3) if isinstance(value, float) else value for key, value in asdict(self).items()}
        return {
            **fields,
            "ratio": _ratio(self.peer_ms, self.ours_ms),
            "strong_ratio": _ratio(self.strong_peer_ms, self.ours_ms),
            "over_floor": _ratio(self.ours_ms, self.floor_ms),
        }


Rows = Callable[[], Iterable[Row]]


def timed(call: Callable[[], object], *, repeats: int, warm_up: int = WARM_UP) -> Timing:
    """Time a call after warm-up calls."""
    for _ in range(warm_up):
        call()
    walls, cpu_ms = _walls(call, repeats)
    return summary(walls, cpu_ms)


def in_turn(
    ours: Callable[[], object], theirs: Callable[[], object], *, rounds: int, each: tuple[int, int]
) -> tuple[Timing, Timing]:
    """Time two calls alternately, so that changes of the machine's speed affect both.

    Each round makes `each` calls of ours and of theirs, after one uncounted call to refill the caches. The first round
    is not counted.
    """
    found: tuple[list[float], list[float]] = ([], [])
    cpu_ms: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 1):
        for side, call in enumerate((ours, theirs)):
            call()
            walls, used_ms = _walls(call, each[side])
            if number:
                found[side].extend(walls)
                cpu_ms[side].append(used_ms)
    return summary(found[0], float(np.mean(cpu_ms[0]))), summary(found[1], float(np.mean(cpu_ms[1])))


def _walls(call: Callable[[], object], repeats: int) -> tuple[list[float], float]:
    """Wall time of each call, and the mean processor time of all threads, ms."""
    walls, cpu_start = [], time.process_time()
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        walls.append((time.perf_counter() - start) * 1e3)
    return walls, (time.process_time() - cpu_start) * 1e3 / repeats


def summary(walls_ms: Sequence[float], cpu_ms: float = 0.0) -> Timing:
    """Timing from single measurements."""
    median, p95 = np.percentile(walls_ms, [50, 95])
    return Timing(median_ms=float(median), p95_ms=float(p95), least_ms=min(walls_ms), cpu_ms=cpu_ms)


@cache
def sgemm_gflops() -> float:
    """Maximum speed of a large single-precision matrix product on all cores, GFLOP/s."""
    rng = np.random.default_rng(SEED)
    side = 1024
    left, right = (rng.standard_normal((side, side), np.float32) for _ in range(2))
    least_s = timed(lambda: left @ right, repeats=15).least_ms / 1e3
    return 2 * side**3 / least_s / 1e9


@cache
def read_gbytes() -> float:
    """Maximum memory read bandwidth of one core, GB/s."""
    block = np.ones(1 << 26, np.float32)
    return block.nbytes / (timed(block.sum, repeats=5, warm_up=1).least_ms / 1e3) / 1e9


def floor_ms(multiply_adds: float) -> float:
    """Time for a number of multiply-adds at the speed of a matrix product, ms."""
    return 2 * multiply_adds / sgemm_gflops() / 1e6


def machine() -> dict[str, object]:
    """Description of the machine."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607  found on the path
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}",
        "python": platform.python_version(),
        "commit": commit.stdout.strip() or None,
        "sgemm_gflops": round(sgemm_gflops(), 1),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def show(records: Sequence[dict[str, object]]) -> None:
    """Print a table to stdout."""
    table = Table(title=f"Footfall beside its peers ({', '.join(f'{k} {v}' for k, v in machine().items())})")
    for title, key in COLUMNS.items():
        table.add_column(title, justify="left" if key in {"case", "peer", "target"} else "right")
    for record in records:
        cells = ["–" if record.get(key) is None else str(record[key]) for key in COLUMNS.values()]
        table.add_row(*cells)
    Console(width=200 if not sys.stdout.isatty() else None).print(table)


def run(rows: Rows, name: str) -> None:
    """Command line of one benchmark: a table, or with --json a list of objects."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}")
    parser.add_argument("--json", action="store_true", help="print a list of objects instead of a table")
    wanted = parser.parse_args()
    records = [row.record() for row in rows()]
    if wanted.json:
        about = machine()
        print(json.dumps([{**record, **about} for record in records], indent=1))
    else:
        show(records)


def _ratio(numerator: float | None, denominator: float | None) -> float | None:
    return None if numerator is None or not denominator else round(numerator / denominator, 2)
