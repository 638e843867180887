"""The ground truth of the scene, compared with detections in the rendered clip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from config.recognition import MatchSettings
from config.settings import Precision
from tests.tracker.sources import open_source
from tracker.demo.clip import CLIP, times_in_view
from tracker.demo.portraits import enrolment_picture
from tracker.demo.render import render_clip
from tracker.demo.scene import face_share, poses
from tracker.vision.align import align
from tracker.vision.detector import Detector
from tracker.vision.embed import Embedder
from tracker.vision.embedders import SFACE

pytestmark = pytest.mark.slow
EVERY = 4
"""Every fourth frame is looked at, which is enough for the claims and a quarter of the time."""


@dataclass(frozen=True)
class Seen:
    """What was found of one actor: times of the frames, and one vector for each of them."""

    times: tuple[float, ...]
    vectors: NDArray[np.float32]


@dataclass(frozen=True)
class Measured:
    seen: Mapping[str, Seen]
    enrolled: NDArray[np.float32]
    elsewhere: int
    frames: int


@pytest.fixture(scope="module")
def measured(models_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Measured:
    path = tmp_path_factory.mktemp("demo") / "clip.mp4"
    render_clip(path)
    detector = Detector(folder=models_folder, precision=Precision.FLOAT16, threads=2)
    embedder = Embedder(SFACE, folder=models_folder, precision=Precision.FLOAT16, threads=2)
    found: dict[str, list[tuple[float, NDArray[np.float32]]]] = {actor.key: [] for actor in CLIP.actors}
    picture = enrolment_picture()
    enrolled = embedder.embed(align(picture, detector.detect(picture).landmarks, SFACE.chip))
    assert len(enrolled) == 1, "one face to enrol from"
    elsewhere = frames = 0
    source = open_source(str(path), start_at=None, realtime=False)
    while (frame := source.read()) is not None:
        if frame.index % EVERY == 0:
            frames += 1
            t = CLIP.times[frame.index]
            faces = detector.detect(frame.image)
            vectors = embedder.embed(align(frame.image, faces.landmarks, SFACE.chip))
            for box, vector in zip(faces.boxes, vectors, strict=True):
                key = _whose(t, box)
                elsewhere += key is None
                if key is not None:
                    found[key].append((t, vector))
    source.close()
    seen = {
        key: Seen(tuple(t for t, _ in rows), np.array([vector for _, vector in rows])) for key, rows in found.items()
    }
    return Measured(seen, enrolled[0], elsewhere, frames)


def _whose(t: float, box: NDArray[np.float32]) -> str | None:
    """The actor whose face that is: the one that shows most of those near enough."""
    everybody = poses(CLIP, t)
    x, y = float(box[0] + box[2]) / 2, float(box[1] + box[3]) / 2
    near = [pose for pose in everybody if np.hypot(pose.x - x, pose.y - y) < 0.6 * pose.width]
    best = max(near, key=lambda pose: face_share(CLIP, pose, everybody), default=None)
    return None if best is None else best.actor.key


def _in_sight(key: str) -> list[float]:
    looked_at = set(CLIP.times[::EVERY])
    return [t for t in times_in_view(CLIP, key, bodies=False) if t in looked_at]


@pytest.mark.parametrize("key", ["astronaut", "hopper"])
def test_visible_faces_are_detected(measured: Measured, key: str) -> None:
    expected = _in_sight(key)
    found = set(measured.seen[key].times)
    assert np.mean([t in found for t in expected]) > 0.97
    assert measured.elsewhere < 0.01 * measured.frames


def test_who_never_shows_a_face_has_none(measured: Measured) -> None:
    assert measured.seen["from-behind"].times == ()


@pytest.mark.parametrize("key", ["astronaut", "hopper"])
def test_detections_start_and_end_with_the_truth(measured: Measured, key: str) -> None:
    def edges(times: list[float]) -> list[float]:
        return [times[0], *(t for a, b in pairwise(times) if b - a > 2 for t in (a, b)), times[-1]]

    true, seen = edges(_in_sight(key)), edges(sorted(measured.seen[key].times))
    assert len(true) == len(seen) == 4
    assert np.abs(np.array(true) - seen).max() <= 0.4


def test_vectors_of_enrolled_person_are_close_and_of_stranger_far(measured: Measured) -> None:
    settings = MatchSettings()
    own = np.linalg.norm(measured.seen["astronaut"].vectors - measured.enrolled, axis=1)
    other = np.linalg.norm(measured.seen["hopper"].vectors - measured.enrolled, axis=1)
    assert np.quantile(own, 0.98) < 0.8 < settings.max_distance
    assert np.quantile(other, 0.02) > 1.2 > settings.stranger_distance
    assert np.median(other) > 1.3


def test_vectors_of_stranger_match_across_visits(measured: Measured) -> None:
    seen = measured.seen["hopper"]
    returned = np.array(seen.times) > 25
    between = np.linalg.norm(seen.vectors[~returned][:, None] - seen.vectors[returned][None], axis=2)
    assert np.quantile(between, 0.95) < 0.9
