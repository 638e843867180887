"""The search in zones sees what the search of whole levels sees."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.tracker.vision.scenes import ten_faces
from tracker.vision.integral import MAX_PIXELS, Sums
from tracker.vision.pyramid import Level, levels
from tracker.vision.rois import Zones, propose, whole_level, zones_of
from tracker.vision.shades import Shades, normalised

LEVELS = levels((1280, 720), min_face=20, scale_factor=0.709)


@pytest.mark.parametrize("index", range(len(LEVELS)))
@pytest.mark.parametrize("corner", [(0.0, 0.0), (0.3, 0.6), (1.0, 1.0)], ids=["first", "middle", "last"])
def test_a_zone_shows_what_the_whole_level_shows(index: int, corner: tuple[float, float]) -> None:
    image, level = ten_faces(), LEVELS[index]
    frame = normalised(image)
    width, height = (min(24, length) for length in level.size_wh)
    x, y = (
        int((length - side) * part) for length, side, part in zip(level.size_wh, (width, height), corner, strict=True)
    )
    whole = cv2.resize(frame, level.size_wh, interpolation=cv2.INTER_AREA)
    steps = np.array([[1280 / level.size_wh[0], 720 / level.size_wh[1]]])
    (part,) = Sums.of(image).drawn(np.array([[x, y]]), steps, (width, height))
    assert part.shape == (height, width, 3)
    assert part.dtype == np.float32
    assert np.abs(part - whole[y : y + height, x : x + width]).max() < 1e-6


@pytest.mark.parametrize("level", LEVELS, ids=lambda level: "x".join(map(str, level.size_wh)))
def test_a_level_is_what_averaging_the_frame_gives(level: Level) -> None:
    image = ten_faces()
    frame = normalised(image)
    (drawn,) = whole_level(frame, Sums.of(image), level)
    assert np.abs(drawn - cv2.resize(frame, level.size_wh, interpolation=cv2.INTER_AREA)).max() < 1e-6


def test_sums_of_a_part_draw_what_those_of_the_whole_draw() -> None:
    image = ten_faces()
    corners, steps = np.array([[40, 30], [60, 50]]), np.array([[5.31, 5.27], [3.7, 3.71]])
    part = Sums.of(image, (200, 150, 500, 420))
    whole = Sums.of(image)
    assert np.abs(part.drawn(corners, steps, (32, 24)) - whole.drawn(corners, steps, (32, 24))).max() < 1e-6


def test_sums_of_the_largest_white_picture_do_not_overflow() -> None:
    white = np.full((2800, 3000, 3), 255, np.uint8)
    assert white.shape[0] * white.shape[1] == MAX_PIXELS
    drawn = Sums.of(white).drawn(np.array([[8, 8]]), np.array([[187.5, 175.0]]), (8, 8))
    assert np.abs(drawn - 127.5 / 128).max() < 1e-6


def found_zones(squares: list[list[float]] | np.ndarray) -> Zones:
    return zones_of(np.array(squares, np.float64).reshape(-1, 4), LEVELS, (1280, 720))


def test_zones_begin_where_places_begin_and_lie_inside() -> None:
    rng = np.random.default_rng(2)
    for _ in range(40):
        corners, sides = rng.uniform(-50, 1300, (5, 2)), rng.uniform(5, 900, (5, 1))
        zones = found_zones(np.concatenate([corners, corners + sides], axis=1))
        lengths = np.array([level.size_wh for level in LEVELS])[zones.levels]
        assert (zones.corners_xy % 2 == 0).all()
        assert (zones.corners_xy >= 0).all()
        assert (zones.corners_xy + zones.sizes_wh <= lengths).all()
        assert (zones.sizes_wh >= 12).all()


def test_a_square_is_looked_for_at_levels_of_its_size_only() -> None:
    zones = found_zones([[100, 100, 160, 160]])
    fields = [12 / level.scale for level in LEVELS]
    assert zones.levels.tolist() == [index for index, field in enumerate(fields) if 22.8 <= field <= 132]


def test_a_zone_at_the_far_end_reaches_the_last_pixel() -> None:
    """Also where the level's width is odd."""
    index, level = next(pair for pair in enumerate(LEVELS) if pair[1].size_wh[0] % 2)
    side = 14 / level.scale
    zones = found_zones([[1280 - side, 300, 1280, 300 + side]])
    row = zones.levels.tolist().index(index)
    assert zones.corners_xy[row, 0] + zones.sizes_wh[row, 0] == level.size_wh[0]


def test_the_same_square_twice_is_one_zone_a_level() -> None:
    once, twice = found_zones([[100, 100, 160, 160]]), found_zones([[100, 100, 160, 160]] * 2)
    assert twice.levels.tolist() == once.levels.tolist()


def test_where_zones_abound_the_whole_level_is_one() -> None:
    squares = [[x, y, x + 400.0, y + 400.0] for x in range(0, 900, 100) for y in range(0, 320, 80)]
    zones = found_zones(squares)
    assert len(set(zones.levels.tolist())) == len(zones.levels)
    assert zones.sizes_wh.tolist() == [list(LEVELS[index].size_wh) for index in zones.levels]


def test_nowhere_to_look_nothing_proposed() -> None:
    class Fails:
        def run(self, _batch: np.ndarray) -> tuple[np.ndarray, ...]:
            raise AssertionError("nothing to run")

    image = ten_faces()
    found = propose(image, Shades(image), np.empty((0, 4)), LEVELS, pnet=Fails(), threshold=0.6)
    assert found.boxes.shape == (0, 4)
