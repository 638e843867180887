"""The page of enrolment gives the hints that the server gives."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from config.recognition import DetectSettings
from config.settings import ModelSettings
from tests.dashboard import faces
from tests.dashboard.browser.javascript import Vision, running_vision
from tracker.identity.enrolment_faces import ENROL_QUALITY
from tracker.identity.shots import Hint, Pose, Shot, look
from tracker.vision import embedders
from tracker.vision.engine import FaceEngine
from tracker.vision.faces import Image

DETECT = DetectSettings(min_face=32)
PICTURES: dict[str, Callable[[], Image]] = {
    **{f"turned-{turn}": lambda turn=turn: faces.head("astronaut", turn) for turn in (0, 25, -25, 60)},
    "nobody": lambda: np.full((480, 640, 3), 90, np.uint8),
    "two": lambda: np.hstack([faces.head("hopper", 0), faces.head("astronaut", 0)]),
    "far": lambda: _far(faces.head("astronaut", 0)),
    "dark": lambda: (faces.head("astronaut", 0) * 0.1).astype(np.uint8),
    "bright": lambda: np.clip(faces.head("astronaut", 0) * 1.6, 0, 255).astype(np.uint8),
    "blurred": lambda: cv2.GaussianBlur(faces.head("astronaut", 0), (0, 0), 12).astype(np.uint8),
}
TAKEN: tuple[tuple[Pose | None, ...], ...] = (
    (),
    (Pose.FRONT,),
    (Pose.FRONT, Pose.LEFT, Pose.RIGHT),
    (Pose.FRONT, Pose.FRONT, Pose.FRONT),
    (Pose.FRONT, None, Pose.LEFT, Pose.FRONT),
    (Pose.FRONT,) * 5,
)


def _far(image: Image) -> Image:
    """The same face, about 37 px wide."""
    small = cv2.resize(image, (98, 73), interpolation=cv2.INTER_AREA)
    canvas = np.full_like(image, 100)
    canvas[100:173, 200:298] = small
    return canvas


@pytest.fixture(scope="module")
def vision(browser_networks: Path) -> Iterator[Vision]:
    with running_vision(browser_networks, None, DETECT, ENROL_QUALITY) as running:
        yield running


@pytest.fixture(scope="module")
def engine(models_folder: Path) -> FaceEngine:
    return FaceEngine.load(
        models=ModelSettings(dir=models_folder), detect=DETECT, quality=ENROL_QUALITY, embedder=embedders.SFACE
    )


def shot(number: int, pose: Pose | None) -> Shot:
    """A shot unlike all others, so that only poses decide."""
    vector = np.zeros(128, np.float32)
    vector[number] = 1
    return Shot(vector=vector, quality=1.0, pose=pose)


def test_hints_and_wanted_shots_are_those_of_the_server(vision: Vision, engine: FaceEngine) -> None:
    seen, wanted = set(), set()
    for (name, picture), poses in itertools.product(PICTURES.items(), TAKEN):
        image = picture()
        expected = look(image, engine, [shot(number, pose) for number, pose in enumerate(poses)])
        hint, promising = vision.advise(image, list(poses))
        assert promising is (expected.shot is not None), (name, poses)
        if not promising:  # after a shot the server has the next hint
            assert hint == expected.hint, (name, poses)
        seen.add(expected.hint)
        wanted.add(promising)
    assert seen == set(Hint)
    assert wanted == {True, False}
