"""What pandas adds up is what the plain code of tracker.presence, and counting by hand, come to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tracker.reports.timelines import BERLIN, FIRST, NOW, PEOPLE, histories
from tracker.presence import reports
from tracker.presence.dwell import Dwell
from tracker.presence.sessions import Session, SessionState
from tracker.reports import dwell, occupancy, usage
from tracker.reports.frames import begun, rows_of, stay_frame, visit_frame
from tracker.reports.people import people_usage
from tracker.reports.periods import Period, edges_of, quarter_edges

UNTIL = NOW
periods = st.sampled_from([*Period])
spans = st.tuples(st.integers(0, 4000), st.integers(1, 4000)).map(
    lambda span: (FIRST + timedelta(minutes=span[0]), min(FIRST + timedelta(minutes=sum(span)), NOW))
).filter(lambda span: span[0] < span[1])  # fmt: skip


def counted(sessions: list[Session], staff: bool) -> list[Session]:
    return [session for session in sessions if staff or session.person_id != "sam"]


def inside_s(session: Session, since: datetime, until: datetime) -> float:
    parts = [min(part.ended_at or NOW, until) - max(part.started_at, since) for part in session.segments]
    return sum(max(part.total_seconds(), 0.0) for part in parts)


@settings(max_examples=25, deadline=None)
@given(histories(), periods, spans, st.booleans())
def test_usage_is_what_is_counted_one_period_at_a_time(
    sessions: list[Session], period: Period, span: tuple[datetime, datetime], staff: bool
) -> None:
    visits = visit_frame(sessions, PEOPLE, staff=staff)
    stays = stay_frame(sessions, visits, now=NOW)
    edges = edges_of(period, *span, BERLIN)
    rows = rows_of(usage.usage(visits, stays, edges, zone=BERLIN))
    assert [(row["started_at"], row["ended_at"]) for row in rows] == list(pairwise(edges))
    known = counted(sessions, staff)
    for row in rows:
        since, until = row["started_at"], row["ended_at"]
        people = reports.visitors(sessions, PEOPLE, since=since, until=until, zone=BERLIN, staff=staff)
        assert (row["visitors"], row["returning"], row["new"]) == (people.visitors, people.returning, people.new)
        assert row["entries"] == sum(since <= each.started_at < until for each in known)
        assert row["exits"] == sum(each.ended_at is not None and since <= each.ended_at < until for each in known)
        rate = reports.bounce_rate(sessions, PEOPLE, since=since, until=until, staff=staff)
        assert row["bounce_rate"] == (None if rate is None else pytest.approx(rate))
        median = reports.dwell(sessions, PEOPLE, since=since, until=until, staff=staff).median_s
        assert row["median_dwell_s"] == (None if median is None else pytest.approx(median))
        moments = [since, *(part.started_at for each in known for part in each.segments)]
        most = max(people_at(known, moment) for moment in moments if since <= moment < until)
        assert row["peak"] == most


def people_at(sessions: list[Session], moment: datetime) -> int:
    return sum(
        part.started_at <= moment and (part.ended_at is None or moment < part.ended_at)
        for each in sessions
        for part in each.segments
    )


@settings(max_examples=20, deadline=None)
@given(histories())
def test_hours_and_days_agree_with_the_plain_reports(sessions: list[Session]) -> None:
    visits = visit_frame(sessions, PEOPLE)
    stays = stay_frame(sessions, visits, now=NOW)
    for period, plain in ((Period.HOUR, reports.footfall_by_hour), (Period.DAY, reports.footfall_by_day)):
        rows = rows_of(usage.usage(visits, stays, edges_of(period, FIRST, UNTIL, BERLIN), zone=BERLIN))
        expected = plain(sessions, PEOPLE, since=FIRST, until=UNTIL, zone=BERLIN)
        assert [(row["started_at"], row["entries"], row["visitors"]) for row in rows] == [
            (each.started_at.astimezone(UTC), each.entries, each.visitors) for each in expected
        ]


@settings(max_examples=25, deadline=None)
@given(histories(), spans, st.booleans())
def test_dwell_and_its_bins_agree_with_the_plain_report(
    sessions: list[Session], span: tuple[datetime, datetime], staff: bool
) -> None:
    since, until = span
    came = begun(visit_frame(sessions, PEOPLE, staff=staff), since, until)
    plain = {
        measure: reports.dwell(sessions, PEOPLE, since=since, until=until, staff=staff, gross=measure == "gross")
        for measure in dwell.MEASURES
    }
    for row in rows_of(dwell.dwell(came)):
        expected: Dwell = plain[row["measure"]]
        assert row["visits"] == expected.visits
        figures = (expected.median_s, expected.mean_s, expected.p90_s)
        assert (row["median_s"], row["mean_s"], row["p90_s"]) == (
            pytest.approx(figures) if figures[0] is not None else figures
        )
    bins = rows_of(dwell.histogram(came))
    assert [(row["from_s"], row["to_s"], row["gross"]) for row in bins] == [
        (each.from_s, each.to_s, each.visits) for each in plain["gross"].bins
    ]
    assert sum(row["net"] for row in bins) == plain["net"].visits
    assert sum(dwell.left_out(came).values()) + plain["net"].visits == len(came)


@settings(max_examples=25, deadline=None)
@given(histories(), spans)
def test_people_agree_with_the_plain_report(sessions: list[Session], span: tuple[datetime, datetime]) -> None:
    visits = visit_frame(sessions, PEOPLE)
    stays = stay_frame(sessions, visits, now=NOW)
    rows = rows_of(people_usage(visits, stays, edges_of(Period.DAY, *span, BERLIN), now=NOW))
    expected = reports.usage(sessions, PEOPLE, since=span[0], until=span[1], now=NOW)
    assert [
        (row["person_id"], row["name"], row["visits"], row["first_seen_at"], row["last_seen_at"], row["present"])
        for row in rows
    ] == [
        (each.person_id, each.name, each.visits, each.first_seen_at, each.last_seen_at, each.present)
        for each in expected
    ]
    assert [row["inside_s"] for row in rows] == pytest.approx([each.dwell_s for each in expected])


@settings(max_examples=25, deadline=None)
@given(histories(), spans)
def test_mean_occupancy_is_time_inside_over_time(sessions: list[Session], span: tuple[datetime, datetime]) -> None:
    visits = visit_frame(sessions, PEOPLE, staff=True)
    stays = stay_frame(sessions, visits, now=NOW)
    edges = quarter_edges(*span)
    rows = rows_of(occupancy.occupancy(stays, edges, now=NOW, capacity=4))
    total = sum(inside_s(session, *span) for session in sessions)
    lengths = [(row["ended_at"] - row["started_at"]).total_seconds() for row in rows]
    means = [row["mean"] for row in rows]
    assert sum(mean * length for mean, length in zip(means, lengths, strict=True)) == pytest.approx(total, abs=1e-3)
    for row in rows[:: max(1, len(rows) // 10)]:
        part = sum(inside_s(session, row["started_at"], row["ended_at"]) for session in sessions)
        assert row["mean"] == pytest.approx(part / (row["ended_at"] - row["started_at"]).total_seconds(), abs=1e-6)
        assert row["peak"] >= row["mean"] - 1e-9
        assert row["peak_share"] == row["peak"] / 4


@settings(max_examples=25, deadline=None)
@given(histories(), spans)
def test_peak_is_the_first_moment_with_most_people(sessions: list[Session], span: tuple[datetime, datetime]) -> None:
    visits = visit_frame(sessions, PEOPLE)
    steps = occupancy.steps(stay_frame(sessions, visits, now=NOW))
    known = counted(sessions, staff=False)
    moments = sorted({span[0], *(part.started_at for each in known for part in each.segments)})
    found = [(people_at(known, moment), moment) for moment in moments if span[0] <= moment < span[1]]
    most = max(number for number, _ in found)
    expected = (next(moment for number, moment in found if number == most), most) if most else None
    assert occupancy.peak_of(steps, *span) == expected


@settings(max_examples=20, deadline=None)
@given(histories())
def test_now_agrees_with_who_is_in(sessions: list[Session]) -> None:
    visits = visit_frame(sessions, PEOPLE)
    open_ones = [each for each in counted(sessions, staff=False) if each.state is SessionState.OPEN]
    assert int(visits["ended_at"].isna().sum()) == len(open_ones)
    steps = occupancy.steps(stay_frame(sessions, visits, now=NOW))
    assert (int(steps.iloc[-1]) if len(steps) else 0) == len(open_ones)
