"""The queries of the pages, over tracker/reports. The only module of the dashboard that reads the store."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from config.settings import Settings
from config.storage import StoreSettings
from dashboard.camera_words import camera_row
from dashboard.coverage import CoverageView, coverage_view, days_watched, hours_watched
from dashboard.place import Places, behind
from dashboard.redaction import View, without_names
from dashboard.views import Days, EventRow, LiveView, UsageView, VisitsView
from dashboard.wording import duration
from tracker.presence.calendar import day_range
from tracker.presence.people import Person, Role
from tracker.reports import measures, tables
from tracker.reports.data import ReportData, by_id
from tracker.reports.frames import Frames, index_of, rows_of
from tracker.reports.periods import Period, edges_of, quarter_edges
from tracker.reports.selection import ReportQuery, select, site_of_report
from tracker.reports.sheets import Figure, Row
from tracker.reports.text import is_printable, printable
from tracker.store.site_settings import reports_after_s
from tracker.store.store import Store
from tracker.store.users import Users

LATEST_EVENTS = 8
MOST_VISITS = 1_000
"""Maximum number of visits in the table."""
BEAT_S = 20
"""Open pages refresh cameras and lists after so many seconds, also without changes."""
HISTORY_BEAT_S = 300
"""And for what is computed from visits: minutes inside grow in the browser, the rest changes by events."""
PEOPLE_SHOWN = 100
_BUSY_TIMEOUT_S = 2.0
_KEPT_ANSWERS = 6
_ONE_DAY, _ONE_WEEK = timedelta(hours=26), timedelta(days=8)
"""Up to a day occupancy has a step for each change, up to a week for each quarter of an hour, else for each hour."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """Two texts to compare. anything: changes with the store. history: with events, people and time."""

    anything: str
    history: str


class Board:
    """The queries of pages over one store and site.

    The file may be missing, come later or be replaced; every method then raises StoreError until it can be read.
    Thread-safe. An answer is kept until the pulse changes, so that the callbacks of one page
    share it. clock: the time now, timezone-aware. reread: loads the settings again when the machines of the site share
    others. settings_file: the one that was named at the start, for the commands on pages. names_shown: whether who asks
    may get the names of people; without them the figures are the same.
    """

    def __init__(
        self,
        store_path: Path,
        settings: Settings,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        reread: Callable[[], Settings] | None = None,
        settings_file: Path | None = None,
        names_shown: Callable[[], bool] = lambda: True,
    ) -> None:
        self.now = clock
        self._names_shown = names_shown
        self._site_id = settings.site.id
        self._url = settings.store.url
        self._settings_file = settings_file
        self._places = Places(settings, reread or (lambda: settings))
        self._file = _StoreFile(store_path)
        self._answers = _Answers()
        self._known_people: tuple[str, Mapping[str, Person]] = ("", {})

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the site."""
        return self._places.now.site.zone

    @property
    def capacity(self) -> int | None:
        """The capacity of the site."""
        return self._places.now.site.capacity

    def behind(self) -> tuple[str, ...]:
        """A sentence if the local copy is out of date."""
        return behind(self._places.now, self._store(), self.now())

    def today(self) -> date:
        """The current day at the site."""
        return self.now().astimezone(self.zone).date()

    @property
    def bounce_words(self) -> str:
        """The definition of a bounce at this site."""
        shortest_s = self._store().sites.rules(self._site_id).min_visit.total_seconds()
        return f"visits under {duration(shortest_s)}" if shortest_s else "no minimum visit is set"

    def command(self, *words: str) -> str:
        """A `footfall` command line for this store by these settings, ready to run."""
        settings = () if self._settings_file is None else ("--settings", str(self._settings_file))
        store = () if self._url == StoreSettings().url else ("--store", self._url)
        return shlex.join(("footfall", *words, *settings, *store))

    def pulse(self) -> Pulse:
        """What an open page compares to detect changes."""
        return self._pulse(self._store(), self.now())

    def users(self) -> Users:
        """The users of the store."""
        return self._file.opened().users

    def live(self) -> LiveView:
        """Today so far, and the state of the cameras."""
        store, now = self._store(), self.now()
        return self._shown(
            self._answers.get(("live", self._pulse(store, now).anything), lambda: self._live(store, now))
        )

    def visits(self, days: Days) -> VisitsView:
        """Visits that overlap these days, the latest first, staff included."""
        store, now = self._store(), self.now()
        view = self._answers.get(
            ("visits", self._pulse(store, now).history, days), lambda: self._visits(store, now, days)
        )
        return self._shown(view)

    def usage(self, days: Days) -> UsageView:
        """Usage in these days."""
        store, now = self._store(), self.now()
        view = self._answers.get(
            ("usage", self._pulse(store, now).history, days), lambda: self._usage(store, now, days)
        )
        return self._shown(view)

    def _shown(self, view: View) -> View:
        return view if self._names_shown() else without_names(view)

    def _live(self, store: Store, now: datetime) -> LiveView:
        settings, data = self._places.now, self._data(store, now)
        everybody = data.counted(staff=True)
        points = tables.steps_sheet(data, everybody).rows
        latest = store.events.select(site_id=self._site_id, limit=LATEST_EVENTS, newest_first=True)
        cameras = store.cameras.health(self._site_id)
        shared = store.cameras.shared(self._site_id, now)
        started = bool(latest or cameras)
        return LiveView(
            now=now,
            started=started,
            other_sites=() if started else self._other_sites(store),
            inside=self._inside(store, data, everybody),
            figures=_values(tables.today_report(data).figures),
            most=measures.peak_of(everybody.steps, data.since, data.until),
            points=points,
            span=_busy_span(points, data.since, now),
            events=tuple(
                EventRow(
                    event_id=event.event_id,
                    kind=event.kind,
                    name=data.person(event.person_id).name,
                    at=event.at,
                    camera_id=event.camera_id,
                    inferred=event.inferred,
                )
                for event in latest
            ),
            cameras=tuple(
                camera_row(
                    camera,
                    now,
                    reports_after_s=reports_after_s(settings),
                    warnings=[each.warning for each in shared if each.camera_id == camera.camera_id],
                )
                for camera in cameras
            ),
            coverage=self._coverage(data),
        )

    def _inside(self, store: Store, data: ReportData, everybody: Frames) -> list[Row]:
        """Rows of the open visits, the latest first, with the camera that saw the person last."""
        rows = tables.visit_rows(data, everybody.visits[everybody.visits["ended_at"].isna()])[::-1]
        cameras = store.cameras.last_events(self._site_id, [row["person_id"] for row in rows])
        for presence in sorted(store.cameras.presences(site_id=self._site_id), key=lambda each: each.seen_at):
            cameras[presence.person_id] = presence.camera_id
        return [{**row, "camera_id": cameras.get(row["person_id"], row["enter_camera_id"] or "")} for row in rows]

    def _visits(self, store: Store, now: datetime, days: Days) -> VisitsView:
        data = self._data(store, now, days)
        found = data.counted(staff=True).touching(data.since, data.until)
        who = found["person_id"].unique()
        return VisitsView(
            rows=tables.visit_rows(data, found[: -MOST_VISITS - 1 : -1]),
            visits=len(found),
            people=len(who),
            still_in=int(found["ended_at"].isna().sum()),
            with_staff=any(data.person(person_id).role is Role.STAFF for person_id in who),
            coverage=self._coverage(data),
        )

    def _usage(self, store: Store, now: datetime, days: Days) -> UsageView:
        data = self._data(store, now, days)
        frames, since, until = data.counted(), data.since, data.until
        came = frames.begun(since, until)
        points = _points(data, frames, now)
        inside = measures.people_usage(frames, edges_of(Period.DAY, since, until, data.zone), now=now)
        has_staff = len(data.frames.visits) > len(frames.visits)
        return UsageView(
            days=days,
            figures=_values(tables.range_figures(data, frames)),
            dwell=tables.dwell_sheet(data, came).rows[0],
            bins=rows_of(measures.histogram(came, {"visits": "dwell_s"})),
            hours=measures.entries_by_hour_of_day(frames, since, until, data.zone),
            capacity=None if has_staff else self.capacity,
            points=points,
            span=_busy_span(points, since, now) if days.count == 1 else (since, min(until, now)),
            people=tables.people_rows(data, inside[:PEOPLE_SHOWN]),
            people_count=len(inside),
            coverage=self._coverage(data),
            hours_watched=hours_watched(data.coverage, since, until, zone=data.zone, now=now),
            days_watched=days_watched(data.coverage, since, until, zone=data.zone, now=now),
        )

    def _data(self, store: Store, now: datetime, days: Days | None = None) -> ReportData:
        """The report data of these days, today by default."""
        site = site_of_report(self._places.now, store)
        since, until = (None, None) if days is None else day_range(days.first, site.zone, days=days.count)
        query = ReportQuery(since=since, until=until)
        return select(store, site, query, now, people=self._people(store))

    def _people(self, store: Store) -> Mapping[str, Person]:
        """Everybody, read again when people changed; control characters in names of older stores are escaped."""
        version = f"{self._file.identity} {store.people.version()}"
        if version != self._known_people[0]:
            self._known_people = (version, by_id(map(_escaped, store.people.all())))
        return self._known_people[1]

    def _coverage(self, data: ReportData) -> CoverageView:
        return coverage_view(data.coverage, data.since, data.until, zone=data.zone, now=data.now)

    def _store(self) -> Store:
        """The open store, after a check of the shared settings."""
        store = self._file.opened()
        self._places.look(store)
        return store

    def _pulse(self, store: Store, now: datetime) -> Pulse:
        at_s = int(now.timestamp())
        history = " ".join(
            map(
                str,
                (
                    self._file.identity,
                    self._places.revision,
                    store.events.version(),
                    store.people.version(),
                    store.sessions.unsettled(now),
                    self.today(),
                    at_s // HISTORY_BEAT_S,
                ),
            )
        )
        return Pulse(anything=f"{history} {store.version()} {at_s // BEAT_S}", history=history)

    def _other_sites(self, store: Store) -> tuple[str, ...]:
        return tuple(site.site_id for site in store.sites.all() if site.site_id != self._site_id)


class _Answers:
    """A cache of answers by query; threads with the same query wait for one answer."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], object] = {}
        self._lock = threading.Lock()

    def get(self, question: tuple[object, ...], answer: Callable[[], View]) -> View:
        with self._lock:
            if question not in self._known:
                found = answer()
                while len(self._known) >= _KEPT_ANSWERS:
                    del self._known[next(iter(self._known))]
                self._known[question] = found
            return self._known[question]  # type: ignore[return-value] # of this question


class _StoreFile:
    """The store file, opened when it exists and reopened when it was replaced."""

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


def _escaped(person: Person) -> Person:
    return person if is_printable(person.name) else replace(person, name=printable(person.name))


def _values(figures: Sequence[Figure]) -> dict[str, object]:
    return {figure.key: figure.value for figure in figures}


def _points(data: ReportData, frames: Frames, now: datetime) -> Sequence[Row]:
    """People in from each instant on, until the next."""
    if data.until - data.since <= _ONE_DAY:
        return tables.steps_sheet(data, frames).rows
    until = min(data.until, now)
    if data.until - data.since <= _ONE_WEEK:
        edges = quarter_edges(data.since, until)
    else:
        edges = edges_of(Period.HOUR, data.since, until, data.zone)
    found = measures.peak_counts(frames.steps, index_of(edges)).tolist()
    return [{"at": at, "people": people} for at, people in zip(edges, [*found, found[-1]], strict=True)]


def _busy_span(points: Sequence[Row], since: datetime, now: datetime) -> tuple[datetime, datetime]:
    """From just before the first person of the day to now, a quarter of an hour at least."""
    first = next((point["at"] for point in points if point["people"]), now)
    start = min(first, now - timedelta(minutes=15)).replace(second=0, microsecond=0)
    whole_min = 60 if now - start > timedelta(hours=2) else 5
    return max(start - timedelta(minutes=start.minute % whole_min), since), now
