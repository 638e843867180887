"""Figures of local days: additive, and dependent only on the sessions that touch the day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from tracker.presence.day import DayFigures, day_document, day_figures
from tracker.presence.sessions import Segment, Session, session_of

BERLIN = ZoneInfo("Europe/Berlin")
DAY = date(2026, 3, 29)
"""A day of 23 hours in Berlin."""
MIDNIGHT = datetime(2026, 3, 28, 23, tzinfo=UTC)
NOTHING = DayFigures(
    day=DAY, zone="Europe/Berlin", entries=0, exits=0, visitors=0, bounces=0, peak=0, peak_at=None, measured=0,
    dwell_s=0, gross_s=0,
)  # fmt: skip


def hours(number: float) -> datetime:
    return MIDNIGHT + timedelta(hours=number)


def session(*times: float | None, who: str = "ada", **other: bool) -> Session:
    """times: start and end of each segment, in hours after midnight; the last end may be None."""
    segments = tuple(
        Segment(hours(start or 0), None if end is None else hours(end))
        for start, end in zip(times[::2], times[1::2], strict=True)
    )
    flags = {"enter_inferred": False, "exit_inferred": False, **other}
    return session_of(
        f"{who}-{times}", ("gym", who), segments, now=hours(12), min_visit_s=600.0, enter_camera_id=None,
        exit_camera_id=None, **flags,
    )  # fmt: skip


def test_a_day_without_sessions_has_zeros() -> None:
    assert day_figures([], DAY, BERLIN) == NOTHING
    assert day_figures([session(-30, -20), session(30, 31)], DAY, BERLIN) == NOTHING


@pytest.mark.parametrize(
    ("found", "counts", "peak", "dwell"),
    [
        pytest.param([session(8, 10)], (1, 1, 1, 0), (1, 8), (1, 2, 2), id="one-visit"),
        pytest.param([session(8, 9, 10, 11)], (1, 1, 1, 0), (1, 8), (1, 2, 3), id="out-and-in-again"),
        pytest.param([session(8, 9), session(10, None)], (2, 1, 1, 0), (1, 8), (1, 1, 1), id="still-in"),
        pytest.param(
            [session(8, 10), session(9, 11, who="bob"), session(10, 12, who="eve")],
            (3, 3, 3, 0), (2, 9), (3, 6, 6),
            id="one-leaves-as-another-enters",
        ),
        pytest.param(
            [session(-2, 1), session(22, 25, who="bob")], (1, 1, 1, 0), (1, 0), (1, 3, 3), id="over-both-midnights"
        ),
        pytest.param(
            [session(8, 8.1), session(9, 10, enter_inferred=True), session(11, 11, exit_inferred=True)],
            (3, 3, 1, 1), (1, 8), (0, 0, 0),
            id="without-a-known-dwell",
        ),
    ],
)  # fmt: skip
def test_figures(
    found: list[Session], counts: tuple[int, ...], peak: tuple[int, float], dwell: tuple[float, ...]
) -> None:
    """counts: entries, exits, visitors, bounces. peak: people and hour. dwell: visits measured, net and gross hours."""
    expected = replace(
        NOTHING,
        **dict(zip(("entries", "exits", "visitors", "bounces"), counts, strict=True)),
        peak=peak[0],
        peak_at=hours(peak[1]),
        measured=int(dwell[0]),
        dwell_s=dwell[1] * 3600,
        gross_s=dwell[2] * 3600,
    )
    assert day_figures(found, DAY, BERLIN) == expected
    Random(1).shuffle(found)
    assert day_figures(found, DAY, BERLIN) == expected


def test_sums_over_days_count_every_session_once() -> None:
    found = [session(start, start + 3, who=f"p{start}") for start in range(-48, 48)]
    days = [day_figures(found, DAY + timedelta(days=number), BERLIN) for number in range(-4, 5)]
    assert sum(each.entries for each in days) == sum(each.exits for each in days) == len(found)
    assert sum(each.dwell_s for each in days) == sum(each.dwell_s for each in found)


def test_the_document_names_the_zone_and_not_the_day() -> None:
    document = day_document(day_figures([], DAY, BERLIN))
    assert (document["zone"], document["schema"], "day" in document) == ("Europe/Berlin", 1, False)
    assert day_figures([], DAY, UTC).zone == "UTC"
