"""Timing of calls that take turns, so that whatever slows the machine down slows all of them alike."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Wall time of one call, ms: median and 95th percentile of `calls` measurements."""

    median_ms: float
    p95_ms: float
    calls: int

    @classmethod
    def of(cls, walls_ms: Sequence[float]) -> Timing | None:
        """None without measurements."""
        if not walls_ms:
            return None
        median, p95 = np.percentile(walls_ms, [50, 95]).tolist()
        return cls(median_ms=median, p95_ms=p95, calls=len(walls_ms))


def in_turn(
    calls: Mapping[str, Callable[[], object]], *, rounds: int, rng: np.random.Generator
) -> dict[str, list[float]]:
    """Wall times in ms of each call in each round. rng: shuffles their order anew in every round."""
    walls: dict[str, list[float]] = {name: [] for name in calls}
    names = list(calls)
    for _ in range(rounds):
        for position in rng.permutation(len(names)):
            name = names[position]
            began = time.perf_counter()
            calls[name]()
            walls[name].append((time.perf_counter() - began) * 1e3)
    return walls


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    return {
        "processor": f"{platform.machine()}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }
