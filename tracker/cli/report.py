"""`footfall report`: who is in, and who was here when and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tracker.cli.command import command
from tracker.cli.people import find_person
from tracker.cli.report_options import RangeQuery, ReportQuery
from tracker.cli.report_output import require
from tracker.cli.store import reading
from tracker.reports.periods import Period
from tracker.reports.sheets import Report

if TYPE_CHECKING:
    from tracker.reports.subject import Subject

ByOption = Annotated[Period, typer.Option("--by", help="The period of a row.")]
PersonArgument = Annotated[
    str | None, typer.Argument(metavar="PERSON", help="Name or id. Default: everybody who was here.")
]


@command("footfall report today --json")
def today(query: ReportQuery) -> Report:
    """Show who is in now, and today's figures."""
    from tracker.reports.plain import today_report

    return today_report(_subject(query))


@command("footfall report usage --by hour", "footfall report usage --by month --xlsx year.xlsx --plot year.html")
def usage(query: RangeQuery, by: ByOption = Period.DAY) -> Report:
    """Report entries, exits, visitors, dwell and peak by hour, day, week or month.

    Default: today by the hour, 7 days, 8 weeks or 12 months, each up to now.
    """
    require("pandas")
    from tracker.reports.compose import usage_report

    return usage_report(_subject(query, default=by, whole_days=True), by)


@command("footfall report visits --from 2026-01-26 --to 2026-01-31 --csv > visits.csv")
def visits(query: RangeQuery) -> Report:
    """List visits, the latest first.

    Default: the last seven days.
    """
    from tracker.reports.plain import visits_report

    return visits_report(_subject(query))


@command("footfall report dwell --from 2026-01-01 --plot dwell.html")
def dwell(query: RangeQuery) -> Report:
    """Report how long visits last.

    Median, mean and 90th percentile, net and with gaps. Default: the last seven days.
    """
    require("pandas")
    from tracker.reports.compose import dwell_report

    return dwell_report(_subject(query))


@command("footfall report attendance --from 2026-01-01 --xlsx january.xlsx")
def attendance(query: RangeQuery) -> Report:
    """Report enrolled people by day: first in, last out, hours.

    Default: the last seven days.
    """
    require("pandas")
    from tracker.reports.rolls import attendance_report

    return attendance_report(_subject(query, whole_days=True))


@command("footfall report occupancy --from 2026-01-31 --plot occupancy.html")
def occupancy(query: RangeQuery) -> Report:
    """Report the people in by quarter of an hour: mean, peak, capacity.

    Default: today.
    """
    require("pandas")
    from tracker.reports.compose import occupancy_report

    return occupancy_report(_subject(query, default=Period.HOUR, whole_days=True))


@command("footfall report people --from 2026-01-01", "footfall report people 'Ada Lovelace' --json")
def people(query: RangeQuery, who: PersonArgument = None) -> Report:
    """Report how much each person used the place, or one person's visits.

    Default: the last seven days.
    """
    require("pandas")
    if who is None:
        from tracker.reports.compose import people_report

        return people_report(_subject(query, whole_days=True))
    from tracker.reports.rolls import person_report

    with reading(query) as (_, store):
        person = find_person(store, who)
    return person_report(_subject(query, whole_days=True), person)


def _subject(query: ReportQuery, *, default: Period | None = None, whole_days: bool = False) -> Subject:
    from tracker.cli.report_subject import subject_of

    return subject_of(query, default=default, whole_days=whole_days)
