"""From a query to the data of a report: which sessions, spans and people of a store it needs, and no more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from config.errors import ReportError
from config.settings import Settings
from tracker.presence.calendar import Opening, day_range
from tracker.presence.coverage import Coverage
from tracker.presence.events import Event, EventKind, is_unidentified
from tracker.presence.health import unstopped
from tracker.presence.people import Person, PersonKind, Role
from tracker.presence.room import Presence
from tracker.presence.rules import Rules
from tracker.presence.sessions import Session, sessions
from tracker.presence.zones import ZoneStay
from tracker.reports.data import ReportData, by_id
from tracker.reports.frames import Frames
from tracker.reports.headcount_cache import HeadcountCache, read_door
from tracker.reports.periods import cut_to_records
from tracker.reports.session_cache import LONGEST, SessionCache
from tracker.store.site_settings import coverage_at_site, opening_of, rules_at_site
from tracker.store.store import Store

_MIDDLE = 0.5
"""Where in the frame somebody in a zone stands: it is not known, and no report asks."""
_OTHER_RULES = (
    "The settings have other rules for visits than those by which these were derived;"
    " the next 'footfall track' applies them."
)


class NotRecordedError(ReportError):
    """There is no record of the site, camera or zone of a query."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportQuery:
    """What a report is asked for. since, until: [since, until), UTC; None for the local day of now.

    camera_id: only the room of that camera, or the visits through its door; zone: only that zone of a room. staff: they
    count. group: only people who are in it now. whole_days: there is a row for every piece of the range, so it does not
    begin before the day on which the records begin, or, where there are none, before its last day. person_id: all
    visits of one person, whenever. time_stamps: the events of the range are needed too. names: rows are about single
    people; without them only staff are read, to be left out.
    """

    since: datetime | None = None
    until: datetime | None = None
    camera_id: str | None = None
    zone: str | None = None
    staff: bool = False
    group: str | None = None
    whole_days: bool = False
    person_id: str | None = None
    time_stamps: bool = False
    names: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSite:
    """The site of a report: that of the settings, or another one as the store describes it.

    rules: those by which its sessions are derived. notes: what a reader must know about it.
    """

    site_id: str
    name: str
    zone: ZoneInfo
    capacity: int | None
    rules: Rules
    opening: Opening | None
    settings: Settings
    notes: tuple[str, ...] = ()

    @property
    def is_of_settings(self) -> bool:
        """Whether the settings describe it, with its cameras."""
        return self.site_id == self.settings.site.id


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A part of a site's history. cameras: whose coverage counts, None for all. filters: what was left out."""

    frames: Frames
    events: Sequence[Event] = ()
    bounds: tuple[datetime, datetime] | None = None
    cameras: frozenset[str] | None = None
    filters: str = ""


def site_of_report(settings: Settings, store: Store, site_id: str | None = None) -> ReportSite:
    """The site of the settings, or another site with its own name, capacity, time zone and rules.

    Raises NotRecordedError when the store has no record of the other site, StoreError.
    """
    rules = store.sites.rules(site_id or settings.site.id)
    if site_id in {None, settings.site.id}:
        return ReportSite(
            site_id=settings.site.id,
            name=settings.site.name,
            zone=settings.site.zone,
            capacity=settings.site.capacity,
            rules=rules,
            opening=opening_of(settings),
            settings=settings,
            notes=(_OTHER_RULES,) if _differ(settings, store, rules) else (),
        )
    site = store.sites.get(site_id or "")
    if site is None:
        raise unrecorded("site", site_id or "", (each.site_id for each in store.sites.all()))
    zone = site.rules.zone if isinstance(site.rules.zone, ZoneInfo) else ZoneInfo("UTC")
    return ReportSite(
        site_id=site.site_id,
        name=site.name or site.site_id,
        zone=zone,
        capacity=site.capacity,
        rules=site.rules,
        opening=None,
        settings=settings,
    )


def select(
    store: Store,
    site: ReportSite,
    query: ReportQuery,
    now: datetime,
    *,
    people: Mapping[str, Person] | None = None,
    cache: SessionCache | None = None,
) -> ReportData:
    """The data of a report. Raises NotRecordedError on a camera or zone without any record, StoreError.

    people: all of the store, where they are at hand. cache: of the site's sessions, for reports on the whole site.
    """
    since, until = day_range(now.astimezone(site.zone).date(), site.zone)
    since, until = query.since or since, query.until or until
    if query.zone is not None:
        part = _zone(store, site, query, now, since, until)
    elif query.camera_id is None:
        part = _site(store, site, query, now, since, until, cache=cache)
    elif query.camera_id in site.rules.entrances | site.rules.exits:
        part = _door(store, site, query, now, since, until)
    else:
        part = _room(store, site, query, now, since, until)
    coverage = _coverage(store, site, part, now, since, until)
    if query.whole_days:
        since = cut_to_records(since, until, coverage.recorded_since, site.zone)
    return ReportData(
        site_id=site.site_id,
        site_name=site.name,
        zone=site.zone,
        capacity=site.capacity,
        frames=part.frames,
        people=_people(store, query, part.frames) if people is None else people,
        coverage=coverage,
        since=since,
        until=until,
        now=now.astimezone(UTC),
        events=part.events,
        first_last=part.bounds,
        uncounted=_uncounted(store, site) if part.bounds is None and not part.filters else None,
        staff=query.staff,
        group=query.group,
        filters=part.filters,
        notes=site.notes,
    )


def known_cameras(store: Store, site: ReportSite) -> set[str]:
    """The cameras of the settings and of the records of a site."""
    named = {camera.id for camera in site.settings.camera} if site.is_of_settings else set()
    return named | set(store.cameras.ids(site.site_id))


def _site(
    store: Store,
    site: ReportSite,
    query: ReportQuery,
    now: datetime,
    since: datetime,
    until: datetime,
    *,
    cache: SessionCache | None = None,
) -> _Part:
    """All visits that touch the range, or all of one person."""
    if cache is None or query.person_id is not None or now - since > LONGEST:
        frames = _read(store, site, query, now, since, until)
    else:
        frames = cache.frames(since, until, now, rules=site.rules)
    events = store.events.select(site_id=site.site_id, since=since, until=until) if query.time_stamps else ()
    return _Part(frames=frames, events=events, bounds=store.sessions.bounds(site.site_id))


def _read(
    store: Store, site: ReportSite, query: ReportQuery, now: datetime, since: datetime, until: datetime
) -> Frames:
    only = None if query.person_id is None else [query.person_id]
    portions = store.sessions.columns(
        site_id=site.site_id,
        now=now,
        since=None if only else since,
        until=None if only else until,
        person_ids=only,
    )
    frames = Frames.of_columns(
        portions,
        now=now,
        first_starts=lambda people: store.sessions.first_starts(site.site_id, people),
    )
    if only is not None:
        return frames
    with store.sessions.snapshot(site.site_id) as snapshot:
        return replace(frames, count=HeadcountCache(site.rules).between(snapshot, since, until, now))


def _door(store: Store, site: ReportSite, query: ReportQuery, now: datetime, since: datetime, until: datetime) -> _Part:
    """The visits to the site of those who came in by a camera, or went out by one at an exit.

    Where the camera counts everybody, entries and exits are those through its door.
    """
    camera_id = query.camera_id or ""
    out = camera_id not in site.rules.entrances
    whole = _site(store, site, query, now, since, until)
    column = "exit_camera_id" if out else "enter_camera_id"
    frames = whole.frames.where(whole.frames.visits[column] == camera_id)
    if query.person_id is None:
        with store.sessions.snapshot(site.site_id) as snapshot:
            frames = replace(frames, count=read_door(snapshot, site.rules, camera_id, since, min(until, now)))
    return _Part(
        frames=frames,
        events=[event for event in whole.events if event.camera_id == camera_id],
        bounds=store.cameras.event_bounds(site.site_id, camera_id),
        cameras=frozenset({camera_id}),
        filters=f"{'out' if out else 'in'} by camera {camera_id}",
    )


def _room(store: Store, site: ReportSite, query: ReportQuery, now: datetime, since: datetime, until: datetime) -> _Part:
    """What one camera saw, as if there were nothing else."""
    camera_id = query.camera_id or ""
    bounds = store.cameras.event_bounds(site.site_id, camera_id)
    if bounds is None and camera_id not in (known := known_cameras(store, site)):
        raise unrecorded("camera", camera_id, known)
    present = store.cameras.presences(site_id=site.site_id, camera_id=camera_id)
    begin = min([since - site.rules.max_visit, *(each.entered_at for each in present)])
    events = [
        event
        for event in store.events.select(
            site_id=site.site_id,
            since=None if query.person_id else begin,
            until=None if query.person_id else until,
            person_id=query.person_id,
        )
        if event.camera_id == camera_id
    ]
    found = sessions(events, rules=_without_doors(site.rules), now=now, presences=present)
    return _Part(
        frames=_touching(found, store, site, query, now, since),
        events=[event for event in events if since <= event.at < until],
        bounds=bounds,
        cameras=frozenset({camera_id}),
        filters=f"camera {camera_id}",
    )


def _zone(store: Store, site: ReportSite, query: ReportQuery, now: datetime, since: datetime, until: datetime) -> _Part:
    """A zone as if it were a room: coming into it is an enter, leaving it an exit."""
    zone, cameras = query.zone or "", site.settings.camera if site.is_of_settings else ()
    recorded = store.cameras.zones(site.site_id)
    if zone not in recorded and not any(zone in camera.zones for camera in cameras):
        raise unrecorded("zone", zone, {*recorded, *(name for camera in cameras for name in camera.zones)})
    if query.camera_id is not None and query.camera_id not in (known := known_cameras(store, site)):
        raise unrecorded("camera", query.camera_id, known)
    stays = [
        stay
        for stay in store.cameras.zone_stays(
            site_id=site.site_id,
            camera_id=query.camera_id,
            since=None if query.person_id else since - site.rules.max_visit,
            until=None if query.person_id else until,
        )
        if stay.zone == zone
    ]
    events = [event for stay in stays for event in _events_of(stay)]
    present = [_presence_of(stay) for stay in stays if not stay.over]
    found = sessions(events, rules=_without_doors(site.rules), now=now, presences=present)
    seen_by = {camera.id for camera in cameras if zone in camera.zones} | {stay.camera_id for stay in stays}
    return _Part(
        frames=_touching(found, store, site, query, now, since),
        events=[event for event in events if since <= event.at < until],
        bounds=recorded.get(zone),
        cameras=frozenset(seen_by),
        filters=f"zone {zone}",
    )


def _touching(
    found: Iterable[Session], store: Store, site: ReportSite, query: ReportQuery, now: datetime, since: datetime
) -> Frames:
    """Frames of the sessions that are not over before the range begins, or of all for a query about a person."""
    kept = [each for each in found if query.person_id or each.ended_at is None or each.ended_at >= since]
    return Frames.of_sessions(
        kept, now=now, first_starts=lambda people: store.sessions.first_starts(site.site_id, people)
    )


def _coverage(store: Store, site: ReportSite, part: _Part, now: datetime, since: datetime, until: datetime) -> Coverage:
    spans = coverage_at_site(site.settings, store, now, site_id=site.site_id, since=since, until=until)
    if part.cameras is not None:
        spans = [span for span in spans if span.camera_id in part.cameras]
        first = part.bounds
    else:
        first = store.cameras.event_bounds(site.site_id)
    return Coverage(
        spans,
        now=now,
        first_event_at=None if first is None else first[0],
        opening=site.opening,
        failed=unstopped(store.cameras.health(site.site_id)),
    )


def _people(store: Store, query: ReportQuery, frames: Frames) -> dict[str, Person]:
    """Whose visits they are; for attendance also who may be absent; for a report without names or group, staff."""
    if not query.names and query.group is None:
        return by_id(store.people.all(role=Role.STAFF))
    found = by_id(store.people.some(frames.visits["person_id"].cat.categories))
    return by_id(store.people.all(kind=PersonKind.ENROLLED)) | found if query.time_stamps else found


def _uncounted(store: Store, site: ReportSite) -> tuple[int, str] | None:
    events = [event for event in store.events.select(site_id=site.site_id) if not is_unidentified(event.person_id)]
    return (len(events), events[0].event_id) if events else None


def _events_of(stay: ZoneStay) -> Iterator[Event]:
    moments = [(EventKind.ENTER, stay.started_at), *([(EventKind.EXIT, stay.seen_at)] if stay.over else [])]
    for kind, at in moments:
        yield Event(
            kind=kind,
            site_id=stay.site_id,
            camera_id=stay.camera_id,
            person_id=stay.person_id,
            at=at,
            track_id=stay.stay_id,
        )


def _presence_of(stay: ZoneStay) -> Presence:
    return Presence(
        site_id=stay.site_id,
        camera_id=stay.camera_id,
        person_id=stay.person_id,
        track_id=stay.stay_id,
        entered_at=stay.started_at,
        seen_at=stay.seen_at,
        x_frac=_MIDDLE,
        y_frac=_MIDDLE,
    )


def _without_doors(rules: Rules) -> Rules:
    """The rules where no door is watched: out of sight is out."""
    return replace(rules, entrances=frozenset(), exits=frozenset())


def _differ(settings: Settings, store: Store, rules: Rules) -> bool:
    """Whether the settings name a rule, or cameras, other than those of the stored sessions."""
    if settings.store.firestore is not None:
        return False
    wanted = rules_at_site(settings, store)
    names = {name.removesuffix("_s") for name in settings.presence.model_fields_set} - {"opens_at"}
    names |= {"entrances", "exits", "rooms", "counted"} if settings.camera else set()
    return any(getattr(wanted, name) != getattr(rules, name) for name in names)


def unrecorded(what: str, given: str, known: Iterable[str]) -> NotRecordedError:
    names = sorted(known)[:10]
    fix = f"known are {', '.join(names)}" if names else "nothing is recorded yet: 'footfall track --camera 0'"
    return NotRecordedError(f"--{what}: nothing is known of {given[:64]!r}", fix=fix)
