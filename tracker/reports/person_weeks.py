"""How much one person used a place, week by week. Standard library only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from tracker.presence.calendar import day_range
from tracker.presence.sessions import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """One week of a person. monday: its first local day. inside_s: net; visits: that began in it."""

    monday: date
    inside_s: float
    visits: int


def weeks(sessions: Iterable[Session], *, now: datetime, zone: tzinfo, count: int) -> list[Week]:
    """The `count` local weeks up to the one of `now` (UTC), the earliest first; open visits run to now."""
    today = now.astimezone(zone).date()
    mondays = [today - timedelta(days=today.weekday(), weeks=back) for back in range(count - 1, -1, -1)]
    known = list(sessions)
    return [_week(known, monday, now, zone) for monday in mondays]


def _week(sessions: list[Session], monday: date, now: datetime, zone: tzinfo) -> Week:
    since, until = day_range(monday, zone, days=7)
    inside = timedelta()
    for session in sessions:
        for segment in session.segments:
            start, end = max(segment.started_at, since), min(segment.ended_at or now, until)
            inside += max(end - start, timedelta())
    visits = sum(since <= session.started_at < until for session in sessions)
    return Week(monday=monday, inside_s=inside.total_seconds(), visits=visits)
