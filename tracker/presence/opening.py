"""When a site is open: what nobody watched while it was closed is no outage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import TypeAlias

Stretch: TypeAlias = tuple[datetime, datetime]
"""[from, to), UTC"""


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
            raise ValueError("opens_at, closes_at: expected times of day without a zone; `zone` says which it is")

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
