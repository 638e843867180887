"""What visits add to the hours of a site: who came, who went, how long each was in. Exact, so that it can be undone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TypeAlias

from tracker.presence.events import as_utc

Usage: TypeAlias = dict[datetime, list[int]]
"""By the start of a local hour (UTC): visits begun, visits seen to end, microseconds inside."""

_QUARTER_S = 900
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class HourUsage:
    """One local hour of a site. started_at: UTC. entries, exits: visits begun, visits seen to end. visitors: different
    people among the entries. inside_s: seconds inside, of everybody together, gaps left out."""

    started_at: datetime
    entries: int
    exits: int
    visitors: int
    inside_s: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "started_at", as_utc(self.started_at))


class LocalHours:
    """Where the hours of a zone begin; zones are off, and shift, by half an hour or three quarters too."""

    __slots__ = ("_following", "_starts", "_zone")

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._starts: dict[int, datetime] = {}
        self._following: dict[datetime, datetime] = {}

    def start(self, at: datetime) -> datetime:
        """The start (UTC) of the local hour in which an instant lies."""
        quarter = int(at.timestamp()) // _QUARTER_S
        found = self._starts.get(quarter)
        if found is None:
            local = at.astimezone(self._zone).replace(minute=0, second=0, microsecond=0)
            found = self._starts[quarter] = local.astimezone(UTC)
        return found

    def following(self, start: datetime) -> datetime:
        """The start of the next hour."""
        found = self._following.get(start)
        if found is None:
            found = start
            while self.start(found) <= start:
                found += timedelta(seconds=_QUARTER_S)
            self._following[start] = found
        return found


def add_visit(
    usage: Usage,
    stays: Iterable[tuple[datetime, datetime | None]],
    hours: LocalHours,
    *,
    exit_seen: bool,
    sign: int = 1,
) -> None:
    """Add a visit of these stays, in order, to `usage`, or with `sign` -1 take it away.

    A stay without an end adds no time. exit_seen: somebody saw the last stay end.
    """
    first, last = None, None
    for started_at, ended_at in stays:
        first = first or started_at
        last = ended_at
        if ended_at is None:
            continue
        at, hour = started_at, hours.start(started_at)
        while at < ended_at:
            following = hours.following(hour)
            until = min(following, ended_at)
            usage.setdefault(hour, [0, 0, 0])[2] += sign * ((until - at) // _MICROSECOND)
            at, hour = until, following
    if first is not None:
        usage.setdefault(hours.start(first), [0, 0, 0])[0] += sign
    if last is not None and exit_seen:
        usage.setdefault(hours.start(last), [0, 0, 0])[1] += sign
