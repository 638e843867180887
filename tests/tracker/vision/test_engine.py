"""The face engine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from config.errors import ModelError
from config.recognition import DetectorName, DetectSettings, QualitySettings
from config.settings import ModelSettings
from tests.faulty_network import faulty_embedder
from tests.tracker.vision.scenes import astronaut, empty_room, grace_hopper, ten_faces
from tracker.vision.boxes import iou_matrix
from tracker.vision.engine import AnalysedFaces, FaceEngine


def load(folder: Path, *, detect: DetectSettings | None = None, quality: QualitySettings | None = None) -> FaceEngine:
    return FaceEngine.load(
        models=ModelSettings(dir=folder), detect=detect or DetectSettings(), quality=quality or QualitySettings()
    )


@pytest.fixture(scope="module")
def engine(models_folder: Path) -> FaceEngine:
    return load(models_folder)


def test_all_arrays_have_one_row_per_face(engine: FaceEngine) -> None:
    seen = engine.analyse(ten_faces())
    assert len(seen.faces) == 10
    assert (len(seen.quality), len(seen.rejections), seen.vectors.shape, seen.usable.shape) == (
        10,
        10,
        (10, 128),
        (10,),
    )
    assert seen.rejections == (None,) * 10
    assert np.allclose(seen.vectors, engine.embed(ten_faces(), seen.faces), atol=1e-4)
    assert np.array_equal(seen.faces.boxes, engine.detect(ten_faces()).boxes)


def test_rejected_faces_have_a_reason_and_no_vector(models_folder: Path, engine: FaceEngine) -> None:
    strict = load(models_folder, quality=QualitySettings(min_width=100))
    seen = strict.analyse(ten_faces())
    too_small = seen.quality.widths_px < 100
    assert 0 < too_small.sum() < 10
    assert np.array_equal(seen.usable, ~too_small)
    assert [reason is not None and "too small" in reason for reason in seen.rejections] == list(too_small)
    assert not seen.vectors[too_small].any()
    assert np.allclose(seen.vectors[~too_small], engine.analyse(ten_faces()).vectors[~too_small], atol=1e-4)


def test_faces_without_a_finite_vector_are_not_usable(models_folder: Path, tmp_path: Path) -> None:
    engine = FaceEngine.load(
        models=ModelSettings(dir=models_folder), embedder=faulty_embedder(models_folder, tmp_path / "pack")
    )
    seen = engine.analyse(astronaut())
    assert seen.usable.tolist() == [False]
    assert seen.rejections == ("not embedded: the network gives no finite vector",)
    assert not seen.vectors.any()


def test_only_the_chosen_faces_are_examined(engine: FaceEngine) -> None:
    image, every = ten_faces(), engine.analyse(ten_faces())
    rows = np.arange(10) % 3 == 0
    some = engine.examine(image, engine.detect(image), rows)
    assert np.array_equal(some.usable, rows)
    assert some.rejections == (None,) * 10
    assert np.allclose(some.vectors[rows], every.vectors[rows], atol=1e-4)
    assert not some.vectors[~rows].any()
    assert np.allclose(some.quality.score[rows], every.quality.score[rows])
    assert np.isnan(some.quality.score[~rows]).all()
    assert not engine.examine(image, every.faces, np.zeros(10, np.bool_)).usable.any()


EMPTY_IMAGES = {
    "room": empty_room(),
    "dot": np.zeros((1, 1, 3), np.uint8),
    "strip": np.full((11, 300, 3), 255, np.uint8),
}


@pytest.mark.parametrize("image", EMPTY_IMAGES.values(), ids=EMPTY_IMAGES)
def test_images_without_faces_give_empty_arrays(image: np.ndarray, engine: FaceEngine) -> None:
    seen = engine.analyse(image)
    assert (len(seen.faces), seen.rejections, seen.vectors.shape, seen.usable.shape) == (0, (), (0, 128), (0,))


def test_settings_reach_the_detector(models_folder: Path) -> None:
    assert len(load(models_folder, detect=DetectSettings(max_faces=3)).analyse(ten_faces()).faces) == 3
    large = load(models_folder, detect=DetectSettings(min_face=110)).analyse(ten_faces()).faces
    assert 0 < len(large) < 10


def test_the_second_detector_searches_only_where_the_first_finds_nothing(
    models_folder: Path, engine: FaceEngine
) -> None:
    thorough = FaceEngine.load(
        models=ModelSettings(dir=models_folder), detect=DetectSettings(), quality=QualitySettings(), thorough=True
    )
    dark = (0.05 * grace_hopper()).astype(np.uint8)
    assert (len(engine.detect(dark)), len(thorough.detect(dark))) == (0, 1)
    assert np.array_equal(thorough.detect(ten_faces()).boxes, engine.detect(ten_faces()).boxes)
    assert len(thorough.detect(empty_room())) == 0


def test_where_a_cascade_finds_nothing_the_others_search(models_folder: Path, haar_cascade: Path) -> None:
    sideways = np.ascontiguousarray(np.rot90(astronaut()))
    detect = DetectSettings(detector=DetectorName.HAAR, haar_cascade=haar_cascade)
    quick = load(models_folder, detect=detect)
    thorough = FaceEngine.load(
        models=ModelSettings(dir=models_folder), detect=detect, quality=QualitySettings(), thorough=True
    )
    assert (len(quick.detect(sideways)), len(thorough.detect(sideways))) == (0, 1)
    assert np.array_equal(thorough.detect(astronaut()).boxes, quick.detect(astronaut()).boxes)


@pytest.mark.parametrize("name", [DetectorName.YUNET, DetectorName.HAAR])
def test_another_detector(name: DetectorName, models_folder: Path, haar_cascade: Path, engine: FaceEngine) -> None:
    other = load(models_folder, detect=DetectSettings(detector=name, haar_cascade=haar_cascade))
    found, expected = other.analyse(ten_faces()), engine.analyse(ten_faces())
    overlaps = iou_matrix(expected.faces.boxes, found.faces.boxes)
    assert (overlaps.max(axis=1) > 0.6).all()
    assert not np.array_equal(found.faces.boxes, expected.faces.boxes)
    assert np.linalg.norm(found.vectors[overlaps.argmax(axis=1)] - expected.vectors, axis=1).max() < 0.5


def test_a_cascade_that_cannot_be_used_fails_at_the_start(models_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "cascade.xml").write_text("<html/>")
    with pytest.raises(ModelError, match=r"cascade\.xml: no cascade"):
        load(models_folder, detect=DetectSettings(detector=DetectorName.HAAR, haar_cascade=tmp_path / "cascade.xml"))


def test_only_the_region_is_searched_and_boxes_are_in_px_of_the_frame(engine: FaceEngine) -> None:
    image = ten_faces()
    height, width = image.shape[:2]
    whole = engine.analyse(image)
    centres = (whole.faces.boxes[:, :2] + whole.faces.boxes[:, 2:]) / 2 / (width, height)
    left = engine.within((0.0, 0.0, 0.6, 1.0)).analyse(image)
    low = engine.within((0.25, 0.5, 1.0, 1.0)).analyse(image)
    assert len(left.faces) == (centres[:, 0] < 0.6).sum()
    assert len(low.faces)
    for seen in (left, low):
        overlap = iou_matrix(seen.faces.boxes, whole.faces.boxes)
        nearest = overlap.argmax(axis=1)
        assert (overlap.max(axis=1) > 0.6).all()
        assert np.abs(seen.faces.landmarks - whole.faces.landmarks[nearest]).max() < 12
    assert (low.faces.boxes[:, 0] >= 0.25 * width).all()
    assert (low.faces.boxes[:, 1] >= 0.5 * height).all()
    assert len(engine.analyse(image).faces) == 10


@pytest.mark.parametrize("size_wh", [(1, 1), (1, 900), (30, 30), (640, 360)], ids=str)
@pytest.mark.parametrize(
    "region", [(0.0, 0.0, 1e-9, 1e-9), (0.999, 0.999, 1.0, 1.0), (0.5, 0.0, 0.5000001, 1.0), (0.0, 0.0, 1.0, 1.0)]
)
def test_tiny_regions_have_no_faces(
    size_wh: tuple[int, int], region: tuple[float, float, float, float], engine: FaceEngine
) -> None:
    seen = engine.within(region).analyse(np.full((size_wh[1], size_wh[0], 3), 90, np.uint8))
    assert (len(seen.faces), seen.vectors.shape) == (0, (0, 128))


def test_threads_sharing_an_engine_get_the_same_results(engine: FaceEngine) -> None:
    pictures = [ten_faces(), astronaut(), empty_room(), astronaut()[:, ::-1].copy()]
    sequential = [engine.analyse(picture) for picture in pictures]

    def analyse(number: int) -> tuple[int, AnalysedFaces]:
        return number % len(pictures), engine.analyse(pictures[number % len(pictures)])

    with ThreadPoolExecutor(4) as pool:
        for number, seen in pool.map(analyse, range(16)):
            assert np.array_equal(seen.faces.boxes, sequential[number].faces.boxes)
            assert np.array_equal(seen.vectors, sequential[number].vectors)


def test_invalid_images_and_missing_networks_are_rejected(engine: FaceEngine, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected"):
        engine.analyse(np.zeros((9, 9), np.uint8))
    with pytest.raises(ModelError, match="no models in"):
        load(tmp_path)
