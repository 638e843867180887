from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from tests.tracker.presence.timelines import BERLIN, DAY, MINUTE, NOON, PEOPLE, at, stay, visits_of
from tracker.presence import reports
from tracker.presence.calendar import day_edges, day_range, hour_edges
from tracker.presence.occupancy import OccupancyPoint
from tracker.presence.people import PersonKind, Role
from tracker.presence.sessions import Session


def a_morning() -> list[Session]:
    return visits_of(
        stay("ada", at("18:00", day=-1), at("19:00", day=-1)),
        stay("ada", at("8:00"), at("9:00")),
        stay("ada", at("11:30"), None),
        stay("bob", at("8:30"), at("8:50")),
        stay("v-1", at("8:40"), at("8:41") - timedelta(seconds=30)),
        stay("sam", at("7:00"), None),
        now=NOON,
    )


def test_today_says_who_came_who_is_in_and_who_returned() -> None:
    today = reports.today(a_morning(), PEOPLE, now=NOON, zone=BERLIN)
    assert (today.day, today.since, today.until) == (date(2026, 1, 5), DAY, at("0:00", day=1))
    assert (today.occupancy, today.entries, today.visitors) == (1, 4, 3)
    assert (today.returning, today.new) == (1, 2)
    assert [(row.name, row.started_at, row.dwell_s) for row in today.present] == [("Ada", at("11:30"), 30 * MINUTE)]
    assert today.median_dwell_s == 40 * MINUTE
    assert today.bounce_rate == 0.25
    assert today.peak == OccupancyPoint(at("8:40"), 3)


def test_staff_count_when_asked_for() -> None:
    today = reports.today(a_morning(), PEOPLE, now=NOON, zone=BERLIN, staff=True)
    assert [row.name for row in today.present] == ["Sam", "Ada"]
    assert (today.occupancy, today.entries, today.visitors) == (2, 5, 4)
    assert today.peak == OccupancyPoint(at("8:40"), 4)


def test_today_without_anybody() -> None:
    today = reports.today([], [], now=NOON, zone=BERLIN)
    assert (today.occupancy, today.present, today.entries, today.visitors) == (0, (), 0, 0)
    assert (today.median_dwell_s, today.bounce_rate, today.peak) == (None, None, None)


def test_today_is_the_day_of_the_zone() -> None:
    late = datetime(2026, 1, 5, 23, 30, tzinfo=UTC)
    assert reports.today([], [], now=late, zone=BERLIN).day == date(2026, 1, 6)
    assert reports.today([], [], now=late, zone=ZoneInfo("UTC")).day == date(2026, 1, 5)


def test_somebody_in_since_yesterday_is_in_but_came_yesterday() -> None:
    night = visits_of(stay("ada", at("23:00", day=-1), None), now=at("6:00"))
    today = reports.today(night, PEOPLE, now=at("6:00"), zone=BERLIN)
    assert (today.occupancy, today.entries, today.visitors, today.peak) == (1, 0, 0, OccupancyPoint(DAY, 1))


def test_visits_are_those_that_touch_the_range_the_latest_first() -> None:
    found = visits_of(
        stay("ada", at("8:00"), at("10:00")),
        stay("bob", at("7:00"), at("9:00")),
        stay("bob", at("9:10"), at("9:30")),
        stay("v-1", None, at("9:00")),
        stay("v-1", at("9:59"), None),
        stay("zoe", at("10:00"), None),
        now=NOON,
    )
    rows = reports.visits(found, PEOPLE, since=at("9:00"), until=at("10:00"))
    assert [(row.name, row.started_at) for row in rows] == [
        ("Visitor 1", at("9:59")),
        ("Bob", at("9:10")),
        ("Visitor 1", at("9:00")),
        ("Ada", at("8:00")),
    ]


def test_a_visit_row_says_all_that_the_visit_says() -> None:
    found = visits_of(stay("v-1", at("9:00"), at("9:10")), stay("v-1", at("9:12"), at("9:20")), now=NOON)
    (row,) = reports.visits(found, PEOPLE, since=DAY, until=NOON)
    (visit,) = found
    assert (row.session_id, row.site_id, row.person_id) == (visit.session_id, "gym", "v-1")
    assert (row.name, row.kind, row.role) == ("Visitor 1", PersonKind.VISITOR, Role.MEMBER)
    assert (row.dwell_s, row.gross_s, row.segments) == (18 * MINUTE, 20 * MINUTE, 2)
    assert (row.started_at, row.ended_at, row.state) == (visit.started_at, visit.ended_at, visit.state)
    assert (row.enter_inferred, row.exit_inferred, row.bounce) == (False, False, False)


def test_somebody_nobody_knows_any_more_is_shown_by_id_and_counted() -> None:
    found = visits_of(stay("gone", at("9:00"), at("9:10")), now=NOON)
    (row,) = reports.visits(found, [], since=DAY, until=NOON)
    assert (row.name, row.role) == ("gone", Role.MEMBER)


def entries(rows: Iterable[reports.Footfall]) -> dict[str, int]:
    return {row.started_at.strftime("%d %H:%M"): row.entries for row in rows if row.entries}


def test_footfall_counts_visits_where_they_begin_once() -> None:
    found = visits_of(
        stay("ada", at("8:00"), at("10:30")),
        stay("bob", at("8:59"), at("9:00")),
        stay("bob", at("9:03"), at("9:30")),
        stay("ada", at("11:00"), None),
        stay("v-1", None, at("8:30")),
        stay("sam", at("8:00"), at("9:00")),
        now=NOON,
    )
    rows = reports.footfall_by_hour(found, PEOPLE, since=DAY, until=NOON, zone=BERLIN)
    assert len(rows) == 12
    assert entries(rows) == {"05 08:00": 3, "05 11:00": 1}
    assert (rows[8].visitors, rows[8].ended_at) == (3, at("9:00"))


def test_unique_visitors_of_an_hour_are_not_its_entries() -> None:
    found = visits_of(stay("ada", at("8:00"), at("8:10")), stay("ada", at("8:30"), at("8:40")), now=NOON)
    rows = reports.footfall_by_hour(found, PEOPLE, since=at("8:00"), until=at("9:00"), zone=BERLIN)
    assert [(row.entries, row.visitors) for row in rows] == [(2, 1)]


def test_footfall_ends_before_the_end_of_the_range() -> None:
    found = visits_of(stay("ada", at("9:00"), None), stay("bob", at("7:59"), None), now=NOON)
    rows = reports.footfall_by_hour(found, PEOPLE, since=at("8:00"), until=at("9:00"), zone=BERLIN)
    assert [row.entries for row in rows] == [0]


def test_hours_of_several_days_add_up_to_a_profile_of_the_day() -> None:
    found = visits_of(
        stay("ada", at("8:10"), at("8:20")),
        stay("ada", at("8:10", day=1), at("8:20", day=1)),
        stay("bob", at("23:10", day=1), at("23:20", day=1)),
        now=at("0:00", day=2),
    )
    since, until = day_range(date(2026, 1, 5), BERLIN, days=2)
    profile = reports.footfall_by_hour_of_day(
        reports.footfall_by_hour(found, PEOPLE, since=since, until=until, zone=BERLIN)
    )
    assert len(profile) == 24
    assert (profile[8], profile[23], sum(profile)) == (2, 1, 3)


def test_days_are_days_of_the_zone() -> None:
    found = visits_of(stay("ada", at("23:59"), None), stay("bob", at("0:00", day=1), None), now=at("9:00", day=1))
    since, until = day_range(date(2026, 1, 5), BERLIN, days=3)
    rows = reports.footfall_by_day(found, PEOPLE, since=since, until=until, zone=BERLIN)
    assert [(row.started_at.date().day, row.entries) for row in rows] == [(5, 1), (6, 1), (7, 0)]


@pytest.mark.parametrize(
    ("zone", "day", "hours", "names"),
    [
        pytest.param("Europe/Berlin", date(2026, 3, 29), 23, ["00", "01", "03", "04"], id="spring-has-23"),
        pytest.param("Europe/Berlin", date(2026, 10, 25), 25, ["00", "01", "02", "02", "03"], id="autumn-has-25"),
        pytest.param("Asia/Kathmandu", date(2026, 3, 1), 24, ["00", "01", "02"], id="zone-off-by-three-quarters"),
        pytest.param("Africa/Cairo", date(2026, 4, 24), 23, ["01", "02"], id="midnight-that-does-not-exist"),
        pytest.param("Australia/Lord_Howe", date(2026, 4, 5), 24.5, ["00", "01", "02"], id="shift-of-half-an-hour"),
    ],
)
def test_days_and_hours_are_right_when_clocks_change(zone: str, day: date, hours: float, names: list[str]) -> None:
    since, until = day_range(day, ZoneInfo(zone))
    assert until - since == timedelta(hours=hours)
    edges = hour_edges(since, until, ZoneInfo(zone))
    assert [edge.astimezone(ZoneInfo(zone)).strftime("%H") for edge in edges][: len(names)] == names
    assert (edges[0], edges[-1]) == (since, until)
    assert all(earlier < later for earlier, later in pairwise(edges))
    assert day_edges(since, until, ZoneInfo(zone)) == [since, until]


def test_hours_and_days_of_a_range_that_begins_and_ends_within_one() -> None:
    assert hour_edges(at("8:20"), at("9:10"), BERLIN) == [at("8:20"), at("9:00"), at("9:10")]
    assert day_edges(at("8:20"), at("9:10", day=1), BERLIN) == [at("8:20"), at("0:00", day=1), at("9:10", day=1)]


def test_a_range_of_no_length_has_no_hours_and_no_days() -> None:
    assert reports.footfall_by_hour([], [], since=NOON, until=NOON, zone=BERLIN) == []
    assert reports.footfall_by_day([], [], since=NOON, until=NOON, zone=BERLIN) == []


def test_usage_counts_visits_begun_and_time_spent_in_the_range() -> None:
    found = visits_of(
        stay("ada", at("23:00", day=-1), at("1:00")),
        stay("ada", at("8:00"), at("8:30")),
        stay("bob", at("11:00"), None),
        stay("v-1", at("8:00", day=-2), at("9:00", day=-2)),
        stay("sam", at("8:00"), at("9:00")),
        now=NOON,
    )
    rows = reports.usage(found, PEOPLE, since=DAY, until=at("0:00", day=1), now=NOON)
    assert [(row.name, row.visits, row.dwell_s / MINUTE, row.present) for row in rows] == [
        ("Ada", 1, 90, False),
        ("Bob", 1, 60, True),
    ]
    assert [(row.first_seen_at, row.last_seen_at) for row in rows] == [(DAY, at("8:30")), (at("11:00"), NOON)]
    with_staff = reports.usage(found, PEOPLE, since=DAY, until=NOON, now=NOON, staff=True)
    assert [row.name for row in with_staff] == ["Ada", "Bob", "Sam"]


def test_usage_agrees_with_footfall_and_occupancy() -> None:
    found = a_morning()
    rows = reports.usage(found, PEOPLE, since=DAY, until=NOON, now=NOON)
    hours = reports.footfall_by_hour(found, PEOPLE, since=DAY, until=NOON, zone=BERLIN)
    points = reports.occupancy(found, PEOPLE, since=DAY, until=NOON, now=NOON)
    assert sum(row.visits for row in rows) == sum(hour.entries for hour in hours)
    area_s = sum(earlier.people * (later.at - earlier.at).total_seconds() for earlier, later in pairwise(points))
    assert sum(row.dwell_s for row in rows) == pytest.approx(area_s)


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
    found = visits_of(*(stay("ada", begin, begin + timedelta(minutes=10)) for begin in begun), now=at("0:00", day=3))
    who = reports.visitors(found, PEOPLE, since=at("0:00", day=since_day), until=at("0:00", day=1), zone=BERLIN)
    if returning is None:
        assert (who.visitors, who.returning, who.new) == (0, 0, 0)
    else:
        assert (who.visitors, who.returning, who.new) == (1, returning, 1 - returning)


def test_bounce_rate_is_the_share_of_short_visits() -> None:
    found = a_morning()
    assert reports.bounce_rate(found, PEOPLE, since=DAY, until=NOON) == 0.25
    assert reports.bounce_rate(found, PEOPLE, since=at("10:00"), until=NOON) == 0
    assert reports.bounce_rate(found, PEOPLE, since=at("8:00"), until=at("8:40")) == 0
    assert reports.bounce_rate(found, PEOPLE, since=at("1:00"), until=at("2:00")) is None
