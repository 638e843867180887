"""The reports: which figures and tables each of them has, and what they are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pandas as pd

from tracker.presence.calendar import MINUTE, MOMENT, local_text
from tracker.presence.people import Role
from tracker.presence.sessions import SessionState
from tracker.reports import measures, occupancy
from tracker.reports.count_tables import door_notes, doors_sheet, inside_figures, inside_notes, recognised_figures
from tracker.reports.data import ReportData
from tracker.reports.frames import Frames, rows_of
from tracker.reports.periods import Period, edges_of, names_of, quarter_edges
from tracker.reports.sheets import Column, Figure, Kind, Report, Row, Sheet

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
VISIT_DATA_COLUMNS = tuple(column for column in _VISIT_COLUMNS if column.in_data)
_PRESENT_TITLES = {"name": "name", "started_at": "since", "dwell_s": "inside"}
_PRESENT_COLUMNS = tuple(
    replace(column, title=_PRESENT_TITLES.get(column.key, column.title), shown=column.key in _PRESENT_TITLES)
    for column in _VISIT_COLUMNS
)


def today_report(data: ReportData) -> Report:
    """Who is in now and since when, and the day so far. The range must be the local day of `now`."""
    frames = data.counted()
    sheet = Sheet(
        name="present",
        title="Who is in",
        columns=_PRESENT_COLUMNS,
        rows=[{**row, "left": ""} for row in visit_rows(data, _present(frames))],
        empty="Nobody is in.",
    )
    notes = tuple(inside_notes(data, frames))
    return data.report("today", "Today", (sheet, steps_sheet(data, frames)), today_figures(data, frames), notes=notes)


def today_figures(data: ReportData, frames: Frames) -> tuple[Figure, ...]:
    """The figures of `today_report`."""
    row = _sums(data, frames)
    return (
        Figure("day", "day", Kind.DAY, data.day(data.now), shown=False),
        *inside_figures(data, frames),
        Figure("entries", "entries", Kind.COUNT, row["entries"]),
        *recognised_figures(row),
        Figure("visitors", "unique visitors", Kind.COUNT, row["visitors"]),
        Figure("returning", "returning", Kind.COUNT, row["returning"]),
        Figure("new", "new", Kind.COUNT, row["new"], shown=False),
        Figure("median_dwell_s", "median dwell", Kind.LENGTH, row["median_dwell_s"]),
        Figure("bounce_rate", "bounces", Kind.SHARE, row["bounce_rate"], shown=False),
        *_peak_figures(data, frames),
    )


def _present(frames: Frames) -> pd.DataFrame:
    return frames.visits[frames.visits["ended_at"].isna()]


def steps_sheet(data: ReportData, frames: Frames) -> Sheet:
    """People in at each instant of the range at which that changed."""
    steps = occupancy.steps_between(frames, data.since, data.until, data.now)
    return Sheet(
        name="occupancy_steps",
        title="Occupancy",
        columns=(Column("at", "from", Kind.MOMENT), Column("people", "people in", Kind.COUNT)),
        rows=rows_of(pd.DataFrame({"at": steps.index.to_series(), "people": steps})),
        empty="",
        printed=False,
    )


def visits_report(data: ReportData) -> Report:
    """Every visit that was going on in the range, the latest first."""
    return data.report("visits", "Visits", (visit_sheet(data, data.counted()),))


def visit_sheet(data: ReportData, frames: Frames) -> Sheet:
    """The visits of the range, the latest first."""
    return Sheet(
        name="visits",
        title="Visits",
        columns=_VISIT_COLUMNS,
        rows=[
            {**row, "left": _left(row["started_at"], row["ended_at"], data)}
            for row in visit_rows(data, frames.touching(data.since, data.until)[::-1])
        ],
        empty=data.no_visits,
    )


def visit_rows(data: ReportData, visits: pd.DataFrame) -> list[dict[str, Any]]:
    """The visits as rows of their sheet, and the cameras at which each began and ended."""
    found = rows_of(visits)
    for row in found:
        person = data.person(row["person_id"])
        row |= {"site_id": data.site_id, "name": person.name, "kind": person.kind.value, "role": person.role.value}
        row["state"] = (SessionState.OPEN if row["ended_at"] is None else SessionState.CLOSED).value
        row["notes"] = ", ".join(visit_notes(row))
    return found


def visit_notes(row: Row) -> list[str]:
    """What there is to say about a visit."""
    said = (
        ("still in", row["ended_at"] is None),
        ("entry not seen", row["enter_inferred"]),
        ("exit not seen", row["exit_inferred"]),
        ("bounce", row["bounce"]),
        ("staff", row["role"] == Role.STAFF),
    )
    return [words for words, holds in said if holds]


def usage_report(data: ReportData, period: Period) -> Report:
    """Entries, exits, visitors, dwell and peak by hour, day, week or month."""
    frames = data.counted()
    edges = edges_of(period, data.since, data.until, data.zone)
    rows: list[dict[str, Any]] = []
    if data.recorded:
        counted = measures.usage(frames, edges, zone=data.zone)
        names = names_of(period, edges, data.zone)
        weekdays = [f"{at.astimezone(data.zone):%a}" for at in edges[:-1]]
        found = rows_of(measures.with_watched(counted, data.coverage.shares(edges)))
        rows = [{"period": name, "weekday": day, **row} for name, day, row in zip(names, weekdays, found, strict=True)]
    sheet = Sheet(
        name="usage",
        title=f"Usage by {period.value}",
        columns=(
            Column("period", period.value, Kind.WORD),
            Column("weekday", "weekday", Kind.WORD, shown=period is Period.DAY),
            Column("started_at", "from", Kind.MOMENT, shown=False),
            Column("ended_at", "to", Kind.MOMENT, shown=False),
            Column("entries", "entries", Kind.COUNT),
            Column("recognised", "recognised", Kind.COUNT, shown=False),
            Column("recognised_share", "faces seen", Kind.SHARE, shown=frames.crossings is not None),
            Column("exits", "exits", Kind.COUNT),
            Column("visitors", "visitors", Kind.COUNT),
            Column("returning", "returning", Kind.COUNT),
            Column("new", "new", Kind.COUNT),
            Column("bounce_rate", "bounces", Kind.SHARE),
            Column("median_dwell_s", "median dwell", Kind.LENGTH),
            Column("peak", "peak", Kind.COUNT),
            _watched(rows),
        ),
        rows=rows,
        empty=data.no_visits,
    )
    sheets, notes = [sheet], list(_nobody(data, frames))
    if frames.crossings is not None:
        doors = doors_sheet(data, frames.crossings)
        sheets.append(doors)
        notes += door_notes(data, doors)
    return data.report("usage", f"Usage by {period.value}", sheets, range_figures(data, frames), notes=notes)


def dwell_report(data: ReportData) -> Report:
    """How long the visits lasted that began in the range."""
    came = data.counted().begun(data.since, data.until)
    figures = (
        Figure("entries", "visits", Kind.COUNT, len(came)),
        *(
            Figure(key, f"not measured: {measures.NOT_MEASURED[key]}", Kind.COUNT, count, shown=count > 0)
            for key, count in measures.not_measured(came).items()
        ),
    )
    return data.report("dwell", "Dwell", (dwell_sheet(data, came), histogram_sheet(data, came)), figures)


def dwell_sheet(data: ReportData, came: pd.DataFrame) -> Sheet:
    """How long visits lasted, net and with gaps."""
    return Sheet(
        name="dwell",
        title="Dwell",
        columns=(
            Column("measure", "dwell", Kind.WORD),
            Column("visits", "visits", Kind.COUNT),
            Column("median_s", "median", Kind.LENGTH),
            Column("mean_s", "mean", Kind.LENGTH),
            Column("p90_s", "90 % under", Kind.LENGTH),
            Column("longest_s", "longest", Kind.LENGTH),
        ),
        rows=rows_of(measures.dwell(came)),
        empty=data.no_visits,
    )


def histogram_sheet(data: ReportData, came: pd.DataFrame) -> Sheet:
    """How many visits lasted how long, in bins of one width."""
    return Sheet(
        name="histogram",
        title="Histogram",
        columns=(
            Column("from_s", "from", Kind.LENGTH),
            Column("to_s", "to under", Kind.LENGTH),
            Column("net", "visits, net", Kind.COUNT),
            Column("gross", "visits, with gaps", Kind.COUNT),
        ),
        rows=rows_of(measures.histogram(came)),
        empty="There is no visit in this range whose length is known." if len(came) else data.no_visits,
    )


def occupancy_report(data: ReportData) -> Report:
    """People in per quarter of an hour: mean, peak, share of the capacity."""
    frames = data.counted()
    sheet = occupancy_sheet(data, frames)
    mean = occupancy.by_period(frames, [data.since, data.until], now=data.now)["mean"].iloc[0]
    figures = (
        *_peak_figures(data, frames),
        Figure("mean", "mean", Kind.NUMBER, float(mean)),
        Figure("capacity", "capacity", Kind.COUNT, data.capacity),
    )
    notes = _nobody(data, frames)
    return data.report("occupancy", "Occupancy per quarter of an hour", (sheet,), figures, notes=notes)


def occupancy_sheet(data: ReportData, frames: Frames) -> Sheet:
    """A row for each quarter of an hour."""
    edges = quarter_edges(data.since, data.until)
    rows: list[dict[str, Any]] = []
    if data.recorded:
        counted = occupancy.by_period(frames, edges, now=data.now, capacity=data.capacity)
        rows = rows_of(measures.with_watched(counted, data.coverage.shares(edges)))
    return Sheet(
        name="occupancy",
        title="Occupancy",
        columns=(
            Column("started_at", "from", Kind.MOMENT),
            Column("ended_at", "to", Kind.MOMENT, shown=False),
            Column("mean", "mean", Kind.NUMBER),
            Column("peak", "peak", Kind.COUNT),
            Column("peak_share", "of the capacity", Kind.SHARE, shown=data.capacity is not None),
            _watched(rows),
        ),
        rows=rows,
        printed_rows=[row for row in rows if row["peak"]],
        empty=data.no_visits,
    )


def people_report(data: ReportData) -> Report:
    """One row a person who was in during the range."""
    frames = data.counted()
    sheet, by_visits = people_sheet(data, frames), replace(frames, count=None)
    return data.report("people", "Usage by person", (sheet,), range_figures(data, by_visits))


def people_rows(data: ReportData, usage: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of `measures.people_usage` with the names of the people."""
    rows = rows_of(usage)
    for row in rows:
        person = data.person(row["person_id"])
        row |= {"name": person.name, "kind": person.kind.value, "role": person.role.value}
    return rows


def people_sheet(data: ReportData, frames: Frames) -> Sheet:
    """A row for each person who was in, the longest inside first."""
    edges = edges_of(Period.DAY, data.since, data.until, data.zone)
    rows = people_rows(data, measures.people_usage(frames, edges, now=data.now))
    return Sheet(
        name="people",
        title="People",
        columns=(
            Column("person_id", "person id", shown=False),
            Column("name", "name"),
            Column("kind", "kind", Kind.WORD),
            Column("role", "role", Kind.WORD, shown=data.staff),
            Column("visits", "visits", Kind.COUNT),
            Column("days", "days", Kind.COUNT),
            Column("inside_s", "inside", Kind.LENGTH),
            Column("median_dwell_s", "median dwell", Kind.LENGTH),
            Column("first_seen_at", "first seen", Kind.MOMENT, shown=False),
            Column("last_seen_at", "last seen", Kind.MOMENT),
            Column("present", "in now", Kind.FLAG),
        ),
        rows=rows,
        empty=data.no_visits,
    )


def range_figures(data: ReportData, frames: Frames) -> tuple[Figure, ...]:
    """The sums of the whole range; different people are counted once over all of it."""
    row = _sums(data, frames)
    return (
        Figure("entries", "entries", Kind.COUNT, row["entries"]),
        *recognised_figures(row),
        Figure("exits", "exits", Kind.COUNT, row["exits"]),
        Figure("visitors", "unique visitors", Kind.COUNT, row["visitors"]),
        Figure("returning", "returning", Kind.COUNT, row["returning"]),
        Figure("new", "new", Kind.COUNT, row["new"], shown=False),
        Figure("bounce_rate", "bounces", Kind.SHARE, row["bounce_rate"]),
        Figure("median_dwell_s", "median dwell", Kind.LENGTH, row["median_dwell_s"]),
        *_peak_figures(data, frames),
        Figure("watched", "watched", Kind.SHARE, row["watched"], shown=row["watched"] not in {None, 1.0}),
    )


def _sums(data: ReportData, frames: Frames) -> Row:
    edges = [data.since, data.until]
    counted = measures.usage(frames, edges, zone=data.zone)
    return rows_of(measures.with_watched(counted, data.coverage.shares(edges)))[0]


def _peak_figures(data: ReportData, frames: Frames) -> tuple[Figure, Figure]:
    """When most people were in, and how many; nothing if nobody came."""
    found = occupancy.peak_of(frames.steps, data.since, data.until)
    at, people = found or (None, None)
    words = None if at is None else f"peak {people} at {local_text(at, data.zone, MINUTE)}"
    return (
        Figure("peak", "peak", Kind.COUNT, people, words=words),
        Figure("peak_at", "peak at", Kind.MOMENT, at, shown=False),
    )


def _watched(rows: Sequence[Row]) -> Column:
    """The share that was watched; on the terminal only where not all was."""
    return Column("watched", "watched", Kind.SHARE, shown=any(row["watched"] not in {None, 1.0} for row in rows))


def _nobody(data: ReportData, frames: Frames) -> tuple[str, ...]:
    """A note where nobody was in during the range; an empty table has a text of its own."""
    if not data.recorded:
        return ()
    ended = frames.visits["ended_at"].fillna(pd.Timestamp(data.until))
    inside = (frames.visits["started_at"] < pd.Timestamp(data.until)) & (ended >= pd.Timestamp(data.since))
    came = (frames.entered >= pd.Timestamp(data.since)) & (frames.entered < pd.Timestamp(data.until))
    return () if inside.any() or came.any() else (data.no_visits,)


def _left(started_at: datetime, ended_at: datetime | None, data: ReportData) -> str:
    """The end on the site's clock; the time alone on the day of the start."""
    if ended_at is None:
        return ""
    return local_text(ended_at, data.zone, "%H:%M:%S" if data.day(started_at) == data.day(ended_at) else MOMENT)
