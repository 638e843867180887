"""Counting at a line: scripted bodies that a detector reports, and scenes without anybody.

The line is upright, in the middle of a 640x480 frame; inside is right. Bodies are 120 px tall.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from config.settings import Precision
from tests.tracker.vision.scenes import ten_faces
from tracker.agent.counting import LineCounter, view_at_line, view_in_region
from tracker.agent.looks import Part, part_around
from tracker.presence.line import Inside, Line
from tracker.vision.bodies import MIN_HEIGHT_PX, SIDE_PX, Bodies, BodyDetector
from tracker.vision.faces import Image

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
UPRIGHT = Line(start=(0.5, 0.1), end=(0.5, 0.9), inside=Inside.RIGHT)
FRAME = np.full((480, 640, 3), 90, np.uint8)
STEP_S = 0.3
Place = tuple[float, float] | None
"""Middle of a body and its score; None where the detector does not find it."""


@dataclass
class ScriptedDetector:
    """Reports the bodies of one look after the other, and remembers where it was to look."""

    script: Sequence[Sequence[Place]]
    height: float = 120
    parts: list[Part | None] = field(default_factory=list)

    def detect(self, image: Image, part_xyxy: Part | None = None) -> Bodies:
        del image
        found = [place for place in self.script[len(self.parts) % len(self.script)] if place is not None]
        self.parts.append(part_xyxy)
        boxes = [(x - 20, 300 - self.height, x + 20, 300) for x, _ in found]
        return Bodies(np.array(boxes, np.float32).reshape(-1, 4), np.array([score for _, score in found], np.float32))


def walk(*middles: float | None, score: float = 0.9) -> list[Place]:
    return [None if middle is None else (middle, score) for middle in middles]


def count(*people: Sequence[Place], line: Line = UPRIGHT) -> list[str]:
    """people: where each is in look after look. "in@3" is a crossing inwards, dated at look 3."""
    looks = max(map(len, people))
    script = [[person[look] for person in people if look < len(person)] for look in range(looks)]
    counter = LineCounter(ScriptedDetector(script), line, "door")
    found = [each for look in range(looks) for each in counter.observe(FRAME, START + look * timedelta(seconds=STEP_S))]
    return [f"{'in' if each.inward else 'out'}@{(each.at - START).total_seconds() / STEP_S:.0f}" for each in found]


@pytest.mark.parametrize(
    ("person", "expected"),
    [
        pytest.param(walk(200, 240, 280, 320, 360, 400), ["in@4"], id="walks-in"),
        pytest.param(walk(440, 400, 360, 320, 280, 240), ["out@4"], id="walks-out"),
        pytest.param(walk(200, 240, 280, None, None, 400, 440), ["in@5"], id="hidden-on-the-line"),
        pytest.param(walk(280, 360, 440), ["in@1"], id="counted-once-it-is-surely-a-person"),
        pytest.param(walk(280, 360), [], id="two-looks-may-be-a-mistake"),
        pytest.param(walk(200, 240, 280, 312, 328, 312, 280, 240), [], id="turns-back-on-the-line"),
        pytest.param(walk(240, 280, 310, 330, 310, 330, 310, 330), [], id="stands-on-the-line"),
        pytest.param(walk(200, 260, 320, 380, 380, 320, 260, 200), ["in@3", "out@6"], id="in-and-out-again"),
        pytest.param(walk(200, 240, 280, 320, 360, 400, score=0.3), [], id="never-sure"),
        pytest.param([*walk(200, 240, 280), *walk(320, 360, 400, score=0.3)], ["in@4"], id="unsure-beyond-the-line"),
    ],
)
def test_one_person(person: list[Place], expected: list[str]) -> None:
    assert count(person) == expected


def test_two_who_meet_on_the_line_are_one_each_way() -> None:
    assert sorted(count(walk(200, 240, 280, 320, 360, 400), walk(440, 400, 360, 320, 280, 240))) == ["in@4", "out@4"]


def test_who_passes_the_end_of_the_line_is_not_counted() -> None:
    above = Line(start=(0.5, 0.05), end=(0.5, 0.4), inside=Inside.RIGHT)
    assert count(walk(200, 240, 280, 320, 360, 400), line=above) == []


def test_inside_decides_the_direction() -> None:
    mirrored = Line(start=(0.5, 0.9), end=(0.5, 0.1), inside=Inside.LEFT)
    assert count(walk(200, 240, 280, 320, 360, 400), line=mirrored) == ["out@4"]


def test_nobody_is_nobody() -> None:
    assert count([None] * 20) == []


def test_frames_between_two_looks_are_skipped() -> None:
    detector = ScriptedDetector([[]])
    counter = LineCounter(detector, UPRIGHT, "door", looks_per_s=5)
    for frame in range(100):
        counter.observe(FRAME + np.uint8(frame % 2 * 20), START + timedelta(seconds=frame / 25))
    assert counter.looks == len(detector.parts) == 20


def test_the_part_is_learned_from_people_near_the_line() -> None:
    detector = ScriptedDetector([[(280, 0.9)]], height=150)
    counter = LineCounter(detector, UPRIGHT, "door")
    for look in range(6):
        counter.observe(FRAME, START + look * timedelta(seconds=STEP_S))
    around = part_around(UPRIGHT, SIDE_PX / 3, (640, 480))
    assert detector.parts[:3] == [None, around, None]
    assert detector.parts[3:] == [part_around(UPRIGHT, 150, (640, 480))] * 3
    far = ScriptedDetector([[(50, 0.9)]])
    counter = LineCounter(far, UPRIGHT, "door")
    for look in range(6):
        counter.observe(FRAME, START + look * timedelta(seconds=STEP_S))
    assert far.parts == [None, around] * 3


@pytest.mark.parametrize(
    ("line", "height", "size_wh", "expected"),
    [
        pytest.param(((0.5, 0.4), (0.5, 0.6)), 100, (1920, 1080), (784, 332, 1136, 683), id="square"),
        pytest.param(((0.5, 0.4), (0.5, 0.5)), 60, (1920, 1080), (800, 306, 1120, 626), id="least-side"),
        pytest.param(((0.25, 0.5), (0.75, 0.5)), 200, (1920, 1080), (280, 0, 1640, 1080), id="as-high-as-the-frame"),
        pytest.param(((0.0, 0.5), (0.1, 0.9)), 100, (1920, 1080), (0, 440, 567, 1007), id="at-the-edge"),
        pytest.param(((0.2, 0.5), (0.8, 0.5)), 100, (300, 200), (0, 0, 300, 200), id="small-frame"),
    ],
)
def test_part_around_a_line(
    line: tuple[tuple[float, float], tuple[float, float]], height: float, size_wh: tuple[int, int], expected: Part
) -> None:
    inside = Inside.BELOW if line[0][1] == line[1][1] else Inside.RIGHT
    assert part_around(Line(start=line[0], end=line[1], inside=inside), height, size_wh) == expected


def test_the_view_of_a_line_has_the_people_and_the_smallest() -> None:
    detector = ScriptedDetector([[(280, 0.9), (50, 0.8), (400, 0.2)]])
    view = view_at_line(FRAME, UPRIGHT, detector)
    assert view.part == part_around(UPRIGHT, 120, (640, 480)) == detector.parts[1]
    assert view.bodies.scores.tolist() == pytest.approx([0.9, 0.8])
    assert view.smallest_px == pytest.approx(MIN_HEIGHT_PX * (view.part[2] - view.part[0]) / SIDE_PX)
    assert view_at_line(FRAME, UPRIGHT, ScriptedDetector([[]])).part == part_around(UPRIGHT, SIDE_PX / 3, (640, 480))


def test_the_view_of_a_region_has_the_people_in_it() -> None:
    detector = ScriptedDetector([[(280, 0.9), (400, 0.2)]])
    view = view_in_region(FRAME, (0.0, 0.0, 0.5, 1.0), detector)
    assert detector.parts == [view.part] == [(0, 0, 320, 480)]
    assert (view.bodies.scores.tolist(), view.smallest_px) == (pytest.approx([0.9]), MIN_HEIGHT_PX * 480 / SIDE_PX)


def test_a_hundred_passers_by_leave_nothing_behind() -> None:
    script = [[(240 + 80 * (look % 3), 0.9)] if look % 12 < 3 else [] for look in range(12)]
    counter = LineCounter(ScriptedDetector(script), UPRIGHT, "door")
    found = 0
    for look in range(12 * 100):
        found += len(counter.observe(FRAME + np.uint8(look % 2 * 20), START + look * timedelta(seconds=STEP_S)))
    assert found == 100
    assert len(counter._states) + len(counter._unconfirmed) <= 2


# -- the real detector


@pytest.fixture(scope="module")
def detector(models_folder: Path) -> BodyDetector:
    return BodyDetector(folder=models_folder, precision=Precision.FLOAT16, threads=2)


@pytest.mark.parametrize("make", [lambda: np.zeros((480, 640, 3), np.uint8), lambda: FRAME], ids=["black", "grey"])
def test_an_empty_scene_has_nobody(make: Callable[[], Image], detector: BodyDetector) -> None:
    counter = LineCounter(detector, UPRIGHT, "door")
    assert [each for look in range(10) for each in counter.observe(make(), START + look * timedelta(seconds=1))] == []
    assert len(view_at_line(make(), UPRIGHT, detector).bodies) == 0


def test_people_who_stand_still_at_the_line_are_not_counted(detector: BodyDetector) -> None:
    """As on a poster: ten of them, four on the line or beside it."""
    image = ten_faces()
    counter = LineCounter(detector, UPRIGHT, "door")
    assert [each for look in range(10) for each in counter.observe(image, START + look * timedelta(seconds=1))] == []
    assert len(view_at_line(image, UPRIGHT, detector).bodies) >= 4
