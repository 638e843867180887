"""Shots of an enrolment: which frames are kept, and what is asked for next."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from config.errors import PictureError
from config.recognition import DetectSettings, QualitySettings
from config.settings import ModelSettings, Precision
from tests.tracker.vision.heads import turned_head
from tests.tracker.vision.scenes import STILLS, ten_faces
from tracker.identity.shots import ENOUGH_SHOTS, MAX_SHOTS, Hint, Pose, Shot, look, look_at_picture
from tracker.vision.embedders import DLIB_CHIP, SFACE
from tracker.vision.engine import FaceEngine
from tracker.vision.faces import Faces

RIGHT, FRONT, LEFT = -12.0, 0.0, 12.0
"""How far to the right of the picture the nose is, in px of a face of 150."""


class FakeEngine:
    """Finds faces of `width` px whose noses are `aside`, and whose vectors lie at `view` on a line."""

    embedder = SFACE

    def __init__(self, *, aside: float = FRONT, view: float = 0.0, width: float = 150, count: int = 1) -> None:
        self.aside, self.view, self.width, self.count = aside, view, width, count

    def detect(self, _image: np.ndarray) -> Faces:
        points = DLIB_CHIP.template.copy()
        points[2, 0] += self.aside
        landmarks = np.repeat(20 + points[None] * (self.width / 150), self.count, axis=0).astype(np.float32)
        boxes = np.repeat(np.array([[20, 20, 20 + self.width, 20 + self.width]], np.float32), self.count, axis=0)
        return Faces(boxes, np.ones(self.count, np.float32), landmarks)

    def embed(self, _image: np.ndarray, faces: Faces) -> np.ndarray:
        vectors = np.zeros((len(faces), 128), np.float32)
        vectors[:, 0] = self.view
        return vectors


def frame(*, dark: bool = False, blurred: bool = False) -> np.ndarray:
    image = np.random.default_rng(5).integers(40, 200, (240, 240, 3), np.uint8)
    if blurred:
        image[:] = np.linspace(60, 180, len(image)).astype(np.uint8)[:, None, None]
    return image // 64 if dark else image


def shot(view: float, pose: Pose | None = Pose.FRONT) -> Shot:
    vector = np.zeros(128, np.float32)
    vector[0] = view
    return Shot(vector=vector, quality=0.9, pose=pose)


ALL_POSES = [shot(0, Pose.FRONT), shot(1, Pose.LEFT), shot(2, Pose.RIGHT)]


@pytest.mark.parametrize(
    ("engine", "image", "hint"),
    [
        pytest.param(FakeEngine(count=0), frame(), Hint.APPEAR, id="nobody"),
        pytest.param(FakeEngine(count=2), frame(), Hint.ALONE, id="two"),
        pytest.param(FakeEngine(width=30), frame(), Hint.CLOSER, id="far"),
        pytest.param(FakeEngine(), frame(dark=True), Hint.LIGHT, id="dark"),
        pytest.param(FakeEngine(), frame(blurred=True), Hint.STILL, id="blurred"),
        pytest.param(FakeEngine(aside=LEFT), frame(), Hint.FRONT, id="first-looks-at-the-camera"),
        pytest.param(FakeEngine(aside=90), frame(), Hint.FRONT, id="profile"),
    ],
)
def test_a_frame_that_is_not_good_gets_a_hint_and_no_shot(engine: FakeEngine, image: np.ndarray, hint: Hint) -> None:
    found = look(image, engine, [])
    assert (found.hint, found.shot) == (hint, None)


def test_poses_are_taken_one_after_another() -> None:
    taken: list[Shot] = []
    hints = []
    for aside in (FRONT, LEFT, RIGHT):
        found = look(frame(), FakeEngine(aside=aside), taken)
        assert found.shot is not None
        taken.append(found.shot)
        hints.append(found.hint)
    assert [each.pose for each in taken] == [Pose.FRONT, Pose.LEFT, Pose.RIGHT]
    assert hints == [Hint.LEFT, Hint.RIGHT, Hint.MOVE]


def test_a_near_duplicate_is_not_taken() -> None:
    near = look(frame(), FakeEngine(view=0.3), ALL_POSES)
    far = look(frame(), FakeEngine(view=3), ALL_POSES)
    assert (near.shot, near.hint) == (None, Hint.MOVE)
    assert far.shot is not None


def test_whoever_cannot_turn_gets_three_shots_and_the_poses_stay_open() -> None:
    taken = [shot(0), shot(1)]
    third = look(frame(), FakeEngine(view=2), taken)
    assert third.shot is not None
    fourth = look(frame(), FakeEngine(view=3), [*taken, third.shot])
    assert (fourth.shot, fourth.hint) == (None, Hint.LEFT)


def test_enough_is_enough() -> None:
    last = look(frame(), FakeEngine(view=9), [*ALL_POSES, shot(3)])
    assert (last.shot is not None, last.hint) == (True, Hint.ENOUGH)
    after = look(frame(), FakeEngine(view=20), [*ALL_POSES, shot(3), shot(4)])
    assert (after.shot, after.hint) == (None, Hint.ENOUGH)


@pytest.mark.parametrize(
    ("engine", "taken", "problem"),
    [
        pytest.param(FakeEngine(count=0), [], "no face found", id="nobody"),
        pytest.param(FakeEngine(count=2), [], "2 faces found", id="two"),
        pytest.param(FakeEngine(width=30), [], "too small", id="small"),
        pytest.param(FakeEngine(view=0.2), [shot(0)], "hardly more", id="duplicate"),
        pytest.param(FakeEngine(view=99), [shot(view) for view in range(MAX_SHOTS)], "are enough", id="many"),
    ],
)
def test_a_chosen_picture_is_refused_with_the_reason(engine: FakeEngine, taken: list[Shot], problem: str) -> None:
    with pytest.raises(PictureError, match=f"me.jpg: .*{problem}"):
        look_at_picture(frame(), engine, taken, name="me.jpg")


def test_a_chosen_picture_may_look_anywhere() -> None:
    found = look_at_picture(frame(), FakeEngine(aside=90), [], name="me.jpg")
    assert found.shot is not None
    assert found.shot.pose is None


@pytest.mark.parametrize("name", ["astronaut", "grace-hopper"])
def test_a_real_head_that_turns_gives_shots_of_every_pose(name: str, models_folder: Path) -> None:
    engine = FaceEngine.load(
        models=ModelSettings(dir=models_folder, precision=Precision.FLOAT16),
        detect=DetectSettings(),
        quality=QualitySettings(),
    )
    portrait = STILLS[name]()
    landmarks = engine.detect(portrait).landmarks[0]
    taken: list[Shot] = []
    for yaw in (0, 0, -5, -25, 25, 40, -35):
        found = look(turned_head(portrait, landmarks, yaw, side=400), engine, taken)
        taken += [] if found.shot is None else [found.shot]
    assert 4 <= len(taken) <= ENOUGH_SHOTS
    assert {each.pose for each in taken} == set(Pose)
    assert look(ten_faces(), engine, []).hint is Hint.ALONE


def test_a_face_without_a_finite_vector_gives_no_shot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeEngine, "embed", lambda *_: np.full((1, 128), np.inf, np.float32))
    image = np.random.default_rng(3).integers(40, 200, (200, 200, 3), np.uint8)
    with pytest.raises(PictureError, match="the frame: the network gives no finite vector"):
        look(image, FakeEngine(), [])
    with pytest.raises(PictureError, match=r"a\.png: the network gives no finite vector"):
        look_at_picture(image, FakeEngine(), [], name="a.png")
