"""The calendar of a site: its days and hours as instants, instants on its clock as text, and when it is open.

A day may have 23 or 25 hours, and a zone may shift by half an hour.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import TypeAlias

Stretch: TypeAlias = tuple[datetime, datetime]
"""[from, to), UTC"""

MOMENT = "%Y-%m-%d %H:%M:%S"
MINUTE = "%Y-%m-%d %H:%M"
CLOCK = "%H:%M"
_QUARTER, _HOUR = timedelta(minutes=15), timedelta(hours=1)
_HOURS = tuple(hour * _HOUR for hour in range(24))


def day_range(day: date, zone: tzinfo, *, days: int = 1) -> tuple[datetime, datetime]:
    """The instants (UTC) between which `days` local days lie, the first of them `day`."""
    return _midnight(day, zone), _midnight(day + timedelta(days=days), zone)


def hour_edges(since: datetime, until: datetime, zone: tzinfo) -> list[datetime]:
    """Where the local hours that the range touches begin, and the range's end; UTC, ascending.

    Where the zone shifts, quarters are looked at one by one: zones are off, and shift, by half an hour or three
    quarters too.
    """
    edges: list[datetime] = []
    at, last = since.astimezone(UTC), None
    while at < until:
        local = at.astimezone(zone)
        start = local.replace(minute=0, second=0, microsecond=0).astimezone(UTC)
        if last is None or start > last:
            edges.append(max(start, since.astimezone(UTC)))
            last = start
        steady_h = next((each for each in (24, 1) if _is_steady(local, start, start + each * _HOUR)), 0)
        if start + steady_h * _HOUR > at:
            within = [start + length for length in _HOURS[1:steady_h]]
            edges += within if not within or within[-1] < until else (each for each in within if each < until)
            last, at = start + (steady_h - 1) * _HOUR, start + steady_h * _HOUR
        else:
            at += _QUARTER - timedelta(minutes=at.minute % 15, seconds=at.second, microseconds=at.microsecond)
    return [*edges, until.astimezone(UTC)]


def day_edges(since: datetime, until: datetime, zone: tzinfo) -> list[datetime]:
    """Where the local days that the range touches begin, and the range's end; UTC, ascending."""
    edges: list[datetime] = []
    start, day = since.astimezone(UTC), since.astimezone(zone).date()
    while start < until:
        edges.append(start)
        day += timedelta(days=1)
        start = _midnight(day, zone)
    return [*edges, until.astimezone(UTC)]


def local_text(at: datetime, zone: tzinfo, form: str = MOMENT) -> str:
    """The time on the site's clock, in a `strftime` form; one that the clock shows twice carries its zone.

    2026-10-25 01:50:00, then 2026-10-25 02:50:00 CEST, then 2026-10-25 02:10:00 CET.
    """
    there = at.astimezone(zone)
    text = there.strftime(form)
    return f"{text} {there.tzname()}" if is_ambiguous(there) else text


def is_ambiguous(there: datetime) -> bool:
    """Whether the clock of the time's own zone shows it twice."""
    return there.replace(fold=0).utcoffset() != there.replace(fold=1).utcoffset()


@dataclass(frozen=True, slots=True)
class Opening:
    """The hours of every local day in which people come: from `opens_at` to `closes_at`, which may be of the next day.

    Raises ValueError when both are the same, or one has a zone of its own.
    """

    opens_at: time
    closes_at: time
    zone: tzinfo

    def __post_init__(self) -> None:
        if self.opens_at == self.closes_at:
            raise ValueError("closes_at: expected another time of day than opens_at")
        if self.opens_at.tzinfo is not None or self.closes_at.tzinfo is not None:
            raise ValueError("opens_at, closes_at: expected times of day without a zone; give the zone as `zone`")

    def within(self, since: datetime, until: datetime) -> Iterator[Stretch]:
        """What of [since, until) lies in opening hours, in order."""
        day = since.astimezone(self.zone).date() - timedelta(days=1)
        last = until.astimezone(self.zone).date()
        closes_next_day = timedelta(days=1) if self.closes_at < self.opens_at else timedelta(0)
        while day <= last:
            opens = datetime.combine(day, self.opens_at, self.zone).astimezone(UTC)
            closes = datetime.combine(day + closes_next_day, self.closes_at, self.zone).astimezone(UTC)
            if max(opens, since) < min(closes, until):
                yield max(opens, since), min(closes, until)
            day += timedelta(days=1)


def _is_steady(local: datetime, since: datetime, until: datetime) -> bool:
    """Whether the clock of `local` has the same offset from UTC at both ends: no zone shifts twice within a day."""
    return all(each.astimezone(local.tzinfo).utcoffset() == local.utcoffset() for each in (since, until))


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)
