"""What is usual at this time of such a weekday."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from tests.tracker.reports.timelines import BERLIN, at, data_of, stay
from tracker.presence.calendar import day_range
from tracker.presence.coverage import CoverageSpan
from tracker.presence.events import Event
from tracker.reports.data import ReportData
from tracker.reports.usual import PastDay, Usual, past_day, same_weekdays, usual

NOW = at("12:00")
RECORDS_BEGIN = stay("sam", at("8:00", day=-70), at("9:00", day=-70))


def past_days(*weeks: list[list[Event]], spans: tuple[CoverageSpan, ...] = ()) -> list[PastDay]:
    """The Mondays before the day: what happened one week ago, two weeks ago …"""
    found = []
    for back, stays in enumerate(weeks, start=1):
        since, until = day_range(NOW.date() - timedelta(weeks=back), BERLIN)
        data = data_of(RECORDS_BEGIN, *stays, since=since, until=until, now=NOW, spans=spans, staff=True)
        found.append(past_day(data))
    return found


def morning(week: int, count: int) -> list[list[Event]]:
    """So many people came at nine that Monday; all but one left at eleven, and one more comes in the evening."""
    day = -7 * week
    names = [f"p{number}" for number in range(count)]
    stays = [stay(name, at("9:00", day=day), at("11:00" if name != "p0" else "15:00", day=day)) for name in names]
    return [*stays, stay("late", at("19:00", day=day), at("20:00", day=day))]


def test_the_last_same_weekdays() -> None:
    found = list(same_weekdays(date(2026, 1, 5)))
    assert (found[0], found[-1], len(found)) == (date(2025, 12, 29), date(2025, 11, 10), 8)


def test_medians_of_the_counts_up_to_this_time_of_day() -> None:
    days = past_days(morning(1, 4), morning(2, 10), morning(3, 6))
    assert usual(days, NOW, BERLIN) == Usual(inside=1, entries=6, peak=6, days=3)
    assert usual(days, at("10:00"), BERLIN) == Usual(inside=6, entries=6, peak=6, days=3)
    assert usual(days, at("8:00"), BERLIN) == Usual(inside=0, entries=0, peak=0, days=3)
    assert usual(days, at("19:30"), BERLIN) == Usual(inside=1, entries=7, peak=6, days=3)


def test_a_day_without_anybody_counts() -> None:
    days = past_days(morning(1, 4), [], [])
    assert usual(days, NOW, BERLIN) == Usual(inside=0, entries=0, peak=0, days=3)


def test_two_days_are_not_enough_to_call_anything_usual() -> None:
    assert usual(past_days(morning(1, 4), morning(2, 4)), NOW, BERLIN) is None
    assert usual([], NOW, BERLIN) is None


def test_days_before_the_records_begin_do_not_count() -> None:
    days = past_days(*([] for _ in range(8)))
    found = usual(days, NOW, BERLIN)
    assert found is not None
    assert found.days == 8
    later = [past_day(_of_week(week, first=-13)) for week in (1, 2, 3, 4)]
    assert usual(later, NOW, BERLIN) is None


def test_a_day_that_was_hardly_watched_up_to_then_does_not_count() -> None:
    weeks = [at("0:00", day=-7 * week) for week in (1, 2, 3, 4)]
    spans = tuple(_span(start, hours=24) for start in weeks[1:])
    late = _span(weeks[0] + timedelta(hours=9), hours=15)
    days = past_days(*(morning(week, week) for week in (1, 2, 3, 4)), spans=(*spans, late))
    assert usual(days, NOW, BERLIN) == Usual(inside=1, entries=3, peak=3, days=3)
    assert usual(days, at("23:59"), BERLIN) == Usual(inside=0, entries=4, peak=3, days=3)


def test_the_clock_of_the_site_decides_where_it_was_shifted() -> None:
    """A week after the clocks went forward: the day before had one hour less by noon, but it was noon."""
    now = datetime(2026, 4, 5, 12, tzinfo=BERLIN)
    begin = stay("sam", datetime(2026, 1, 1, tzinfo=BERLIN), datetime(2026, 1, 1, 1, tzinfo=BERLIN))
    stays, days = [begin], []
    for week in (1, 2, 3):
        noon = datetime(2026, 4, 5, 12, tzinfo=BERLIN) - timedelta(weeks=week)
        stays.append(stay("ada", noon - timedelta(minutes=30), noon - timedelta(minutes=20)))
        stays.append(stay("bob", noon + timedelta(minutes=10), noon + timedelta(minutes=30)))
    for week in (1, 2, 3):
        since, until = day_range(now.date() - timedelta(weeks=week), BERLIN)
        days.append(past_day(data_of(*stays, since=since, until=until, now=now, staff=True)))
    assert usual(days, now, BERLIN) == Usual(inside=0, entries=1, peak=1, days=3)


def _span(start: datetime, *, hours: float) -> CoverageSpan:
    return CoverageSpan(site_id="gym", camera_id="door", started_at=start, ended_at=start + timedelta(hours=hours))


def _of_week(week: int, *, first: int) -> ReportData:
    since, until = day_range(NOW.date() - timedelta(weeks=week), BERLIN)
    begin = stay("sam", at("8:00", day=first), at("9:00", day=first))
    return data_of(begin, since=since, until=until, now=NOW, staff=True)
