"""Face quality."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from config.recognition import QualitySettings
from config.settings import Precision
from tests.tracker.vision.heads import turned_head
from tests.tracker.vision.scenes import STILLS, astronaut
from tracker.vision.align import align
from tracker.vision.detector import Detector
from tracker.vision.faces import Faces
from tracker.vision.quality import CHIP, Quality, assess, rejection

ASTRONAUT = np.array([(204, 100), (245, 102), (224, 126), (202, 139), (244, 140)], np.float32)
"""(5, 2) px."""


def face(width_px: float = 100, landmarks: np.ndarray = CHIP.template) -> Faces:
    box = np.array([[0, 0, width_px, width_px * 1.2]], np.float32)
    return Faces(box, np.array([0.99], np.float32), landmarks.astype(np.float32)[None])


def chequered(cell: int, low: int, high: int) -> np.ndarray:
    """(1, 150, 150, 3) a chequerboard."""
    ys, xs = np.mgrid[:150, :150] // cell
    board = np.where((xs + ys) % 2, high, low).astype(np.uint8)
    return np.repeat(board[:, :, None], 3, axis=2)[None]


def gradient(low: int, high: int) -> np.ndarray:
    """(1, 150, 150, 3) a horizontal gradient: contrast without detail."""
    ramp = np.linspace(low, high, 150).astype(np.uint8)
    return np.repeat(np.tile(ramp, (150, 1))[:, :, None], 3, axis=2)[None]


SHARP = chequered(10, 80, 170)


def with_nose(aside: float = 0, lower: float = 0) -> np.ndarray:
    points = CHIP.template.copy()
    points[2] += (aside, lower)
    return points


def turned(points: np.ndarray, angle_deg: float) -> np.ndarray:
    angle = np.deg2rad(angle_deg)
    return points @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def test_frontal_face_has_no_yaw_and_pitch() -> None:
    quality = assess(face(), SHARP)
    assert quality.yaw[0] < 3
    assert abs(quality.pitch[0]) < 0.05
    assert quality.score[0] > 0.9


@pytest.mark.parametrize("roll_deg", [0, 30, -90, 180])
def test_pose_does_not_depend_on_roll(roll_deg: float) -> None:
    aside, down, up = (
        assess(face(landmarks=turned(points, roll_deg)), SHARP)
        for points in (with_nose(aside=13), with_nose(lower=15), with_nose(lower=-15))
    )
    assert aside.yaw[0] == pytest.approx(30, abs=2)
    assert down.pitch[0] > 0.5
    assert up.pitch[0] < -0.4
    assert max(down.yaw[0], up.yaw[0]) < 3


POINTS_MM = np.array([(-31, -34, 0), (31, -34, 0), (0, 6, 27), (-25, 30, 0), (25, 30, 0)], float)
"""Eyes, tip of the nose and mouth corners of a head: to its left, down, and towards the camera."""


@pytest.mark.parametrize("yaw", [0, 15, 30, 45, 60, 80, -30, -60])
@pytest.mark.parametrize("pitch", [-15, 0, 15])
def test_yaw_of_a_head_that_turns(yaw: float, pitch: float) -> None:
    turn, nod = np.deg2rad(yaw), np.deg2rad(pitch)
    x, y, z = POINTS_MM.T
    y, z = y * np.cos(nod) + z * np.sin(nod), z * np.cos(nod) - y * np.sin(nod)
    points = np.stack([x * np.cos(turn) + z * np.sin(turn), y], axis=1) * 1.5 + 75
    assert assess(face(landmarks=points), SHARP).yaw[0] == pytest.approx(abs(yaw), abs=7)


@pytest.mark.parametrize("name", ["astronaut", "grace-hopper"])
def test_yaw_of_rendered_heads(name: str, models_folder: Path) -> None:
    """Of landmarks that O-Net finds; beyond 45 degrees they stay closer to a frontal face, and MTCNN finds few."""
    detector = Detector(folder=models_folder, precision=Precision.FLOAT16, threads=2)
    portrait = STILLS[name]()
    landmarks = detector.detect(portrait).landmarks[0]
    measured = {}
    for yaw in (0, 15, 30, 45):
        picture = turned_head(portrait, landmarks, yaw)
        faces = detector.detect(picture)
        if len(faces):
            measured[yaw] = float(assess(faces, align(picture, faces.landmarks, CHIP)).yaw[0])
    assert {0, 15, 30} <= set(measured)
    assert list(measured.values()) == sorted(measured.values())
    assert all(abs(estimate - yaw) < 13 for yaw, estimate in measured.items())


@pytest.mark.parametrize(
    ("cover", "visible"),
    [
        pytest.param(None, True, id="nothing"),
        pytest.param("half", False, id="half"),
        pytest.param("glasses", False, id="dark-glasses"),
    ],
)
def test_covered_eyes(cover: str | None, visible: bool) -> None:
    chip = align(astronaut(), ASTRONAUT[None], CHIP)[0]
    if cover == "half":
        chip[:, 75:] = (90, 60, 60)
    if cover == "glasses":
        for x, y in CHIP.template[:2]:
            cv2.ellipse(chip, (round(float(x)), round(float(y))), (22, 16), 0, 0, 360, (10, 10, 10), -1)
    shown = float(assess(face(), chip[None]).eyes[0])
    assert (shown > 0.5) if visible else (shown < 0.1)


def test_a_turned_face_counts_by_its_visible_width() -> None:
    frontal, turned_away, profile = (
        assess(face(landmarks=with_nose(aside=aside)), SHARP).score[0] for aside in (0, 40, 4000)
    )
    assert turned_away == pytest.approx(0.5 * frontal, abs=0.05)
    assert profile < 0.02


def test_blur_lowers_sharpness_and_score() -> None:
    blurred = np.stack([cv2.GaussianBlur(SHARP[0], (0, 0), sigma) for sigma in (0.01, 1, 2, 5)])
    several = assess(face().take(np.zeros(4, np.intp)), blurred)
    assert (np.diff(several.sharpness) < 0).all()
    assert (np.diff(several.score) <= 0).all()
    assert several.score[3] < 0.5 * several.score[0]


def test_dark_and_bright_images_have_a_lower_score() -> None:
    normal, dark, glare = (
        assess(face(), chequered(10, low, low + width)) for low, width in ((110, 40), (8, 8), (225, 29))
    )
    assert normal.brightness[0] == pytest.approx(130 / 255, abs=0.02)
    assert max(dark.score[0], glare.score[0]) < 0.7 * normal.score[0]


def test_sharpness_is_robust_to_noise_and_contrast() -> None:
    """The plain variance of the Laplacian rises with noise and falls with contrast."""
    blurred = cv2.GaussianBlur(SHARP[0], (0, 0), 5).astype(np.float32)
    grain = np.random.default_rng(3).normal(0, 6, blurred.shape)
    noisy = np.clip(blurred + grain, 0, 255).astype(np.uint8)
    flat = ((SHARP[0].astype(np.float32) - 125) * 0.5 + 125).astype(np.uint8)
    chips = np.stack([SHARP[0], flat, noisy, blurred.astype(np.uint8)])
    sharp, in_flat_light, grainy, smooth = assess(face().take(np.zeros(4, np.intp)), chips).sharpness
    assert in_flat_light > 0.4 * sharp
    assert grainy < smooth + 0.05 * sharp


@pytest.mark.parametrize("side", [0, 1, 3, 40])
def test_chips_of_any_size_are_accepted(side: int) -> None:
    quality = assess(face(), np.full((1, side, side, 3), 90, np.uint8))
    assert np.isfinite(quality.score).all()
    assert np.isfinite(quality.sharpness).all()


def test_black_border_does_not_count_as_sharpness() -> None:
    chip = np.full((1, 150, 150, 3), 120, np.uint8)
    chip[:, :, 135:] = 0
    assert assess(face(), chip).sharpness[0] == 0


@pytest.mark.parametrize(
    ("width_px", "chip", "landmarks", "reason"),
    [
        pytest.param(100, SHARP, CHIP.template, None, id="good"),
        pytest.param(20, SHARP, CHIP.template, "too small: 20 px wide, at least 32 needed", id="small"),
        pytest.param(100, gradient(60, 180), CHIP.template, "too blurred: sharpness 0.0", id="no-detail"),
        pytest.param(100, chequered(200, 90, 90), CHIP.template, "too little contrast: contrast 0.000", id="fog"),
        pytest.param(100, chequered(10, 12, 16), CHIP.template, "too dark: contrast 0.008", id="dusk"),
        pytest.param(100, chequered(10, 3, 9), CHIP.template, "underexposed: 51% black pixels", id="night"),
        pytest.param(
            100, chequered(10, 240, 255), CHIP.template, "overexposed: 49% white pixels", id="against-the-light"
        ),
        pytest.param(100, SHARP, with_nose(aside=200), "turned aside: 84 degrees, at most 75 allowed", id="profile"),
        pytest.param(100, SHARP, with_nose(lower=21), "looking down: pitch 0.9", id="from-above"),
        pytest.param(100, SHARP, with_nose(lower=-30), "looking up: pitch 0.9", id="from-below"),
        pytest.param(float("nan"), SHARP, CHIP.template, "too small: nan", id="nan-box"),
        pytest.param(100, SHARP, np.full((5, 2), np.nan), "turned aside: nan degrees", id="nan-landmarks"),
    ],
)
def test_rejection_reasons(width_px: float, chip: np.ndarray, landmarks: np.ndarray, reason: str | None) -> None:
    quality = assess(face(width_px, landmarks), chip)
    actual = rejection(quality, 0, QualitySettings(max_clipped=0.45))
    assert actual is None if reason is None else actual is not None and actual.startswith(reason)
    assert 0 <= quality.score[0] <= 1


@pytest.mark.filterwarnings("error")
def test_coincident_landmarks_give_finite_values() -> None:
    quality = assess(face(landmarks=np.zeros((5, 2))), SHARP)
    assert np.isfinite(quality.yaw).all()
    assert np.isfinite(quality.pitch).all()


def test_no_faces_give_empty_quality() -> None:
    quality = assess(Faces.empty(), np.empty((0, 150, 150, 3), np.uint8))
    assert isinstance(quality, Quality)
    assert len(quality) == 0


@pytest.mark.parametrize("chips", [SHARP[:0], SHARP.astype(np.float32), SHARP[0]], ids=["none", "float", "no-batch"])
def test_chips_must_match_the_faces(chips: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"chips: expected uint8 \(1, S, S, 3\), got"):
        assess(face(), chips)


def test_portrait_is_accepted_and_its_small_blurred_copy_rejected(models_folder: Path) -> None:
    detector = Detector(folder=models_folder, precision=Precision.FLOAT32, threads=2)
    far = cv2.resize(astronaut(), (128, 128), interpolation=cv2.INTER_AREA)
    for image, accepted in ((astronaut(), True), (cv2.GaussianBlur(far, (0, 0), 1.5).astype(np.uint8), False)):
        faces = detector.detect(image)
        assert len(faces) == 1
        actual = rejection(assess(faces, align(image, faces.landmarks, CHIP)), 0, QualitySettings())
        assert (actual is None) is accepted
