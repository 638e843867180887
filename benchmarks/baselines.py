"""Baselines for visits: pairs of enter and exit events, and a timer from first to last sighting."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo

from benchmarks.visit_score import ScoredVisit
from tracker.presence.events import Event, EventKind


def pairs(events: Iterable[Event], *, now: datetime) -> list[ScoredVisit]:
    """Pairs each exit with the preceding enter of the person; without an exit, the visit lasts until now."""
    entered: dict[str, datetime] = {}
    found: list[ScoredVisit] = []
    for event in sorted(events, key=lambda event: (event.at, event.event_id)):
        if event.kind is EventKind.ENTER:
            entered[event.person_id] = event.at
        elif event.person_id in entered:
            found.append(_visit(event.person_id, entered.pop(event.person_id), event.at))
    return [*found, *(_visit(person_id, at, max(now, at)) for person_id, at in entered.items())]


def first_seen(events: Iterable[Event], *, zone: tzinfo) -> list[ScoredVisit]:
    """Time since somebody was seen first, as the timers of supervision's time-in-zone example keep it.

    The example keeps the first sight of an id for ever. Here it is restarted every night, which does it a favour.
    """
    days: dict[tuple[str, int], tuple[datetime, datetime]] = {}
    for event in events:
        key = (event.person_id, event.at.astimezone(zone).toordinal())
        first, last = days.get(key, (event.at, event.at))
        days[key] = (min(first, event.at), max(last, event.at))
    return [_visit(person_id, first, last) for (person_id, _), (first, last) in days.items()]


def _visit(person_id: str, started_at: datetime, ended_at: datetime) -> ScoredVisit:
    dwell_s = (ended_at - started_at).total_seconds()
    return ScoredVisit(person_id=person_id, started_at=started_at, ended_at=ended_at, dwell_s=dwell_s)
