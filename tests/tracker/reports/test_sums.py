"""Figures by pandas equal figures counted by hand."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tracker.reports.timelines import BERLIN, FIRST, NOW, histories
from tracker.presence.sessions import Session, SessionState
from tracker.reports import measures, occupancy
from tracker.reports.frames import Frames, rows_of
from tracker.reports.periods import Period, edges_of, quarter_edges

UNTIL = NOW
periods = st.sampled_from([*Period])
spans = st.tuples(st.integers(0, 4000), st.integers(1, 4000)).map(
    lambda span: (FIRST + timedelta(minutes=span[0]), min(FIRST + timedelta(minutes=sum(span)), NOW))
).filter(lambda span: span[0] < span[1])  # fmt: skip


def frames_of(sessions: list[Session], staff: bool = False) -> Frames:
    frames = Frames.of_sessions(sessions, now=NOW)
    return frames if staff else frames.without_people(["sam"])


def counted(sessions: list[Session], staff: bool) -> list[Session]:
    return [session for session in sessions if staff or session.person_id != "sam"]


def inside_s(session: Session, since: datetime, until: datetime) -> float:
    parts = [min(part.ended_at or NOW, until) - max(part.started_at, since) for part in session.segments]
    return sum(max(part.total_seconds(), 0.0) for part in parts)


@settings(max_examples=25, deadline=None)
@given(histories(), periods, spans, st.booleans())
def test_usage_equals_counting_each_period(
    sessions: list[Session], period: Period, span: tuple[datetime, datetime], staff: bool
) -> None:
    edges = edges_of(period, *span, BERLIN)
    rows = rows_of(measures.usage(frames_of(sessions, staff), edges, zone=BERLIN))
    assert [(row["started_at"], row["ended_at"]) for row in rows] == list(pairwise(edges))
    known = counted(sessions, staff)
    for row in rows:
        since, until = row["started_at"], row["ended_at"]
        came = begun(known, since, until)
        assert row["entries"] == len(came)
        assert row["exits"] == sum(each.ended_at is not None and since <= each.ended_at < until for each in known)
        last = {each.person_id: day_of(each.started_at) for each in came}
        returning = sum(
            any(each.person_id == who and day_of(each.started_at) < day for each in known) for who, day in last.items()
        )
        assert (row["visitors"], row["returning"], row["new"]) == (len(last), returning, len(last) - returning)
        assert row["bounce_rate"] == (pytest.approx(sum(each.bounce for each in came) / len(came)) if came else None)
        lengths = [each.dwell_s for each in came if is_measured(each)]
        assert row["median_dwell_s"] == (pytest.approx(median(lengths)) if lengths else None)
        moments = [since, *(part.started_at for each in known for part in each.segments)]
        most = max(people_at(known, moment) for moment in moments if since <= moment < until)
        assert row["peak"] == most


def begun(sessions: list[Session], since: datetime, until: datetime) -> list[Session]:
    return [each for each in sessions if since <= each.started_at < until]


def is_measured(session: Session) -> bool:
    return session.dwell_known and not session.bounce


def day_of(at: datetime) -> date:
    return at.astimezone(BERLIN).date()


def people_at(sessions: list[Session], moment: datetime) -> int:
    return sum(
        part.started_at <= moment and (part.ended_at is None or moment < part.ended_at)
        for each in sessions
        for part in each.segments
    )


@settings(max_examples=20, deadline=None)
@given(histories())
def test_hours_of_the_day_add_up_to_the_entries(sessions: list[Session]) -> None:
    hours = measures.entries_by_hour_of_day(frames_of(sessions), FIRST, UNTIL, BERLIN)
    starts = [each.started_at.astimezone(BERLIN).hour for each in begun(counted(sessions, False), FIRST, UNTIL)]
    assert hours == [starts.count(hour) for hour in range(24)]


@settings(max_examples=25, deadline=None)
@given(histories(), spans, st.booleans())
def test_dwell_and_its_bins_are_those_of_the_measured_visits(
    sessions: list[Session], span: tuple[datetime, datetime], staff: bool
) -> None:
    came = frames_of(sessions, staff).begun(*span)
    known = [each for each in begun(counted(sessions, staff), *span) if is_measured(each)]
    lengths = {"net": [each.dwell_s for each in known], "gross": [each.gross_s for each in known]}
    bins = rows_of(measures.histogram(came))
    for row in rows_of(measures.dwell(came)):
        values = sorted(lengths[row["measure"]])
        assert row["visits"] == len(values)
        assert row["median_s"] == (pytest.approx(median(values)) if values else None)
        assert row["mean_s"] == (pytest.approx(sum(values) / len(values)) if values else None)
        assert row["longest_s"] == (values[-1] if values else None)
        for each in bins:
            assert each[row["measure"]] == sum(each["from_s"] <= value < each["to_s"] for value in values)
    assert len({row["to_s"] - row["from_s"] for row in bins}) <= 1
    assert len(bins) <= 12
    assert sum(measures.not_measured(came).values()) + len(known) == len(came)


@settings(max_examples=25, deadline=None)
@given(histories(), spans)
def test_people_have_the_visits_and_times_of_the_range(
    sessions: list[Session], span: tuple[datetime, datetime]
) -> None:
    since, until = span
    rows = rows_of(measures.people_usage(frames_of(sessions), edges_of(Period.DAY, *span, BERLIN), now=NOW))
    known: dict[str, list[Session]] = {}
    for each in counted(sessions, False):
        if each.started_at < until and (each.ended_at is None or each.ended_at > since or each.started_at >= since):
            known.setdefault(each.person_id, []).append(each)
    assert {row["person_id"] for row in rows} == set(known)
    for row in rows:
        own = known[row["person_id"]]
        assert row["visits"] == len(begun(own, since, until))
        assert row["inside_s"] == pytest.approx(sum(inside_s(each, since, until) for each in own))
        assert row["first_seen_at"] == max(since, min(each.started_at for each in own))
        assert row["last_seen_at"] == min(until, max(each.ended_at or NOW for each in own))
        assert row["present"] == any(each.ended_at is None for each in own)
    order = [(-row["inside_s"], -row["visits"], row["person_id"]) for row in rows]
    assert order == sorted(order)


@settings(max_examples=25, deadline=None)
@given(histories(), spans)
def test_mean_occupancy_is_time_inside_over_time(sessions: list[Session], span: tuple[datetime, datetime]) -> None:
    edges = quarter_edges(*span)
    rows = rows_of(occupancy.by_period(frames_of(sessions, True), edges, now=NOW, capacity=4))
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
    steps = frames_of(sessions).steps
    known = counted(sessions, staff=False)
    moments = sorted({span[0], *(part.started_at for each in known for part in each.segments)})
    found = [(people_at(known, moment), moment) for moment in moments if span[0] <= moment < span[1]]
    most = max(number for number, _ in found)
    expected = (next(moment for number, moment in found if number == most), most) if most else None
    assert occupancy.peak_of(steps, *span) == expected


@settings(max_examples=20, deadline=None)
@given(histories())
def test_now_agrees_with_who_is_in(sessions: list[Session]) -> None:
    frames = frames_of(sessions)
    open_ones = [each for each in counted(sessions, staff=False) if each.state is SessionState.OPEN]
    assert int(frames.visits["ended_at"].isna().sum()) == len(open_ones)
    steps = frames.steps
    assert (int(steps.iloc[-1]) if len(steps) else 0) == len(open_ones)


@settings(max_examples=25, deadline=None)
@given(histories(), spans)
def test_steps_of_a_range_hold_who_is_in_at_each_moment(
    sessions: list[Session], span: tuple[datetime, datetime]
) -> None:
    since, until = span
    steps = occupancy.steps_between(frames_of(sessions), since, until, NOW)
    known = counted(sessions, staff=False)
    assert (steps.index[0], steps.index[-1]) == (since, min(until, NOW))
    assert steps.index.is_monotonic_increasing
    for at, people in steps.iloc[:-1].items():
        assert people == people_at(known, at)
