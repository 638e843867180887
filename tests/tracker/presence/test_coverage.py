"""Outages: unwatched time is distinct from empty time."""

from __future__ import annotations

import random
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.presence.calendar import Opening
from tracker.presence.coverage import OUTAGE_AFTER, Coverage, CoverageSpan

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def watch(start: float, end: float, camera_id: str = "door") -> CoverageSpan:
    return CoverageSpan(site_id="gym", camera_id=camera_id, started_at=at(start), ended_at=at(end))


OPEN = Opening(time(8), time(22), UTC)
"""From 240 minutes before noon to 600 after it."""


def reported(coverage: Coverage, since: float, until: float) -> list[tuple[str, float, float]]:
    """Outages as (camera, from, to) in minutes after noon."""
    minute = timedelta(minutes=1)
    return [
        (outage.camera_id, (outage.started_at - NOON) / minute, (outage.ended_at - NOON) / minute)
        for outage in coverage.outages(at(since), at(until))
    ]


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        pytest.param([watch(0, 120)], [], id="watched-throughout"),
        pytest.param([watch(0, 30), watch(50, 120)], [("door", 30, 50)], id="lost-in-between"),
        pytest.param([watch(0, 30), watch(30.9, 120)], [], id="a-short-gap-is-none"),
        pytest.param([watch(0, 30)], [("door", 30, 100)], id="stopped-up-to-the-end"),
        pytest.param([watch(40, 120)], [], id="not-there-before-its-first-watch"),
        pytest.param([watch(-60, -30)], [("door", 0, 100)], id="nobody-watched"),
        pytest.param([watch(-60, -30, "old"), watch(0, 120)], [], id="taken-down-before"),
        pytest.param([watch(200, 300)], [], id="begins-later"),
        pytest.param([], [], id="no-camera-ever-reported"),
        pytest.param(
            [watch(0, 40), watch(60, 120), watch(0, 50, "back"), watch(90, 120, "back")],
            [("door", 40, 60), ("back", 50, 90)],
            id="each-camera-for-itself",
        ),
        pytest.param([watch(0, 80), watch(10, 20), watch(30, 120)], [], id="overlapping-watches-are-one"),
    ],
)
def test_outages_of_a_range(spans: list[CoverageSpan], expected: list[tuple[str, float, float]]) -> None:
    assert reported(Coverage(spans, now=at(120)), 0, 100) == expected


DAY = 24 * 60


@pytest.mark.parametrize(
    ("failed", "since", "expected", "share"),
    [
        pytest.param({"back"}, DAY, [("back", DAY, 1.5 * DAY)], 0.5, id="failed-yesterday-and-still-down"),
        pytest.param({"back"}, 0, [("back", 60, 1.5 * DAY)], 1 - (1 - 60 / (1.5 * DAY)) / 2, id="the-day-it-failed"),
        pytest.param((), DAY, [], 1.0, id="stopped-yesterday"),
        pytest.param({"door"}, DAY, [], 1.0, id="another-camera-has-not-been-stopped"),
    ],
)
def test_a_camera_that_was_not_stopped_is_down(
    failed: set[str], since: float, expected: list[tuple[str, float, float]], share: float
) -> None:
    spans = [watch(0, 1.5 * DAY), watch(0, 60, "back")]
    coverage = Coverage(spans, now=at(1.5 * DAY), failed=failed)
    assert reported(coverage, since, since + 2 * DAY) == expected
    assert coverage.shares([at(since), at(1.5 * DAY)]) == [pytest.approx(share)]


def test_a_camera_that_failed_a_month_ago_was_taken_down() -> None:
    spans = [watch(0, 40 * DAY), watch(0, 60, "back")]
    for days, expected in ((29, [("back", 28 * DAY, 29 * DAY)]), (31, [])):
        assert reported(Coverage(spans, now=at(days * DAY), failed={"back"}), 28 * DAY, 32 * DAY) == expected


def test_a_camera_that_watches_now_has_no_outage_until_a_minute_of_silence() -> None:
    assert reported(Coverage([watch(0, 60)], now=at(60.9)), 0, 120) == []
    assert reported(Coverage([watch(0, 60)], now=at(61.5)), 0, 120) == [("door", 60, 61.5)]


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        pytest.param([watch(0, 60), watch(200, 300)], [], id="a-later-watch"),
        pytest.param([watch(0, 30), watch(200, 300)], [("door", 30, 60)], id="an-outage-ends-now"),
        pytest.param([watch(0, 30), watch(50, 300)], [("door", 30, 50)], id="a-watch-ends-now"),
    ],
)
def test_nothing_is_reported_of_the_time_to_come(
    spans: list[CoverageSpan], expected: list[tuple[str, float, float]]
) -> None:
    coverage = Coverage(spans, now=at(60))
    assert reported(coverage, 0, 400) == expected
    assert coverage.shares([at(0), at(60)]) == [1 - sum(end - start for _, start, end in expected) / 60]


def test_a_camera_that_watches_only_later_is_not_known_yet() -> None:
    assert not Coverage([watch(200, 300)], now=at(60)).known


def test_shares_are_the_watched_part_of_each_period() -> None:
    coverage = Coverage([watch(0, 15), watch(45, 90)], now=at(120))
    assert coverage.shares([at(0), at(30), at(60), at(90), at(120)]) == [0.5, 0.5, 1.0, 0.0]


def test_shares_are_the_mean_of_the_cameras() -> None:
    coverage = Coverage([watch(0, 60), watch(0, 30, "back"), watch(45, 60, "back")], now=at(60))
    assert coverage.shares([at(0), at(60)]) == [0.875]


def test_the_piece_that_is_not_over_counts_up_to_now() -> None:
    assert Coverage([watch(0, 30)], now=at(30)).shares([at(0), at(60)]) == [1.0]


def test_nothing_is_known_where_no_camera_ever_reported() -> None:
    coverage = Coverage([], now=at(60), first_event_at=at(0))
    assert not coverage.known
    assert coverage.shares([at(0), at(30), at(60)]) == [None, None]


def test_before_the_first_record_nothing_was_recorded() -> None:
    coverage = Coverage([], now=at(60), first_event_at=at(40))
    assert coverage.recorded_since == at(40)
    assert coverage.shares([at(0), at(30), at(60)]) == [0.0, None]


def test_events_before_the_first_coverage_imply_no_outage() -> None:
    coverage = Coverage([watch(30, 60)], now=at(60), first_event_at=at(0))
    assert coverage.recorded_since == at(0)
    assert coverage.shares([at(0), at(30), at(60)]) == [None, 1.0]


@given(
    st.lists(st.tuples(st.integers(0, 600), st.integers(1, 60), st.sampled_from(["a", "b"])), max_size=12),
    st.randoms(use_true_random=False),
)
def test_outages_and_shares_agree(parts: list[tuple[int, int, str]], chance: random.Random) -> None:
    spans = [watch(start, start + length, camera) for start, length, camera in parts]
    coverage = Coverage(spans, now=at(700))
    shuffled = chance.sample(spans, len(spans))
    assert Coverage(shuffled, now=at(700)).outages(at(0), at(700)) == coverage.outages(at(0), at(700))
    edges = [at(minute) for minute in range(0, 701, 35)]
    cameras = {each.camera_id: each.started_at for each in sorted(spans, key=lambda each: each.started_at)[::-1]}
    for (start, end), share in zip(pairwise(edges), coverage.shares(edges), strict=True):
        missed = {camera_id: timedelta(0) for camera_id in cameras}
        for outage in coverage.outages(at(0), at(700)):
            overlap = min(outage.ended_at, end) - max(outage.started_at, start)
            missed[outage.camera_id] += max(overlap, timedelta(0))
        there = {camera_id: end - max(since, start) for camera_id, since in cameras.items() if since < end}
        expected = [1 - missed[camera_id] / length for camera_id, length in there.items()]
        if expected:
            assert share == pytest.approx(sum(expected) / len(expected))
        else:
            assert share == (0.0 if spans else None)


def test_a_watch_is_checked() -> None:
    with pytest.raises(ValueError, match="ended_at"):
        watch(1, 0)
    with pytest.raises(ValueError, match="camera_id"):
        watch(0, 1, " ")
    with pytest.raises(ValueError, match="zone"):
        CoverageSpan(site_id="gym", camera_id="door", started_at=NOON.replace(tzinfo=None), ended_at=NOON)


def test_a_minute_without_frames_is_no_outage() -> None:
    assert timedelta(minutes=1) == OUTAGE_AFTER


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        pytest.param([watch(-240, 600), watch(1200, 1500)], [], id="stopped-at-night"),
        pytest.param([watch(-240, 500), watch(1200, 1500)], [("door", 500, 600)], id="stopped-before-closing"),
        pytest.param([watch(-240, 599.5), watch(1200.5, 1500)], [], id="half-a-minute-is-nothing"),
        pytest.param([watch(-240, 30), watch(60, 600), watch(1250, 1500)],
                     [("door", 30, 60), ("door", 1200, 1250)], id="late-in-the-morning"),
        pytest.param([watch(-240, 600)], [("door", 1200, 1500)], id="not-started-in-the-morning"),
    ],
)  # fmt: skip
def test_what_is_not_watched_while_the_site_is_closed_is_no_outage(
    spans: list[CoverageSpan], expected: list[tuple[str, float, float]]
) -> None:
    coverage = Coverage(spans, now=at(1500), opening=OPEN)
    assert reported(coverage, -240, 1500) == expected


def test_shares_are_of_opening_hours_only() -> None:
    coverage = Coverage([watch(-240, 180), watch(600, 601)], now=at(2000), opening=OPEN)
    edges = [at(each) for each in (0, 180, 600, 660, 1200, 1260)]
    assert coverage.shares(edges) == [1.0, 0.0, None, None, 0.0]
    whole = Coverage([watch(-240, 390)], now=at(1200), opening=OPEN).shares([at(-720), at(720)])
    assert whole == [pytest.approx(630 / 840)]


def test_a_bar_that_closes_after_midnight_is_open_until_then() -> None:
    bar = Opening(time(18), time(2), UTC)
    open_ = list(bar.within(at(-720), at(2160)))
    assert [((a - NOON) / timedelta(minutes=1), (b - NOON) / timedelta(minutes=1)) for a, b in open_] == [
        (-720, -600), (360, 840), (1800, 2160),
    ]  # fmt: skip


def test_opening_hours_are_those_of_the_sites_clock_whatever_the_day_has() -> None:
    night = Opening(time(1), time(6), ZoneInfo("Europe/Berlin"))
    lengths = {
        day: [
            b - a
            for a, b in night.within(datetime(*day, 0, tzinfo=UTC) - timedelta(hours=3), datetime(*day, 20, tzinfo=UTC))
        ]
        for day in ((2026, 3, 28), (2026, 3, 29), (2026, 10, 25))
    }
    assert [each[0].total_seconds() / 3600 for each in lengths.values()] == [5, 4, 6]


@pytest.mark.parametrize("hours", [(time(8), time(8)), (time(8, tzinfo=UTC), time(9))], ids=["no-time", "own-zone"])
def test_hours_that_are_none_are_refused(hours: tuple[time, time]) -> None:
    with pytest.raises(ValueError, match="expected"):
        Opening(*hours, UTC)
