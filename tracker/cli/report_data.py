"""The data of a report that the options of a command ask for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from tracker.cli.options import UsageError
from tracker.cli.report_options import RangeOptions, ReportOptions
from tracker.cli.store import reading
from tracker.cli.times import parse_time
from tracker.presence.calendar import day_range
from tracker.reports.data import ReportData
from tracker.reports.periods import Period, lies_too_early, start_of_default
from tracker.reports.selection import NotRecordedError, ReportQuery, ReportSite, select, site_of_report


def data_of(options: ReportOptions, query: ReportQuery | None = None, *, default: Period | None = None) -> ReportData:
    """The data that the options ask for: of the current day, or of --from to --to.

    query: what else the report needs. default: the range without --from is that of this period, else the last seven
    days. Raises UsageError on a range, site, camera or zone that is none, StoreError.
    """
    with reading(options) as (read_settings, store):
        settings = read_settings if options.site is None else replace(options, site=None).load()
        now = datetime.now(UTC)
        try:
            site = site_of_report(settings, store, options.site)
            since, until = _range(options, site, now, default)
            asked = replace(
                query or ReportQuery(),
                since=since,
                until=until,
                camera_id=options.camera,
                zone=options.zone,
                staff=options.staff,
            )
            return select(store, site, asked, now)
        except NotRecordedError as error:
            raise UsageError(error.problem, fix=error.fix) from error


def _range(
    options: ReportOptions, site: ReportSite, now: datetime, default: Period | None
) -> tuple[datetime, datetime]:
    zone = site.zone
    if not isinstance(options, RangeOptions):
        return day_range(now.astimezone(zone).date(), zone)
    until = parse_time(options.until, zone, option="--to", end_of_day=True) or now
    start = parse_time(options.since, zone, option="--from")
    for option, at in (("--from", start), ("--to", until)):
        if at is not None and lies_too_early(at, zone):
            raise UsageError(f"{option} lies before 1970", fix="give a later day")
    if start is not None and start >= now:
        raise UsageError("--from lies in the future", fix="give a day that has begun")
    if start is not None and start >= until:
        raise UsageError("--from does not lie before --to", fix="swap them, or leave one out")
    end = min(until, now)
    return start or start_of_default(default or Period.DAY, end, zone), end
