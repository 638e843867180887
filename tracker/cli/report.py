"""`footfall report`: who is in, and who was here when and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tracker.cli.command import command
from tracker.cli.people import find_person
from tracker.cli.report_options import RangeOptions, ReportOptions
from tracker.cli.report_output import require
from tracker.cli.store import reading
from tracker.reports.periods import Period
from tracker.reports.sheets import Report

if TYPE_CHECKING:
    from tracker.reports.data import ReportData

ByOption = Annotated[Period, typer.Option("--by", help="The period of a row.")]
PersonArgument = Annotated[
    str | None, typer.Argument(metavar="PERSON", help="Name or id. Default: everybody who was here.")
]


@command("footfall report today --json")
def today(options: ReportOptions) -> Report:
    """Show who is in now, and today's figures."""
    require("pandas")
    from tracker.reports.tables import today_report

    return today_report(_data(options, visit_ids=True))


@command("footfall report usage --by hour", "footfall report usage --by month --xlsx year.xlsx --plot year.html")
def usage(options: RangeOptions, by: ByOption = Period.DAY) -> Report:
    """Report entries, exits, visitors, dwell and peak by hour, day, week or month.

    Default: today by the hour, 7 days, 8 weeks or 12 months, each up to now.
    """
    require("pandas")
    from tracker.reports.tables import usage_report

    return usage_report(_data(options, default=by, whole_days=True), by)


@command("footfall report visits --from 2026-01-26 --to 2026-01-31 --csv > visits.csv")
def visits(options: RangeOptions) -> Report:
    """List visits, the latest first.

    Default: the last seven days.
    """
    require("pandas")
    from tracker.reports.tables import visits_report

    return visits_report(_data(options, visit_ids=True))


@command("footfall report dwell --from 2026-01-01 --plot dwell.html")
def dwell(options: RangeOptions) -> Report:
    """Report how long visits last.

    Median, mean and 90th percentile, net and with gaps. Default: the last seven days.
    """
    require("pandas")
    from tracker.reports.tables import dwell_report

    return dwell_report(_data(options))


@command("footfall report attendance --from 2026-01-01 --xlsx january.xlsx")
def attendance(options: RangeOptions) -> Report:
    """Report enrolled people by day: first in, last out, hours.

    Default: the last seven days.
    """
    require("pandas")
    from tracker.reports.attendance import attendance_report

    return attendance_report(_data(options, whole_days=True, time_stamps=True))


@command("footfall report occupancy --from 2026-01-31 --plot occupancy.html")
def occupancy(options: RangeOptions) -> Report:
    """Report the people in by quarter of an hour: mean, peak, capacity.

    Default: today.
    """
    require("pandas")
    from tracker.reports.tables import occupancy_report

    return occupancy_report(_data(options, default=Period.HOUR, whole_days=True))


@command("footfall report people --from 2026-01-01", "footfall report people 'Ada Lovelace' --json")
def people(options: RangeOptions, who: PersonArgument = None) -> Report:
    """Report how much each person used the place, or one person's visits.

    Default: the last seven days.
    """
    require("pandas")
    if who is None:
        from tracker.reports.tables import people_report

        return people_report(_data(options, whole_days=True))
    from tracker.reports.attendance import person_report

    with reading(options) as (_, store):
        person = find_person(store, who)
    return person_report(_data(options, whole_days=True, person_id=person.person_id, visit_ids=True), person)


def _data(
    options: ReportOptions,
    *,
    default: Period | None = None,
    whole_days: bool = False,
    time_stamps: bool = False,
    person_id: str | None = None,
    visit_ids: bool = False,
) -> ReportData:
    from tracker.cli.report_data import data_of
    from tracker.reports.selection import ReportQuery

    query = ReportQuery(whole_days=whole_days, time_stamps=time_stamps, person_id=person_id, visit_ids=visit_ids)
    return data_of(options, query, default=default)
