"""The compiled parts of detection do what numpy does in their place."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from config.settings import Precision
from models.runtime import Network, open_network
from tests.tracker.vision.scenes import STILLS, Image
from tracker.vision.boxes import Boxes, Overlap, suppress
from tracker.vision.detector import Detector
from tracker.vision.integral import Sums
from tracker.vision.native import kernels
from tracker.vision.native.kernels import FirstLayer, Kernels, NotCompiledError, Room, opened
from tracker.vision.patches import cut_patches
from tracker.vision.shades import Shades, normalised


@pytest.fixture
def compiled() -> Kernels:
    if kernels.KERNELS is None and not any(map(shutil.which, ("cc", "gcc", "clang"))):
        pytest.skip("needs a C compiler when Footfall is installed")
    assert kernels.KERNELS is not None, kernels.WHY_NOT
    return kernels.KERNELS


@pytest.fixture
def plain(compiled: Kernels, monkeypatch: pytest.MonkeyPatch) -> None:
    """numpy does everything; the compiled parts are asked by name."""
    monkeypatch.setattr(kernels, "KERNELS", None)


def noise(width: int, height: int, seed: int = 0) -> Image:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def squares(count: int, seed: int, *, reach: float = 500) -> Boxes:
    """Squares of 3 to 300 px, some of them partly or wholly outside 640x360."""
    rng = np.random.default_rng(seed)
    corners, sides = rng.uniform(-120, reach, (count, 2)), rng.uniform(3, 300, (count, 1))
    return np.concatenate([corners, corners + sides], axis=1)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("part", [None, (33, 20, 601, 355)], ids=["whole", "part"])
@pytest.mark.parametrize("size_wh", [(26, 26), (40, 17), (1, 1)], ids=str)
def test_zones_are_drawn_alike(
    size_wh: tuple[int, int], part: tuple[int, int, int, int] | None, compiled: Kernels
) -> None:
    rng = np.random.default_rng(size_wh[0])
    sums = Sums.of(noise(640, 360), part)
    steps = rng.uniform(1, 8, (30, 2))
    first = np.ceil(np.array(sums.origin_xy) / steps).astype(int)
    corners = first + rng.integers(0, 3, (30, 2)) * 2
    want = sums.drawn(corners, steps, size_wh)
    drawn = compiled.draw(sums.corners, sums.origin_xy, corners, steps, size_wh)
    assert drawn.shape == want.shape == (30, size_wh[1], size_wh[0], 3)
    assert abs(drawn - want).max() < 1e-6


@pytest.mark.usefixtures("plain")
def test_no_zone_draws_nothing(compiled: Kernels) -> None:
    sums = Sums.of(noise(64, 48))
    drawn = compiled.draw(sums.corners, (0, 0), np.empty((0, 2), np.intp), np.empty((0, 2)), (26, 26))
    assert drawn.shape == (0, 26, 26, 3)


@pytest.mark.parametrize("corner", [-1_000, 1_000_000], ids=["before", "beyond"])
def test_a_zone_outside_goes_on_as_the_edge_does_and_reads_no_foreign_memory(corner: int, compiled: Kernels) -> None:
    sums = Sums.of(np.full((48, 64, 3), 7, np.uint8))
    drawn = compiled.draw(sums.corners, (0, 0), np.full((1, 2), corner), np.full((1, 2), 3.0), (8, 8))
    assert abs(drawn - (7 - 127.5) / 128).max() < 1e-3


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("size", [24, 48])
def test_patches_are_cut_alike(size: int, seed: int, compiled: Kernels) -> None:
    image, boxes = noise(640, 360, seed), squares(40, seed)
    cut = compiled.cut(image, boxes, size)
    assert cut.shape == (40, size, size, 3)
    assert abs(cut - cut_patches(normalised(image), boxes, size)).max() < 1e-6


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(
    "box",
    [
        pytest.param((0, 0, 640, 360), id="the-whole-picture"),
        pytest.param((-400, -400, -20, -20), id="outside"),
        pytest.param((639, 359, 639, 359), id="the-last-px"),
        pytest.param((200, 200, 100, 100), id="inverted"),
        pytest.param((np.nan, 0, 50, 50), id="nan"),
        pytest.param((0, np.nan, 50, np.nan), id="nan-rows"),
        pytest.param((-1e300, -1e300, 1e300, 1e300), id="enormous"),
    ],
)
def test_odd_boxes_are_cut_alike(box: tuple[float, ...], compiled: Kernels) -> None:
    image, boxes = noise(640, 360), np.array([box, (10, 10, 60, 60)])
    assert abs(compiled.cut(image, boxes, 24) - cut_patches(normalised(image), boxes, 24)).max() < 1e-6


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(
    "view", [np.s_[40:300, 30:500], np.s_[::2, ::-1], np.s_[::-1]], ids=["part", "mirror", "upside"]
)
def test_patches_of_a_view_are_those_of_its_copy(view: tuple[slice, ...], compiled: Kernels) -> None:
    image, boxes = noise(640, 360)[view], squares(12, 3, reach=300)
    assert np.array_equal(compiled.cut(image, boxes, 24), compiled.cut(image.copy(), boxes, 24))


@pytest.mark.parametrize("shape", [(1, 40, 3), (40, 1, 3), (2, 2, 3), (3, 2, 3)], ids=str)
def test_patches_of_tiny_pictures(shape: tuple[int, ...], compiled: Kernels, monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    boxes = np.array([(0.0, 0.0, 40.0, 40.0), (-1.0, -1.0, 2.0, 2.0)])
    cut = Shades(image).patches(boxes, 24)
    monkeypatch.setattr(kernels, "KERNELS", None)
    assert abs(cut - Shades(image).patches(boxes, 24)).max() < 1e-6
    if min(shape[:2]) < 2:
        with pytest.raises(ValueError, match="at least 2 px"):
            compiled.cut(image, boxes, 24)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("overlap", list(Overlap))
@pytest.mark.parametrize("grouped", [False, True], ids=["one-group", "groups"])
@pytest.mark.parametrize("count", [0, 1, 2, 63, 400])
def test_the_same_boxes_survive(count: int, grouped: bool, overlap: Overlap, compiled: Kernels) -> None:
    boxes = squares(count, count, reach=900)
    boxes[3::17, 2] = np.nan
    boxes[5::19] = boxes[5::19, ::-1]
    groups = np.arange(count) % 3 if grouped else None
    for limit in (0.1, 0.3, 0.7):
        kept = compiled.survive(boxes, limit, by_smaller=overlap is Overlap.SMALLER, groups=groups)
        assert np.flatnonzero(kept).tolist() == suppress(boxes, limit, overlap, groups=groups).tolist()


@pytest.fixture(scope="module")
def first_network(models_folder: Path) -> Network:
    return open_network("pnet_first", folder=models_folder, precision=Precision.FLOAT16, threads=1)


@pytest.fixture(scope="module")
def layer(first_network: Network) -> FirstLayer:
    return FirstLayer.of(*first_network.run(np.zeros((1, 4, 4, 3), np.float32))[1:])


@pytest.mark.parametrize("threads", [0, 1, 2, 3, 99])
@pytest.mark.parametrize(
    "size_wh", [(320, 180), (161, 90), (96, 55), (33, 31), (12, 12), (4, 4), (4, 5), (5, 4)], ids=str
)
def test_the_first_layer_is_that_of_the_network(
    size_wh: tuple[int, int], threads: int, compiled: Kernels, first_network: Network, layer: FirstLayer
) -> None:
    image = noise(*size_wh, seed=threads)
    want = first_network.run(normalised(image)[None])[0]
    got = compiled.first(image, layer, threads=threads, room=Room())
    assert got.shape == want.shape
    assert abs(got - want).max() < 2e-5


def test_the_room_of_a_larger_picture_serves_a_smaller_one(compiled: Kernels, layer: FirstLayer) -> None:
    room, small = Room(), noise(40, 30, seed=1)
    compiled.first(noise(300, 200), layer, threads=2, room=room)
    again = compiled.first(small, layer, threads=2, room=room)
    assert np.array_equal(again, compiled.first(small, layer, threads=2, room=Room()))


def test_a_picture_below_the_first_layers_field_is_refused(compiled: Kernels, layer: FirstLayer) -> None:
    for size_wh in ((2, 40), (40, 2)):
        with pytest.raises(ValueError, match="at least 3 px"):
            compiled.first(noise(*size_wh), layer, threads=1, room=Room())


@pytest.mark.parametrize("name", list(STILLS))
def test_detection_is_the_same_either_way(
    name: str, models_folder: Path, compiled: Kernels, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = Detector(folder=models_folder, precision=Precision.FLOAT16, threads=2)
    image = STILLS[name]()
    with_them = detector.detect(image)
    monkeypatch.setattr(kernels, "KERNELS", None)
    without = detector.detect(image)
    assert len(with_them.scores) == len(without.scores)
    assert abs(with_them.boxes - without.boxes).max(initial=0) < 0.05
    assert abs(with_them.landmarks - without.landmarks).max(initial=0) < 0.05
    assert abs(with_them.scores - without.scores).max(initial=0) < 1e-3


@pytest.mark.parametrize("said", ["off", "0", "No"])
def test_they_can_be_switched_off(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(kernels.SWITCH, said)
    assert opened() == (None, "switched off by the environment variable FOOTFALL_NATIVE")


def test_what_is_no_library_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotCompiledError, match="not compiled"):
        Kernels(tmp_path / "none.so")
    (tmp_path / "text.so").write_text("no library " * 99, encoding="utf-8")
    with pytest.raises(NotCompiledError, match="cannot be loaded"):
        Kernels(tmp_path / "text.so")


@pytest.mark.usefixtures("compiled")
def test_a_library_of_another_source_is_left_alone(tmp_path: Path) -> None:
    changed = tmp_path / "kernels.c"
    changed.write_bytes(kernels.SOURCE.read_bytes() + b"\n")
    with pytest.raises(NotCompiledError, match="another source"):
        Kernels(source=changed)
