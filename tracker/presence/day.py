"""The figures of one local day of a site, small enough for one document `days/{date}`. Standard library only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime, tzinfo

from tracker.presence.calendar import day_range
from tracker.presence.events import SCHEMA
from tracker.presence.sessions import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigures:
    """What `footfall report usage --by day --staff` has of the day by visits, in sums that add up over days.

    Unidentified people are in none of them.
    zone: IANA name. entries, exits: sessions that began and that ended on the day. visitors: different people among
    the entries. peak: most people in at once, and peak_at: since when (UTC), None where nobody was in. measured: of
    the entries those whose dwell is known, without bounces. dwell_s, gross_s: sums over them.
    """

    day: date
    zone: str
    entries: int
    exits: int
    visitors: int
    bounces: int
    peak: int
    peak_at: datetime | None
    measured: int
    dwell_s: float
    gross_s: float


def day_figures(sessions: Iterable[Session], day: date, zone: tzinfo) -> DayFigures:
    """The figures of a local day. sessions: at least those that touch it, in any order; others change nothing."""
    since, until = day_range(day, zone)
    known = sorted(sessions, key=lambda session: (session.started_at, session.session_id))
    begun = [session for session in known if since <= session.started_at < until]
    measured = [session for session in begun if session.dwell_known and not session.bounce]
    peak, peak_at = _peak(known, since, until)
    return DayFigures(
        day=day,
        zone=getattr(zone, "key", None) or str(zone),
        entries=len(begun),
        exits=sum(session.ended_at is not None and since <= session.ended_at < until for session in known),
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


def _peak(sessions: Iterable[Session], since: datetime, until: datetime) -> tuple[int, datetime | None]:
    """The most people in at once in [since, until), and since when. A segment without length does not count."""
    steps = Counter[datetime]()
    for session in sessions:
        for segment in session.segments:
            start = max(segment.started_at, since)
            end = until if segment.ended_at is None else min(segment.ended_at, until)
            if start < end:
                steps[start] += 1
                steps[end] -= 1
    inside, peak, peak_at = 0, 0, None
    for at in sorted(steps):
        inside += steps[at]
        if inside > peak:
            peak, peak_at = inside, at
    return peak, peak_at
