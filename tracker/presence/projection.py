"""One person's visits to one site, made anew from a point on, and what they add to the hours of each local day.

For stores that keep visits as documents: all of it follows from the events, so whoever asks again, in whatever order
the events came, gets the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from tracker.presence.events import Event, as_utc
from tracker.presence.hours import LocalHours, Usage, add_visit
from tracker.presence.rules import Closings, Rules
from tracker.presence.sessions import PersonAtSite, Session, finished, follow
from tracker.presence.state_machine import Walk
from tracker.presence.visit import Hold, Visit

DayUsage = Mapping[datetime, tuple[int, int, int]]
"""By the start of a local hour (UTC): visits begun, visits seen to end, microseconds inside; never all zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A visit as a ledger keeps it.

    clean: nothing before its first event has a say in it or in what follows, so that visits can be made anew from its
    start on. due_at: until when (UTC, included) an open visit counts as open if nothing more is heard; None of one
    that is over.
    """

    session: Session
    clean: bool
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Next:
    """A clean visit that is known already: its id, and when it began. What comes before it may be made anew alone."""

    session_id: str
    started_at: datetime


def entries_of(events: Iterable[Event], *, key: PersonAtSite, rules: Rules, now: datetime) -> list[Entry]:
    """The visits that one person's events at one site tell of, by start. now: UTC, ends what silence has ended by then.

    The events are all from some instant on at which an entry that is clean began, or all that there are, in any order
    and maybe more than once. Whose id they carry does not matter: the visits are those of `key`.
    """
    now = as_utc(now)
    walk = Walk(rules, Closings(rules))
    follow(walk, events)
    walk.end(now)
    walk.rest()
    return _entries(walk.visits, key, rules, now)


def entries_before(
    events: Iterable[Event], after: Next, *, key: PersonAtSite, rules: Rules, now: datetime
) -> list[Entry] | None:
    """The same for the visits before a clean one, from the events up to the moment at which that begins.

    None where it does not begin so any more: then what comes after it may be something else too.
    """
    walk = Walk(rules, Closings(rules))
    follow(walk, events)
    drafts = walk.drafts
    last = drafts[-1] if drafts else None
    if (
        last is None
        or not last.clean
        or (last.first.event_id, last.stays[0].started_at)
        != (
            after.session_id,
            after.started_at,
        )
    ):
        return None
    return _entries([visit for visit in drafts[:-1] if visit.counts], key, rules, as_utc(now))


def _entries(visits: list[Visit], key: PersonAtSite, rules: Rules, now: datetime) -> list[Entry]:
    return [
        Entry(
            session=session,
            clean=visit.clean,
            due_at=None if visit.heard_at is None else rules.over_at(visit.heard_at, in_sight=visit.hold is Hold.SIGHT),
        )
        for visit, session in zip(visits, finished(visits, key, rules, now), strict=True)
    ]


def usage_by_day(sessions: Iterable[Session], zone: tzinfo) -> dict[date, DayUsage]:
    """What the visits add to the hours of each local day. The stay that goes on adds no time until it is over."""
    usage: Usage = {}
    hours = LocalHours(zone)
    for session in sessions:
        stays = [(each.started_at, each.ended_at) for each in session.segments]
        add_visit(usage, stays, hours, exit_seen=not session.exit_inferred)
    days: dict[date, dict[datetime, tuple[int, int, int]]] = {}
    for hour, (entries, exits, inside_us) in usage.items():
        if entries or exits or inside_us:
            days.setdefault(hour.astimezone(zone).date(), {})[hour] = (entries, exits, inside_us)
    return dict(days)


def changed_days(before: Iterable[Session], after: Iterable[Session], zone: tzinfo) -> set[date]:
    """The local days to whose hours the visits add something else than before."""
    old, new = usage_by_day(before, zone), usage_by_day(after, zone)
    return {day for day in old.keys() | new.keys() if old.get(day) != new.get(day)}
