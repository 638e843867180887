"""Box geometry."""

from __future__ import annotations

import numpy as np
import pytest

from tracker.vision.boxes import Boxes, Overlap, areas, best_first, clipped, iou_matrix, squared, suppress

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
    ours, theirs = boxes((0, 0, 10, 10)), boxes(other)
    assert iou_matrix(ours, theirs)[0, 0] == pytest.approx(union)
    assert iou_matrix(theirs, ours, Overlap.SMALLER)[0, 0] == pytest.approx(smaller)


def test_overlap_has_a_row_for_ours_and_a_column_for_theirs() -> None:
    assert iou_matrix(boxes((0, 0, 1, 1), (5, 5, 6, 6)), boxes((5, 5, 6, 6))).tolist() == [[0.0], [1.0]]
    assert iou_matrix(boxes(), boxes((0, 0, 1, 1))).shape == (0, 1)


def test_areas_of_impossible_boxes_are_nothing() -> None:
    assert areas(boxes((0, 0, 2, 3), (2, 2, 0, 0), (NAN, 0, 1, 1))).tolist() == [6.0, 0.0, 0.0]


def test_best_first_keeps_the_order_of_equals() -> None:
    assert best_first(np.array([0.5, 0.9, 0.5, 0.9])).tolist() == [1, 3, 0, 2]


def test_suppression_keeps_the_best_of_each_heap() -> None:
    heap = boxes((0, 0, 10, 10), (1, 0, 11, 10), (50, 50, 60, 60), (51, 50, 61, 60))
    assert suppress(heap, 0.5).tolist() == [0, 2]


def test_a_suppressed_box_still_suppresses() -> None:
    """The chain a-b-c where a covers b and b covers c: greedy suppression would keep c."""
    chain = boxes((0, 0, 10, 10), (4, 0, 14, 10), (8, 0, 18, 10))
    assert suppress(chain, 0.4).tolist() == [0]


def test_boxes_of_different_groups_leave_each_other_alone() -> None:
    heap = boxes((0, 0, 10, 10), (0, 0, 10, 9), (0, 0, 9, 10))
    assert suppress(heap, 0.5, groups=np.array([0, 1, 0])).tolist() == [0, 1]


def test_suppression_by_the_smaller_box_removes_the_one_inside() -> None:
    nested = boxes((0, 0, 100, 100), (40, 40, 50, 50))
    assert suppress(nested, 0.7).tolist() == [0, 1]
    assert suppress(nested, 0.7, Overlap.SMALLER).tolist() == [0]


@pytest.mark.filterwarnings("error")
def test_empty_and_nan_boxes_survive_and_remove_nobody() -> None:
    odd = boxes((NAN, NAN, NAN, NAN), (5, 5, 5, 5), (0, 0, 10, 10), (9, 9, 1, 1))
    assert suppress(odd, 0.1).tolist() == [0, 1, 2, 3]
    assert suppress(boxes(), 0.5).tolist() == []


@pytest.mark.parametrize("overlap", list(Overlap))
def test_suppression_of_many_agrees_with_the_matrix(overlap: Overlap) -> None:
    draw = np.random.default_rng(3)
    corners = draw.uniform(0, 200, (700, 2))
    many = np.concatenate([corners, corners + draw.uniform(5, 40, (700, 2))], axis=1)
    above = np.triu(iou_matrix(many, many, overlap) > 0.3, k=1)
    assert suppress(many, 0.3, overlap).tolist() == np.flatnonzero(~above.any(axis=0)).tolist()


def test_squares_keep_centre_and_longer_side() -> None:
    assert squared(boxes((0, 10, 10, 30), (0, 0, 8, 2))).tolist() == [[-5, 10, 15, 30], [0, -3, 8, 5]]
    assert squared(boxes()).shape == (0, 4)


def test_clipping_holds_boxes_on_pixels() -> None:
    held = clipped(boxes((-5, -5, 50, 50), (NAN, 1, 2, 3)), (40, 30))
    assert held[0].tolist() == [0, 0, 39, 29]
    assert np.isnan(held[1, 0])
