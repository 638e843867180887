"""`footfall report`: who is in, and who was here when and for how long."""

from __future__ import annotations

import gc
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from tracker.cli.command import command
from tracker.cli.extras import require
from tracker.cli.options import Reading, SiteOption, UsageError
from tracker.cli.people import find_person
from tracker.cli.store import reading
from tracker.cli.times import FromOption, ToOption, as_usage
from tracker.presence.calendar import day_range
from tracker.reports.periods import Period
from tracker.reports.ranges import range_of
from tracker.reports.sheets import Report

if TYPE_CHECKING:
    from tracker.reports.data import ReportData
    from tracker.reports.selection import ReportSite

_GARBAGE_EVERY = 200_000
"""New objects after which Python looks for garbage, instead of 700: a report is over before there is much of it."""

ByOption = Annotated[Period, typer.Option("--by", help="The period of a row.")]
PersonArgument = Annotated[
    str | None, typer.Argument(metavar="PERSON", help="Name or id. Default: everybody who was here.")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceOptions(Reading):
    """Options of the report on the audience."""

    site: SiteOption = None
    camera: Annotated[str | None, typer.Option("--camera", metavar="ID", help="Only this camera.")] = None
    since: FromOption = None
    until: ToOption = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions(Reading):
    """Options of a report of the current day."""

    site: SiteOption = None
    camera: Annotated[
        str | None,
        typer.Option("--camera", metavar="ID", help="Only this camera's room, or visits through its door."),
    ] = None
    zone: Annotated[str | None, typer.Option("--zone", metavar="NAME", help="Only this zone of a room.")] = None
    staff: Annotated[bool, typer.Option("--staff", help="Include staff.")] = False
    group: Annotated[
        str | None, typer.Option("--group", metavar="NAME", help="Only people who are in this group now.")
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeOptions(ReportOptions):
    """Options of a report over a range."""

    since: FromOption = None
    until: ToOption = None


@command("footfall report today --json")
def today(options: ReportOptions) -> Report:
    """Show who is in now, and today's figures."""
    data = _data(options)
    from tracker.reports.tables import today_report

    return today_report(data)


@command("footfall report usage --by hour", "footfall report usage --by month --xlsx year.xlsx --plot year.html")
def usage(options: RangeOptions, by: ByOption = Period.DAY) -> Report:
    """Report entries, exits, visitors, dwell and peak by hour, day, week or month.

    Where doors count everybody: of how many entries the face was recognised, and a table of the doors.
    Default: today by the hour, 7 days, 8 weeks or 12 months, each up to now.
    """
    data = _data(options, default=by, whole_days=True, names=False)
    from tracker.reports.tables import usage_report

    return usage_report(data, by)


@command("footfall report visits --from 2026-01-26 --to 2026-01-31 --csv > visits.csv")
def visits(options: RangeOptions) -> Report:
    """List visits, the latest first.

    Default: the last seven days.
    """
    data = _data(options)
    from tracker.reports.tables import visits_report

    return visits_report(data)


@command("footfall report dwell --from 2026-01-01 --plot dwell.html")
def dwell(options: RangeOptions) -> Report:
    """Report how long visits last.

    Median, mean and 90th percentile, net and with gaps. Default: the last seven days.
    """
    data = _data(options, names=False)
    from tracker.reports.tables import dwell_report

    return dwell_report(data)


@command("footfall report attendance --from 2026-01-01 --xlsx january.xlsx")
def attendance(options: RangeOptions) -> Report:
    """Report enrolled people by day: first in, last out, hours.

    Default: the last seven days.
    """
    data = _data(options, whole_days=True, time_stamps=True)
    from tracker.reports.attendance import attendance_report

    return attendance_report(data)


@command("footfall report occupancy --from 2026-01-31 --plot occupancy.html")
def occupancy(options: RangeOptions) -> Report:
    """Report the people in by quarter of an hour: mean, peak, capacity.

    Default: today.
    """
    data = _data(options, default=Period.HOUR, whole_days=True, names=False)
    from tracker.reports.tables import occupancy_report

    return occupancy_report(data)


@command("footfall report people --from 2026-01-01", "footfall report people 'Ada Lovelace' --json")
def people(options: RangeOptions, who: PersonArgument = None) -> Report:
    """Report how much each person used the place, or one person's visits.

    Default: the last seven days.
    """
    if who is None:
        data = _data(options, whole_days=True)
        from tracker.reports.tables import people_report

        return people_report(data)
    with reading(options) as (_, store):
        person = find_person(store, who)
    data = _data(options, whole_days=True, person_id=person.person_id)
    from tracker.reports.attendance import person_report

    return person_report(data, person)


@command("footfall report audience", "footfall report audience --by hour --from 2026-01-26 --csv > audience.csv")
def audience(options: AudienceOptions, by: ByOption = Period.DAY) -> Report:
    """Report how many people looked like what: expressions and age bands.

    Off unless [audience] in the settings asks for it. Only hours with at least five people are reported, and of them
    only what at least five people share; a day is the sum of its hours. Counts are on the machine that made them.
    Default: today by the hour, 7 days, 8 weeks or 12 months, each up to now.
    """
    require("this report", "reports", "pandas")
    from tracker.presence.audience import published_groups
    from tracker.reports.audience import audience_report
    from tracker.reports.selection import NotRecordedError, known_cameras, site_of_report, unrecorded

    with reading(options) as (settings, store):
        now = datetime.now(UTC)
        own = settings if options.site is None else replace(options, site=None).load()
        try:
            site = site_of_report(own, store, options.site)
            known = known_cameras(store, site)
            if options.camera is not None and options.camera not in known:
                raise unrecorded("camera", options.camera, known)
        except NotRecordedError as error:
            raise UsageError(error.problem, fix=error.fix) from error
        with as_usage():
            since, until = range_of(options.since, options.until, site.zone, now=now, default=by, prefix="--")
        groups = store.audience.groups(site.site_id, since=since, until=until, camera_id=options.camera)
    return audience_report(
        published_groups(groups, now),
        by,
        site_id=site.site_id,
        site_name=site.name,
        zone=site.zone,
        since=since,
        until=until,
        now=now,
        counted=bool(settings.audience.networks),
        filters="" if options.camera is None else f"camera {options.camera}",
    )


def _data(
    options: ReportOptions,
    *,
    default: Period | None = None,
    whole_days: bool = False,
    time_stamps: bool = False,
    person_id: str | None = None,
    names: bool = True,
) -> ReportData:
    """The data of the current day, or of --from to --to.

    default: without --from the range is that of this period, else the last seven days. names: rows are about single
    people. Raises UsageError on an invalid
    range or an unknown site, camera or zone; StoreError; SettingsError without pandas.
    """
    gc.set_threshold(_GARBAGE_EVERY)
    require("this report", "reports", "pandas")
    from tracker.reports.selection import NotRecordedError, ReportQuery, select, site_of_report

    with reading(options) as (read_settings, store):
        settings = read_settings if options.site is None else replace(options, site=None).load()
        now = datetime.now(UTC)
        try:
            site = site_of_report(settings, store, options.site)
            since, until = _range(options, site, now, default)
            query = ReportQuery(
                since=since,
                until=until,
                camera_id=options.camera,
                zone=options.zone,
                staff=options.staff,
                group=options.group,
                whole_days=whole_days,
                time_stamps=time_stamps,
                person_id=person_id,
                names=names,
            )
            return select(store, site, query, now)
        except NotRecordedError as error:
            raise UsageError(error.problem, fix=error.fix) from error


def _range(
    options: ReportOptions, site: ReportSite, now: datetime, default: Period | None
) -> tuple[datetime, datetime]:
    if not isinstance(options, RangeOptions):
        return day_range(now.astimezone(site.zone).date(), site.zone)
    with as_usage():
        default = default or Period.DAY
        return range_of(options.since, options.until, site.zone, now=now, default=default, prefix="--")
