"""Box geometry and regions."""

from __future__ import annotations

import numpy as np
import pytest

from tracker.vision.boxes import (
    WHOLE_FRAME,
    Boxes,
    Overlap,
    Region,
    areas,
    best_first,
    clipped,
    iou_matrix,
    nms,
    region_px,
    to_squares,
)

NAN = float("nan")


def boxes(*rows: tuple[float, float, float, float]) -> Boxes:
    return np.array(rows, np.float64).reshape(-1, 4)


@pytest.mark.parametrize(
    ("other", "union", "smaller"),
    [
        pytest.param((0, 0, 10, 10), 1.0, 1.0, id="same"),
        pytest.param((5, 0, 15, 10), 1 / 3, 0.5, id="half-over"),
        pytest.param((2, 2, 4, 4), 0.04, 1.0, id="inside"),
        pytest.param((10, 0, 20, 10), 0.0, 0.0, id="touching"),
        pytest.param((30, 30, 40, 40), 0.0, 0.0, id="apart"),
        pytest.param((3, 3, 3, 3), 0.0, 0.0, id="empty"),
        pytest.param((8, 8, 2, 2), 0.0, 0.0, id="inverted"),
        pytest.param((NAN, 0, 10, 10), 0.0, 0.0, id="nan"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_overlap(other: tuple[float, float, float, float], union: float, smaller: float) -> None:
    first, second = boxes((0, 0, 10, 10)), boxes(other)
    assert iou_matrix(first, second)[0, 0] == pytest.approx(union)
    assert iou_matrix(second, first, Overlap.SMALLER)[0, 0] == pytest.approx(smaller)


def test_overlap_matrix_has_rows_of_the_first_and_columns_of_the_second() -> None:
    assert iou_matrix(boxes((0, 0, 1, 1), (5, 5, 6, 6)), boxes((5, 5, 6, 6))).tolist() == [[0.0], [1.0]]
    assert iou_matrix(boxes(), boxes((0, 0, 1, 1))).shape == (0, 1)


def test_areas_of_degenerate_boxes_are_zero() -> None:
    assert areas(boxes((0, 0, 2, 3), (2, 2, 0, 0), (NAN, 0, 1, 1))).tolist() == [6.0, 0.0, 0.0]


def test_best_first_is_stable() -> None:
    assert best_first(np.array([0.5, 0.9, 0.5, 0.9])).tolist() == [1, 3, 0, 2]


def test_nms_keeps_the_best_of_each_cluster() -> None:
    cluster = boxes((0, 0, 10, 10), (1, 0, 11, 10), (50, 50, 60, 60), (51, 50, 61, 60))
    assert nms(cluster, 0.5).tolist() == [0, 2]


def test_suppressed_box_still_suppresses() -> None:
    """Chain a-b-c where a overlaps b and b overlaps c: greedy suppression would keep c."""
    chain = boxes((0, 0, 10, 10), (4, 0, 14, 10), (8, 0, 18, 10))
    assert nms(chain, 0.4).tolist() == [0]


def test_nms_is_per_group() -> None:
    cluster = boxes((0, 0, 10, 10), (0, 0, 10, 9), (0, 0, 9, 10))
    assert nms(cluster, 0.5, groups=np.array([0, 1, 0])).tolist() == [0, 1]


def test_nms_by_the_smaller_area_removes_nested_boxes() -> None:
    nested = boxes((0, 0, 100, 100), (40, 40, 50, 50))
    assert nms(nested, 0.7).tolist() == [0, 1]
    assert nms(nested, 0.7, Overlap.SMALLER).tolist() == [0]


@pytest.mark.filterwarnings("error")
def test_nms_keeps_and_ignores_empty_and_nan_boxes() -> None:
    odd = boxes((NAN, NAN, NAN, NAN), (5, 5, 5, 5), (0, 0, 10, 10), (9, 9, 1, 1))
    assert nms(odd, 0.1).tolist() == [0, 1, 2, 3]
    assert nms(boxes(), 0.5).tolist() == []


@pytest.mark.parametrize("overlap", list(Overlap))
def test_nms_of_many_boxes_agrees_with_the_iou_matrix(overlap: Overlap) -> None:
    draw = np.random.default_rng(3)
    corners = draw.uniform(0, 200, (700, 2))
    many = np.concatenate([corners, corners + draw.uniform(5, 40, (700, 2))], axis=1)
    above = np.triu(iou_matrix(many, many, overlap) > 0.3, k=1)
    assert nms(many, 0.3, overlap).tolist() == np.flatnonzero(~above.any(axis=0)).tolist()


def test_to_squares_keeps_centre_and_longer_side() -> None:
    assert to_squares(boxes((0, 10, 10, 30), (0, 0, 8, 2))).tolist() == [[-5, 10, 15, 30], [0, -3, 8, 5]]
    assert to_squares(boxes()).shape == (0, 4)


def test_clipped_boxes_lie_inside_the_image() -> None:
    held = clipped(boxes((-5, -5, 50, 50), (NAN, 1, 2, 3)), (40, 30))
    assert held[0].tolist() == [0, 0, 39, 29]
    assert np.isnan(held[1, 0])


@pytest.mark.parametrize(
    ("region", "size_wh", "expected"),
    [
        pytest.param(WHOLE_FRAME, (640, 360), (0, 0, 640, 360), id="whole"),
        pytest.param((0.25, 0.5, 0.75, 1.0), (640, 360), (160, 180, 480, 360), id="part"),
        pytest.param((0.1, 0.1, 0.7, 0.7), (10, 10), (1, 1, 7, 7), id="tenths-of-ten"),
        pytest.param((0.9999, 0.9999, 1.0, 1.0), (640, 360), (639, 359, 640, 360), id="last-px"),
        pytest.param((0.3, 0.6, 0.4, 0.7), (1, 1), (0, 0, 1, 1), id="one-px-frame"),
        pytest.param(WHOLE_FRAME, (0, 7), (0, 0, 0, 7), id="empty-frame"),
    ],
)
def test_region_in_px_is_at_least_one_px(
    region: Region, size_wh: tuple[int, int], expected: tuple[int, int, int, int]
) -> None:
    assert region_px(region, size_wh) == expected
