"""The queries of the pages, over tracker/reports. The only module of the dashboard that reads the store."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from config.settings import Settings
from config.storage import StoreSettings
from dashboard import now_queries, visit_list
from dashboard.address import VisitQuery
from dashboard.answers import Answers
from dashboard.coverage import CoverageView, coverage_view, days_watched, hours_watched
from dashboard.place import Places, behind
from dashboard.redaction import View, rows_without_names, without_names, without_people
from dashboard.views import Days, NowView, RollCall, UsageView, VisitsView
from dashboard.wording import duration
from tracker.presence.audience import published_groups
from tracker.presence.calendar import day_range
from tracker.presence.people import Person
from tracker.reports import count_tables, measures, occupancy, tables
from tracker.reports.audience import total_rows
from tracker.reports.data import ReportData, by_id
from tracker.reports.frames import Frames, index_of, rows_of
from tracker.reports.periods import Period, edges_of, quarter_edges
from tracker.reports.selection import ReportQuery, select, site_of_report
from tracker.reports.session_cache import SessionCache
from tracker.reports.sheets import Figure, Row
from tracker.reports.text import is_printable, printable
from tracker.reports.usual import PastDay, usual
from tracker.store.store import Store

BEAT_S = 20
"""Open pages refresh cameras and lists after so many seconds, also without changes."""
HISTORY_BEAT_S = 300
"""And for what is computed from visits: minutes inside grow in the browser, the rest changes by events."""
PEOPLE_SHOWN = 25
_BUSY_TIMEOUT_S = 2.0
_KEPT_ANSWERS, _KEPT_RANGES = 16, 3
_ONE_DAY, _ONE_WEEK = timedelta(hours=26), timedelta(days=8)
"""Up to a day occupancy has a step for each change, up to a week for each quarter of an hour, else for each hour."""

_Answer = TypeVar("_Answer")


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
        self._answers = Answers(_KEPT_ANSWERS)
        self._ranges = Answers(_KEPT_RANGES)
        self._cache: SessionCache | None = None
        self._days = Answers(1)
        self._known_people: tuple[str, Mapping[str, Person]] = ("", {})

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the site."""
        return self._places.now.site.zone

    @property
    def capacity(self) -> int | None:
        """The capacity of the site."""
        return self._places.now.site.capacity

    @property
    def settings(self) -> Settings:
        """The settings of the site now."""
        return self._places.now

    def kept(self, query: tuple[object, ...], answer: Callable[[], _Answer]) -> _Answer:
        """The answer to a query of this store and these settings, from `answer` if it is not known."""
        return self._answers.get((*query, self._file.identity, self._places.revision), answer)

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

    @property
    def site_id(self) -> str:
        """The site that the pages show."""
        return self._site_id

    def store(self) -> Store:
        """The open store, for actions. Raises StoreError."""
        return self._store()

    def store_file(self) -> Store:
        """The open store, also while it has nothing about the site. Raises StoreError."""
        return self._file.opened()

    def now_view(self) -> NowView:
        """Today so far, and the state of the cameras."""
        store, now = self._store(), self.now()
        return self._shown(
            self._answers.get(("now", self._pulse(store, now).anything), lambda: self._now_view(store, now))
        )

    def roll_call(self, since: datetime) -> RollCall:
        """Who is in, and who has left since then (UTC, not in the future)."""
        store, now = self._store(), self.now()
        key = ("roll-call", self._pulse(store, now).anything, since)
        return self._shown(self._answers.get(key, lambda: self._roll_call(store, now, since)))

    def visits(self, query: VisitQuery) -> VisitsView:
        """A page of the visits that fit the query, staff included."""
        query = query if self._names_shown() else without_people(query)
        data, found = self._found(query)
        return self._shown(visit_list.page_of(data, found, query, self._coverage(data)))

    def visit_rows(self, query: VisitQuery) -> Iterator[list[Row]]:
        """All visits that fit the query, in portions, whatever its page."""
        if self._names_shown():
            return visit_list.portions(*self._found(query))
        return map(rows_without_names, visit_list.portions(*self._found(without_people(query))))

    def usage(self, days: Days) -> UsageView:
        """Usage in these days."""
        version, data = self._range(days)
        return self._shown(self._answers.get(("usage", version, days), lambda: self._usage(data, days)))

    def _shown(self, view: View) -> View:
        return view if self._names_shown() else without_names(view)

    def _now_view(self, store: Store, now: datetime) -> NowView:
        data = self._select(store, now, ReportQuery(staff=True))
        frames = data.counted()
        points = tables.steps_sheet(data, frames).rows
        cameras = now_queries.cameras(store, self._places.now, now)
        started = bool(cameras) or store.cameras.event_bounds(self._site_id) is not None
        return NowView(
            now=now,
            started=started,
            other_sites=() if started else self._other_sites(store),
            inside=now_queries.inside(store, data),
            inside_notes=tuple(count_tables.inside_notes(data, frames)),
            figures=_values(tables.today_figures(data, frames)),
            points=points,
            span=_busy_span(points, data.since, now),
            events=now_queries.feed(data, partial(self._select, store, now)),
            cameras=cameras,
            watching=now_queries.is_watching(cameras),
            coverage=self._coverage(data),
            usual=usual(self._past_days(store, now), now, self.zone),
            longest=store.sites.rules(self._site_id).max_visit,
            upload_problems=now_queries.upload_problems(store, self._places.now, now),
        )

    def _roll_call(self, store: Store, now: datetime, since: datetime) -> RollCall:
        data = self._select(store, now, ReportQuery(since=since, until=now + timedelta(seconds=1), staff=True))
        cameras = now_queries.cameras(store, self._places.now, now)
        return RollCall(
            now=now,
            since=since,
            rows=now_queries.roll_call(store, data, since),
            people_in=count_tables.people_now(data.counted()),
            inside_notes=tuple(count_tables.inside_notes(data, data.counted())),
            cameras=cameras,
            watching=now_queries.is_watching(cameras),
        )

    def _past_days(self, store: Store, now: datetime) -> tuple[PastDay, ...]:
        """Kept until the next day, unless the records begin earlier than they did, as after an import."""
        bounds = store.sessions.bounds(self._site_id)
        key = (self._file.identity, self._places.revision, self.today(), bounds and bounds[0])
        return self._days.get(
            key, lambda: now_queries.past_days(partial(self._select, store, now), self.today(), self.zone)
        )

    def _found(self, query: VisitQuery) -> tuple[ReportData, visit_list.Found]:
        """The visits that fit the query, and the data of its range."""
        version, data = self._range(query.days)
        key = ("visits", version, query.days, query.where, query.order, query.descending)
        return data, self._answers.get(key, lambda: visit_list.find(data, query))

    def _usage(self, data: ReportData, days: Days) -> UsageView:
        frames, since, until, now = data.counted(), data.since, data.until, data.now
        came = frames.begun(since, until)
        points = _points(data, frames, now)
        inside = measures.people_usage(frames, edges_of(Period.DAY, since, until, data.zone), now=now)
        has_staff = len(data.frames.visits) > len(frames.visits)
        counted = frames.crossings is not None
        doors = None if frames.crossings is None else count_tables.doors_sheet(data, frames.crossings)
        return UsageView(
            days=days,
            counted=counted,
            doors=() if doors is None else doors.rows,
            figures=_values(tables.range_figures(data, frames)),
            dwell=tables.dwell_sheet(data, came).rows[0],
            bins=rows_of(measures.histogram(came, {"visits": "dwell_s"})),
            hours=measures.entries_by_hour_of_day(frames, since, until, data.zone),
            capacity=None if has_staff and not counted else self.capacity,
            points=points,
            span=_busy_span(points, since, now) if days.count == 1 else (since, min(until, now)),
            people=tables.people_rows(data, inside[:PEOPLE_SHOWN]),
            people_count=len(inside),
            coverage=self._coverage(data),
            hours_watched=hours_watched(data.coverage, since, until, zone=data.zone, now=now),
            days_watched=days_watched(data.coverage, since, until, zone=data.zone, now=now),
            audience=self._audience(since, until, now) if self._places.now.audience.networks else None,
        )

    def _audience(self, since: datetime, until: datetime, now: datetime) -> list[Row]:
        groups = self._store().audience.groups(self._site_id, since=since, until=until)
        return total_rows(published_groups(groups, now))

    def _range(self, days: Days) -> tuple[str, ReportData]:
        """The report data of these days, which pages share until history changes, and its version."""
        store, now = self._store(), self.now()
        version = self._pulse(store, now).history
        since, until = day_range(days.first, self.zone, days=days.count)
        query = ReportQuery(since=since, until=until)
        return version, self._ranges.get((version, days), lambda: self._select(store, now, query))

    def _select(self, store: Store, now: datetime, query: ReportQuery) -> ReportData:
        site = site_of_report(self._places.now, store)
        return select(store, site, query, now, people=self._people(store), cache=self._sessions(store))

    def _sessions(self, store: Store) -> SessionCache:
        """The sessions in memory; new ones where the file was replaced."""
        if self._cache is None or self._cache.store is not store:
            self._cache = SessionCache(store, self._site_id)
        return self._cache

    def _people(self, store: Store) -> Mapping[str, Person]:
        """Everybody, read again when people changed; control characters in names of older stores are escaped."""
        version = f"{self._file.identity} {store.people.version()}"
        if version != self._known_people[0]:
            self._known_people = (version, by_id(map(with_printable_name, store.people.all())))
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


def with_printable_name(person: Person) -> Person:
    """The person; control characters in names of older stores are escaped."""
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
    found = occupancy.peak_counts(frames.steps, index_of(edges)).tolist()
    return [{"at": at, "people": people} for at, people in zip(edges, [*found, found[-1]], strict=True)]


def _busy_span(points: Sequence[Row], since: datetime, now: datetime) -> tuple[datetime, datetime]:
    """From just before the first person of the day to now, a quarter of an hour at least."""
    first = next((point["at"] for point in points if point["people"]), now)
    start = min(first, now - timedelta(minutes=15)).replace(second=0, microsecond=0)
    whole_min = 60 if now - start > timedelta(hours=2) else 5
    return max(start - timedelta(minutes=start.minute % whole_min), since), now
