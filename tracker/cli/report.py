"""`footfall report`: who is in, and who was here when and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tracker.cli.current import open_current
from tracker.cli.door import example
from tracker.cli.people import find_person
from tracker.cli.report_forms import require, tell
from tracker.cli.report_wish import RangeWish, Wish, takes
from tracker.reports.periods import Period

if TYPE_CHECKING:
    from tracker.reports.data import ReportData

app = typer.Typer(name="report", no_args_is_help=True, help="Who is in, and who was here when and for how long.")

ByOption = Annotated[Period, typer.Option("--by", help="What a line stands for.")]
PersonArgument = Annotated[
    str | None, typer.Argument(metavar="[PERSON]", help="Name or id; without one, everybody who was here.")
]


@app.command("today", epilog=example("footfall report today --json"))
@takes(Wish)
def today(wish: Wish) -> None:
    """Who is in now and since when, and the figures of the day so far."""
    require("pandas")
    from tracker.reports.tables import today_report

    tell(today_report(_data(wish)), wish)


@app.command(
    "usage",
    epilog=example(
        "footfall report usage --by hour", "footfall report usage --by month --xlsx year.xlsx --plot year.html"
    ),
)
@takes(RangeWish)
def usage(wish: RangeWish, by: ByOption = Period.DAY) -> None:
    """Entries, exits, visitors, dwell and peak by hour, day, week or month.

    Default: today by the hour, 7 days, 8 weeks or 12 months, each up to now.
    """
    require("pandas")
    from tracker.reports.tables import usage_report

    tell(usage_report(_data(wish, default=by, whole_days=True), by), wish)


@app.command("visits", epilog=example("footfall report visits --from 2026-01-26 --to 2026-01-31 --csv > visits.csv"))
@takes(RangeWish)
def visits(wish: RangeWish) -> None:
    """Every visit of a range, the latest first. Default: the last seven days."""
    require("pandas")
    from tracker.reports.tables import visits_report

    tell(visits_report(_data(wish)), wish)


@app.command("dwell", epilog=example("footfall report dwell --from 2026-01-01 --plot dwell.html"))
@takes(RangeWish)
def dwell(wish: RangeWish) -> None:
    """How long visits last: median, mean, nine of ten, net and with gaps. Default: the last seven days."""
    require("pandas")
    from tracker.reports.tables import dwell_report

    tell(dwell_report(_data(wish)), wish)


@app.command("attendance", epilog=example("footfall report attendance --from 2026-01-01 --xlsx january.xlsx"))
@takes(RangeWish)
def attendance(wish: RangeWish) -> None:
    """Enrolled people by day: present or absent, first in, last out, hours. Default: the last seven days."""
    require("pandas")
    from tracker.reports.attendance import attendance_report

    tell(attendance_report(_data(wish, whole_days=True, time_stamps=True)), wish)


@app.command("occupancy", epilog=example("footfall report occupancy --from 2026-01-31 --plot occupancy.html"))
@takes(RangeWish)
def occupancy(wish: RangeWish) -> None:
    """People in per quarter of an hour: mean, peak, share of the capacity. Default: today."""
    require("pandas")
    from tracker.reports.tables import occupancy_report

    tell(occupancy_report(_data(wish, default=Period.HOUR, whole_days=True)), wish)


@app.command(
    "people", epilog=example("footfall report people --from 2026-01-01", "footfall report people 'Ada Lovelace' --json")
)
@takes(RangeWish)
def people(wish: RangeWish, who: PersonArgument = None) -> None:
    """How much each person used the place, or one person's days and visits. Default: the last seven days."""
    require("pandas")
    if who is None:
        from tracker.reports.tables import people_report

        tell(people_report(_data(wish, whole_days=True)), wish)
        return
    from tracker.reports.attendance import person_report

    _, opened = open_current(wish.settings, store=wish.store, offline=wish.offline)
    with opened as store:
        person = find_person(store, who)
    tell(person_report(_data(wish, whole_days=True, person_id=person.person_id), person), wish)


def _data(
    wish: Wish,
    *,
    default: Period | None = None,
    whole_days: bool = False,
    time_stamps: bool = False,
    person_id: str | None = None,
) -> ReportData:
    from tracker.cli.report_subject import data_of
    from tracker.reports.selection import ReportQuery

    query = ReportQuery(whole_days=whole_days, time_stamps=time_stamps, person_id=person_id)
    return data_of(wish, query, default=default)
