"""`footfall report`: what the store tells about today and about visits."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.text import Text

from config.settings import Settings
from tracker.cli.door import JsonOption, SettingsOption, StoreOption, UsageError, example, open_store, settings_for
from tracker.cli.output import console, local_time, plain, print_json, print_table, span
from tracker.presence import reports
from tracker.presence.people import Person
from tracker.presence.sessions import Session
from tracker.store.history import read_sessions, rules_of
from tracker.store.local import LocalStore

app = typer.Typer(name="report", no_args_is_help=True, help="Who is in, and who was here when and for how long.")

FromOption = Annotated[
    str | None, typer.Option("--from", metavar="DATE", help="First day or moment, as 2026-01-31 or 2026-01-31T08:00.")
]
ToOption = Annotated[
    str | None, typer.Option("--to", metavar="DATE", help="Last day, or the moment up to which; default: now.")
]
StaffOption = Annotated[bool, typer.Option("--staff", help="Count staff too.")]
CsvOption = Annotated[bool, typer.Option("--csv", help="Print CSV for spreadsheets.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What a report is made of: the site's visits and people at one moment."""

    settings: Settings
    now: datetime
    sessions: list[Session]
    people: list[Person]

    @property
    def zone(self) -> ZoneInfo:
        return self.settings.site.zone


def read_history(store: LocalStore, settings: Settings, *, now: datetime) -> History:
    """All visits of the site up to now."""
    found = read_sessions(store, site_id=settings.site.id, rules=rules_of(settings.presence), now=now)
    return History(settings=settings, now=now, sessions=found, people=store.people())


def parse_moment(text: str | None, zone: ZoneInfo, *, option: str, end_of_day: bool = False) -> datetime | None:
    """A day or moment on the site's clock -> UTC; None for None. Raises UsageError on any other text."""
    if text is None:
        return None
    try:
        if len(text) == len("2026-01-31"):
            day = date.fromisoformat(text) + timedelta(days=1 if end_of_day else 0)
            return datetime.combine(day, time(), zone).astimezone(UTC)
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{option}: {text[:40]!r} is no date", fix="write 2026-01-31 or 2026-01-31T08:00") from error


def _history(store: str | None, settings: Path | None) -> History:
    chosen = settings_for(settings, store=store)
    with open_store(chosen, create=False) as opened:
        return read_history(opened, chosen, now=datetime.now(UTC))


@app.command("today", epilog=example("footfall report today --json"))
def today(
    store: StoreOption = None, settings: SettingsOption = None, as_json: JsonOption = False, staff: StaffOption = False
) -> None:
    """Who is in now and since when, and the figures of the day so far."""
    history = _history(store, settings)
    report = reports.today(history.sessions, history.people, now=history.now, zone=history.zone, staff=staff)
    if as_json:
        print_json(report)
        return
    site = history.settings.site
    share = f" of {site.capacity} ({report.occupancy / site.capacity:.0%})" if site.capacity else ""
    console.print(Text.assemble((site.name, "bold"), f", {report.day:%A %d %B %Y}"))
    console.print(f"  in now {report.occupancy}{share}, entries {report.entries}, unique visitors {report.visitors}")
    if report.median_dwell_s is not None:
        console.print(f"  median dwell {span(report.median_dwell_s)}, returning {report.returning}")
    print_table(
        "",
        ["name", "since", "inside"],
        [[row.name, local_time(row.started_at, history.zone), span(row.dwell_s)] for row in report.present],
        empty="Nobody is in.",
    )


@app.command("visits", epilog=example("footfall report visits --from 2026-01-26 --to 2026-01-31 --csv > visits.csv"))
def visits(
    store: StoreOption = None,
    settings: SettingsOption = None,
    since: FromOption = None,
    until: ToOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    staff: StaffOption = False,
) -> None:
    """Every visit of a range, the latest first. Default: the last seven days."""
    if as_json and as_csv:
        raise UsageError("--json and --csv are two forms of one thing", fix="give one of them")
    history = _history(store, settings)
    start, end = _range(since, until, history)
    rows = reports.visits(history.sessions, history.people, since=start, until=end, staff=staff)
    if as_json:
        print_json(rows)
    elif as_csv:
        print_csv(rows)
    else:
        print_table("", _VISIT_COLUMNS, [_visit_cells(row, history.zone) for row in rows], empty=_NO_VISITS)


def _range(since: str | None, until: str | None, history: History) -> tuple[datetime, datetime]:
    """From --from to --to, or the last seven days of what is given. Raises UsageError when that is no range."""
    end = parse_moment(until, history.zone, option="--to", end_of_day=True) or history.now
    start = parse_moment(since, history.zone, option="--from") or end - min(_DEFAULT_RANGE, end - _FIRST_MOMENT)
    if start >= end:
        raise UsageError("--from does not lie before --to", fix="swap them, or leave one out")
    return start, end


_DEFAULT_RANGE = timedelta(days=7)
_FIRST_MOMENT = datetime.min.replace(tzinfo=UTC)
_VISIT_COLUMNS = ["name", "entered", "left", "inside", "notes"]
_NO_VISITS = (
    "No visits in this range. 'footfall track --camera 0' watches a camera; --from 2026-01-01 looks further back."
)


def _visit_cells(row: reports.VisitRow, zone: ZoneInfo) -> list[object]:
    notes = [
        text
        for text, holds in (
            ("still in", row.ended_at is None),
            (f"{row.segments} stays over {span(row.gross_s)}", row.segments > 1),
            ("entry not seen", row.enter_inferred),
            ("exit not seen", row.exit_inferred),
            ("bounce", row.bounce),
            ("staff", row.role == "staff"),
        )
        if holds
    ]
    left = "" if row.ended_at is None else local_time(row.ended_at, zone, after=row.started_at)
    return [row.name, local_time(row.started_at, zone), left, span(row.dwell_s), ", ".join(notes)]


def print_csv(rows: Sequence[reports.VisitRow]) -> None:
    """Visits as CSV on stdout, a header line first; times are UTC, cells never start a formula."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    names = [field.name for field in fields(reports.VisitRow)]
    writer.writerow(names)
    for row in rows:
        writer.writerow([_harmless(plain(getattr(row, name))) for name in names])


def _harmless(cell: object) -> object:
    """Text that a spreadsheet would run as a formula gets an apostrophe before it."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
