"""The data of a report that the options of a command ask for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from tracker.cli.current import open_current
from tracker.cli.door import UsageError, settings_for
from tracker.cli.moments import parse_moment
from tracker.cli.report_wish import RangeWish, Wish
from tracker.presence.calendar import day_range
from tracker.reports.data import ReportData
from tracker.reports.periods import Period, lies_too_early, start_of_default
from tracker.reports.selection import NotRecordedError, ReportQuery, ReportSite, select, site_of_report


def data_of(wish: Wish, query: ReportQuery | None = None, *, default: Period | None = None) -> ReportData:
    """The data that the options ask for: of the current day, or of --from to --to.

    query: what else the report needs. default: the range without --from is that of this period, else the last seven
    days. Raises UsageError on a range, site, camera or zone that is none, StoreError.
    """
    settings, opened = open_current(
        wish.settings, store=wish.store, offline=wish.offline, overrides={"site": {"id": wish.site}}
    )
    if wish.site is not None:
        settings = settings_for(wish.settings, store=wish.store)  # of the site that they describe
    now = datetime.now(UTC)
    with opened as store:
        try:
            site = site_of_report(settings, store, wish.site)
            since, until = _range(wish, site, now, default)
            asked = replace(
                query or ReportQuery(),
                since=since,
                until=until,
                camera_id=wish.camera,
                zone=wish.zone,
                staff=wish.staff,
            )
            return select(store, site, asked, now)
        except NotRecordedError as error:
            raise UsageError(error.problem, fix=error.fix) from error


def _range(wish: Wish, site: ReportSite, now: datetime, default: Period | None) -> tuple[datetime, datetime]:
    zone = site.zone
    if not isinstance(wish, RangeWish):
        return day_range(now.astimezone(zone).date(), zone)
    until = parse_moment(wish.until, zone, option="--to", end_of_day=True) or now
    start = parse_moment(wish.since, zone, option="--from")
    for option, at in (("--from", start), ("--to", until)):
        if at is not None and lies_too_early(at, zone):
            raise UsageError(f"{option} lies before 1970", fix="give a later day")
    if start is not None and start >= now:
        raise UsageError("--from lies in the future", fix="give a day that has begun")
    if start is not None and start >= until:
        raise UsageError("--from does not lie before --to", fix="swap them, or leave one out")
    end = min(until, now)
    return start or start_of_default(default or Period.DAY, end, zone), end
