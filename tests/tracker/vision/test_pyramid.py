"""The image pyramid and its integral image."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.tracker.vision.scenes import ten_faces
from tracker.vision.patches import normalised
from tracker.vision.pyramid import MAX_PIXELS, IntegralImage, Level, levels, whole_level

LEVELS = levels((1280, 720), min_face=20, scale_factor=0.709)


def test_levels_match_mtcnn() -> None:
    """Those of mtcnn 1.0.0 for 640x360 at its defaults."""
    sizes = [level.size_wh for level in levels((640, 360), min_face=20, scale_factor=0.709)]
    assert sizes == [
        (384, 216),
        (272, 153),
        (193, 108),
        (136, 76),
        (97, 54),
        (68, 38),
        (48, 27),
        (34, 19),
        (24, 13),
    ]


def test_larger_min_face_drops_the_finest_levels() -> None:
    fine = levels((640, 360), min_face=20, scale_factor=0.709)
    coarse = levels((640, 360), min_face=40, scale_factor=0.709)
    assert len(coarse) == len(fine) - 2
    assert coarse[0].size_wh == (192, 108)


@pytest.mark.parametrize("size_wh", [(1, 1), (12, 5), (19, 500), (20, 20), (640, 12), (0, 0)])
@pytest.mark.parametrize("min_face", [12, 20, 200])
@pytest.mark.parametrize("scale_factor", [0.11, 0.709, 0.98])
def test_levels_are_between_receptive_field_and_frame(
    size_wh: tuple[int, int], min_face: int, scale_factor: float
) -> None:
    for level in levels(size_wh, min_face=min_face, scale_factor=scale_factor):
        assert min(level.size_wh) >= 12
        assert level.scale <= 1


@pytest.mark.parametrize(
    ("min_face", "scale_factor", "named"), [(11, 0.7, "min_face"), (20, 1.0, "scale_factor"), (20, 0.0, "scale_factor")]
)
def test_values_out_of_range_are_rejected(min_face: int, scale_factor: float, named: str) -> None:
    with pytest.raises(ValueError, match=rf"{named}: expected .* got"):
        levels((640, 360), min_face=min_face, scale_factor=scale_factor)


@pytest.mark.parametrize("index", range(len(LEVELS)))
@pytest.mark.parametrize("corner", [(0.0, 0.0), (0.3, 0.6), (1.0, 1.0)], ids=["first", "middle", "last"])
def test_resampled_window_matches_the_whole_level(index: int, corner: tuple[float, float]) -> None:
    image, level = ten_faces(), LEVELS[index]
    frame = normalised(image)
    width, height = (min(24, length) for length in level.size_wh)
    x, y = (
        int((length - side) * fraction)
        for length, side, fraction in zip(level.size_wh, (width, height), corner, strict=True)
    )
    whole = cv2.resize(frame, level.size_wh, interpolation=cv2.INTER_AREA)
    steps = np.array([[1280 / level.size_wh[0], 720 / level.size_wh[1]]])
    (window,) = IntegralImage.of(image).resampled(np.array([[x, y]]), steps, (width, height))
    assert window.shape == (height, width, 3)
    assert window.dtype == np.float32
    assert np.abs(window - whole[y : y + height, x : x + width]).max() < 1e-6


@pytest.mark.parametrize("level", LEVELS, ids=lambda level: "x".join(map(str, level.size_wh)))
def test_level_matches_opencv_area_resampling(level: Level) -> None:
    image = ten_faces()
    frame = normalised(image)
    (pixels,) = whole_level(frame, IntegralImage.of(image), level)
    assert np.abs(pixels - cv2.resize(frame, level.size_wh, interpolation=cv2.INTER_AREA)).max() < 1e-6


def test_integral_image_of_a_part_matches_that_of_the_frame() -> None:
    image = ten_faces()
    corners, steps = np.array([[40, 30], [60, 50]]), np.array([[5.31, 5.27], [3.7, 3.71]])
    part = IntegralImage.of(image, (200, 150, 500, 420))
    whole = IntegralImage.of(image)
    assert np.abs(part.resampled(corners, steps, (32, 24)) - whole.resampled(corners, steps, (32, 24))).max() < 1e-6


def test_integral_image_of_the_largest_white_frame_does_not_overflow() -> None:
    white = np.full((2800, 3000, 3), 255, np.uint8)
    assert white.shape[0] * white.shape[1] == MAX_PIXELS
    pixels = IntegralImage.of(white).resampled(np.array([[8, 8]]), np.array([[187.5, 175.0]]), (8, 8))
    assert np.abs(pixels - 127.5 / 128).max() < 1e-6
