"""The score of visits against the ground truth."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from benchmarks.visit_score import Score, ScoredVisit, matched, score, true_visits
from tracker.simulation.truth import Segment

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def visit(start_min: float, end_min: float, person: str = "ada", dwell_min: float | None = -1) -> ScoredVisit:
    length_min = end_min - start_min if dwell_min == -1 else dwell_min
    return ScoredVisit(
        person_id=person,
        started_at=NOON + timedelta(minutes=start_min),
        ended_at=NOON + timedelta(minutes=end_min),
        dwell_s=None if length_min is None else length_min * 60,
    )


TRUTH = [visit(0, 40), visit(50, 55, "bob"), visit(70, 130), visit(75, 100, "bob")]


def scored(ours: list[ScoredVisit], truth: list[ScoredVisit] | None = None) -> Score:
    return score(TRUTH if truth is None else truth, ours, zone=UTC, tolerance=timedelta(seconds=5))


def test_truth_has_a_perfect_score() -> None:
    assert scored(list(reversed(TRUTH))) == Score(
        visits=4, entries=1.0, exits=1.0, total=1.0, matched=1.0, invented=0.0, on_time=1.0, measured=1.0,
        dwell_median=0.0, dwell_p95=0.0, occupancy=0.0,
    )  # fmt: skip


def test_missing_visit_lowers_entries_matches_and_occupancy() -> None:
    found = scored(TRUTH[:3])
    assert (found.matched, found.invented, found.total, found.entries) == (0.75, 0.0, 0.75, 0.75)
    assert found.occupancy == pytest.approx(25 / 130)


def test_extra_visit_lowers_the_entries_of_its_hour() -> None:
    found = scored([*TRUTH, visit(0, 10, "eve")])
    assert (found.matched, found.invented, found.entries) == (1.0, 0.25, 0.75)


def test_errors_of_different_hours_do_not_cancel() -> None:
    found = scored([visit(61, 100), *TRUTH[1:]])
    assert found.total == 1.0
    assert found.entries == 0.5


def test_merged_visits_match_once() -> None:
    found = scored([visit(0, 130), TRUTH[1], TRUTH[3]])
    assert (found.matched, found.invented) == (0.75, 0.0)


def test_split_visit_matches_once() -> None:
    truth, halves = [visit(0, 40)], [visit(0, 10), visit(12, 40)]
    assert matched(truth, halves, tolerance=timedelta(0)) == [(truth[0], halves[1])]
    assert scored(halves, truth).invented == 1.0


def test_matching_is_maximal() -> None:
    truth = [visit(0, 10), visit(11, 20)]
    ours = [visit(9, 12), visit(0, 5)]
    assert matched(truth, ours, tolerance=timedelta(0)) == [(truth[0], ours[1]), (truth[1], ours[0])]


@pytest.mark.parametrize(("late_s", "pairs"), [(4, 1), (6, 0)], ids=["within-tolerance", "beyond"])
def test_visits_within_the_tolerance_match(late_s: float, pairs: int) -> None:
    late = visit(40 + late_s / 60, 40 + late_s / 60)
    assert len(matched([visit(0, 40)], [late], tolerance=timedelta(seconds=5))) == pairs


def test_visits_of_other_people_never_match() -> None:
    assert scored([visit(0, 40, "eve")]).matched == 0.0


def test_dwell_errors_are_relative_and_skip_unknown_dwell() -> None:
    found = scored([visit(0, 40, dwell_min=44), visit(50, 55, "bob", dwell_min=None), *TRUTH[2:]])
    assert found.measured == 0.75
    assert (found.dwell_median, found.dwell_p95) == (0.0, pytest.approx(0.09))


def test_on_time_requires_both_ends_within_a_minute() -> None:
    assert scored([visit(0.9, 39.1), visit(50, 57, "bob"), *TRUTH[2:]]).on_time == 0.75


def test_score_without_visits_is_none() -> None:
    empty = scored([], [])
    assert (empty.visits, empty.entries, empty.matched, empty.occupancy) == (0, None, None, None)
    assert scored([]).matched == 0.0


def test_segments_within_the_merge_gap_are_one_visit() -> None:
    def segment(start_min: float, end_min: float, person: str = "ada") -> Segment:
        return Segment(
            person_id=person,
            entered_at=NOON + timedelta(minutes=start_min),
            left_at=NOON + timedelta(minutes=end_min),
            entered_by="door-1",
            left_by="door-1",
        )

    visits = true_visits(
        [segment(15, 30), segment(0, 10), segment(35.1, 40), segment(12, 50, "bob")], merge_gap=timedelta(minutes=5)
    )
    assert [(visit.person_id, visit.dwell_s) for visit in visits] == [
        ("ada", 25 * 60), ("bob", 38 * 60), ("ada", pytest.approx(4.9 * 60)),
    ]  # fmt: skip
