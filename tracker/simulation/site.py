"""A place that never was, day by day: the truth, and what its cameras told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from tracker.presence.calendar import day_range
from tracker.simulation.cameras import Reports, reports_on
from tracker.simulation.cast import Player
from tracker.simulation.plan import Noise, Plan
from tracker.simulation.truth import Stay, stays_on


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One local day: the stays that began by then, by start, and what the cameras told of them."""

    date: date
    stays: tuple[Stay, ...]
    reports: Reports


def simulate(plan: Plan, noise: Noise, cast: tuple[Player, ...], *, until: datetime | None = None) -> Iterator[Day]:
    """The days of the plan, one after the other, in memory one at a time.

    until: the present; what lies behind it has not happened yet. None: after the last day. The truth depends on the
    plan alone: more noise, or another `until`, leaves it as it is.
    """
    end = plan.ends_at if until is None else min(until.astimezone(UTC), plan.ends_at)
    players = {player.person.person_id: player for player in cast}
    for day in plan.all_days:
        if day_range(day, plan.zone)[0] > end:
            return
        stays = tuple(stay for stay in stays_on(day, plan, cast) if stay.entered_at <= end)
        yield Day(date=day, stays=stays, reports=reports_on(day, stays, plan, noise, players, until=end))
