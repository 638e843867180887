from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from tracker.presence import reports
from tracker.presence.days import day_edges, day_range, hour_edges
from tracker.presence.dwell import Bin, dwell_of
from tracker.presence.events import Event
from tracker.presence.occupancy import OccupancyPoint, occupancy_of, peak
from tracker.presence.people import Person, PersonKind, Role
from tracker.presence.sessions import Rules, Session, sessions

BERLIN = ZoneInfo("Europe/Berlin")
DAY = datetime(2026, 1, 5, tzinfo=BERLIN)
MINUTE = 60
RULES = Rules(merge_gap=timedelta(minutes=5), min_visit=timedelta(minutes=1))


def at(clock: str, *, day: int = 0) -> datetime:
    """`9:30` on the day, `day` days on, in Berlin."""
    hour, minute = clock.split(":")
    return DAY + timedelta(days=day, hours=int(hour), minutes=int(minute))


def stay(person: str, begin: datetime | None, end: datetime | None, site: str = "gym") -> list[Event]:
    return [
        Event(kind=kind, site_id=site, camera_id="a", person_id=person, at=moment, track_id=f"{person}{begin}")
        for kind, moment in (("enter", begin), ("exit", end))
        if moment is not None
    ]


def visits_of(*stays: list[Event], now: datetime) -> list[Session]:
    return sessions([event for events in stays for event in events], rules=RULES, now=now)


def person(person_id: str, name: str, **fields: object) -> Person:
    return Person(person_id=person_id, name=name, created_at=DAY, **fields)


PEOPLE = [
    person("ada", "Ada"),
    person("bob", "Bob"),
    person("sam", "Sam", role=Role.STAFF),
    person("v-1", "Visitor 1", kind=PersonKind.VISITOR),
]
NOON = at("12:00")


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


def minutes(*lengths: float) -> list[Session]:
    return visits_of(*(stay(f"p{n}", DAY, DAY + timedelta(minutes=m)) for n, m in enumerate(lengths)), now=at("23:00"))


def test_dwell_gives_median_mean_and_p90() -> None:
    dwell = dwell_of(minutes(40, 10, 20, 30))
    assert (dwell.visits, dwell.median_s, dwell.mean_s) == (4, 25 * MINUTE, 25 * MINUTE)
    assert dwell.p90_s == pytest.approx(37 * MINUTE)


def test_dwell_of_one_visit() -> None:
    dwell = dwell_of(minutes(10))
    assert (dwell.visits, dwell.median_s, dwell.p90_s) == (1, 600, 600)


def test_dwell_leaves_out_what_was_not_measured() -> None:
    found = visits_of(
        stay("ada", at("8:00"), at("8:10")),
        stay("bob", at("11:50"), None),
        stay("v-1", None, at("9:00")),
        stay("v-2", at("9:00"), at("9:00")),
        stay("v-3", at("8:00", day=-3), None),
        now=NOON,
    )
    dwell = reports.dwell(found, PEOPLE, since=at("0:00", day=-5), until=NOON)
    assert (dwell.visits, dwell.median_s) == (1, 600)


def test_dwell_is_net_unless_gross_is_asked_for() -> None:
    found = visits_of(stay("ada", at("8:00"), at("8:10")), stay("ada", at("8:14"), at("8:20")), now=NOON)
    assert reports.dwell(found, PEOPLE, since=DAY, until=NOON).median_s == 16 * MINUTE
    assert reports.dwell(found, PEOPLE, since=DAY, until=NOON, gross=True).median_s == 20 * MINUTE


def test_dwell_without_visits() -> None:
    dwell = reports.dwell([], [], since=DAY, until=NOON)
    assert (dwell.visits, dwell.median_s, dwell.mean_s, dwell.p90_s, dwell.bins) == (0, None, None, None, ())


@pytest.mark.parametrize(
    ("lengths_min", "width_s", "bins"),
    [
        pytest.param([1.5, 1.9], 10, 12, id="under-two-minutes"),
        pytest.param([2], 15, 9, id="a-length-on-an-edge-begins-a-bin"),
        pytest.param([5, 10, 59], 300, 12, id="under-an-hour"),
        pytest.param([5, 60], 600, 7, id="an-hour"),
        pytest.param([5, 900], 7200, 8, id="hours"),
    ],
)
def test_bins_are_round_and_few(lengths_min: list[float], width_s: float, bins: int) -> None:
    found = dwell_of(minutes(*lengths_min)).bins
    assert {each.to_s - each.from_s for each in found} == {width_s}
    assert len(found) == bins
    assert found[0].from_s == 0
    assert all(earlier.to_s == later.from_s for earlier, later in pairwise(found))
    for length_s in (length * MINUTE for length in lengths_min):
        assert any(each.from_s <= length_s < each.to_s and each.visits for each in found)
    assert sum(each.visits for each in found) == len(lengths_min)


def test_a_visit_of_weeks_still_fits_the_histogram() -> None:
    found = visits_of(
        stay("ada", DAY, DAY + timedelta(days=40)), stay("bob", DAY, at("1:00")), now=DAY + timedelta(days=41)
    )
    assert dwell_of(found).bins[0] == Bin(from_s=0, to_s=4 * 86400, visits=1)
    assert len(dwell_of(found).bins) == 11


def steps(points: Iterable[OccupancyPoint]) -> list[tuple[str, int]]:
    return [(point.at.astimezone(BERLIN).strftime("%H:%M"), point.people) for point in points]


def test_occupancy_is_a_step_function_that_leaves_gaps_out() -> None:
    found = visits_of(
        stay("ada", at("8:00"), at("9:00")),
        stay("bob", at("8:30"), at("8:50")),
        stay("bob", at("8:54"), at("9:30")),
        now=NOON,
    )
    points = reports.occupancy(found, PEOPLE, since=at("7:00"), until=at("10:00"), now=NOON)
    assert steps(points) == [
        ("07:00", 0),
        ("08:00", 1),
        ("08:30", 2),
        ("08:50", 1),
        ("08:54", 2),
        ("09:00", 1),
        ("09:30", 0),
        ("10:00", 0),
    ]
    assert peak(points) == OccupancyPoint(at("8:30"), 2)


def test_occupancy_knows_who_was_in_before_the_range_and_stays_after_it() -> None:
    found = visits_of(stay("ada", at("8:00"), at("11:00")), stay("bob", at("8:00"), None), now=NOON)
    assert steps(occupancy_of(found, since=at("9:00"), until=at("10:00"), now=NOON)) == [("09:00", 2), ("10:00", 2)]


def test_occupancy_ends_at_now() -> None:
    found = visits_of(stay("ada", at("8:00"), None), now=at("9:00"))
    points = occupancy_of(found, since=at("8:30"), until=at("23:00"), now=at("9:00"))
    assert steps(points) == [("08:30", 1), ("09:00", 1)]


def test_occupancy_at_the_end_of_the_range_knows_who_comes_and_goes_just_then() -> None:
    found = visits_of(stay("ada", at("8:00"), at("9:00")), now=NOON)
    assert steps(occupancy_of(found, since=at("8:00"), until=at("9:00"), now=NOON)) == [("08:00", 1), ("09:00", 0)]
    found = visits_of(stay("ada", at("9:00"), None), now=at("9:00"))
    assert steps(occupancy_of(found, since=at("8:00"), until=NOON, now=at("9:00"))) == [("08:00", 0), ("09:00", 1)]


def test_one_leaves_as_another_comes_and_occupancy_stays() -> None:
    found = visits_of(stay("ada", at("8:00"), at("9:00")), stay("bob", at("9:00"), at("10:00")), now=NOON)
    points = occupancy_of(found, since=at("8:00"), until=at("9:30"), now=NOON)
    assert steps(points) == [("08:00", 1), ("09:30", 1)]


def test_the_peak_is_the_first_of_equals() -> None:
    points = [OccupancyPoint(at("8:00"), 2), OccupancyPoint(at("9:00"), 1), OccupancyPoint(at("10:00"), 2)]
    assert peak(points) == points[0]
    assert peak([OccupancyPoint(DAY, 0)]) is None
    assert peak([]) is None


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
