"""Reports from the sums: which figures and columns each of them has, and what they are called."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from tracker.reports import dwell, occupancy, usage
from tracker.reports.frames import begun, rows_of, stay_frame, visit_frame
from tracker.reports.people import people_usage
from tracker.reports.periods import Period, edges_of, names_of, quarter_edges
from tracker.reports.plain import peak_figures
from tracker.reports.sheets import Column, Figure, Kind, Report, Row, Sheet
from tracker.reports.subject import Subject


def frames_of(subject: Subject) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The visits and stays of the subject."""
    visits = visit_frame(subject.sessions, subject.people, staff=subject.staff)
    return visits, stay_frame(subject.sessions, visits, now=subject.now)


def usage_report(subject: Subject, period: Period) -> Report:
    """Entries, exits, visitors, dwell and peak by hour, day, week or month."""
    visits, stays = frames_of(subject)
    edges = edges_of(period, subject.since, subject.until, subject.zone)
    counted = usage.usage(visits, stays, edges, zone=subject.zone)
    rows = rows_of(usage.with_watched(counted, subject.coverage.shares(edges))) if subject.recorded else []
    names = names_of(period, edges, subject.zone)
    weekdays = [f"{at.astimezone(subject.zone):%a}" for at in edges[:-1]]
    rows = [{"period": name, "weekday": day, **row} for name, day, row in zip(names, weekdays, rows, strict=False)]
    sheet = Sheet(
        name="usage",
        title=f"Usage by {period.value}",
        columns=(
            Column("period", period.value, Kind.WORD),
            Column("weekday", "weekday", Kind.WORD, shown=period is Period.DAY),
            Column("started_at", "from", Kind.MOMENT, shown=False),
            Column("ended_at", "to", Kind.MOMENT, shown=False),
            Column("entries", "entries", Kind.COUNT),
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
        empty=subject.no_visits,
    )
    figures = _range_figures(subject, visits, stays)
    return subject.report("usage", f"Usage by {period.value}", (sheet,), figures, notes=_nobody(subject, visits))


def dwell_report(subject: Subject) -> Report:
    """How long the visits lasted that began in the range."""
    visits, _ = frames_of(subject)
    came = begun(visits, subject.since, subject.until)
    table = Sheet(
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
        rows=rows_of(dwell.dwell(came)),
        empty=subject.no_visits,
    )
    bins = Sheet(
        name="histogram",
        title="Histogram",
        columns=(
            Column("from_s", "from", Kind.LENGTH),
            Column("to_s", "to under", Kind.LENGTH),
            Column("net", "visits, net", Kind.COUNT),
            Column("gross", "visits, with gaps", Kind.COUNT),
        ),
        rows=rows_of(dwell.histogram(came)),
        empty="There is no visit in this range whose length is known." if len(came) else subject.no_visits,
    )
    figures = (
        Figure("entries", "visits", Kind.COUNT, len(came)),
        *(
            Figure(key, f"not measured: {dwell.REASONS[key]}", Kind.COUNT, count, shown=count > 0)
            for key, count in dwell.left_out(came).items()
        ),
    )
    return subject.report("dwell", "Dwell", (table, bins), figures)


def occupancy_report(subject: Subject) -> Report:
    """People in per quarter of an hour: mean, peak, share of the capacity."""
    visits, stays = frames_of(subject)
    edges = quarter_edges(subject.since, subject.until)
    counted = occupancy.occupancy(stays, edges, now=subject.now, capacity=subject.capacity)
    rows = rows_of(usage.with_watched(counted, subject.coverage.shares(edges))) if subject.recorded else []
    sheet = Sheet(
        name="occupancy",
        title="Occupancy",
        columns=(
            Column("started_at", "from", Kind.MOMENT),
            Column("ended_at", "to", Kind.MOMENT, shown=False),
            Column("mean", "mean", Kind.NUMBER),
            Column("peak", "peak", Kind.COUNT),
            Column("peak_share", "of the capacity", Kind.SHARE, shown=subject.capacity is not None),
            _watched(rows),
        ),
        rows=rows,
        printed_rows=[row for row in rows if row["peak"]],
        empty=subject.no_visits,
    )
    peak = occupancy.peak_of(occupancy.steps(stays), subject.since, subject.until)
    mean = occupancy.occupancy(stays, [subject.since, subject.until], now=subject.now)["mean"].iloc[0]
    figures = (
        *peak_figures(subject, peak),
        Figure("mean", "mean", Kind.NUMBER, float(mean)),
        Figure("capacity", "capacity", Kind.COUNT, subject.capacity),
    )
    notes = _nobody(subject, visits)
    return subject.report("occupancy", "Occupancy per quarter of an hour", (sheet,), figures, notes=notes)


def people_report(subject: Subject) -> Report:
    """One row a person who was in during the range."""
    visits, stays = frames_of(subject)
    edges = edges_of(Period.DAY, subject.since, subject.until, subject.zone)
    sheet = Sheet(
        name="people",
        title="People",
        columns=(
            Column("person_id", "person id", shown=False),
            Column("name", "name"),
            Column("kind", "kind", Kind.WORD),
            Column("role", "role", Kind.WORD, shown=subject.staff),
            Column("visits", "visits", Kind.COUNT),
            Column("days", "days", Kind.COUNT),
            Column("inside_s", "inside", Kind.LENGTH),
            Column("median_dwell_s", "median dwell", Kind.LENGTH),
            Column("first_seen_at", "first seen", Kind.MOMENT, shown=False),
            Column("last_seen_at", "last seen", Kind.MOMENT),
            Column("present", "in now", Kind.FLAG),
        ),
        rows=rows_of(people_usage(visits, stays, edges, now=subject.now)),
        empty=subject.no_visits,
    )
    return subject.report("people", "Usage by person", (sheet,), _range_figures(subject, visits, stays))


def _range_figures(subject: Subject, visits: pd.DataFrame, stays: pd.DataFrame) -> tuple[Figure, ...]:
    """The sums of the whole range; different people are counted once over all of it."""
    edges = [subject.since, subject.until]
    shares = subject.coverage.shares(edges)
    row = rows_of(usage.with_watched(usage.usage(visits, stays, edges, zone=subject.zone), shares))[0]
    peak = occupancy.peak_of(occupancy.steps(stays), subject.since, subject.until)
    return (
        Figure("entries", "entries", Kind.COUNT, row["entries"]),
        Figure("exits", "exits", Kind.COUNT, row["exits"]),
        Figure("visitors", "unique visitors", Kind.COUNT, row["visitors"]),
        Figure("returning", "returning", Kind.COUNT, row["returning"]),
        Figure("new", "new", Kind.COUNT, row["new"], shown=False),
        Figure("bounce_rate", "bounces", Kind.SHARE, row["bounce_rate"]),
        Figure("median_dwell_s", "median dwell", Kind.LENGTH, row["median_dwell_s"]),
        *peak_figures(subject, peak),
        Figure("watched", "watched", Kind.SHARE, row["watched"], shown=row["watched"] not in {None, 1.0}),
    )


def _watched(rows: Sequence[Row]) -> Column:
    """The column that tells how much was watched; on the terminal only where it says something."""
    return Column("watched", "watched", Kind.SHARE, shown=any(row["watched"] not in {None, 1.0} for row in rows))


def _nobody(subject: Subject, visits: pd.DataFrame) -> tuple[str, ...]:
    """What to say where nobody was in during the range; an empty table says it itself."""
    if not subject.recorded:
        return ()
    ended = visits["ended_at"].fillna(pd.Timestamp(subject.until))
    touching = (visits["started_at"] < pd.Timestamp(subject.until)) & (ended >= pd.Timestamp(subject.since))
    return () if touching.any() else (subject.no_visits,)
