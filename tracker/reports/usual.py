"""What is usual: the counts of the last same weekdays by the same time of day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from statistics import median

import numpy as np
import pandas as pd

from tracker.presence.coverage import Coverage
from tracker.reports import occupancy
from tracker.reports.data import ReportData

DAYS = 8
"""Same weekdays that are looked back at."""
LEAST_DAYS = 3
"""With fewer of them nothing is called usual."""
LEAST_WATCHED = 0.8
"""A day of which less was watched (0..1, up to the time of day) does not count."""
_A_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PastDay:
    """A day that is over. since, until: its instants, UTC. entered: when people came in, ascending.

    inside: people in from each instant on. coverage: what was watched.
    """

    since: datetime
    until: datetime
    entered: pd.DatetimeIndex
    inside: pd.Series[int]
    coverage: Coverage


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """Medians over `days` days at one time of day. inside: people in then. entries, peak: from midnight up to then."""

    inside: int
    entries: int
    peak: int
    days: int


def same_weekdays(today: date) -> Iterator[date]:
    """The same weekday of each of the last DAYS weeks, the latest first."""
    return (today - timedelta(weeks=weeks) for weeks in range(1, DAYS + 1))


def past_day(data: ReportData) -> PastDay:
    """What is counted of a day that is over. data: its range is that day."""
    frames = data.counted()
    entered = frames.entered[frames.entered >= pd.Timestamp(data.since)]
    return PastDay(
        since=data.since,
        until=data.until,
        entered=pd.DatetimeIndex(entered[entered < pd.Timestamp(data.until)]).sort_values(),
        inside=occupancy.steps_between(frames, data.since, data.until, data.now),
        coverage=data.coverage,
    )


def usual(days: Iterable[PastDay], now: datetime, zone: tzinfo) -> Usual | None:
    """The medians at the time of day of `now`; None where fewer than LEAST_DAYS days were watched up to then."""
    counts = [_counts(day, at) for day in days if _is_watched(day, at := _same_time(day, now, zone))]
    if len(counts) < LEAST_DAYS:
        return None
    inside, entries, peak = (round(median(each)) for each in zip(*counts, strict=True))
    return Usual(inside=inside, entries=entries, peak=peak, days=len(counts))


def _same_time(day: PastDay, now: datetime, zone: tzinfo) -> datetime:
    """When the clock of the site showed the time of `now` on that day."""
    local = now.astimezone(zone)
    at = datetime.combine(day.since.astimezone(zone).date(), local.time(), zone).astimezone(UTC)
    return min(max(at, day.since + _A_MOMENT), day.until)


def _is_watched(day: PastDay, at: datetime) -> bool:
    """Whether the day counts up to then. Where nothing is known about outages, all of the recorded time does."""
    begin = day.coverage.recorded_since
    if begin is None or begin > day.since:
        return False
    share = day.coverage.shares([day.since, at])[0]
    return share is None or share >= LEAST_WATCHED


def _counts(day: PastDay, at: datetime) -> tuple[int, int, int]:
    """People in, entries and peak up to then."""
    moment = pd.Timestamp(at)
    inside = day.inside.to_numpy()[: day.inside.index.searchsorted(moment, side="right")]
    return int(inside[-1]), int(day.entered.searchsorted(moment, side="right")), int(np.max(inside))
