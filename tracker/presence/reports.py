"""What visits say about a place: who is in, how many came, how long they stayed, who comes back.

Every function is pure: visits and people in, typed rows out. A range is [since, until), two instants; days and hours
are those of the site's zone, so a day may have 23 or 25 of them. Staff are left out unless asked for. A visit counts
where it starts, once, whether it was merged from several stays or not; time is counted where it was spent. Open
visits run to `now`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from tracker.presence.calendar import day_edges, day_range, hour_edges
from tracker.presence.dwell import Dwell, dwell_of
from tracker.presence.occupancy import OccupancyPoint, occupancy_of, peak
from tracker.presence.people import Person, PersonKind, Role
from tracker.presence.sessions import Session, SessionState


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitRow:
    """One visit with the name of the visitor; times UTC, dwell_s net, gross_s with the gaps."""

    session_id: str
    site_id: str
    person_id: str
    name: str
    kind: PersonKind
    role: Role
    started_at: datetime
    ended_at: datetime | None
    dwell_s: float
    gross_s: float
    segments: int
    state: SessionState
    enter_inferred: bool
    exit_inferred: bool
    bounce: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """The local day of `now`, up to now.

    since, until: the day's bounds, UTC. occupancy: people in now. present: their visits, the earliest first.
    entries: visits that began today. visitors: different people among those; returning: those with a visit on an
    earlier day; new: the others. median_dwell_s: of today's visits that are over and measured, None without any.
    bounce_rate: share of today's visits, 0..1, None without visits. peak: the first moment with the most people,
    None if nobody came.
    """

    day: date
    since: datetime
    until: datetime
    now: datetime
    occupancy: int
    present: tuple[VisitRow, ...]
    entries: int
    visitors: int
    returning: int
    new: int
    median_dwell_s: float | None
    bounce_rate: float | None
    peak: OccupancyPoint | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Footfall:
    """Visits begun in [started_at, ended_at), both in the report's zone; visitors: different people among them."""

    started_at: datetime
    ended_at: datetime
    entries: int
    visitors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitors:
    """Different people in a range. returning: had an earlier visit on another day; new: had not."""

    visitors: int
    returning: int
    new: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonUsage:
    """What one person did in a range: visits begun, seconds inside (net, only those in the range).

    first_seen_at, last_seen_at: UTC, within the range; the latter is now for somebody who is in.
    """

    person_id: str
    name: str
    kind: PersonKind
    role: Role
    visits: int
    dwell_s: float
    first_seen_at: datetime
    last_seen_at: datetime
    present: bool


def today(
    sessions: Iterable[Session], people: Iterable[Person], *, now: datetime, zone: tzinfo, staff: bool = False
) -> Today:
    """The day so far. Give earlier visits too: they tell who returns."""
    roll = _Roll(people)
    counted = roll.counted(sessions, staff)
    day = now.astimezone(zone).date()
    since, until = day_range(day, zone)
    begun = _begun(counted, since, until)
    present = sorted((s for s in counted if s.state is SessionState.OPEN), key=lambda s: (s.started_at, s.person_id))
    who = _visitors(counted, since, until, zone)
    return Today(
        day=day,
        since=since,
        until=until,
        now=now.astimezone(UTC),
        occupancy=len(present),
        present=tuple(roll.row(session) for session in present),
        entries=len(begun),
        visitors=who.visitors,
        returning=who.returning,
        new=who.new,
        median_dwell_s=dwell_of(begun).median_s,
        bounce_rate=_bounce_rate(begun),
        peak=peak(occupancy_of(counted, since=since, until=until, now=now)),
    )


def visits(
    sessions: Iterable[Session], people: Iterable[Person], *, since: datetime, until: datetime, staff: bool = False
) -> list[VisitRow]:
    """Visits that were going on at some time in the range, the latest first."""
    roll = _Roll(people)
    found = [session for session in roll.counted(sessions, staff) if _touches(session, since, until)]
    found.sort(key=lambda session: (session.started_at, session.person_id, session.session_id), reverse=True)
    return [roll.row(session) for session in found]


def footfall_by_hour(
    sessions: Iterable[Session],
    people: Iterable[Person],
    *,
    since: datetime,
    until: datetime,
    zone: tzinfo,
    staff: bool = False,
) -> list[Footfall]:
    """Visits begun per local hour of the range, hours without any included."""
    return _footfall(_Roll(people).counted(sessions, staff), hour_edges(since, until, zone), zone)


def footfall_by_day(
    sessions: Iterable[Session],
    people: Iterable[Person],
    *,
    since: datetime,
    until: datetime,
    zone: tzinfo,
    staff: bool = False,
) -> list[Footfall]:
    """Visits begun per local day of the range, days without any included."""
    return _footfall(_Roll(people).counted(sessions, staff), day_edges(since, until, zone), zone)


def footfall_by_hour_of_day(rows: Iterable[Footfall]) -> tuple[int, ...]:
    """Hourly rows of one or more days -> 24 sums, from midnight to 23 h local time."""
    sums = Counter[int]()
    for row in rows:
        sums[row.started_at.hour] += row.entries
    return tuple(sums[hour] for hour in range(24))


def visitors(
    sessions: Iterable[Session],
    people: Iterable[Person],
    *,
    since: datetime,
    until: datetime,
    zone: tzinfo,
    staff: bool = False,
) -> Visitors:
    """Different people whose visits began in the range. Give earlier visits too: they tell who returns."""
    return _visitors(_Roll(people).counted(sessions, staff), since, until, zone)


def bounce_rate(
    sessions: Iterable[Session], people: Iterable[Person], *, since: datetime, until: datetime, staff: bool = False
) -> float | None:
    """Share (0..1) of visits begun in the range that were shorter than `min_visit`, None without visits."""
    return _bounce_rate(_begun(_Roll(people).counted(sessions, staff), since, until))


def dwell(
    sessions: Iterable[Session],
    people: Iterable[Person],
    *,
    since: datetime,
    until: datetime,
    staff: bool = False,
    gross: bool = False,
) -> Dwell:
    """How long visits begun in the range lasted: net, or with their gaps if `gross`.

    Left out: open visits, bounces, visits whose entry nobody saw, visits of which only the entry is known.
    """
    return dwell_of(_begun(_Roll(people).counted(sessions, staff), since, until), gross=gross)


def occupancy(
    sessions: Iterable[Session],
    people: Iterable[Person],
    *,
    since: datetime,
    until: datetime,
    now: datetime,
    staff: bool = False,
) -> list[OccupancyPoint]:
    """People in over the range as steps: one point at `since`, one per change, the last at the end or at now."""
    return occupancy_of(_Roll(people).counted(sessions, staff), since=since, until=until, now=now)


def usage(
    sessions: Iterable[Session],
    people: Iterable[Person],
    *,
    since: datetime,
    until: datetime,
    now: datetime,
    staff: bool = False,
) -> list[PersonUsage]:
    """One row per person who was in during the range, the longest inside first."""
    roll = _Roll(people)
    by_person: dict[str, list[Session]] = {}
    for session in roll.counted(sessions, staff):
        if _touches(session, since, until):
            by_person.setdefault(session.person_id, []).append(session)
    rows = [_usage(roll.person(person_id), found, since, until, now) for person_id, found in by_person.items()]
    rows.sort(key=lambda row: (-row.dwell_s, -row.visits, row.person_id))
    return rows


class _Roll:
    """People by id; ids that nobody knows any more read as a member of that name."""

    def __init__(self, people: Iterable[Person]) -> None:
        self._people = {person.person_id: person for person in people}

    def person(self, person_id: str) -> Person:
        known = self._people.get(person_id)
        return known or Person(person_id=person_id, name=person_id, created_at=datetime.min.replace(tzinfo=UTC))

    def counted(self, sessions: Iterable[Session], staff: bool) -> list[Session]:
        if staff:
            return list(sessions)
        staff_ids = {person.person_id for person in self._people.values() if person.role is Role.STAFF}
        return [session for session in sessions if session.person_id not in staff_ids]

    def row(self, session: Session) -> VisitRow:
        person = self.person(session.person_id)
        return VisitRow(
            session_id=session.session_id,
            site_id=session.site_id,
            person_id=session.person_id,
            name=person.name,
            kind=person.kind,
            role=person.role,
            started_at=session.started_at,
            ended_at=session.ended_at,
            dwell_s=session.dwell_s,
            gross_s=session.gross_s,
            segments=len(session.segments),
            state=session.state,
            enter_inferred=session.enter_inferred,
            exit_inferred=session.exit_inferred,
            bounce=session.bounce,
        )


def _begun(sessions: Iterable[Session], since: datetime, until: datetime) -> list[Session]:
    return [session for session in sessions if since <= session.started_at < until]


def _touches(session: Session, since: datetime, until: datetime) -> bool:
    """Some of the visit lies in the range, or it is one instant there."""
    ends_later = session.ended_at is None or session.ended_at > since
    return session.started_at < until and (ends_later or session.started_at >= since)


def _visitors(sessions: Sequence[Session], since: datetime, until: datetime, zone: tzinfo) -> Visitors:
    first: dict[str, datetime] = {}
    last: dict[str, datetime] = {}
    for session in sessions:
        at = session.started_at
        if at < until:
            first[session.person_id] = min(first.get(session.person_id, at), at)
        if since <= at < until:
            last[session.person_id] = max(last.get(session.person_id, at), at)
    returning = sum(first[who].astimezone(zone).date() < at.astimezone(zone).date() for who, at in last.items())
    return Visitors(visitors=len(last), returning=returning, new=len(last) - returning)


def _bounce_rate(begun: Sequence[Session]) -> float | None:
    return sum(session.bounce for session in begun) / len(begun) if begun else None


def _footfall(sessions: Sequence[Session], edges: Sequence[datetime], zone: tzinfo) -> list[Footfall]:
    """edges: where the buckets begin, and where the last one ends; ascending, UTC."""
    begun: list[list[str]] = [[] for _ in edges[1:]]
    for session in sessions:
        if edges[0] <= session.started_at < edges[-1]:
            begun[bisect_right(edges, session.started_at) - 1].append(session.person_id)
    return [
        Footfall(
            started_at=start.astimezone(zone), ended_at=end.astimezone(zone), entries=len(ids), visitors=len(set(ids))
        )
        for start, end, ids in zip(edges, edges[1:], begun, strict=False)
    ]


def _usage(person: Person, sessions: Sequence[Session], since: datetime, until: datetime, now: datetime) -> PersonUsage:
    inside = timedelta(0)
    for session in sessions:
        for segment in session.segments:
            inside += max(min(segment.ended_at or now, until) - max(segment.started_at, since), timedelta(0))
    first = min(session.started_at for session in sessions)
    last = max(session.ended_at or max(now, session.started_at) for session in sessions)
    return PersonUsage(
        person_id=person.person_id,
        name=person.name,
        kind=person.kind,
        role=person.role,
        visits=len(_begun(sessions, since, until)),
        dwell_s=inside.total_seconds(),
        first_seen_at=max(first, since).astimezone(UTC),
        last_seen_at=min(last, until).astimezone(UTC),
        present=any(session.state is SessionState.OPEN for session in sessions),
    )
