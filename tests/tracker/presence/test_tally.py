"""Visits added up over periods: cut where periods meet, counted where they begin, highest where most are in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tracker.presence.sessions import Segment, Session, SessionState
from tracker.presence.tally import means, median_of, parts_of, peak_between, peaks, quantile_of, steps_of, tally

START = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = [START, START + timedelta(hours=24), START + timedelta(hours=48)]


def hours(count: float) -> datetime:
    return START + timedelta(hours=count)


def visit(begin: float, *ends: float | None, who: str = "ada", enter_inferred: bool = False) -> Session:
    """A visit from an hour on; more numbers are ends and further beginnings, None last: it goes on."""
    marks = [begin, *ends]
    pairs = zip(marks[::2], marks[1::2], strict=True)
    segments = tuple(Segment(hours(a or 0), None if b is None else hours(b)) for a, b in pairs)
    last = segments[-1].ended_at
    net = sum(((each.ended_at or hours(40)) - each.started_at).total_seconds() for each in segments)
    gross = ((last or hours(40)) - segments[0].started_at).total_seconds()
    return Session(
        session_id=f"{who}-{begin}", site_id="gym", person_id=who, started_at=hours(begin), ended_at=last, dwell_s=net,
        gross_s=gross, segments=segments, enter_inferred=enter_inferred, exit_inferred=False,
        state=SessionState.OPEN if last is None else SessionState.CLOSED,
    )  # fmt: skip


def told(*sessions: Session, now: float = 40) -> list[tuple[int, float, float, bool]]:
    return [
        (part.place, (part.started_at - START) / timedelta(hours=1), part.length_s / 3600, part.open)
        for part in parts_of(sessions, DAYS, hours(now))
    ]


@pytest.mark.parametrize(
    ("session", "parts"),
    [
        pytest.param(visit(8, 9), [(0, 8, 1, False)], id="within-a-day"),
        pytest.param(visit(22, 25), [(0, 22, 2, False), (1, 24, 1, False)], id="over-midnight"),
        pytest.param(visit(22, None), [(0, 22, 2, False), (1, 24, 16, True)], id="open-is-open-on-its-last-day"),
        pytest.param(visit(8, 9, 10, 11), [(0, 8, 1, False), (0, 10, 1, False)], id="gaps-are-left-out"),
        pytest.param(visit(24, 24), [(1, 24, 0, False)], id="of-no-length-lies-where-it-is"),
        pytest.param(visit(20, 24), [(0, 20, 4, False)], id="ends-at-midnight"),
        pytest.param(visit(-3, 2), [(0, 0, 2, False)], id="begun-before"),
        pytest.param(visit(-3, 0), [], id="over-when-it-begins"),
        pytest.param(visit(48, 49), [], id="begins-when-it-is-over"),
    ],
)
def test_stays_are_cut_at_the_edges(session: Session, parts: list[tuple[int, float, float, bool]]) -> None:
    assert told(session) == parts


def test_periods_tell_who_came_who_left_and_who_returned() -> None:
    sessions = [visit(-20, -19, who="bob"), visit(8, 9), visit(10, 12, who="bob"), visit(23, 25), visit(30, None)]
    first, second = tally(sessions, DAYS, zone=UTC)
    assert (first.entries, first.exits, first.visitors, first.returning, first.new, first.peak) == (3, 2, 2, 1, 1, 1)
    assert (second.entries, second.exits, second.visitors, second.returning, second.peak) == (1, 1, 1, 1, 1)
    assert (first.median_dwell_s, second.median_dwell_s) == (7200, None)
    assert (first.bounce_rate, second.bounce_rate) == (0, 0)


def test_peaks_and_means_of_overlapping_stays() -> None:
    sessions = [visit(8, 10), visit(9, 11, who="bob"), visit(9, 9, who="eve"), visit(30, None, who="eve")]
    steps = steps_of(sessions)
    assert [people for _, people in steps] == [1, 2, 1, 0, 1]
    assert peaks(steps, [hours(8), hours(9), hours(10), hours(12), hours(48)]) == [1, 2, 1, 1]
    assert peak_between(steps, hours(0), hours(24)) == (hours(9), 2)
    assert peak_between(steps, hours(9.5), hours(24)) == (hours(9.5), 2)
    assert peak_between(steps, hours(12), hours(24)) is None
    assert means(sessions, [hours(8), hours(12), hours(28), hours(36), hours(48)], hours(32)) == [1, 0, 0.5, None]


def test_middle_and_quantile() -> None:
    assert (median_of([]), median_of([3, 1, 2, 10])) == (None, 2.5)
    assert (quantile_of([], 0.9), quantile_of([5], 0.9)) == (None, 5)
    assert quantile_of([10, 0, 20, 30, 40], 0.9) == pytest.approx(36)
