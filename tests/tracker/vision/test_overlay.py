"""Overlays of faces."""

from __future__ import annotations

import numpy as np
import pytest

from tracker.vision.faces import Image
from tracker.vision.overlay import draw_faces

GREEN, AMBER = (74, 163, 22), (6, 119, 217)
"""BGR."""


def grey(height: int = 200, width: int = 300) -> Image:
    return np.full((height, width, 3), 128, np.uint8)


def has(image: Image, colour: tuple[int, int, int]) -> np.ndarray:
    return (image == np.array(colour, np.uint8)).all(axis=2)


def test_box_is_drawn_on_a_copy_in_the_colour_of_known_or_unknown() -> None:
    image = grey()
    drawn = draw_faces(image, [(20, 60, 80, 120), (180, 60, 240, 120)], ["Ada 0.31", "unknown"], [True, False])
    assert np.array_equal(image, grey())
    assert (drawn.shape, drawn.dtype) == (image.shape, np.uint8)
    assert has(drawn, GREEN)[60:121, 20].all()
    assert has(drawn, AMBER)[60:121, 180].all()
    assert not has(drawn, GREEN)[:, 170:].any()
    assert not has(drawn, AMBER)[:, :130].any()
    assert np.array_equal(drawn[65:115, 25:75], image[65:115, 25:75])


def test_label_is_above_the_box_or_below_at_the_top_edge() -> None:
    above = has(draw_faces(grey(), [(20, 60, 80, 120)], ["Ada"], [True]), GREEN)
    assert above[50:60, 22:40].any()
    assert not above[121:].any()
    below = has(draw_faces(grey(), [(20, 0, 80, 120)], ["Ada"], [True]), GREEN)
    assert below[122:, 22:40].any()


@pytest.mark.parametrize(
    "box",
    [(-30, -20, 40, 50), (270, 150, 340, 260), (0, 0, 300, 200), (290, 20, 299, 40), (-500, -500, 900, 900)],
    ids=str,
)
def test_box_over_the_edge_is_clipped(box: tuple[float, float, float, float]) -> None:
    drawn = draw_faces(grey(), [box], ["A person with a long name 0.44"], [True])
    assert drawn.shape == (200, 300, 3)
    assert has(drawn, GREEN).any()


@pytest.mark.parametrize("label", ["", "Žofie Ångström", "李明", "👩🏽‍🚀", "[bold]x[/]", "a" * 500], ids=ascii)
def test_any_label_can_be_drawn(label: str) -> None:
    assert has(draw_faces(grey(), [(20, 60, 80, 120)], [label], [True]), GREEN).any()


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 1), (12, 12)], ids=str)
def test_images_of_any_size_are_accepted(size: tuple[int, int]) -> None:
    drawn = draw_faces(grey(*size), [(0, 0, size[1], size[0])], ["Ada"], [False])
    assert drawn.shape == (*size, 3)


def test_without_faces_the_image_is_unchanged() -> None:
    assert np.array_equal(draw_faces(grey(), [], [], []), grey())


def test_number_of_labels_must_match_boxes() -> None:
    with pytest.raises(ValueError, match="zip"):
        draw_faces(grey(), [(0, 0, 9, 9)], [], [True])
