"""A manual clock, and recordings made by the tests."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class HandClock:
    """Waiting takes no time: it moves the clock on and is written down."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.waits: list[float] = []

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def wait(self, event: threading.Event, timeout_s: float) -> bool:
        self.waits.append(timeout_s)
        self.seconds += timeout_s
        return event.is_set()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def clip(tmp_path: Path) -> Callable[..., Path]:
    """clip(name, frames, fps): an MJPEG film whose frame i is of one grey, 4 i."""

    def make(name: str = "clip.avi", frames: int = 30, fps: float = 10.0) -> Path:
        path = tmp_path / name
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, (64, 48))
        for index in range(frames):
            writer.write(np.full((48, 64, 3), 4 * index, np.uint8))
        writer.release()
        return path

    return make
