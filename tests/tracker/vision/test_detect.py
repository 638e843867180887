"""Detection: the same faces as the mtcnn package, on any picture."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from config.errors import ModelError
from config.settings import Precision
from tests.tracker.vision.scenes import (
    CLIPS,
    STILLS,
    TESTDATA,
    astronaut,
    clip_frames,
    grace_hopper,
    small_astronaut,
    ten_faces,
)
from tracker.vision.boxes import iou_matrix
from tracker.vision.detector import Detector
from tracker.vision.faces import Faces, Image

GOLDEN = Path(__file__).parent / "golden"
EVERY = 5
TOLERANCE = {Precision.FLOAT32: (0.995, 0.002), Precision.FLOAT16: (0.9, 0.03)}
"""Minimum IoU, and maximum landmark error as a share of the box width."""


@pytest.fixture(scope="module", params=list(Precision))
def precision(request: pytest.FixtureRequest) -> Precision:
    chosen: Precision = request.param
    return chosen


@pytest.fixture(scope="module")
def detector(models_folder: Path, precision: Precision) -> Detector:
    return Detector(folder=models_folder, precision=precision, threads=2)


def golden(name: str) -> dict[str, np.ndarray]:
    rows = json.loads((GOLDEN / name).read_text(encoding="utf-8"))
    return {key: np.array(value, np.float64).reshape(-1, 15) for key, value in rows.items()}


def assert_same_faces(faces: Faces, rows: np.ndarray, precision: Precision) -> None:
    """Every confident golden face is among ours, and no confident face of ours is new."""
    least_iou, most_error = TOLERANCE[precision]
    overlap = iou_matrix(rows[:, :4], faces.boxes.astype(np.float64))
    for row, overlaps in zip(rows, overlap, strict=True):
        if row[4] < 0.9:
            continue
        assert overlaps.max(initial=0) >= least_iou
        ours = faces.take(np.array([overlaps.argmax()]))
        points = row[5:].reshape(2, 5).T
        assert np.abs(ours.landmarks[0] - points).max() / (row[2] - row[0]) <= most_error
        assert ours.scores[0] == pytest.approx(row[4], abs=0.01)
    unknown = overlap.max(axis=0, initial=0) < 0.5
    assert not (unknown & (faces.scores >= 0.9)).any()


@pytest.mark.parametrize("name", list(STILLS))
def test_stills_match_mtcnn(name: str, detector: Detector, precision: Precision) -> None:
    assert_same_faces(detector.detect(STILLS[name]()), golden("stills.json")[name], precision)


@pytest.mark.parametrize("name", CLIPS)
@pytest.mark.skipif(not TESTDATA, reason="FOOTFALL_TESTDATA is not set: no test clips")
def test_clips_match_mtcnn(name: str, detector: Detector, precision: Precision) -> None:
    wanted = golden("clips.json")
    compared = 0
    for index, frame in clip_frames(Path(TESTDATA or ""), name, EVERY):
        assert_same_faces(detector.detect(frame), wanted[f"{name}:{index}"], precision)
        compared += 1
    assert compared == sum(key.startswith(name) for key in wanted)


def crowd(seed: int) -> Image:
    """960x540 with textures of the portraits everywhere and heads of many sizes, dim and bright, noisy or blurred."""
    rng = np.random.default_rng(seed)
    picture = cv2.resize(astronaut()[:288], (960, 540))[:, :: -1 if seed % 2 else 1].copy()
    heads = (astronaut()[0:260, 120:330], grace_hopper()[20:420, 110:450])
    for _ in range(6):
        head = heads[rng.integers(2)][:, :: rng.choice([-1, 1])]
        height = int(rng.choice([36, 44, 60, 90, 150, 220]) * rng.uniform(0.9, 1.1))
        size_wh = (height * head.shape[1] // head.shape[0], height)
        x, y = rng.integers(0, 960 - size_wh[0]), rng.integers(0, 540 - height)
        lit = cv2.convertScaleAbs(head, alpha=rng.uniform(0.4, 1.1), beta=rng.uniform(0, 30))
        picture[y : y + height, x : x + size_wh[0]] = cv2.resize(lit, size_wh, interpolation=cv2.INTER_AREA)
    if seed % 3 == 0:
        return np.clip(picture + rng.normal(0, 8, picture.shape), 0, 255).astype(np.uint8)
    return (cv2.GaussianBlur(picture, (3, 3), 0) if seed % 3 == 1 else picture).astype(np.uint8)


def degraded(seed: int) -> Image:
    """640x360 with random colours: rotated, occluded or truncated heads; dark, blurred or with JPEG artefacts."""
    rng = np.random.default_rng([seed, 77])
    picture = cv2.resize(rng.integers(0, 255, (9, 16, 3), dtype=np.uint8), (640, 360), interpolation=cv2.INTER_CUBIC)
    heads = (astronaut()[0:260, 120:330], grace_hopper()[20:420, 110:450])
    for column in range(4):
        head = heads[rng.integers(2)][:, :: rng.choice([-1, 1])]
        height = int(rng.uniform(60, 190))
        size_wh = (min(height * head.shape[1] // head.shape[0], 158), height)
        small = cv2.resize(head, size_wh, interpolation=cv2.INTER_AREA)
        lean = cv2.getRotationMatrix2D((size_wh[0] / 2, height / 2), rng.uniform(-15, 15), 1)
        small = cv2.warpAffine(small, lean, size_wh, borderMode=cv2.BORDER_REPLICATE)
        if column == 1:
            small[int(height * rng.uniform(0.6, 0.85)) :] = rng.integers(0, 255, 3)
        y = int(rng.uniform(-0.2, 1) * (360 - height))
        inside = slice(max(-y, 0), min(height, 360 - y))
        picture[y + inside.start : y + inside.stop, column * 160 : column * 160 + size_wh[0]] = small[inside]
    if seed % 3 == 0:
        return cv2.convertScaleAbs(picture, alpha=0.4).astype(np.uint8)
    if seed % 3 == 1:
        return cv2.GaussianBlur(picture, (0, 0), 1.5).astype(np.uint8)
    decoded = cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 20])[1], cv2.IMREAD_COLOR)
    assert decoded is not None
    return decoded.astype(np.uint8)


@pytest.mark.parametrize(
    ("images", "least"),
    [
        pytest.param([lambda seed=seed: crowd(seed) for seed in range(12)], 50, id="crowds"),
        pytest.param([lambda seed=seed: degraded(seed) for seed in range(12)], 30, id="degraded"),
        pytest.param(list(STILLS.values()), 13, id="stills"),
    ],
)
def test_coarse_to_fine_search_matches_the_exhaustive_search(
    images: list[Callable[[], Image]], least: int, models_folder: Path
) -> None:
    fast = Detector(folder=models_folder, precision=Precision.FLOAT16, threads=2)
    exhaustive = Detector(folder=models_folder, precision=Precision.FLOAT16, threads=2, exhaustive=True)
    same = confident = extra = 0
    for make in images:
        want, got = exhaustive.detect(make()), fast.detect(make())
        overlap = iou_matrix(want.boxes, got.boxes)
        certain = want.scores >= 0.9
        confident += int(certain.sum())
        same += int((overlap.max(axis=1, initial=0)[certain] > 0.99).sum())
        extra += int((overlap.max(axis=0, initial=0) < 0.5).sum())
    assert confident >= least
    assert same >= 0.99 * confident
    assert extra == 0


def test_faces_are_sorted_by_score_and_inside_the_image(detector: Detector) -> None:
    faces = detector.detect(astronaut()[:, 180:260])
    assert len(faces)
    assert (np.diff(faces.scores) <= 0).all()
    assert (faces.boxes[:, :2] >= 0).all()
    assert (faces.boxes[:, 2:] <= (79, 511)).all()


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 5000), (2, 3), (11, 11), (12, 12), (13, 40), (20, 20), (21, 21), (33, 1000)], ids=str
)
def test_tiny_images_have_no_faces(shape: tuple[int, int], detector: Detector) -> None:
    assert len(detector.detect(np.full((*shape, 3), 128, np.uint8))) == 0


def test_empty_image_has_no_faces(detector: Detector) -> None:
    assert len(detector.detect(np.empty((0, 7, 3), np.uint8))) == 0


def test_noise_and_uniform_images_do_not_fail(detector: Detector) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (97, 131, 3), dtype=np.uint8)
    for image in (noise, np.zeros_like(noise), np.full_like(noise, 255)):
        assert (detector.detect(image).scores < 0.9).all()


def test_image_wider_than_opencv_can_sample(detector: Detector) -> None:
    """33,000 px wide: the box is in px of the full image."""
    wide = np.full((128, 33_000, 3), 90, np.uint8)
    wide[:, 30_000:30_128] = small_astronaut()
    shifted = detector.detect(small_astronaut()).boxes + np.array([30_000, 0, 30_000, 0], np.float32)
    assert iou_matrix(detector.detect(wide).boxes, shifted).max() > 0.8


def test_faces_of_a_huge_image_are_in_px_of_the_image(detector: Detector) -> None:
    """12 megapixels: downscaled for the search."""
    huge = np.full((3000, 4000, 3), 90, np.uint8)
    huge[1400:2936, 2000:3536] = cv2.resize(astronaut(), (1536, 1536))
    shifted = detector.detect(astronaut()).boxes * 3 + np.array([2000, 1400, 2000, 1400], np.float32)
    assert iou_matrix(detector.detect(huge).boxes, shifted).max() > 0.8


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((40, 40), np.uint8),
        np.zeros((40, 40, 4), np.uint8),
        np.zeros((40, 40, 3), np.float32),
        np.zeros((40, 40, 3), np.uint16),
    ],
    ids=["grey", "rgba", "float", "16-bit"],
)
def test_invalid_images_are_rejected(image: Image, detector: Detector) -> None:
    with pytest.raises(ValueError, match=r"image: expected uint8 \(H, W, 3\), got"):
        detector.detect(image)


def test_image_is_not_modified(detector: Detector) -> None:
    image = ten_faces()
    before = image.copy()
    detector.detect(image)
    assert (image == before).all()


def test_max_faces_keeps_the_best(models_folder: Path) -> None:
    few = Detector(folder=models_folder, precision=Precision.FLOAT32, threads=2, max_faces=3)
    every = Detector(folder=models_folder, precision=Precision.FLOAT32, threads=2)
    assert few.detect(ten_faces()).scores.tolist() == every.detect(ten_faces()).scores[:3].tolist()


def test_larger_min_face_and_higher_thresholds_find_fewer_faces(models_folder: Path) -> None:
    """min_face 40 at 640x360 is where mtcnn itself crashes."""
    image = ten_faces()[::2, ::2].copy()
    every = Detector(folder=models_folder, precision=Precision.FLOAT32, threads=2)
    large = Detector(folder=models_folder, precision=Precision.FLOAT32, threads=2, min_face=60)
    strict = Detector(folder=models_folder, precision=Precision.FLOAT32, threads=2, thresholds=(0.6, 0.7, 0.9999))
    assert 0 < len(large.detect(image)) < len(every.detect(image))
    assert len(strict.detect(image)) < len(every.detect(image))


def test_missing_networks_are_reported(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="models build"):
        Detector(folder=tmp_path, precision=Precision.FLOAT16, threads=1)


def test_opencv_runs_single_threaded(models_folder: Path) -> None:
    """Its idle threads busy-wait, which takes a fifth of a frame's processor time."""
    cv2.setNumThreads(4)
    Detector(folder=models_folder, precision=Precision.FLOAT16, threads=2)
    assert cv2.getNumThreads() == 1
