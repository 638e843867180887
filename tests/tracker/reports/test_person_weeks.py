"""Hours of one person by week, on the clock of the site."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from tracker.presence.sessions import Segment, Session, SessionState
from tracker.reports.person_weeks import Week, weeks

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
"""A Tuesday; summer time began two days earlier."""


def session(*segments: tuple[datetime, datetime | None]) -> Session:
    started_at, ended_at = segments[0][0], segments[-1][1]
    return Session(
        session_id="s", site_id="gym", person_id="p-1", started_at=started_at, ended_at=ended_at, dwell_s=0, gross_s=0,
        segments=tuple(Segment(*each) for each in segments), enter_inferred=False, exit_inferred=False,
        state=SessionState.OPEN if ended_at is None else SessionState.CLOSED,
    )  # fmt: skip


def test_time_counts_where_it_was_spent_and_a_visit_where_it_began() -> None:
    monday = datetime(2026, 3, 29, 22, tzinfo=UTC)  # midnight in Berlin
    over_midnight = session((monday - timedelta(hours=1), monday + timedelta(hours=2)))
    with_a_gap = session(
        (NOW - timedelta(hours=5), NOW - timedelta(hours=4)), (NOW - timedelta(hours=3), NOW - timedelta(hours=2))
    )
    goes_on = session((NOW - timedelta(minutes=30), None))
    found = weeks([over_midnight, with_a_gap, goes_on], now=NOW, zone=BERLIN, count=3)
    assert found == [
        Week(monday=date(2026, 3, 16), inside_s=0, visits=0),
        Week(monday=date(2026, 3, 23), inside_s=3600, visits=1),
        Week(monday=date(2026, 3, 30), inside_s=4.5 * 3600, visits=2),
    ]


def test_without_visits_every_week_is_empty() -> None:
    assert [week.inside_s for week in weeks([], now=NOW, zone=BERLIN, count=12)] == [0] * 12
