"""What all reports take: which part of the history, and in which form. And the history that is meant."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from config.settings import Settings
from tracker.cli.door import JsonOption, SettingsOption, StoreOption, UsageError, open_store, settings_for
from tracker.cli.moments import FromOption, ToOption, parse_moment
from tracker.presence.days import day_range
from tracker.presence.events import Event
from tracker.presence.sessions import sessions
from tracker.presence.watches import Coverage
from tracker.reports.periods import Period, start_of_default
from tracker.reports.subject import Subject
from tracker.store.history import people_of, rules_of
from tracker.store.local import LocalStore

PLOT_SUFFIXES = (".html", ".png")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The options that all reports share."""

    store: StoreOption = None
    settings: SettingsOption = None
    site: Annotated[
        str | None, typer.Option("--site", metavar="ID", help="Another site than the one in the settings.")
    ] = None
    camera: Annotated[
        str | None,
        typer.Option("--camera", metavar="ID", help="Only what this camera saw, as if it were the only one."),
    ] = None
    staff: Annotated[bool, typer.Option("--staff", help="Count staff too.")] = False
    as_json: JsonOption = False
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV for spreadsheets.")] = False
    xlsx: Annotated[
        Path | None, typer.Option("--xlsx", metavar="FILE", help="Write an Excel workbook; replaces the file.")
    ] = None
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE", help="Draw it: .html opens everywhere, .png needs Chrome or Chromium."),
    ] = None

    def check(self) -> None:
        """Raises UsageError when the wishes contradict each other or a file has the wrong ending."""
        if self.as_json and self.as_csv:
            raise UsageError("--json and --csv are two forms of one thing", fix="give one of them")
        if self.xlsx is not None and self.xlsx.suffix.lower() != ".xlsx":
            raise UsageError(f"--xlsx: {self.xlsx.name[:80]!r} does not end in .xlsx", fix="write --xlsx report.xlsx")
        if self.plot is not None and self.plot.suffix.lower() not in PLOT_SUFFIXES:
            name = self.plot.name[:80]
            raise UsageError(f"--plot: {name!r} ends neither in .html nor in .png", fix="write --plot report.html")


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeWish(Wish):
    """The options of reports over a range."""

    since: FromOption = None
    until: ToOption = None


def takes(kind: type[Wish]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a function of a wish, and maybe more, a command that takes each field of the wish as an option."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        hints = get_type_hints(kind, include_extras=True)
        own_hints = get_type_hints(command, include_extras=True)
        own = [each for each in inspect.signature(command).parameters.values() if each.name != "wish"]
        shared = [
            inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default)
            for field in fields(kind)
        ]

        @functools.wraps(command)
        def call(**given: Any) -> None:
            wish = kind(**{field.name: given.pop(field.name) for field in fields(kind)})
            wish.check()
            command(wish, **given)

        parameters = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own] + shared
        parameters = [each.replace(annotation={**hints, **own_hints}[each.name]) for each in parameters]
        call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # what Typer reads
        call.__annotations__ = {each.name: each.annotation for each in parameters}
        return call

    return decorate


def subject_of(wish: Wish, *, default: Period | None = None, whole_days: bool = False) -> Subject:
    """The history that is meant, and the range: the local day for a plain wish, else --from to --to.

    default: the range without --from is that of this period, else the last seven days. whole_days: there is a row for
    every piece of the range, so it does not begin before the day on which the records begin.
    Raises UsageError on a range, site or camera that is none, StoreError.
    """
    settings = settings_for(wish.settings, store=wish.store, overrides={"site": {"id": wish.site}})
    now = datetime.now(UTC)
    since, until = _range(wish, settings, now, default)
    with open_store(settings, create=False) as store:
        subject = _read(store, settings, wish, now)
    begin = subject.coverage.recorded_since
    if whole_days and begin is not None:
        since = max(since, day_range(begin.astimezone(subject.zone).date(), subject.zone)[0])
        since = since if since < until else until - timedelta(microseconds=1)
    return replace(subject, since=since, until=until)


def _range(wish: Wish, settings: Settings, now: datetime, default: Period | None) -> tuple[datetime, datetime]:
    zone = settings.site.zone
    if not isinstance(wish, RangeWish):
        return day_range(now.astimezone(zone).date(), zone)
    until = parse_moment(wish.until, zone, option="--to", end_of_day=True) or now
    start = parse_moment(wish.since, zone, option="--from")
    if start is not None and start >= now:
        raise UsageError("--from lies in the future", fix="give a day that has begun")
    if start is not None and start >= until:
        raise UsageError("--from does not lie before --to", fix="swap them, or leave one out")
    end = min(until, now)
    try:
        return start or start_of_default(default or Period.DAY, end, zone), end
    except (ValueError, OverflowError):
        return _FIRST_MOMENT, end


def _read(store: LocalStore, settings: Settings, wish: Wish, now: datetime) -> Subject:
    site = settings.site
    events, watches = store.events(site_id=site.id), store.watches(site.id)
    presences, people = store.presences(site_id=site.id), store.people()
    if wish.site is not None and not events and not watches:
        others = sorted({event.site_id for event in store.events()} | {each.site_id for each in store.watches()})
        raise _unknown("site", wish.site, others)
    if wish.camera is not None:
        known = {event.camera_id for event in events} | {each.camera_id for each in watches}
        if wish.camera not in known | {camera.id for camera in settings.camera}:
            raise _unknown("camera", wish.camera, sorted(known))
        events = [event for event in events if event.camera_id == wish.camera]
        watches = [each for each in watches if each.camera_id == wish.camera]
        presences = [presence for presence in presences if presence.camera_id == wish.camera]
    return Subject(
        site_id=site.id,
        site_name=site.name,
        zone=site.zone,
        capacity=site.capacity,
        sessions=sessions(events, rules=rules_of(settings.presence), now=now, presences=presences),
        people=people_of(people, events),
        events=events,
        coverage=Coverage(watches, now=now, first_event_at=_first(events)),
        since=now,
        until=now,
        now=now,
        staff=wish.staff,
        filters=f"camera {wish.camera}" if wish.camera else "",
    )


def _first(events: Iterable[Event]) -> datetime | None:
    return min((event.at for event in events), default=None)


def _unknown(what: str, given: str, known: list[str]) -> UsageError:
    fix = f"known are {', '.join(known[:10])}" if known else "nothing is recorded yet: 'footfall track --camera 0'"
    return UsageError(f"--{what}: nothing is known of {given[:64]!r}", fix=fix)


_FIRST_MOMENT = datetime.min.replace(tzinfo=UTC)
