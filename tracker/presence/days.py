"""Days and hours of a time zone, as instants: a day may have 23 or 25 hours, and a zone may shift by half an hour."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo

_QUARTER = timedelta(minutes=15)


def day_range(day: date, zone: tzinfo, *, days: int = 1) -> tuple[datetime, datetime]:
    """The instants (UTC) between which `days` local days lie, the first of them `day`."""
    return _midnight(day, zone), _midnight(day + timedelta(days=days), zone)


def hour_edges(since: datetime, until: datetime, zone: tzinfo) -> list[datetime]:
    """Where the local hours that the range touches begin, and the range's end; UTC, ascending.

    Quarters are looked at one by one, because zones are off, and shift, by half an hour or three quarters too.
    """
    edges: list[datetime] = []
    at, last = since.astimezone(UTC), None
    while at < until:
        start = at.astimezone(zone).replace(minute=0, second=0, microsecond=0).astimezone(UTC)
        if last is None or start > last:
            edges.append(max(start, since.astimezone(UTC)))
            last = start
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


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)
