"""The history that a report is about: of a site, of one camera or of one zone, over a range."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from config.settings import Settings
from tracker.cli.options import UsageError
from tracker.cli.report_options import RangeQuery, ReportQuery
from tracker.cli.store import reading
from tracker.cli.times import parse_time
from tracker.presence.coverage import Coverage, CoverageSpan
from tracker.presence.days import day_range
from tracker.presence.events import Event, EventKind
from tracker.presence.health import unstopped
from tracker.presence.room import Presence
from tracker.presence.sessions import Rules, Session, sessions
from tracker.presence.zones import ZoneStay
from tracker.reports.periods import Period, cut_to_records, lies_too_early, start_of_default
from tracker.reports.subject import Subject
from tracker.store.history import opening_of, people_of
from tracker.store.shared_site import coverage_at_site, rules_to_read
from tracker.store.store import Store

_MIDDLE = 0.5
"""Where in the frame somebody in a zone stands: it is not known, and no report asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """The part of a site's history that is asked for. words: what was left out."""

    events: Sequence[Event]
    sessions: Sequence[Session]
    spans: Sequence[CoverageSpan]
    words: str = ""


def subject_of(query: ReportQuery, *, default: Period | None = None, whole_days: bool = False) -> Subject:
    """The history that a query asks for, and the range: the current day, or --from to --to.

    default: the range without --from is that of this period, else the last seven days. whole_days: there is a row for
    every piece of the range, so it does not begin before the day on which the records begin, or, where there are none,
    before its last day.
    Raises UsageError on a range, site, camera or zone that is none, StoreError.
    """
    with reading(query) as (settings, store):
        now = datetime.now(UTC)
        since, until = _range(query, settings, now, default)
        part = _part(store, settings, query, now)
        people = people_of(store.people.all(), part.events)
        failed = unstopped(store.cameras.health(settings.site.id))
    first = min((event.at for event in part.events), default=None)
    coverage = Coverage(part.spans, now=now, first_event_at=first, opening=opening_of(settings), failed=failed)
    if whole_days:
        since = cut_to_records(since, until, coverage.recorded_since, settings.site.zone)
    return Subject(
        site_id=settings.site.id,
        site_name=settings.site.name,
        zone=settings.site.zone,
        capacity=settings.site.capacity,
        sessions=part.sessions,
        people=people,
        events=part.events,
        coverage=coverage,
        since=since,
        until=until,
        now=now,
        staff=query.staff,
        filters=part.words,
    )


def _range(query: ReportQuery, settings: Settings, now: datetime, default: Period | None) -> tuple[datetime, datetime]:
    zone = settings.site.zone
    if not isinstance(query, RangeQuery):
        return day_range(now.astimezone(zone).date(), zone)
    until = parse_time(query.until, zone, option="--to", end_of_day=True) or now
    start = parse_time(query.since, zone, option="--from")
    for option, at in (("--from", start), ("--to", until)):
        if at is not None and lies_too_early(at, zone):
            raise UsageError(f"{option} lies before 1970", fix="give a later day")
    if start is not None and start >= now:
        raise UsageError("--from lies in the future", fix="give a day that has begun")
    if start is not None and start >= until:
        raise UsageError("--from does not lie before --to", fix="swap them, or leave one out")
    end = min(until, now)
    return start or start_of_default(default or Period.DAY, end, zone), end


def _part(store: Store, settings: Settings, query: ReportQuery, now: datetime) -> _Part:
    """What the store has of the site, cut to the camera or zone of the query."""
    site_id, rules = settings.site.id, rules_to_read(settings, store)
    events, spans = store.events.select(site_id=site_id), coverage_at_site(settings, store, now)
    if query.site is not None and not events and not spans:
        others = {event.site_id for event in store.events.select()} | {
            each.site_id for each in store.cameras.coverage()
        }
        raise _unknown("site", query.site, others)
    presences = store.cameras.presences(site_id=site_id)
    found = sessions(events, rules=rules, now=now, presences=presences)
    whole = _Part(events=events, sessions=found, spans=spans)
    if query.camera is not None:
        named = {camera.id for camera in settings.camera}
        known = {event.camera_id for event in events} | {each.camera_id for each in spans}
        if query.camera not in known | named:
            raise _unknown("camera", query.camera, known | named)
    if query.zone is not None:
        stays = store.cameras.zone_stays(site_id=site_id, camera_id=query.camera)
        named = {name for camera in settings.camera for name in camera.zones}
        if query.zone not in {stay.zone for stay in stays} | named:
            raise _unknown("zone", query.zone, {stay.zone for stay in stays} | named)
        cameras = {camera.id for camera in settings.camera if query.zone in camera.zones}
        return _zone(whole, query.zone, [stay for stay in stays if stay.zone == query.zone], cameras, rules, now)
    if query.camera is not None:
        if query.camera in rules.entrances | rules.exits:
            return _way(whole, query.camera, out=query.camera not in rules.entrances)
        return _room(whole, query.camera, presences, rules, now)
    return whole


def _room(whole: _Part, camera_id: str, presences: Iterable[Presence], rules: Rules, now: datetime) -> _Part:
    """What one room's camera saw, as if there were nothing else."""
    events = [event for event in whole.events if event.camera_id == camera_id]
    return _Part(
        events=events,
        sessions=sessions(
            events,
            rules=_without_ways(rules),
            now=now,
            presences=[presence for presence in presences if presence.camera_id == camera_id],
        ),
        spans=[each for each in whole.spans if each.camera_id == camera_id],
        words=f"camera {camera_id}",
    )


def _way(whole: _Part, camera_id: str, *, out: bool) -> _Part:
    """The visits to the site of those who came in by a camera, or went out by one at an exit."""
    kind = EventKind.EXIT if out else EventKind.ENTER
    passed = {
        (event.person_id, event.at) for event in whole.events if event.camera_id == camera_id and event.kind is kind
    }
    found = [
        session
        for session in whole.sessions
        if (session.person_id, session.ended_at if out else session.started_at) in passed
    ]
    return _Part(
        events=[event for event in whole.events if event.camera_id == camera_id],
        sessions=found,
        spans=[each for each in whole.spans if each.camera_id == camera_id],
        words=f"{'out' if out else 'in'} by camera {camera_id}",
    )


def _zone(
    whole: _Part, zone: str, stays: Sequence[ZoneStay], cameras: Iterable[str], rules: Rules, now: datetime
) -> _Part:
    """A zone as if it were a room: coming into it is an enter, leaving it an exit."""
    cameras = {*cameras, *(stay.camera_id for stay in stays)}
    events = [event for stay in stays for event in _events_of(stay)]
    present = [
        Presence(
            site_id=stay.site_id,
            camera_id=stay.camera_id,
            person_id=stay.person_id,
            track_id=stay.stay_id,
            entered_at=stay.started_at,
            seen_at=stay.seen_at,
            x_frac=_MIDDLE,
            y_frac=_MIDDLE,
        )
        for stay in stays
        if not stay.over
    ]
    return _Part(
        events=events,
        sessions=sessions(events, rules=_without_ways(rules), now=now, presences=present),
        spans=[each for each in whole.spans if each.camera_id in cameras],
        words=f"zone {zone}",
    )


def _events_of(stay: ZoneStay) -> list[Event]:
    moments = [(EventKind.ENTER, stay.started_at), *([(EventKind.EXIT, stay.seen_at)] if stay.over else [])]
    return [
        Event(
            kind=kind,
            site_id=stay.site_id,
            camera_id=stay.camera_id,
            person_id=stay.person_id,
            at=at,
            track_id=stay.stay_id,
        )
        for kind, at in moments
    ]


def _without_ways(rules: Rules) -> Rules:
    """The rules where no door is watched: out of sight is out."""
    return replace(rules, entrances=frozenset(), exits=frozenset())


def _unknown(what: str, given: str, known: Iterable[str]) -> UsageError:
    names = sorted(known)[:10]
    fix = f"known are {', '.join(names)}" if names else "nothing is recorded yet: 'footfall track --camera 0'"
    return UsageError(f"--{what}: nothing is known of {given[:64]!r}", fix=fix)
