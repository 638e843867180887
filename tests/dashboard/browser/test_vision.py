"""The browser camera finds, measures and embeds the faces that the agent does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from config.recognition import DetectSettings, QualitySettings
from config.settings import Precision
from models.catalog import EMBEDDERS
from tests.dashboard.browser.javascript import Vision, running_vision
from tests.tracker.vision.scenes import (
    CLIPS,
    TESTDATA,
    astronaut,
    clip_frames,
    empty_room,
    grace_hopper,
    small_astronaut,
    ten_faces,
)
from tracker.vision import embedders
from tracker.vision.align import align
from tracker.vision.boxes import Overlap, best_first, iou_matrix, nms
from tracker.vision.detector import Detector
from tracker.vision.embed import Embedder
from tracker.vision.faces import Faces, FloatArray, Image
from tracker.vision.quality import CHIP, Quality, assess, fault

DETECT = DetectSettings()
QUALITY = QualitySettings()
SPECS = {spec.network: spec for spec in embedders.EMBEDDERS.values()}
QUALITY_LIMITS = {"widths_px": 0.01, "sharpness": 0.005, "yaw": 0.005}
"""Largest deviations of quality, 0.001 for all others. Landmarks differ by up to 0.001 px: sharpness, of 8, and yaw, of
90, are the most sensitive to that."""
needs_clips = pytest.mark.skipif(TESTDATA is None, reason="FOOTFALL_TESTDATA is not set")
each_embedder = pytest.mark.parametrize("network", EMBEDDERS)


@pytest.fixture(scope="module")
def engines(browser_networks: Path) -> Iterator[dict[str, Vision]]:
    """By embedder."""
    with (
        running_vision(browser_networks, "sface", DETECT, QUALITY) as sface,
        running_vision(browser_networks, "dlib_resnet", DETECT, QUALITY) as dlib,
    ):
        yield {"sface": sface, "dlib_resnet": dlib}


@pytest.fixture(scope="module")
def embed(models_folder: Path) -> Callable[[str, Image, FloatArray], FloatArray]:
    """(embedder, image, landmarks) -> vectors of the agent."""
    loaded = {
        name: Embedder(spec, folder=models_folder, precision=Precision.FLOAT16, threads=2)
        for name, spec in SPECS.items()
    }
    return lambda name, image, landmarks: loaded[name].embed(align(image, landmarks, SPECS[name].chip))


def far_larger_than_a_chip() -> Image:
    """A face that is made smaller before it is aligned: about 600 px wide."""
    return cv2.resize(astronaut()[0:260, 150:310], None, fx=6, fy=6, interpolation=cv2.INTER_CUBIC).astype(np.uint8)


def cut_off() -> Image:
    """A face of which a third is outside the picture."""
    return astronaut()[:, 210:]


@pytest.mark.parametrize(
    ("picture", "count"),
    [(astronaut, 1), (grace_hopper, 1), (ten_faces, 10), (far_larger_than_a_chip, 1), (cut_off, 1)],
    ids=lambda value: value.__name__ if callable(value) else "",
)
@each_embedder
def test_faces_quality_and_vectors_are_those_of_the_agent(
    picture: Callable[[], Image],
    count: int,
    network: str,
    engines: dict[str, Vision],
    detector: Detector,
    embed: Callable[[str, Image, FloatArray], FloatArray],
) -> None:
    image = picture()
    found = engines[network].analyse(image)
    assert len(found) == count
    assert_same(found, detector.detect(image), image, lambda landmarks: embed(network, image, landmarks))


def test_the_smallest_face_that_is_good_enough_is_found(engines: dict[str, Vision]) -> None:
    side = round(astronaut().shape[0] * 34 / 86)
    (face,) = engines["sface"].analyse(cv2.resize(astronaut(), (side, side), interpolation=cv2.INTER_AREA))
    assert QUALITY.min_width <= face["quality"]["widthsPx"] < QUALITY.min_width + 4
    assert face["vector"] is not None


@needs_clips
@pytest.mark.parametrize("clip", CLIPS)
def test_faces_of_a_clip_are_those_of_the_agent(
    clip: str,
    engines: dict[str, Vision],
    detector: Detector,
    embed: Callable[[str, Image, FloatArray], FloatArray],
) -> None:
    assert TESTDATA is not None
    faces = 0
    for _, image in clip_frames(Path(TESTDATA), clip, every=12):
        found = engines["sface"].analyse(image)
        faces += len(found)
        assert_same(
            found, detector.detect(image), image, lambda landmarks, image=image: embed("sface", image, landmarks)
        )
    assert faces


@pytest.mark.parametrize("picture", [empty_room, lambda: np.zeros((10, 10, 3), np.uint8)], ids=["room", "tiny"])
def test_nothing_is_found_where_there_is_no_face(picture: Callable[[], Image], engines: dict[str, Vision]) -> None:
    assert engines["sface"].analyse(picture()) == []


@each_embedder
@pytest.mark.parametrize("picture", [astronaut, far_larger_than_a_chip, cut_off])
def test_chips_are_those_of_the_agent(
    picture: Callable[[], Image], network: str, engines: dict[str, Vision], detector: Detector
) -> None:
    image = picture()
    landmarks = detector.detect(image).landmarks[:1]
    got = engines[network].chip(image, landmarks[0], network).astype(int)
    (want,) = align(image, landmarks, SPECS[network].chip)
    assert want.std() > 20
    assert abs(got - want).mean() < 0.05
    assert abs(got - want).max() <= 2


@pytest.mark.parametrize(
    "landmarks",
    [np.full((5, 2), 40.0), np.full((5, 2), np.nan), np.array([(x, 2000.0 + x % 3) for x in range(5)])],
    ids=["coincide", "not-finite", "outside"],
)
def test_chip_without_a_face_is_black(landmarks: FloatArray, engines: dict[str, Vision]) -> None:
    assert not engines["sface"].chip(astronaut(), landmarks, "sface").any()


@each_embedder
def test_vector_of_a_chip_is_that_of_the_agent(
    network: str,
    engines: dict[str, Vision],
    detector: Detector,
    embed: Callable[[str, Image, FloatArray], FloatArray],
) -> None:
    image = astronaut()
    landmarks = detector.detect(image).landmarks
    (chip,) = align(image, landmarks, SPECS[network].chip)
    assert abs(engines[network].embed(chip) - embed(network, image, landmarks)[0]).max() < 1e-3


def test_a_face_that_is_not_good_enough_has_no_vector(engines: dict[str, Vision], detector: Detector) -> None:
    image = cv2.GaussianBlur(astronaut(), (0, 0), 5).astype(np.uint8)
    found = engines["sface"].analyse(image)
    assert [face["fault"] for face in found] == ["too blurred"]
    assert_same(found, detector.detect(image), image, lambda landmarks: np.zeros((len(landmarks), 128), np.float32))


def test_an_engine_without_an_embedder_measures_quality_only(browser_networks: Path) -> None:
    with running_vision(browser_networks, None, DETECT, QUALITY) as vision:
        (face,) = vision.analyse(astronaut())
    assert (face["fault"], face["vector"]) == (None, None)
    assert face["quality"]["sharpness"] > 2


def test_an_unknown_embedder_is_an_error(browser_networks: Path) -> None:
    with running_vision(browser_networks, "arcface", DETECT, QUALITY) as vision:
        message = vision.error("analyse", small_astronaut())
    assert "embedder: expected sface, dlib_resnet or null, got arcface" in message


def test_only_the_best_faces_are_returned_and_those_that_are_due_examined(browser_networks: Path) -> None:
    with running_vision(browser_networks, None, DetectSettings(max_faces=3), QUALITY) as vision:
        faces = vision.analyse(ten_faces(), due=[False, True, False])
    assert [face["quality"] is not None for face in faces] == [False, True, False]
    assert [face["score"] for face in faces] == sorted((face["score"] for face in faces), reverse=True)


@pytest.mark.parametrize("overlap", list(Overlap))
def test_suppression_keeps_the_boxes_that_the_agent_keeps(overlap: Overlap, engines: dict[str, Vision]) -> None:
    rng = np.random.default_rng(3)
    corners = rng.uniform(0, 60, (200, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(-2, 40, (200, 2))], axis=1)
    scores = rng.uniform(0, 1, 200)
    candidates = [{"box": box.tolist(), "score": score} for box, score in zip(boxes, scores, strict=True)]
    by_smaller = overlap is Overlap.SMALLER
    kept = engines["sface"].ask("suppressed", candidates=candidates, maxOverlap=0.6, bySmaller=by_smaller)
    order = best_first(scores)
    want = order[nms(boxes[order], 0.6, overlap)]
    assert 10 < len(want) < 190
    assert [each["score"] for each in kept] == scores[want].tolist()


def test_boxes_are_clipped_to_the_pixels_of_the_picture(engines: dict[str, Vision]) -> None:
    size = {"width": 640, "height": 480}
    assert engines["sface"].ask("clipped", box=[-3.5, 2.5, 700, 480], size=size) == [0, 2.5, 639, 479]


@pytest.mark.parametrize("name", ["widths_px", "clipped", "contrast", "sharpness", "yaw", "pitch"])
def test_faults_are_those_of_the_agent(name: str, engines: dict[str, Vision]) -> None:
    good = {"widths_px": 90.0, "clipped": 0.1, "contrast": 0.1, "sharpness": 5.0, "yaw": 10.0, "pitch": 0.1}
    found = set()
    for value in (-1.0, -0.9, 0.01, 0.6, 0.9, 40.0, 80.0, np.nan):
        for brightness in (0.1, 0.4, 0.9):
            fields = {**good, "eyes": 1.0, "score": 1.0, "brightness": brightness, name: value}
            quality = Quality(**{key: np.array([each], np.float32) for key, each in fields.items()})
            want = fault(quality, 0, QUALITY)
            plain = {key: None if np.isnan(each) else each for key, each in fields.items()}
            plain["widthsPx"] = plain.pop("widths_px")
            assert engines["sface"].ask("fault", quality=plain) == want
            found.add(want)
    assert len(found) > 1


def test_picture_of_another_size_than_its_data_is_refused(engines: dict[str, Vision]) -> None:
    message = engines["sface"].error("analyse", small_astronaut(), width=100)
    assert "picture: expected RGBA of at most 8400000 pixels, got 65536 bytes for 100x128" in message


def assert_same(
    found: list[dict[str, Any]], want: Faces, image: Image, embedded: Callable[[FloatArray], FloatArray]
) -> None:
    """The faces of the browser camera are those of the agent. embedded: their vectors by their landmarks."""
    assert len(found) == len(want)
    if not found:
        return
    boxes = np.array([face["box"] for face in found], np.float32)
    order = iou_matrix(want.boxes, boxes).argmax(axis=1)
    assert abs(boxes[order] - want.boxes).max() < 0.02
    landmarks = np.array([found[row]["landmarks"] for row in order])
    assert abs(landmarks - want.landmarks).max() < 0.02
    assert abs(np.array([found[row]["score"] for row in order]) - want.scores).max() < 1e-4
    quality = assess(want, align(image, want.landmarks, CHIP))
    vectors = embedded(want.landmarks)
    for position, row in enumerate(order):
        face = found[row]
        for name in quality.__slots__:
            got = face["quality"]["widthsPx" if name == "widths_px" else name]
            assert abs(got - getattr(quality, name)[position]) < QUALITY_LIMITS.get(name, 1e-3), name
        assert face["fault"] == fault(quality, position, QUALITY)
        if face["fault"] is None:
            assert np.linalg.norm(np.array(face["vector"]) - vectors[position]) < 0.005
        else:
            assert face["vector"] is None
