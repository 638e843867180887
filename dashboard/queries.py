"""Store in, typed rows out. The only module of the dashboard that touches the store."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from config.settings import Settings
from config.storage import StoreSettings
from dashboard.camera_words import camera_row
from dashboard.place import Places, behind
from dashboard.sight import Sight, days_watched, hours_watched, sight_of
from dashboard.views import Days, EventRow, Inside, LiveView, UsageView, Visit
from dashboard.wording import duration
from tracker.presence import reports
from tracker.presence.coverage import Coverage
from tracker.presence.calendar import day_range
from tracker.presence.events import Event
from tracker.presence.occupancy import OccupancyPoint, peak
from tracker.presence.people import Person, Role
from tracker.presence.room import Presence
from tracker.presence.rules import Rules
from tracker.presence.sessions import Session, sessions
from tracker.store.history import people_of
from tracker.store.shared_site import coverage_at_site, reports_after_s
from tracker.store.store import Store

LATEST_EVENTS = 8
BEAT_S = 20
"""Open pages look again after so many seconds even if nothing happened: open visits grow, a silent camera ages."""
RETURNING_DAYS = 365
"""How far back an earlier visit makes a returning visitor."""
_BUSY_TIMEOUT_S = 2.0
_KEPT_HISTORIES = 6


@dataclass(frozen=True, slots=True)
class Pulse:
    """Two texts to compare. anything: changes with whatever is in the store. history: with events, people and time."""

    anything: str
    history: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _History:
    """What a stretch of time holds."""

    events: tuple[Event, ...]
    people: tuple[Person, ...]


class Board:
    """The questions that pages ask, answered from one store at one site.

    The file may be missing, come later or be replaced; every method then raises StoreError until it can be read.
    Safe to use from several threads. clock: the time now, timezone-aware. reread: gives the settings anew when the
    machines of the site share others. settings_file: the one that was named at the start, for the commands on pages.
    """

    def __init__(
        self,
        store_path: Path,
        settings: Settings,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        reread: Callable[[], Settings] | None = None,
        settings_file: Path | None = None,
    ) -> None:
        self.now = clock
        self._site_id = settings.site.id
        self._url = settings.store.url
        self._settings_file = settings_file
        self._places = Places(settings, reread or (lambda: settings))
        self._file = _StoreFile(store_path)
        self._kept: dict[tuple[str, datetime], _History] = {}
        self._kept_lock = threading.Lock()

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the site."""
        return self._places.now.settings.site.zone

    @property
    def capacity(self) -> int | None:
        """How many people the site may hold."""
        return self._places.now.settings.site.capacity

    @property
    def _rules(self) -> Rules:
        return self._places.now.rules

    def behind(self) -> tuple[str, ...]:
        """That what is shown is not the newest, where it is not."""
        return behind(self._places.now, self._store(), self.now())

    def today(self) -> date:
        """The day it is at the site."""
        return self.now().astimezone(self.zone).date()

    @property
    def bounce_words(self) -> str:
        """What counts as a bounce here."""
        shortest_s = self._rules.min_visit.total_seconds()
        return f"visits under {duration(shortest_s)}" if shortest_s else "no shortest visit is set"

    def command(self, *words: str) -> str:
        """A `footfall` command line for this store by these settings, to be typed as it stands."""
        settings = () if self._settings_file is None else ("--settings", str(self._settings_file))
        store = () if self._url == StoreSettings().url else ("--store", self._url)
        return shlex.join(("footfall", *words, *settings, *store))

    def pulse(self) -> Pulse:
        """What an open page compares with what it knows."""
        store = self._store()
        history = f"{self._history_key(store)} {int(self.now().timestamp() // BEAT_S)}"
        return Pulse(anything=f"{history} {store.version()}", history=history)

    def live(self) -> LiveView:
        """Today so far, and how the cameras do."""
        store, now = self._store(), self.now()
        settings = self._places.now.settings
        since, until = day_range(self.today(), self.zone)
        history = self._history(store, since - self._rules.max_visit)
        presences = store.cameras.presences(site_id=self._site_id)
        visits = self._sessions(history.events, presences, now)
        cameras = store.cameras.health(self._site_id)
        everybody = reports.today(visits, history.people, now=now, zone=self.zone, staff=True)
        points = reports.occupancy(visits, history.people, since=since, until=until, now=now, staff=True)
        latest = store.events.select(site_id=self._site_id, limit=LATEST_EVENTS, newest_first=True)
        started = bool(latest or cameras)
        return LiveView(
            now=now,
            started=started,
            other_sites=() if started else self._other_sites(store),
            everybody=everybody,
            public=reports.today(visits, history.people, now=now, zone=self.zone),
            inside=_inside(everybody.present, presences, history.events),
            points=tuple(points),
            span=_busy_span(points, since, now),
            events=_event_rows(latest, people_of(store.people.all(), latest)),
            cameras=tuple(camera_row(camera, now, reports_after_s=reports_after_s(settings)) for camera in cameras),
            sight=sight_of(self._coverage(store, now), since, until, zone=self.zone, now=now),
        )

    def visits(self, days: Days) -> list[Visit]:
        """Visits that were going on in these days, the latest first, staff included."""
        store = self._store()
        since, until = day_range(days.first, self.zone, days=days.count)
        history = self._history(store, since - self._rules.max_visit)
        found = self._sessions(history.events, store.cameras.presences(site_id=self._site_id), self.now())
        cameras = {(event.person_id, event.at): event.camera_id for event in history.events}
        return [
            Visit(row=row, camera_id=cameras.get((row.person_id, row.started_at), ""))
            for row in reports.visits(found, history.people, since=since, until=until, staff=True)
        ]

    def usage(self, days: Days) -> UsageView:
        """How the place was used in these days."""
        store, now = self._store(), self.now()
        since, until = day_range(days.first, self.zone, days=days.count)
        history = self._history(store, since - timedelta(days=RETURNING_DAYS))
        people = history.people
        found = self._sessions(history.events, store.cameras.presences(site_id=self._site_id), now)
        hourly = reports.footfall_by_hour(found, people, since=since, until=until, zone=self.zone)
        points = reports.occupancy(found, people, since=since, until=until, now=now)
        coverage = self._coverage(store, now)
        return UsageView(
            days=days,
            entries=sum(row.entries for row in hourly),
            hours=reports.footfall_by_hour_of_day(hourly),
            visitors=reports.visitors(found, people, since=since, until=until, zone=self.zone),
            bounce_rate=reports.bounce_rate(found, people, since=since, until=until),
            dwell=reports.dwell(found, people, since=since, until=until),
            peak=peak(points),
            capacity=None if any(person.role is Role.STAFF for person in people) else self.capacity,
            points=tuple(points),
            span=_busy_span(points, since, now) if days.count == 1 else (since, min(until, now)),
            people=tuple(reports.usage(found, people, since=since, until=until, now=now)),
            sight=sight_of(coverage, since, until, zone=self.zone, now=now),
            hours_watched=hours_watched(coverage, since, until, zone=self.zone, now=now),
            days_watched=days_watched(coverage, since, until, zone=self.zone, now=now),
        )

    def sight(self, days: Days) -> Sight:
        """What cameras watched of these days."""
        since, until = day_range(days.first, self.zone, days=days.count)
        now = self.now()
        return sight_of(self._coverage(self._store(), now), since, until, zone=self.zone, now=now)

    def _store(self) -> Store:
        """The store, open, after a look at what the machines of the site share."""
        store = self._file.opened()
        self._places.look(store)
        return store

    def _coverage(self, store: Store, now: datetime) -> Coverage:
        first = store.events.select(site_id=self._site_id, limit=1)
        place = self._places.now
        return Coverage(
            coverage_at_site(place.settings, store, now),
            now=now,
            first_event_at=first[0].at if first else None,
            opening=place.opening,
        )

    def _sessions(self, events: Iterable[Event], presences: Iterable[Presence], now: datetime) -> list[Session]:
        return sessions(events, rules=self._rules, now=now, presences=presences)

    def _history(self, store: Store, since: datetime) -> _History:
        """Events since then and the people in them; read anew only when something was added or changed."""
        key = self._history_key(store)
        with self._kept_lock:
            kept = self._kept.get((key, since))
        if kept is not None:
            return kept
        events = store.events.select(site_id=self._site_id, since=since)
        history = _History(events=tuple(events), people=tuple(people_of(store.people.all(), events)))
        with self._kept_lock:
            stale = [other for other in self._kept if other[0] != key]
            for other in stale or list(self._kept)[: max(0, len(self._kept) - _KEPT_HISTORIES + 1)]:
                self._kept.pop(other, None)
            self._kept[key, since] = history
        return history

    def _history_key(self, store: Store) -> str:
        return f"{self._file.identity} {store.events.version()} {store.people.version()}"

    def _other_sites(self, store: Store) -> tuple[str, ...]:
        known = {camera.site_id for camera in store.cameras.health()}
        known |= {event.site_id for event in store.events.select(limit=1, newest_first=True)}
        return tuple(sorted(known - {self._site_id}))


class _StoreFile:
    """The store file, opened when it is there and opened again when another file took its place."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._store: Store | None = None
        self._identity = ""
        self._lock = threading.Lock()

    @property
    def identity(self) -> str:
        return self._identity

    def opened(self) -> Store:
        with self._lock:
            identity = self._look()
            if self._store is None or identity != self._identity:
                if self._store is not None:
                    self._store.close()
                    self._store = None
                store = Store(self._path, busy_timeout_s=_BUSY_TIMEOUT_S)
                self._store = store.open(create=False)
                self._identity = identity
            return self._store

    def _look(self) -> str:
        try:
            status = self._path.stat()
        except OSError:
            return ""
        return f"{status.st_dev}:{status.st_ino}"


def _inside(
    present: Sequence[reports.VisitRow], presences: Iterable[Presence], events: Iterable[Event]
) -> tuple[Inside, ...]:
    """The latest first; the camera is the one that saw the person last."""
    cameras = {event.person_id: event.camera_id for event in events}
    for presence in sorted(presences, key=lambda seen: seen.seen_at):
        cameras[presence.person_id] = presence.camera_id
    return tuple(Inside(visit=row, camera_id=cameras.get(row.person_id, "")) for row in reversed(present))


def _event_rows(events: Iterable[Event], people: Iterable[Person]) -> tuple[EventRow, ...]:
    names = {person.person_id: person.name for person in people}
    return tuple(
        EventRow(
            event_id=event.event_id,
            kind=event.kind,
            name=names.get(event.person_id, event.person_id),
            at=event.at,
            camera_id=event.camera_id,
            inferred=event.inferred,
        )
        for event in events
    )


def _busy_span(points: Sequence[OccupancyPoint], since: datetime, now: datetime) -> tuple[datetime, datetime]:
    """From just before the first person of the day to now, a quarter of an hour at least."""
    first = next((point.at for point in points if point.people), now)
    start = min(first, now - timedelta(minutes=15)).replace(second=0, microsecond=0)
    whole_min = 60 if now - start > timedelta(hours=2) else 5
    return max(start - timedelta(minutes=start.minute % whole_min), since), now
