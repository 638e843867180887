"""The watched part of a range of time, for plots and as notes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from dashboard.wording import duration, moment
from tracker.presence.calendar import day_edges, hour_edges
from tracker.presence.coverage import Coverage, Outage
from tracker.reports.charts import Blind
from tracker.reports.text import outage_notes

_ENOUGH = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageView:
    """The watched part of a range up to now.

    share: of the whole range, 0..1, None if nothing is known about outages. blind: unwatched spans, in order. notes:
    sentences for people, none if all was watched.
    """

    share: float | None
    blind: tuple[Blind, ...]
    notes: tuple[str, ...]

    @property
    def nothing(self) -> bool:
        """No camera watched at any time."""
        return self.share == 0

    @property
    def mostly_missed(self) -> bool:
        """Too little was watched for nobody seen to mean that nobody was there."""
        return self.share is not None and self.share < _ENOUGH

    @property
    def whole(self) -> bool:
        """No outage is known."""
        return not self.notes


def coverage_view(
    coverage: Coverage, since: datetime, until: datetime, *, zone: ZoneInfo, now: datetime
) -> CoverageView:
    """What was watched in [since, until) up to `now`."""
    end = _end(since, until, now)
    outages = coverage.outages(since, end)
    return CoverageView(
        share=coverage.shares([since, end])[0],
        blind=_blind(coverage, outages, since, end),
        notes=tuple(_notes(coverage, outages, since, zone, now)),
    )


def hours_watched(
    coverage: Coverage, since: datetime, until: datetime, *, zone: ZoneInfo, now: datetime
) -> tuple[float | None, ...]:
    """The share (0..1) of each of the 24 hours of the day that was watched, over all days of [since, until).

    None for an unknown hour: in the future, outside opening hours, or without any camera.
    """
    found: list[list[float]] = [[] for _ in range(24)]
    edges = hour_edges(since, _end(since, until, now), zone)
    for start, share in zip(edges[:-1], coverage.shares(edges), strict=True):
        if share is not None:
            found[start.astimezone(zone).hour].append(share)
    return tuple(sum(each) / len(each) if each else None for each in found)


def days_watched(coverage: Coverage, since: datetime, until: datetime, *, zone: ZoneInfo, now: datetime) -> float:
    """The watched days of [since, until), in whole days; all if nothing is known."""
    shares = coverage.shares(day_edges(since, _end(since, until, now), zone))
    return sum(1.0 if share is None else share for share in shares)


def _end(since: datetime, until: datetime, now: datetime) -> datetime:
    """Now, if the range has not ended; always after its start."""
    return max(min(until, now), since + timedelta(microseconds=1))


def _blind(coverage: Coverage, outages: Sequence[Outage], since: datetime, until: datetime) -> tuple[Blind, ...]:
    begin = coverage.recorded_since
    edges = {since, until, *(each.started_at for each in outages), *(each.ended_at for each in outages)}
    edges |= {begin} if begin is not None and since < begin < until else set()
    ordered = sorted(edges)
    return tuple(
        Blind(since=start, until=end, share=share)
        for (start, end), share in zip(pairwise(ordered), coverage.shares(ordered), strict=True)
        if share is not None and share < 1
    )


def _notes(
    coverage: Coverage, outages: Sequence[Outage], since: datetime, zone: ZoneInfo, now: datetime
) -> Iterator[str]:
    begin = coverage.recorded_since
    if begin is not None and since < begin and coverage.known:
        yield f"Records begin {moment(begin, zone, now)}; nothing is known about the time before."
    yield from outage_notes(outages, span=lambda outage: _span(outage, zone, now), length=duration)


def _span(outage: Outage, zone: ZoneInfo, now: datetime) -> str:
    start, end = outage.started_at.astimezone(zone), outage.ended_at.astimezone(zone)
    until = "now" if now - outage.ended_at < timedelta(seconds=1) else (
        f"{end:%H:%M}" if start.date() == end.date() else moment(outage.ended_at, zone, now)
    )  # fmt: skip
    return f"{moment(outage.started_at, zone, now)} to {until}"
