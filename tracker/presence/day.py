"""The figures of one local day of a site, small enough for one document `days/{date}`. Standard library only."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from operator import itemgetter

from tracker.presence.calendar import day_range
from tracker.presence.events import SCHEMA
from tracker.presence.occupancy import (
    Count,
    Passage,
    Step,
    count,
    in_view,
    instant,
    margin,
    microseconds,
    reset_times,
    resets,
)
from tracker.presence.rules import Rules
from tracker.presence.sessions import Session

_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigures:
    """What `footfall report usage --by day --staff` has of the day, in sums that add up over days.

    zone: IANA name. entries, exits: sessions that began and that ended on the day, or crossings where everybody is
    counted; unidentified: of those entries, by people who were not recognised. visitors: different people among the
    sessions that began. peak: most people in at once, and peak_at: since when (UTC), None where nobody was in.
    measured: of the sessions that began those whose dwell is known, without bounces. dwell_s, gross_s: sums over them.
    """

    day: date
    zone: str
    entries: int
    exits: int
    unidentified: int
    visitors: int
    bounces: int
    peak: int
    peak_at: datetime | None
    measured: int
    dwell_s: float
    gross_s: float


def day_figures(
    sessions: Iterable[Session], day: date, rules: Rules, *, now: datetime, passages: Iterable[Passage] | None = None
) -> DayFigures:
    """The figures of a local day.

    sessions: at least those that touch it, in any order; others change nothing. passages: those of `evidence_range`, in
    any order, which count up to now; None where sessions are all that counts.
    """
    since, until = day_range(day, rules.zone)
    known = sorted(sessions, key=lambda session: (session.started_at, session.session_id))
    begun = [session for session in known if since <= session.started_at < until]
    measured = [session for session in begun if session.dwell_known and not session.bounce]
    entries, unidentified, end = len(begun), 0, until
    exits = sum(session.ended_at is not None and since <= session.ended_at < until for session in known)
    steps = _visiting(known, since, until)
    if passages is not None:
        end = min(until, now + _MOMENT)
        counted = count(passages, rules, since=_last_reset(rules, since), until=until)
        steps = _people(counted, steps)
        if counted.steps is not None:
            entries, exits, unidentified = _crossings(counted, microseconds(since), microseconds(end))
    peak, peak_at = _peak(steps, since, end)
    return DayFigures(
        day=day,
        zone=getattr(rules.zone, "key", None) or str(rules.zone),
        entries=entries,
        exits=exits,
        unidentified=unidentified,
        visitors=len({session.person_id for session in begun}),
        bounces=sum(session.bounce for session in begun),
        peak=peak,
        peak_at=peak_at,
        measured=len(measured),
        dwell_s=sum(session.dwell_s for session in measured),
        gross_s=sum(session.gross_s for session in measured),
    )


def day_document(figures: DayFigures) -> dict[str, object]:
    """The document `days/{date}`, without the server's time stamp."""
    document = {field.name: getattr(figures, field.name) for field in fields(figures) if field.name != "day"}
    return {**document, "schema": SCHEMA}


def evidence_range(day: date, rules: Rules) -> tuple[datetime, datetime]:
    """When the events are that count on a local day: from the reset before it on, with the views that last until then.

    It ends a little after the day: a view that is shorter is no evidence.
    """
    since, until = day_range(day, rules.zone)
    longest_view = rules.max_visit if rules.rooms else timedelta(0)
    return _last_reset(rules, since) - longest_view, until + 2 * margin(rules)


def days_counted(changed: Iterable[datetime], rules: Rules, *, now: datetime) -> set[date]:
    """The local days up to now on which events at these instants count: until the next reset of the count."""
    times, days = reset_times(rules), set[date]()
    for at in changed:
        first = (at - margin(rules)).astimezone(rules.zone).date()
        last = min(times.after(at) - _MOMENT, now).astimezone(rules.zone).date()
        days |= {first + timedelta(days=number) for number in range((last - first).days + 1)}
    return days


def _last_reset(rules: Rules, since: datetime) -> datetime:
    return resets(rules, since, since)[0]


def _crossings(counted: Count, since_us: int, end_us: int) -> tuple[int, int, int]:
    """Entries, exits, and entries of unidentified people in [since, end)."""
    within = [each for each in counted.crossings if since_us <= each.at_us < end_us]
    entered = [each.person_id for each in within if each.enters]
    return len(entered), len(within) - len(entered), entered.count(None)


def _visiting(sessions: Iterable[Session], since: datetime, until: datetime) -> Sequence[Step]:
    """How many people are in by their sessions in [since, until). A segment without length does not count."""
    changes = Counter[int]()
    for session in sessions:
        for segment in session.segments:
            start = max(segment.started_at, since)
            end = until if segment.ended_at is None else min(segment.ended_at, until)
            if start < end:
                changes[microseconds(start)] += 1
                changes[microseconds(end)] -= 1
    inside, steps = 0, list[Step]()
    for at_us in sorted(changes):
        inside += changes[at_us]
        steps.append((at_us, inside))
    return steps


def _people(counted: Count, visiting: Sequence[Step]) -> Sequence[Step]:
    """How many people are in: as counted at doors, or the larger of the visiting and those one room has in view."""
    if counted.steps is not None:
        return counted.steps
    together = [(at_us, people) for at_us, _, people in in_view(counted.views)]
    changes = [(at_us, number, people) for number, each in enumerate((visiting, together)) for at_us, people in each]
    latest, most = [0, 0], dict[int, int]()
    for at_us, number, people in sorted(changes):
        latest[number] = people
        most[at_us] = max(latest)
    return list(most.items())


def _peak(steps: Sequence[Step], since: datetime, end: datetime) -> tuple[int, datetime | None]:
    """The most people in at once in [since, end), and since when. steps: ascending."""
    since_us, end_us = microseconds(since), microseconds(end)
    first = max(bisect_right(steps, since_us, key=itemgetter(0)) - 1, 0)
    within = [(max(at_us, since_us), people) for at_us, people in steps[first:] if at_us < end_us]
    at_us, most = max(within, key=itemgetter(1), default=(0, 0))  # the first of several
    return most, instant(at_us) if most else None
