"""The native kernels match their numpy counterparts."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from config.settings import Precision
from models.runtime import Network, open_network
from tests.tracker.vision.scenes import STILLS, Image
from tracker.vision.boxes import Boxes, Overlap, nms
from tracker.vision.detector import Detector
from tracker.vision.haar_file import read_cascade
from tracker.vision.native import kernels
from tracker.vision.native.kernels import FirstLayer, Kernels, NotCompiledError, ScratchBuffer, load
from tracker.vision.patches import NormalisedFrame, normalised, sample_patches
from tracker.vision.pyramid import IntegralImage


@pytest.fixture
def compiled() -> Kernels:
    if kernels.KERNELS is None and not any(map(shutil.which, ("cc", "gcc", "clang"))):
        pytest.skip("needs a C compiler when Footfall is installed")
    assert kernels.KERNELS is not None, kernels.UNAVAILABLE_REASON
    return kernels.KERNELS


@pytest.fixture
def numpy_only(compiled: Kernels, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other modules use numpy; the test calls the kernels directly."""
    monkeypatch.setattr(kernels, "KERNELS", None)


def noise(width: int, height: int, seed: int = 0) -> Image:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def squares(count: int, seed: int, *, limit: float = 500) -> Boxes:
    """Squares of 3 to 300 px, some of them partly or wholly outside 640x360."""
    rng = np.random.default_rng(seed)
    corners, sides = rng.uniform(-120, limit, (count, 2)), rng.uniform(3, 300, (count, 1))
    return np.concatenate([corners, corners + sides], axis=1)


@pytest.mark.usefixtures("numpy_only")
@pytest.mark.parametrize("part", [None, (33, 20, 601, 355)], ids=["whole", "part"])
@pytest.mark.parametrize("size_wh", [(26, 26), (40, 17), (1, 1)], ids=str)
def test_resampling_matches_numpy(
    size_wh: tuple[int, int], part: tuple[int, int, int, int] | None, compiled: Kernels
) -> None:
    rng = np.random.default_rng(size_wh[0])
    integral = IntegralImage.of(noise(640, 360), part)
    steps = rng.uniform(1, 8, (30, 2))
    first = np.ceil(np.array(integral.origin_xy) / steps).astype(int)
    corners = first + rng.integers(0, 3, (30, 2)) * 2
    want = integral.resampled(corners, steps, size_wh)
    pixels = compiled.resample(integral.table, integral.origin_xy, corners, steps, size_wh)
    assert pixels.shape == want.shape == (30, size_wh[1], size_wh[0], 3)
    assert abs(pixels - want).max() < 1e-6


@pytest.mark.usefixtures("numpy_only")
def test_resampling_no_windows(compiled: Kernels) -> None:
    integral = IntegralImage.of(noise(64, 48))
    pixels = compiled.resample(integral.table, (0, 0), np.empty((0, 2), np.intp), np.empty((0, 2)), (26, 26))
    assert pixels.shape == (0, 26, 26, 3)


@pytest.mark.parametrize("corner", [-1_000, 1_000_000], ids=["before", "beyond"])
def test_window_outside_the_image_reads_only_the_edge(corner: int, compiled: Kernels) -> None:
    integral = IntegralImage.of(np.full((48, 64, 3), 7, np.uint8))
    pixels = compiled.resample(integral.table, (0, 0), np.full((1, 2), corner), np.full((1, 2), 3.0), (8, 8))
    assert abs(pixels - (7 - 127.5) / 128).max() < 1e-3


@pytest.mark.usefixtures("numpy_only")
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("size", [24, 48])
def test_patches_match_numpy(size: int, seed: int, compiled: Kernels) -> None:
    image, boxes = noise(640, 360, seed), squares(40, seed)
    patches = compiled.sample_patches(image, boxes, size)
    assert patches.shape == (40, size, size, 3)
    assert abs(patches - sample_patches(normalised(image), boxes, size)).max() < 1e-6


@pytest.mark.usefixtures("numpy_only")
@pytest.mark.parametrize(
    "box",
    [
        pytest.param((0, 0, 640, 360), id="whole-image"),
        pytest.param((-400, -400, -20, -20), id="outside"),
        pytest.param((639, 359, 639, 359), id="the-last-px"),
        pytest.param((200, 200, 100, 100), id="inverted"),
        pytest.param((np.nan, 0, 50, 50), id="nan"),
        pytest.param((0, np.nan, 50, np.nan), id="nan-rows"),
        pytest.param((-1e300, -1e300, 1e300, 1e300), id="enormous"),
    ],
)
def test_patches_of_degenerate_boxes_match_numpy(box: tuple[float, ...], compiled: Kernels) -> None:
    image, boxes = noise(640, 360), np.array([box, (10, 10, 60, 60)])
    assert abs(compiled.sample_patches(image, boxes, 24) - sample_patches(normalised(image), boxes, 24)).max() < 1e-6


@pytest.mark.usefixtures("numpy_only")
@pytest.mark.parametrize(
    "view", [np.s_[40:300, 30:500], np.s_[::2, ::-1], np.s_[::-1]], ids=["part", "mirror", "upside"]
)
def test_patches_of_a_view_match_those_of_a_copy(view: tuple[slice, ...], compiled: Kernels) -> None:
    image, boxes = noise(640, 360)[view], squares(12, 3, limit=300)
    assert np.array_equal(compiled.sample_patches(image, boxes, 24), compiled.sample_patches(image.copy(), boxes, 24))


@pytest.mark.parametrize("shape", [(1, 40, 3), (40, 1, 3), (2, 2, 3), (3, 2, 3)], ids=str)
def test_patches_of_tiny_images(shape: tuple[int, ...], compiled: Kernels, monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    boxes = np.array([(0.0, 0.0, 40.0, 40.0), (-1.0, -1.0, 2.0, 2.0)])
    patches = NormalisedFrame(image).patches(boxes, 24)
    monkeypatch.setattr(kernels, "KERNELS", None)
    assert abs(patches - NormalisedFrame(image).patches(boxes, 24)).max() < 1e-6
    if min(shape[:2]) < 2:
        with pytest.raises(ValueError, match="at least 2 px"):
            compiled.sample_patches(image, boxes, 24)


@pytest.mark.usefixtures("numpy_only")
@pytest.mark.parametrize("overlap", list(Overlap))
@pytest.mark.parametrize("grouped", [False, True], ids=["one-group", "groups"])
@pytest.mark.parametrize("count", [0, 1, 2, 63, 400])
def test_nms_matches_numpy(count: int, grouped: bool, overlap: Overlap, compiled: Kernels) -> None:
    boxes = squares(count, count, limit=900)
    boxes[3::17, 2] = np.nan
    boxes[5::19] = boxes[5::19, ::-1]
    groups = np.arange(count) % 3 if grouped else None
    for max_overlap in (0.1, 0.3, 0.7):
        kept = compiled.nms(boxes, max_overlap, by_smaller=overlap is Overlap.SMALLER, groups=groups)
        assert np.flatnonzero(kept).tolist() == nms(boxes, max_overlap, overlap, groups=groups).tolist()


@pytest.fixture(scope="module")
def stem(models_folder: Path) -> Network:
    return open_network("pnet_stem", folder=models_folder, precision=Precision.FLOAT16, threads=1)


@pytest.fixture(scope="module")
def layer(stem: Network) -> FirstLayer:
    return FirstLayer.of(*stem.run(np.zeros((1, 4, 4, 3), np.float32))[1:])


@pytest.mark.parametrize("threads", [0, 1, 2, 3, 99])
@pytest.mark.parametrize(
    "size_wh", [(320, 180), (161, 90), (96, 55), (33, 31), (12, 12), (4, 4), (4, 5), (5, 4)], ids=str
)
def test_first_layer_matches_the_network(
    size_wh: tuple[int, int], threads: int, compiled: Kernels, stem: Network, layer: FirstLayer
) -> None:
    image = noise(*size_wh, seed=threads)
    want = stem.run(normalised(image)[None])[0]
    got = compiled.first_layer(image, layer, threads=threads, scratch=ScratchBuffer())
    assert got.shape == want.shape
    assert abs(got - want).max() < 2e-5


def test_scratch_buffer_can_be_reused_for_a_smaller_image(compiled: Kernels, layer: FirstLayer) -> None:
    scratch, small = ScratchBuffer(), noise(40, 30, seed=1)
    compiled.first_layer(noise(300, 200), layer, threads=2, scratch=scratch)
    again = compiled.first_layer(small, layer, threads=2, scratch=scratch)
    assert np.array_equal(again, compiled.first_layer(small, layer, threads=2, scratch=ScratchBuffer()))


def test_image_below_the_receptive_field_is_rejected(compiled: Kernels, layer: FirstLayer) -> None:
    for size_wh in ((2, 40), (40, 2)):
        with pytest.raises(ValueError, match="at least 3 px"):
            compiled.first_layer(noise(*size_wh), layer, threads=1, scratch=ScratchBuffer())


@pytest.mark.parametrize("name", list(STILLS))
def test_detections_match_with_and_without_kernels(
    name: str, models_folder: Path, compiled: Kernels, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = Detector(folder=models_folder, precision=Precision.FLOAT16, threads=2)
    image = STILLS[name]()
    native = detector.detect(image)
    monkeypatch.setattr(kernels, "KERNELS", None)
    plain = detector.detect(image)
    assert len(native.scores) == len(plain.scores)
    assert abs(native.boxes - plain.boxes).max(initial=0) < 0.05
    assert abs(native.landmarks - plain.landmarks).max(initial=0) < 0.05
    assert abs(native.scores - plain.scores).max(initial=0) < 1e-3


@pytest.mark.parametrize("value", ["off", "0", "No"])
def test_kernels_can_be_disabled(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(kernels.SWITCH, value)
    assert load() == (None, "disabled by the environment variable FOOTFALL_NATIVE")


def test_missing_or_invalid_library_is_reported(tmp_path: Path) -> None:
    with pytest.raises(NotCompiledError, match="not compiled"):
        Kernels(tmp_path / "none.so")
    (tmp_path / "text.so").write_text("no library " * 99, encoding="utf-8")
    with pytest.raises(NotCompiledError, match="cannot be loaded"):
        Kernels(tmp_path / "text.so")


@pytest.mark.usefixtures("compiled")
def test_library_of_another_source_is_not_used(tmp_path: Path) -> None:
    changed = tmp_path / "kernels.c"
    changed.write_bytes(kernels.SOURCE.read_bytes() + b"\n")
    with pytest.raises(NotCompiledError, match="another version"):
        Kernels(source=changed)


def test_haar_sums_match_numpy(compiled: Kernels, haar_cascade: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cascade = read_cascade(haar_cascade)
    grey = np.ascontiguousarray(STILLS["small-astronaut"]()[:, :, 1])
    boxes, sums = cascade.search(grey, min_side=24, scale_factor=1.1)
    monkeypatch.setattr(kernels, "KERNELS", None)
    want_boxes, want_sums = cascade.search(grey, min_side=24, scale_factor=1.1)
    assert len(sums) > 3
    assert np.array_equal(boxes, want_boxes)
    assert sums == pytest.approx(want_sums, abs=1e-9)
