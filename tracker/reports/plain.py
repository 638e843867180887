"""The reports that list what is there and add nothing up: who is in now, and every visit. Without pandas."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from tracker.presence import reports
from tracker.presence.local_time import MOMENT, local_text
from tracker.reports.sheets import Column, Figure, Kind, Report, Row, Sheet
from tracker.reports.subject import Subject

_VISIT_COLUMNS = (
    Column("session_id", "visit id", shown=False),
    Column("site_id", "site", shown=False),
    Column("person_id", "person id", shown=False),
    Column("name", "name"),
    Column("kind", "kind", Kind.WORD, shown=False),
    Column("role", "role", Kind.WORD, shown=False),
    Column("started_at", "entered", Kind.MOMENT),
    Column("ended_at", "left", Kind.MOMENT, shown=False),
    Column("left", "left", Kind.WORD, in_data=False, in_book=False),
    Column("dwell_s", "net dwell", Kind.LENGTH),
    Column("gross_s", "with gaps", Kind.LENGTH),
    Column("segments", "segments", Kind.COUNT),
    Column("state", "state", Kind.WORD, shown=False),
    Column("enter_inferred", "entry not seen", Kind.FLAG, shown=False),
    Column("exit_inferred", "exit not seen", Kind.FLAG, shown=False),
    Column("bounce", "bounce", Kind.FLAG, shown=False),
    Column("notes", "notes", in_data=False),
)
_VISIT_FIELDS = tuple(field.name for field in fields(reports.VisitRow))
_PRESENT_TITLES = {"name": "name", "started_at": "since", "dwell_s": "inside"}
_PRESENT_COLUMNS = tuple(
    replace(column, title=_PRESENT_TITLES.get(column.key, column.title), shown=column.key in _PRESENT_TITLES)
    for column in _VISIT_COLUMNS
)


def today_report(subject: Subject) -> Report:
    """Who is in now and since when, and the day so far. The subject's range must be the local day of `now`."""
    found = reports.today(subject.sessions, subject.people, now=subject.now, zone=subject.zone, staff=subject.staff)
    points = reports.occupancy(
        subject.sessions,
        subject.people,
        since=found.since,
        until=found.until,
        now=subject.now,
        staff=subject.staff,
    )
    share = found.occupancy / subject.capacity if subject.capacity else None
    full = f" of {subject.capacity} ({share:.0%})" if share is not None else ""
    unwatched = subject.coverage.shares([found.since, found.until])[0] == 0
    came = None if unwatched and not found.entries else found.entries
    visitors = None if came is None else found.visitors
    figures = (
        Figure("day", "day", Kind.DAY, found.day, shown=False),
        Figure("occupancy", "in now", Kind.COUNT, found.occupancy, words=f"in now {found.occupancy}{full}"),
        Figure("capacity", "capacity", Kind.COUNT, subject.capacity, shown=False),
        Figure("capacity_share", "of the capacity", Kind.SHARE, share, shown=False),
        Figure("entries", "entries", Kind.COUNT, came),
        Figure("visitors", "unique visitors", Kind.COUNT, visitors),
        Figure("returning", "returning", Kind.COUNT, visitors and found.returning),
        Figure("new", "new", Kind.COUNT, visitors and found.new, shown=False),
        Figure("median_dwell_s", "median dwell", Kind.LENGTH, found.median_dwell_s),
        Figure("bounce_rate", "bounces", Kind.SHARE, found.bounce_rate, shown=False),
        *peak_figures(subject, (found.peak.at, found.peak.people) if found.peak else None),
    )
    present = Sheet(
        name="present",
        title="Who is in",
        columns=_PRESENT_COLUMNS,
        rows=[_visit(row, subject.zone) for row in found.present],
        empty="Nobody is in.",
    )
    steps = Sheet(
        name="occupancy_steps",
        title="Occupancy",
        columns=(Column("at", "from", Kind.MOMENT), Column("people", "people in", Kind.COUNT)),
        rows=[asdict(point) for point in points],
        empty="",
        printed=False,
    )
    return subject.report("today", "Today", (present, steps), figures)


def peak_figures(subject: Subject, peak: tuple[datetime, int] | None) -> tuple[Figure, Figure]:
    """When most people were in, and how many. peak: None if nobody came."""
    at, people = peak or (None, None)
    words = None if at is None else f"peak {people} at {at.astimezone(subject.zone):%Y-%m-%d %H:%M}"
    return (
        Figure("peak", "peak", Kind.COUNT, people, words=words),
        Figure("peak_at", "peak at", Kind.MOMENT, at, shown=False),
    )


def visits_report(subject: Subject) -> Report:
    """Every visit that was going on in the range, the latest first."""
    return subject.report("visits", "Visits", (visit_sheet(subject),))


def visit_sheet(subject: Subject, *, person_id: str | None = None) -> Sheet:
    """The visits of the range, of one person if given, the latest first."""
    rows = reports.visits(
        subject.sessions, subject.people, since=subject.since, until=subject.until, staff=subject.staff
    )
    return Sheet(
        name="visits",
        title="Visits",
        columns=_VISIT_COLUMNS,
        rows=[_visit(row, subject.zone) for row in rows if person_id in {None, row.person_id}],
        empty=subject.no_visits,
    )


def _visit(row: reports.VisitRow, zone: ZoneInfo) -> Row:
    told = (
        ("still in", row.ended_at is None),
        ("entry not seen", row.enter_inferred),
        ("exit not seen", row.exit_inferred),
        ("bounce", row.bounce),
        ("staff", row.role == "staff"),
    )
    notes = ", ".join(words for words, holds in told if holds)
    return {
        **{name: getattr(row, name) for name in _VISIT_FIELDS},
        "left": _left(row.started_at, row.ended_at, zone),
        "notes": notes,
    }


def _left(started_at: datetime, ended_at: datetime | None, zone: ZoneInfo) -> str:
    """The end on the site's clock; the time alone on the day of the start."""
    if ended_at is None:
        return ""
    same_day = started_at.astimezone(zone).date() == ended_at.astimezone(zone).date()
    return local_text(ended_at, zone, "%H:%M:%S" if same_day else MOMENT)
