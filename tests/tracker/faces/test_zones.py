"""The search in zones sees what the search of whole levels sees."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.tracker.faces.scenes import ten_faces
from tracker.faces.candidates import normalised
from tracker.faces.pyramid import levels
from tracker.faces.zones import Zone, propose, rendered, zones_of

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
    part = rendered(image, frame, level, Zone(x, y, width, height))
    assert part.shape == (height, width, 3)
    assert part.dtype == np.float32
    assert np.abs(part - whole[y : y + height, x : x + width]).max() < 1e-4


@pytest.mark.parametrize("level", LEVELS)
def test_zones_begin_where_places_begin_and_lie_inside(level) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(2)
    corners, sides = rng.uniform(-50, 1300, (200, 2)), rng.uniform(5, 900, (200, 1))
    zones = zones_of(np.concatenate([corners, corners + sides], axis=1), level, (1280, 720))
    for zone in zones:
        assert zone.x % 2 == zone.y % 2 == 0
        assert zone.x >= 0
        assert zone.y >= 0
        assert zone.x + zone.width <= level.size_wh[0]
        assert zone.y + zone.height <= level.size_wh[1]
        assert min(zone.width, zone.height) >= 12


def test_a_square_is_looked_for_at_levels_of_its_size_only() -> None:
    asked = [bool(zones_of(np.array([[100.0, 100, 160, 160]]), level, (1280, 720))) for level in LEVELS]
    fields = [12 / level.scale for level in LEVELS]
    assert asked == [27 <= field <= 132 for field in fields]


def test_a_zone_at_the_far_end_reaches_the_last_pixel() -> None:
    """Also where the level's width is odd."""
    level = next(level for level in LEVELS if level.size_wh[0] % 2)
    side = 14 / level.scale
    (zone,) = zones_of(np.array([[1280 - side, 300, 1280, 300 + side]]), level, (1280, 720))
    assert zone.x + zone.width == level.size_wh[0]


def test_nowhere_to_look_nothing_proposed() -> None:
    class Fails:
        def run(self, _batch: np.ndarray) -> tuple[np.ndarray, ...]:
            raise AssertionError("nothing to run")

    image = ten_faces()
    assert propose(image, normalised(image), np.empty((0, 4)), LEVELS, pnet=Fails(), threshold=0.6) == []
