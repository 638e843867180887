"""Ranges of days from a date picker, levels of occupancy, texts about cameras."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from dashboard.camera_words import camera_row
from dashboard.theme import Level
from dashboard.views import Condition, Days
from tests.dashboard import gym
from tracker.presence.health import CameraHealth, CameraState
from tracker.reports.looks import Look, Scheme

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
TODAY = date(2026, 3, 2)


@pytest.mark.parametrize(
    ("value", "days"),
    [
        pytest.param(["2026-03-01", "2026-03-02"], Days(date(2026, 3, 1), date(2026, 3, 2)), id="two-days"),
        pytest.param(["2026-03-02", "2026-03-01"], Days(date(2026, 3, 1), date(2026, 3, 2)), id="either-order"),
        pytest.param(["2026-03-01", None], None, id="one-day-is-missing"),
        pytest.param(["yesterday", "2026-03-01"], None, id="no-days"),
        pytest.param({"first": 1}, None, id="no-list"),
        pytest.param(None, None, id="nothing"),
        pytest.param(["0001-01-01", "0001-01-02"], Days(date(2000, 1, 1), date(2000, 1, 1)), id="before-all-cameras"),
    ],
)
def test_days_as_a_picker_gives_them(value: object, days: Days | None) -> None:
    assert Days.picked(value) == days


def test_a_range_over_all_time_is_cut_to_ten_years() -> None:
    days = Days.picked(["0001-01-01", "9999-12-31"])
    assert days is not None
    assert days.last == date(9998, 12, 31)
    assert 3650 <= days.count <= 3670


def test_a_range_as_text() -> None:
    assert Days.until(TODAY, days=1).words(TODAY) == "today"
    assert Days.until(TODAY, days=7).words(TODAY) == "from 24 Feb to today"
    assert Days(date(2026, 2, 1), date(2026, 2, 1)).words(TODAY) == "on 1 Feb"
    assert Days(date(2026, 3, 1), date(2026, 3, 1)).words(TODAY) == "yesterday"
    assert Days.until(TODAY, days=7).count == 7


@pytest.mark.parametrize(
    ("inside", "capacity", "level"),
    [
        (7, 10, Level.CALM),
        (8, 10, Level.ORANGE),
        (9, 10, Level.RED),
        (12, 10, Level.RED),
        (500, None, Level.CALM),
    ],
)
def test_occupancy_is_orange_from_80_and_red_from_90_percent(inside: int, capacity: int | None, level: Level) -> None:
    assert Level.of(inside, capacity) is level


def test_invalid_browser_state_gives_the_light_wide_look() -> None:
    assert Look.of(["dark"], 390) == Look(Scheme.LIGHT, narrow=False)
    assert Look.of("dark", "narrow") == Look(Scheme.DARK, narrow=True)


def live(**changes: object) -> CameraHealth:
    return replace(gym.health("door", NOW), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("health", "condition", "words"),
    [
        pytest.param(live(), Condition.GOOD, "live", id="frames-come"),
        pytest.param(
            live(last_frame_at=NOW - timedelta(minutes=2)), Condition.BAD, "no frame for 2 min", id="frames-stopped"
        ),
        pytest.param(
            live(last_frame_at=NOW - timedelta(seconds=50)), Condition.WARN, "no frame for 50 s", id="a-short-gap"
        ),
        pytest.param(
            live(state=CameraState.LOST, last_frame_at=NOW - timedelta(seconds=30), problem="refused"),
            Condition.WARN,
            "no frame for 30 s: refused",
            id="lost-with-reason",
        ),
        pytest.param(
            live(updated_at=NOW - timedelta(hours=3), last_frame_at=NOW - timedelta(hours=3)),
            Condition.BAD,
            "no report for 3 h 00 min",
            id="the-agent-is-gone",
        ),
        pytest.param(
            live(started_at=NOW - timedelta(seconds=3), last_frame_at=None), Condition.QUIET, "starting", id="starting"
        ),
        pytest.param(
            live(state=CameraState.ENDED, frames=1500), Condition.QUIET, "recording over, 1,500 frames", id="ended"
        ),
        pytest.param(
            live(state=CameraState.STOPPED, updated_at=NOW - timedelta(minutes=5)),
            Condition.QUIET,
            "stopped 5 min ago",
            id="stopped",
        ),
    ],
)
def test_cameras_in_plain_words(health: CameraHealth, condition: Condition, words: str) -> None:
    row = camera_row(health, NOW)
    assert (row.condition, row.words) == (condition, words)
    assert bool(row.rate) == (condition is Condition.GOOD)


def test_addresses_that_older_versions_stored_are_redacted() -> None:
    source = "rtsp://cam/user=admin&password=s3cret"
    row = camera_row(live(state=CameraState.LOST, source=source, problem=f"{source}: cannot be opened"), NOW)
    assert "s3cret" not in f"{row.source} {row.words}"
    assert row.source == "rtsp://cam/***"
