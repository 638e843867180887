"""Measures by example: who counts, where a visit counts, what is excluded, occupancy."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from tests.tracker.reports.timelines import BERLIN, DAY, RULES, at, data_of, stay
from tracker.presence.calendar import day_range, hour_edges
from tracker.presence.events import Event
from tracker.presence.rules import Rules
from tracker.presence.sessions import sessions
from tracker.reports import measures, occupancy
from tracker.reports.frames import Frames, rows_of
from tracker.reports.periods import Period, edges_of
from tracker.reports.tables import people_report, today_report, visits_report

NOON = at("12:00")
MINUTE = 60
A_MORNING = (
    stay("ada", at("18:00", day=-1), at("19:00", day=-1)),
    stay("ada", at("8:00"), at("9:00")),
    stay("ada", at("11:30"), None),
    stay("bob", at("8:30"), at("8:50")),
    stay("v-1", at("8:40"), at("8:41") - timedelta(seconds=30)),
    stay("sam", at("7:00"), None),
)


def frames_of(*stays: list[Event], now: datetime = NOON, rules: Rules = RULES, staff: bool = False) -> Frames:
    events = [event for each in stays for event in each]
    frames = Frames.of_sessions(sessions(events, rules=rules, now=now), now=now)
    return frames if staff else frames.without_people(["sam"])


def today(*stays: list[Event], now: datetime = NOON, staff: bool = False) -> tuple[dict[str, Any], list[Any]]:
    """The figures of the day by key, and the rows of who is in."""
    since, until = day_range(now.astimezone(BERLIN).date(), BERLIN)
    report = today_report(data_of(*stays, since=since, until=until, now=now, staff=staff))
    return {figure.key: figure.value for figure in report.figures}, list(report.main.rows)


def by_hour(frames: Frames, since: datetime, until: datetime) -> list[dict[str, Any]]:
    return rows_of(measures.usage(frames, hour_edges(since, until, BERLIN), zone=BERLIN))


def test_today_has_entries_people_in_and_returning() -> None:
    figures, present = today(*A_MORNING)
    assert figures["day"] == date(2026, 1, 5)
    assert (figures["occupancy"], figures["entries"], figures["visitors"]) == (1, 4, 3)
    assert (figures["returning"], figures["new"]) == (1, 2)
    assert [(row["name"], row["started_at"], row["dwell_s"]) for row in present] == [("Ada", at("11:30"), 30 * MINUTE)]
    assert (figures["median_dwell_s"], figures["bounce_rate"]) == (40 * MINUTE, 0.25)
    assert (figures["peak_at"], figures["peak"]) == (at("8:40"), 3)


def test_staff_count_when_asked_for() -> None:
    figures, present = today(*A_MORNING, staff=True)
    assert [row["name"] for row in present] == ["Sam", "Ada"]
    assert (figures["occupancy"], figures["entries"], figures["visitors"]) == (2, 5, 4)
    assert (figures["peak_at"], figures["peak"]) == (at("8:40"), 4)


def test_today_without_anybody() -> None:
    figures, present = today()
    assert (figures["occupancy"], present) == (0, [])
    assert (figures["median_dwell_s"], figures["bounce_rate"], figures["peak"]) == (None, None, None)


def test_today_is_the_day_of_the_zone() -> None:
    figures, _ = today(now=datetime(2026, 1, 5, 23, 30, tzinfo=UTC))
    assert figures["day"] == date(2026, 1, 6)


def test_somebody_in_since_yesterday_is_in_but_came_yesterday() -> None:
    figures, _ = today(stay("ada", at("23:00", day=-1), None), now=at("6:00"))
    assert (figures["occupancy"], figures["entries"], figures["visitors"]) == (1, 0, 0)
    assert (figures["peak_at"], figures["peak"]) == (DAY, 1)


def test_visits_are_those_that_touch_the_range_the_latest_first() -> None:
    data = data_of(
        stay("ada", at("8:00"), at("10:00")),
        stay("bob", at("7:00"), at("9:00")),
        stay("bob", at("9:10"), at("9:30")),
        stay("v-1", None, at("9:00")),
        stay("v-1", at("9:59"), None),
        stay("zoe", at("10:00"), None),
        since=at("9:00"),
        until=at("10:00"),
        now=NOON,
    )
    assert [(row["name"], row["started_at"]) for row in visits_report(data).main.rows] == [
        ("Visitor 1", at("9:59")),
        ("Bob", at("9:10")),
        ("Visitor 1", at("9:00")),
        ("Ada", at("8:00")),
    ]


def test_a_row_of_a_visit_has_all_of_it() -> None:
    stays = (stay("v-1", at("9:00"), at("9:10")), stay("v-1", at("9:12"), at("9:20")))
    [row] = visits_report(data_of(*stays, since=DAY, until=NOON, now=NOON)).main.rows
    [visit] = sessions([event for each in stays for event in each], rules=RULES, now=NOON)
    assert (row["session_id"], row["site_id"], row["person_id"]) == (visit.session_id, "gym", "v-1")
    assert (row["name"], row["kind"], row["role"]) == ("Visitor 1", "visitor", "member")
    assert (row["dwell_s"], row["gross_s"], row["segments"]) == (18 * MINUTE, 20 * MINUTE, 2)
    assert (row["started_at"], row["ended_at"], row["state"]) == (visit.started_at, visit.ended_at, "closed")
    assert (row["enter_inferred"], row["exit_inferred"], row["bounce"]) == (False, False, False)
    assert (row["enter_camera_id"], row["exit_camera_id"]) == ("front", "front")


def test_an_unknown_person_is_shown_by_id_and_counted() -> None:
    data = data_of(stay("gone", at("9:00"), at("9:10")), since=DAY, until=NOON, now=NOON, people=[])
    [row] = visits_report(data).main.rows
    assert (row["name"], row["role"]) == ("gone", "member")


def test_footfall_counts_visits_where_they_begin_once() -> None:
    frames = frames_of(
        stay("ada", at("8:00"), at("10:30")),
        stay("bob", at("8:59"), at("9:00")),
        stay("bob", at("9:03"), at("9:30")),
        stay("ada", at("11:00"), None),
        stay("v-1", None, at("8:30")),
        stay("sam", at("8:00"), at("9:00")),
    )
    rows = by_hour(frames, DAY, NOON)
    assert {row["started_at"]: row["entries"] for row in rows if row["entries"]} == {at("8:00"): 3, at("11:00"): 1}
    assert (len(rows), rows[8]["visitors"], rows[8]["ended_at"]) == (12, 3, at("9:00"))


def test_unique_visitors_of_an_hour_are_not_its_entries() -> None:
    frames = frames_of(stay("ada", at("8:00"), at("8:10")), stay("ada", at("8:30"), at("8:40")))
    assert [(row["entries"], row["visitors"]) for row in by_hour(frames, at("8:00"), at("9:00"))] == [(2, 1)]


def test_footfall_ends_before_the_end_of_the_range() -> None:
    frames = frames_of(stay("ada", at("9:00"), None), stay("bob", at("7:59"), None))
    assert [row["entries"] for row in by_hour(frames, at("8:00"), at("9:00"))] == [0]


def test_days_are_days_of_the_zone() -> None:
    frames = frames_of(stay("ada", at("23:59"), None), stay("bob", at("0:00", day=1), None), now=at("9:00", day=1))
    edges = edges_of(Period.DAY, *day_range(date(2026, 1, 5), BERLIN, days=3), BERLIN)
    assert [row["entries"] for row in rows_of(measures.usage(frames, edges, zone=BERLIN))] == [1, 1, 0]


def test_people_have_the_visits_begun_and_the_time_spent_in_the_range() -> None:
    stays = (
        stay("ada", at("23:00", day=-1), at("1:00")),
        stay("ada", at("8:00"), at("8:30")),
        stay("bob", at("11:00"), None),
        stay("v-1", at("8:00", day=-2), at("9:00", day=-2)),
        stay("sam", at("8:00"), at("9:00")),
    )
    rows = people_report(data_of(*stays, since=DAY, until=at("0:00", day=1), now=NOON)).main.rows
    assert [(row["name"], row["visits"], row["inside_s"] / MINUTE, row["present"]) for row in rows] == [
        ("Ada", 1, 90, False),
        ("Bob", 1, 60, True),
    ]
    assert [(row["first_seen_at"], row["last_seen_at"]) for row in rows] == [(DAY, at("8:30")), (at("11:00"), NOON)]
    with_staff = people_report(data_of(*stays, since=DAY, until=NOON, now=NOON, staff=True)).main.rows
    assert [row["name"] for row in with_staff] == ["Ada", "Bob", "Sam"]


@pytest.mark.parametrize(
    ("days", "since_day", "returning"),
    [
        pytest.param([0], 0, 0, id="first-visit"),
        pytest.param([0, 0.2], 0, 0, id="twice-on-one-day"),
        pytest.param([-7, 0], 0, 1, id="an-earlier-day-before-the-range"),
        pytest.param([-1, 0], -1, 1, id="an-earlier-day-in-the-range"),
        pytest.param([0, 1], 0, 0, id="a-later-day-outside-the-range"),
        pytest.param([-7], 0, None, id="not-in-the-range"),
    ],
)
def test_returning_means_an_earlier_visit_on_another_day(
    days: list[float], since_day: int, returning: int | None
) -> None:
    begun = [at("9:00") + timedelta(days=day) for day in days]
    frames = frames_of(*(stay("ada", begin, begin + timedelta(minutes=10)) for begin in begun), now=at("0:00", day=3))
    edges = [at("0:00", day=since_day), at("0:00", day=1)]
    [row] = rows_of(measures.usage(frames, edges, zone=BERLIN))
    expected = (0, 0, 0) if returning is None else (1, returning, 1 - returning)
    assert (row["visitors"], row["returning"], row["new"]) == expected


@pytest.mark.parametrize(
    ("since", "until", "rate"),
    [("0:00", "12:00", 0.25), ("10:00", "12:00", 0), ("8:00", "8:40", 0), ("1:00", "2:00", None)],
)
def test_bounce_rate_is_the_share_of_short_visits(since: str, until: str, rate: float | None) -> None:
    [row] = rows_of(measures.usage(frames_of(*A_MORNING), [at(since), at(until)], zone=BERLIN))
    assert row["bounce_rate"] == rate


# -- dwell


def lengths(*minutes: float, now: datetime | None = None) -> pd.DataFrame:
    """Visits of so many minutes."""
    stays = [stay(f"p{n}", DAY, DAY + timedelta(minutes=each)) for n, each in enumerate(minutes)]
    return frames_of(*stays, now=now or at("23:00")).visits


def test_dwell_has_median_mean_and_p90() -> None:
    net, _ = rows_of(measures.dwell(lengths(40, 10, 20, 30)))
    assert (net["visits"], net["median_s"], net["mean_s"]) == (4, 25 * MINUTE, 25 * MINUTE)
    assert net["p90_s"] == pytest.approx(37 * MINUTE)


def test_dwell_excludes_unmeasured_visits() -> None:
    frames = frames_of(
        stay("ada", at("8:00"), at("8:10")),
        stay("bob", at("11:50"), None),
        stay("v-1", None, at("9:00")),
        stay("v-2", at("9:00"), at("9:00")),
        stay("v-3", at("8:00", day=-3), None),
    )
    net, _ = rows_of(measures.dwell(frames.visits))
    assert (net["visits"], net["median_s"]) == (1, 600)
    assert measures.not_measured(frames.visits) == {
        "still_in": 1, "entry_not_seen": 1, "exit_not_seen": 1, "bounces": 1,
    }  # fmt: skip


def test_dwell_is_net_and_gross() -> None:
    frames = frames_of(stay("ada", at("8:00"), at("8:10")), stay("ada", at("8:14"), at("8:20")))
    assert [row["median_s"] for row in rows_of(measures.dwell(frames.visits))] == [16 * MINUTE, 20 * MINUTE]


def test_dwell_without_visits() -> None:
    net, _ = rows_of(measures.dwell(frames_of().visits))
    assert (net["visits"], net["median_s"], net["mean_s"], net["p90_s"]) == (0, None, None, None)
    assert rows_of(measures.histogram(frames_of().visits)) == []


@pytest.mark.parametrize(
    ("minutes", "width_s", "count"),
    [
        pytest.param([1.5, 1.9], 10, 12, id="under-two-minutes"),
        pytest.param([2], 15, 9, id="a-length-on-an-edge-begins-a-bin"),
        pytest.param([5, 10, 59], 300, 12, id="under-an-hour"),
        pytest.param([5, 60], 600, 7, id="an-hour"),
        pytest.param([5, 900], 7200, 8, id="hours"),
    ],
)
def test_bins_are_round_and_few(minutes: list[float], width_s: float, count: int) -> None:
    bins = rows_of(measures.histogram(lengths(*minutes)))
    assert {each["to_s"] - each["from_s"] for each in bins} == {width_s}
    assert (len(bins), bins[0]["from_s"]) == (count, 0)
    assert all(earlier["to_s"] == later["from_s"] for earlier, later in pairwise(bins))
    assert sum(each["net"] for each in bins) == len(minutes)


def test_a_visit_of_weeks_still_fits_the_histogram() -> None:
    bins = rows_of(measures.histogram(lengths(40 * 24 * 60, 60, now=DAY + timedelta(days=41))))
    assert (bins[0]["to_s"], bins[0]["net"], len(bins)) == (4 * 86400, 1, 11)


# -- occupancy


def steps(*stays: list[Event], since: datetime, until: datetime, now: datetime = NOON) -> list[tuple[str, int]]:
    found = occupancy.steps_between(frames_of(*stays, now=now), since, until, now)
    return [(moment.astimezone(BERLIN).strftime("%H:%M"), people) for moment, people in found.items()]


def test_occupancy_is_a_step_function_that_leaves_gaps_out() -> None:
    stays = (
        stay("ada", at("8:00"), at("9:00")),
        stay("bob", at("8:30"), at("8:50")),
        stay("bob", at("8:54"), at("9:30")),
    )
    assert steps(*stays, since=at("7:00"), until=at("10:00")) == [
        ("07:00", 0), ("08:00", 1), ("08:30", 2), ("08:50", 1), ("08:54", 2), ("09:00", 1), ("09:30", 0), ("10:00", 0),
    ]  # fmt: skip
    assert occupancy.peak_of(frames_of(*stays).steps, DAY, NOON) == (at("8:30"), 2)


def test_steps_of_a_day_that_goes_on_end_now() -> None:
    stays = (
        stay("ada", at("7:30"), at("9:00")),
        stay("bob", at("8:00"), at("9:30")),
        stay("eve", at("9:15"), None),
    )
    since, until = at("8:00"), at("23:00")
    changes = [("08:00", 2), ("09:00", 1), ("09:15", 2)]
    assert steps(*stays, since=since, until=until, now=at("9:20")) == [*changes, ("09:20", 2)]
    assert steps(*stays, since=since, until=until, now=at("9:15")) == changes
    assert steps(since=since, until=until, now=at("9:15")) == [("08:00", 0), ("09:15", 0)]


def test_occupancy_includes_visits_across_the_range() -> None:
    stays = (stay("ada", at("8:00"), at("11:00")), stay("bob", at("8:00"), None))
    assert steps(*stays, since=at("9:00"), until=at("10:00")) == [("09:00", 2), ("10:00", 2)]


def test_occupancy_ends_at_now() -> None:
    found = steps(stay("ada", at("8:00"), None), since=at("8:30"), until=at("23:00"), now=at("9:00"))
    assert found == [("08:30", 1), ("09:00", 1)]


def test_occupancy_at_the_end_of_the_range_is_exact() -> None:
    hour = {"since": at("8:00"), "until": at("9:00")}
    assert steps(stay("ada", at("8:00"), at("9:00")), **hour) == [("08:00", 1), ("09:00", 0)]
    assert steps(stay("ada", at("9:00"), at("10:00")), **hour) == [("08:00", 0), ("09:00", 0)]
    found = steps(stay("ada", at("9:00"), None), since=at("8:00"), until=NOON, now=at("9:00"))
    assert found == [("08:00", 0), ("09:00", 1)]


def test_occupancy_is_constant_when_one_leaves_as_another_enters() -> None:
    stays = (stay("ada", at("8:00"), at("9:00")), stay("bob", at("9:00"), at("10:00")))
    assert steps(*stays, since=at("8:00"), until=at("9:30")) == [("08:00", 1), ("09:30", 1)]


def test_peaks_and_means_of_periods() -> None:
    frames = frames_of(
        stay("ada", at("8:00"), at("10:00")),
        stay("bob", at("9:00"), at("11:00")),
        stay("v-1", at("9:00"), at("9:00")),
        stay("v-2", at("11:30"), None),
    )
    edges = [at("8:00"), at("9:00"), at("10:00"), at("11:00"), at("13:00")]
    rows = rows_of(occupancy.by_period(frames, edges, now=NOON, capacity=4))
    assert [row["peak"] for row in rows] == [1, 2, 1, 1]
    assert [row["mean"] for row in rows] == [1, 2, 1, 0.5]
    assert [row["peak_share"] for row in rows] == [0.25, 0.5, 0.25, 0.25]


def parts(stays: Iterable[list[Event]], now: datetime) -> list[tuple[int, str, float, bool]]:
    edges = [DAY.astimezone(UTC), at("0:00", day=1), at("0:00", day=2)]
    found = rows_of(measures.day_parts(frames_of(*stays, now=now).segments, edges))
    return [
        (
            row["place"],
            row["started_at"].astimezone(BERLIN).strftime("%H:%M"),
            (row["ended_at"] - row["started_at"]) / timedelta(hours=1),
            row["open"],
        )
        for row in found
    ]


@pytest.mark.parametrize(
    ("begin", "end", "expected"),
    [
        pytest.param("0 8:00", "0 9:00", [(0, "08:00", 1, False)], id="within-a-day"),
        pytest.param("0 22:00", "1 1:00", [(0, "22:00", 2, False), (1, "00:00", 1, False)], id="over-midnight"),
        pytest.param("0 22:00", None, [(0, "22:00", 2, False), (1, "00:00", 10, True)], id="open-on-its-last-day"),
        pytest.param("1 0:00", "1 0:00", [(1, "00:00", 0, False)], id="of-no-length-lies-where-it-is"),
        pytest.param("0 20:00", "1 0:00", [(0, "20:00", 4, False)], id="ends-at-midnight"),
        pytest.param("-1 21:00", "0 2:00", [(0, "00:00", 2, False)], id="begun-before"),
        pytest.param("-1 21:00", "0 0:00", [], id="over-when-it-begins"),
        pytest.param("2 0:00", "2 1:00", [], id="begins-when-it-is-over"),
    ],
)
def test_segments_are_cut_at_midnight(
    begin: str, end: str | None, expected: list[tuple[int, str, float, bool]]
) -> None:
    start, stop = (None if text is None else at(text.split()[1], day=int(text.split()[0])) for text in (begin, end))
    now = at("10:00", day=1) if end is None else at("12:00", day=2)
    assert parts([stay("ada", start, stop)], now) == expected


def test_a_zone_may_be_off_by_less_than_an_hour() -> None:
    kathmandu = ZoneInfo("Asia/Kathmandu")
    frames = frames_of(stay("ada", at("8:00"), at("9:00")))
    hours = measures.entries_by_hour_of_day(frames, DAY, NOON, kathmandu)
    assert hours[at("8:00").astimezone(kathmandu).hour] == sum(hours) == 1
