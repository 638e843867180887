"""Which frames are looked at for bodies: a few a second, and fewer where nobody is and nothing moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from benchmarks.frames import room
from tracker.agent.looks import BodyWatch, Part
from tracker.presence.line import Inside, Line
from tracker.vision.bodies import Bodies
from tracker.vision.faces import Image

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
FPS = 10
SIZE_WH = (640, 360)
DOOR = Line(start=(0.5, 0.1), end=(0.5, 0.9), inside=Inside.RIGHT)
NOISY = [room(SIZE_WH, noise) for noise in range(4)]
"""The same empty room."""


@dataclass
class Detector:
    """Finds one body while there is one."""

    body: bool = False
    images: list[Image] = field(default_factory=list)

    def detect(self, image: Image, part_xyxy: Part | None = None) -> Bodies:
        del part_xyxy
        self.images.append(image)
        count = int(self.body)
        boxes = np.array([[300, 100, 340, 220]] * count, np.float32).reshape(-1, 4)
        return Bodies(boxes, np.full(count, 0.9, np.float32))


def looked_at(watch: BodyWatch, since_s: float, until_s: float, image: Callable[[int], Image]) -> list[float]:
    """The seconds at which frames of [since, until) are looked at."""
    frames = range(round(since_s * FPS), round(until_s * FPS))
    return [
        number / FPS
        for number in frames
        if watch.look(image(number), START + timedelta(seconds=number / FPS)) is not None
    ]


def empty(number: int) -> Image:
    return NOISY[number % len(NOISY)]


def somebody(number: int, *, left_px: int = 300, darker: int = 12) -> Image:
    """A body that is hardly darker than the room, and as small as one that is found in this picture."""
    image = empty(number).astype(np.int16)
    image[100:172, left_px : left_px + 24] -= darker
    return np.clip(image, 0, 255).astype(np.uint8)


@pytest.fixture
def detector() -> Detector:
    return Detector()


@pytest.mark.parametrize("line", [None, DOOR], ids=["room", "door"])
def test_an_empty_room_is_looked_at_once_a_second(detector: Detector, line: Line | None) -> None:
    """Sensor noise is no change."""
    watch = BodyWatch(detector, "hall", line=line)
    assert looked_at(watch, 0, 10, empty) == pytest.approx(np.arange(0, 10, 0.9))


@pytest.mark.parametrize("line", [None, DOOR], ids=["room", "door"])
@pytest.mark.parametrize("left_px", range(290, 330, 9))
@pytest.mark.parametrize("came_s", [3.3, 3.5])
def test_who_comes_in_is_looked_at_as_soon_as_ever(
    detector: Detector, line: Line | None, left_px: int, came_s: float
) -> None:
    watch = BodyWatch(detector, "hall", line=line)
    looked_at(watch, 0, came_s, empty)
    first, *_ = looked_at(watch, came_s, came_s + 1, lambda number: somebody(number, left_px=left_px))
    assert first <= came_s + 0.2


def test_while_somebody_is_there_looks_are_as_many_as_ever(detector: Detector) -> None:
    """Whoever stands still, too, and for as long as a track goes on unseen."""
    detector.body = True
    watch = BodyWatch(detector, "hall")
    still = looked_at(watch, 0, 6, lambda _: somebody(0))
    assert still == pytest.approx(np.arange(0, 6, 0.3))
    detector.body = False
    assert looked_at(watch, 6, 8, lambda _: somebody(0)) == pytest.approx(np.arange(6, 7.9, 0.3))
    assert len(looked_at(watch, 8, 12, lambda _: somebody(0))) <= 5


def test_what_moves_all_the_time_is_looked_at_as_often_as_ever(detector: Detector) -> None:
    watch = BodyWatch(detector, "hall")
    moving = looked_at(watch, 0, 6, lambda number: somebody(0, left_px=100 + 5 * number, darker=40))
    assert moving == pytest.approx(np.arange(0, 6, 0.3))


def test_a_new_face_is_looked_at_at_once_and_then_as_often_as_ever(detector: Detector) -> None:
    watch = BodyWatch(detector, "hall")
    looked_at(watch, 0, 5, empty)
    assert watch.look(empty(50), START + timedelta(seconds=5), now=True) is not None
    assert looked_at(watch, 5.1, 6.5, empty) == pytest.approx([5.3, 5.6, 5.9, 6.2])


def test_after_a_gap_the_next_frame_is_looked_at(detector: Detector) -> None:
    watch = BodyWatch(detector, "hall")
    looked_at(watch, 0, 3.2, empty)
    watch.end()
    assert watch.look(empty(0), START + timedelta(seconds=3.2)) is not None
