"""Visits added up over periods, people and days, as the reports tell them; with the standard library alone.

Sessions are those that count (staff left out or not); open ones run to `now`. Edges are instants, UTC, ascending: a
period lasts from one to the next.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import accumulate, pairwise
from statistics import median

from tracker.presence.sessions import Session

Step = tuple[datetime, int]
"""From an instant on so many people are in, until the next step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodTally:
    """What happened from one edge to the next.

    entries, exits: visits that began, that ended. visitors: different people among those who came; returning: of them,
    with an earlier visit on another day; new: the others. bounce_rate: share of the entries, 0..1, None without any.
    median_dwell_s: net, of the visits that began and are measured. peak: most people in at once.
    """

    started_at: datetime
    ended_at: datetime
    entries: int
    exits: int
    visitors: int
    returning: int
    new: int
    bounce_rate: float | None
    median_dwell_s: float | None
    peak: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What of a stay lies in one period. place: of the period, 0 the first. open: the stay goes on."""

    session: Session
    place: int
    started_at: datetime
    ended_at: datetime
    open: bool

    @property
    def length_s(self) -> float:
        return (self.ended_at - self.started_at).total_seconds()


def is_measured(session: Session) -> bool:
    """Its length is known and it was no bounce."""
    return session.dwell_known and not session.bounce


def touching(sessions: Iterable[Session], since: datetime, until: datetime) -> list[Session]:
    """Visits of which some lies in [since, until), or that are one instant there."""
    return [
        session
        for session in sessions
        if session.started_at < until
        and (session.ended_at is None or session.ended_at > since or session.started_at >= since)
    ]


def begun(sessions: Iterable[Session], since: datetime, until: datetime) -> list[Session]:
    """Visits that begin in [since, until)."""
    return [session for session in sessions if since <= session.started_at < until]


def tally(sessions: Sequence[Session], edges: Sequence[datetime], *, zone: tzinfo) -> list[PeriodTally]:
    """One for each period. sessions: give earlier ones too, they tell who returns and who was in already."""
    came = _by_place(sessions, edges, lambda session: session.started_at)
    left = _by_place(sessions, edges, lambda session: session.ended_at)
    first: dict[str, datetime] = {}
    for session in sessions:
        first[session.person_id] = min(first.get(session.person_id, session.started_at), session.started_at)
    highest = peaks(steps_of(sessions), edges)
    rows = []
    for place, (start, end) in enumerate(pairwise(edges)):
        last: dict[str, datetime] = {}
        for session in came[place]:
            last[session.person_id] = max(last.get(session.person_id, session.started_at), session.started_at)
        returning = sum(first[who].astimezone(zone).date() < at.astimezone(zone).date() for who, at in last.items())
        entries = len(came[place])
        rows.append(
            PeriodTally(
                started_at=start,
                ended_at=end,
                entries=entries,
                exits=len(left[place]),
                visitors=len(last),
                returning=returning,
                new=len(last) - returning,
                bounce_rate=sum(session.bounce for session in came[place]) / entries if entries else None,
                median_dwell_s=median_of([each.dwell_s for each in came[place] if is_measured(each)]),
                peak=highest[place],
            )
        )
    return rows


def steps_of(sessions: Iterable[Session]) -> list[Step]:
    """People in from each instant on; a stay of no length changes nothing."""
    changes = Counter[datetime]()
    for session in sessions:
        for segment in session.segments:
            if segment.ended_at is None or segment.ended_at > segment.started_at:
                changes[segment.started_at] += 1
                if segment.ended_at is not None:
                    changes[segment.ended_at] -= 1
    at = sorted(moment for moment, change in changes.items() if change)
    return list(zip(at, accumulate(changes[moment] for moment in at), strict=True))


def peaks(steps: Sequence[Step], edges: Sequence[datetime]) -> list[int]:
    """The most people in at once in each period."""
    at = [moment for moment, _ in steps]
    people = [0, *(count for _, count in steps)]
    return [
        max(people[bisect_right(at, start)], *people[bisect_left(at, start) + 1 : bisect_left(at, end) + 1], 0)
        for start, end in pairwise(edges)
    ]


def peak_between(steps: Sequence[Step], since: datetime, until: datetime) -> Step | None:
    """The first moment of [since, until) with the most people; None if there never was anybody."""
    before = [count for at, count in steps if at <= since]
    points = [(since, before[-1] if before else 0), *(step for step in steps if since < step[0] < until)]
    best = max(points, key=lambda step: step[1])
    return best if best[1] else None


def means(sessions: Iterable[Session], edges: Sequence[datetime], now: datetime) -> list[float | None]:
    """People in on average, over the time of each period up to now; None where that is nothing."""
    inside = [timedelta(0)] * (len(edges) - 1)
    for part in parts_of(sessions, edges, now):
        begin, end = max(part.started_at, edges[part.place]), min(part.ended_at, now)
        inside[part.place] += max(end - begin, timedelta(0))
    lengths = [min(end, now) - start for start, end in pairwise(edges)]
    return [time / length if length > timedelta(0) else None for time, length in zip(inside, lengths, strict=True)]


def parts_of(sessions: Iterable[Session], edges: Sequence[datetime], now: datetime) -> list[Part]:
    """Stays cut at the edges, by start, then end. A stay of no length lies in the period in which it is."""
    first, last = edges[0], edges[-1]
    found = []
    for session in sessions:
        for segment in session.segments:
            start, end = segment.started_at, segment.ended_at or max(now, segment.started_at)
            if start >= last or (end <= first and start < first):
                continue
            begin, until = max(start, first), min(end, last)
            place = bisect_right(edges, begin) - 1
            final = max(bisect_left(edges, until) - 1, place)
            found += [
                Part(
                    session=session,
                    place=each,
                    started_at=max(begin, edges[each]),
                    ended_at=min(until, edges[each + 1]),
                    open=segment.ended_at is None and each == final,
                )
                for each in range(place, final + 1)
            ]
    return sorted(found, key=lambda part: (part.started_at, part.ended_at))


def median_of(values: Sequence[float]) -> float | None:
    """The middle of the values, None without any."""
    return median(values) if values else None


def quantile_of(values: Sequence[float], share: float) -> float | None:
    """Linear between the two nearest ranks; None without values."""
    if not values:
        return None
    ascending = sorted(values)
    rank = (len(ascending) - 1) * share
    low = math.floor(rank)
    high = min(low + 1, len(ascending) - 1)
    return ascending[low] + (ascending[high] - ascending[low]) * (rank - low)


def _by_place(
    sessions: Iterable[Session], edges: Sequence[datetime], moment: Callable[[Session], datetime | None]
) -> list[list[Session]]:
    """The sessions of which a moment lies in each period."""
    found: list[list[Session]] = [[] for _ in edges[1:]]
    for session in sessions:
        at = moment(session)
        if at is not None and edges[0] <= at < edges[-1]:
            found[bisect_right(edges, at) - 1].append(session)
    return found
