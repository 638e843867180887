"""Face embeddings."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from config.errors import ModelError
from config.settings import Precision
from models.catalog import Pixels
from models.embedding import Distance
from tests.faulty_network import faulty_embedder
from tests.tracker.vision.scenes import TESTDATA, astronaut, clip_frames, grace_hopper, ten_faces
from tracker.vision.align import align
from tracker.vision.detector import Detector
from tracker.vision.embed import Embedder, as_input, has_vector
from tracker.vision.embedders import SFACE
from tracker.vision.faces import Image


@pytest.fixture(scope="module")
def detector(models_folder: Path) -> Detector:
    return Detector(folder=models_folder, precision=Precision.FLOAT32, threads=2)


@pytest.fixture(scope="module")
def embedder(models_folder: Path) -> Embedder:
    return Embedder(SFACE, folder=models_folder, precision=Precision.FLOAT32, threads=2)


def chips_of(detector: Detector, image: Image) -> np.ndarray:
    return align(image, detector.detect(image).landmarks, SFACE.chip)


def distances(vectors: np.ndarray) -> np.ndarray:
    return np.linalg.norm(vectors[:, None] - vectors[None], axis=2)


def test_same_person_is_close_and_different_people_are_far(detector: Detector, embedder: Embedder) -> None:
    dim = cv2.convertScaleAbs(astronaut()[:400, 60:], alpha=0.6, beta=15).astype(np.uint8)
    turned = cv2.warpAffine(
        astronaut(), cv2.getRotationMatrix2D((220, 120), 12, 0.8), (512, 512), borderMode=cv2.BORDER_REPLICATE
    ).astype(np.uint8)
    chips = [chips_of(detector, image)[0] for image in (astronaut(), dim, turned, grace_hopper())]
    apart = distances(embedder.embed(np.stack(chips)))
    assert apart[:3, :3].max() < 0.7
    assert apart[:3, 3].min() > 1.2


def test_batches_match_single_faces_in_any_order(detector: Detector, embedder: Embedder) -> None:
    chips = chips_of(detector, ten_faces())
    together = embedder.embed(chips)
    assert np.abs(together - np.concatenate([embedder.embed(chip[None]) for chip in chips])).max() < 1e-4
    assert np.abs(together - embedder.embed(chips[::-1])[::-1]).max() < 1e-4


def test_float16_vectors_match_float32(models_folder: Path, detector: Detector, embedder: Embedder) -> None:
    chips = chips_of(detector, ten_faces())
    half = Embedder(SFACE, folder=models_folder, precision=Precision.FLOAT16, threads=2).embed(chips)
    assert np.linalg.norm(half - embedder.embed(chips), axis=1).max() < 2e-3


@pytest.mark.parametrize("count", [0, 1, 3, 37])
def test_any_number_of_chips(count: int, embedder: Embedder) -> None:
    vectors = embedder.embed(np.full((count, 112, 112, 3), 90, np.uint8))
    assert vectors.shape == (count, 128)
    assert vectors.dtype == np.float32
    assert np.isfinite(vectors).all()


@pytest.mark.parametrize(
    "chips",
    [
        np.zeros((112, 112, 3), np.uint8),
        np.zeros((1, 150, 150, 3), np.uint8),
        np.zeros((1, 112, 112, 3), np.float32),
    ],
    ids=["no-batch", "other-size", "float"],
)
def test_invalid_chips_are_rejected(chips: np.ndarray, embedder: Embedder) -> None:
    with pytest.raises(ValueError, match="chips: expected uint8"):
        embedder.embed(chips)


def test_missing_network_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="models build"):
        Embedder(SFACE, folder=tmp_path, precision=Precision.FLOAT16, threads=1)


@pytest.mark.skipif(not TESTDATA, reason="FOOTFALL_TESTDATA is not set: no test clips")
def test_people_of_the_clips_are_distinguished(detector: Detector, embedder: Embedder) -> None:
    """A and D, every fifth frame: small distances within each person except A's profile, large ones between."""
    folder = Path(TESTDATA or "")
    people = [
        np.concatenate([embedder.embed(chips_of(detector, frame)) for _, frame in clip_frames(folder, name, 5)])
        for name in ("woman_a_turning.gif", "man_d_nodding.gif")
    ]
    among = [distances(vectors).max() for vectors in people]
    apart = np.linalg.norm(people[0][:, None] - people[1][None], axis=2).min()
    assert max(among) < 1.05
    assert apart > 1.13


def test_grey_weighs_red_green_and_blue_as_televisions_do() -> None:
    colours = np.eye(3, dtype=np.uint8).reshape(3, 1, 1, 3) * np.uint8(255)
    grey = as_input(colours, Pixels(channels="grey"))
    assert grey.shape == (3, 1, 1, 1)
    assert grey.ravel().tolist() == [76, 150, 29]
    assert as_input(colours[:0], Pixels(channels="grey", offset=127.5, divisor=127.5)).shape == (0, 1, 1, 1)


def test_images_are_scaled_as_the_card_says() -> None:
    images = np.random.default_rng(7).integers(0, 256, (2, 8, 8, 3), np.uint8)
    fixed = as_input(images, Pixels(channels="BGR", offset=127.5, divisor=128))
    assert np.abs(fixed - (images[..., ::-1].astype(np.float64) - 127.5) / 128).max() < 1e-6
    images[1] //= 2  # darker, with less contrast: whitened by its own figures
    white = as_input(images, Pixels(channels="RGB", whitened=True))
    assert np.abs(white.mean(axis=(1, 2, 3))).max() < 1e-5
    assert np.abs(white.std(axis=(1, 2, 3)) - 1).max() < 1e-5
    flat = as_input(np.full((1, 8, 8, 3), 90, np.uint8), Pixels(channels="RGB", whitened=True))
    assert not flat.any()


@pytest.mark.parametrize("distance", list(Distance))
def test_a_network_that_is_not_finite_gives_nan_and_a_warning_once(
    distance: Distance, models_folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spec = faulty_embedder(models_folder, tmp_path / "pack", distance=distance)
    embedder = Embedder(spec, folder=models_folder, precision=Precision.FLOAT16, threads=1)
    chips = np.random.default_rng(0).integers(0, 256, (2, 24, 24, 3), np.uint8)
    chips[0] = 0
    for _ in range(2):
        assert has_vector(embedder.embed(chips)).tolist() == [True, False]
        assert np.isnan(embedder.embed(chips)[1]).all()
    assert [record.getMessage() for record in caplog.records] == [
        "faulty gives no finite vector for some faces; they are not used"
    ]


def test_a_vector_without_a_direction_is_none_where_the_distance_is_cosine(
    models_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.runtime.Network.run", lambda _self, batch: (np.zeros((len(batch), 4), np.float32),))
    for distance, expected in ((Distance.COSINE, False), (Distance.EUCLIDEAN, True)):
        spec = faulty_embedder(models_folder, tmp_path / "pack", distance=distance)
        embedder = Embedder(spec, folder=models_folder, precision=Precision.FLOAT16, threads=1)
        assert has_vector(embedder.embed(np.zeros((1, 24, 24, 3), np.uint8))).tolist() == [expected]
