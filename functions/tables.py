"""The reports as `footfall report … --json` gives them, from sums of the standard library: no pandas in the cloud."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from tracker.presence.dwell import bin_width_s
from tracker.presence.tally import (
    Part,
    begun,
    is_measured,
    means,
    median_of,
    parts_of,
    peak_between,
    peaks,
    quantile_of,
    steps_of,
    tally,
    touching,
)
from tracker.reports.plain import peak_figures
from tracker.reports.subject import Subject

from tracker.presence.calendar import day_range
from tracker.presence.events import EventKind
from tracker.presence.people import Person, PersonKind, Role
from tracker.presence.sessions import Session
from tracker.reports.periods import Period, edges_of, names_of, quarter_edges, require_few
from tracker.reports.sheets import Column, Figure, Kind, Report, Row, Sheet

MOST_DAYS_OF_PEOPLE = 150_000
"""Their rows are 25 MB of JSON; an answer may have 32."""
_RANGE = ("entries", "exits", "visitors", "returning", "new", "bounce_rate", "median_dwell_s")


def usage_report(subject: Subject, period: Period) -> Report:
    """Entries, exits, visitors, dwell and peak by hour, day, week or month."""
    sessions = counted(subject)
    edges = edges_of(period, subject.since, subject.until, subject.zone)
    rows = []
    if subject.recorded:
        names = names_of(period, edges, subject.zone)
        weekdays = [f"{at.astimezone(subject.zone):%a}" for at in edges[:-1]]
        found = _watched([asdict(each) for each in tally(sessions, edges, zone=subject.zone)], subject, edges)
        rows = [{"period": name, "weekday": day, **row} for name, day, row in zip(names, weekdays, found, strict=True)]
    return _report(subject, "usage", {"usage": rows}, _range_figures(subject, sessions), _nobody(subject, sessions))


def dwell_report(subject: Subject) -> Report:
    """How long the visits lasted that began in the range."""
    came = begun(counted(subject), subject.since, subject.until)
    known = [each for each in came if is_measured(each)]
    lengths = {"net": [each.dwell_s for each in known], "gross": [each.gross_s for each in known]}
    table = [
        {
            "measure": measure,
            "visits": len(values),
            "median_s": median_of(values),
            "mean_s": sum(values) / len(values) if values else None,
            "p90_s": quantile_of(values, 0.9),
            "longest_s": max(values, default=None),
        }
        for measure, values in lengths.items()
    ]
    figures = {"entries": len(came), **_left_out(came)}
    return _report(subject, "dwell", {"dwell": table, "histogram": _histogram(lengths)}, figures)


def occupancy_report(subject: Subject) -> Report:
    """People in per quarter of an hour: mean, peak, share of the capacity."""
    sessions = counted(subject)
    edges = quarter_edges(subject.since, subject.until)
    steps = steps_of(sessions)
    rows: list[dict[str, Any]] = []
    if subject.recorded:
        highest, average = peaks(steps, edges), means(sessions, edges, subject.now)
        for place, peak in enumerate(highest):
            share = peak / subject.capacity if subject.capacity else None
            begin, end = edges[place], edges[place + 1]
            rows.append(
                {"started_at": begin, "ended_at": end, "mean": average[place], "peak": peak, "peak_share": share}
            )
        rows = _watched(rows, subject, edges)
    (mean,) = means(sessions, [subject.since, subject.until], subject.now)
    figures: dict[str, Any] = {
        **_peak(subject, peak_between(steps, subject.since, subject.until)),
        "mean": mean,
        "capacity": subject.capacity,
    }
    return _report(subject, "occupancy", {"occupancy": rows}, figures, _nobody(subject, sessions))


def people_report(subject: Subject) -> Report:
    """One row a person who was in during the range, the longest inside first."""
    sessions = counted(subject)
    edges = edges_of(Period.DAY, subject.since, subject.until, subject.zone)
    by_person: dict[str, list[Session]] = {}
    for session in touching(sessions, subject.since, subject.until):
        by_person.setdefault(session.person_id, []).append(session)
    known = {person.person_id: person for person in subject.people}
    rows = [_person_row(subject, known.get(who), who, own, edges) for who, own in by_person.items()]
    rows.sort(key=lambda row: (-row["inside_s"], -row["visits"], row["person_id"]))
    return _report(subject, "people", {"people": rows}, _range_figures(subject, sessions))


def attendance_report(subject: Subject) -> Report:
    """Enrolled people by day: present or absent, first in, last out, hours; and the time stamps behind it."""
    people = sorted(
        (each for each in subject.people if each.kind is PersonKind.ENROLLED and _is_meant(each, subject)),
        key=lambda person: (person.name.casefold(), person.person_id),
    )
    edges = edges_of(Period.DAY, subject.since, subject.until, subject.zone)
    require_few("days of people", len(people) * (len(edges) - 1), MOST_DAYS_OF_PEOPLE)
    if subject.until == subject.now:
        edges[-1] = day_range(edges[-2].astimezone(subject.zone).date(), subject.zone)[1]
    parts: dict[tuple[str, int], list[Part]] = {}
    for part in parts_of(counted(subject), edges, subject.now):
        parts.setdefault((part.session.person_id, part.place), []).append(part)
    shares = subject.coverage.shares(edges)
    rows = [
        _day_row(subject, person, edges[place : place + 2], parts.get((person.person_id, place), []), share)
        for person in people
        for place, share in enumerate(shares)
    ]
    present = sum(row["status"] == "present" for row in rows)
    days = sum(row["status"] in {"present", "absent"} for row in rows)
    figures = {"people": len(people), "present": present, "days": days, "share": present / days if days else None}
    return _report(subject, "attendance", {"attendance": rows, "log": _log(subject, people)}, figures)


def counted(subject: Subject) -> list[Session]:
    """The visits of those who count."""
    staff = {person.person_id for person in subject.people if person.role is Role.STAFF}
    return [each for each in subject.sessions if subject.staff or each.person_id not in staff]


def _is_meant(person: Person, subject: Subject) -> bool:
    return subject.staff or person.role is Role.MEMBER


def _report(
    subject: Subject,
    name: str,
    sheets: Mapping[str, Sequence[Row]],
    figures: Mapping[str, Any],
    notes: Sequence[str] = (),
) -> Report:
    """The report with the keys of the figures and rows; what they are called for people is not asked here."""
    return subject.report(
        name,
        name,
        [
            Sheet(
                name=each,
                title=each,
                columns=tuple(Column(key, key) for key in (rows[0] if rows else ())),
                rows=rows,
                empty="",
            )
            for each, rows in sheets.items()
        ],
        [Figure(key, key, Kind.TEXT, value) for key, value in figures.items()],
        notes=notes,
    )


def _range_figures(subject: Subject, sessions: Sequence[Session]) -> dict[str, Any]:
    """The sums of the whole range; different people are counted once over all of it."""
    edges = [subject.since, subject.until]
    (row,) = _watched([asdict(each) for each in tally(sessions, edges, zone=subject.zone)], subject, edges)
    peak = peak_between(steps_of(sessions), subject.since, subject.until)
    return {**{key: row[key] for key in _RANGE}, **_peak(subject, peak), "watched": row["watched"]}


def _peak(subject: Subject, peak: tuple[datetime, int] | None) -> dict[str, Any]:
    return {figure.key: figure.value for figure in peak_figures(subject, peak)}


def _watched(rows: Iterable[dict[str, Any]], subject: Subject, edges: Sequence[datetime]) -> list[dict[str, Any]]:
    """The rows with the share that was watched; what nobody watched and nobody counted is not zero but unknown."""
    told = []
    for row, share in zip(rows, subject.coverage.shares(edges), strict=True):
        counts = [value for value in row.values() if isinstance(value, int)]
        blank = share == 0 and not any(counts)
        known = {key: value if isinstance(value, datetime) or not blank else None for key, value in row.items()}
        told.append({**known, "watched": share})
    return told


def _left_out(came: Iterable[Session]) -> dict[str, int]:
    """How many visits are not measured, by the first reason that holds."""
    counts = dict.fromkeys(("still_in", "entry_not_seen", "exit_not_seen", "bounces"), 0)
    for session in came:
        if session.dwell_known:
            counts["bounces"] += session.bounce
        elif session.ended_at is None:
            counts["still_in"] += 1
        else:
            counts["entry_not_seen" if session.enter_inferred else "exit_not_seen"] += 1
    return counts


def _histogram(lengths: Mapping[str, Sequence[float]]) -> list[Row]:
    """How many visits lasted from_s or longer and less than to_s, in the same bins for both measures."""
    longest_s = max((value for values in lengths.values() for value in values), default=None)
    if longest_s is None:
        return []
    width_s = bin_width_s(longest_s)
    bins = [
        {"from_s": place * width_s, "to_s": (place + 1) * width_s} for place in range(int(longest_s // width_s) + 1)
    ]
    rows: list[Row] = [
        {
            **each,
            **{measure: sum(value // width_s == place for value in values) for measure, values in lengths.items()},
        }
        for place, each in enumerate(bins)
    ]
    return rows


def _person_row(
    subject: Subject, person: Person | None, person_id: str, own: Sequence[Session], edges: Sequence[datetime]
) -> dict[str, Any]:
    came = begun(own, subject.since, subject.until)
    parts = parts_of(own, edges, subject.now)
    ends = [min(max(each.ended_at or subject.now, each.started_at), subject.until) for each in own]
    return {
        "person_id": person_id,
        "name": person_id if person is None else person.name,
        "kind": PersonKind.ENROLLED if person is None else person.kind,
        "role": Role.MEMBER if person is None else person.role,
        "visits": len(came),
        "days": len({part.place for part in parts}),
        "inside_s": sum(part.length_s for part in parts),
        "median_dwell_s": median_of([each.dwell_s for each in came if is_measured(each)]),
        "first_seen_at": max(min(each.started_at for each in own), subject.since),
        "last_seen_at": max(ends),
        "present": any(each.ended_at is None for each in own),
    }


def _day_row(
    subject: Subject, person: Person, day: Sequence[datetime], parts: Sequence[Part], share: float | None
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": person.name,
        "person_id": person.person_id,
        "day": day[0].astimezone(subject.zone).date(),
        "status": _status(subject, person, day[1], parts, share),
        "first_in": None,
        "last_out": None,
        "inside_s": None,
        "visits": 0,
        "notes": "",
    }
    if not parts:
        return row
    first, last = parts[0], parts[-1]
    unseen_in = first.session.enter_inferred and first.started_at == first.session.started_at
    unseen_out = last.session.exit_inferred and last.ended_at == last.session.ended_at
    still_in = any(part.open for part in parts)
    told = (("entry not seen", unseen_in), ("exit not seen", unseen_out), ("still in", still_in))
    return {
        **row,
        "first_in": None if unseen_in else first.started_at,
        "last_out": None if still_in else max(part.ended_at for part in parts),
        "inside_s": sum(part.length_s for part in parts),
        "visits": len({part.session.session_id for part in parts}),
        "notes": ", ".join(words for words, holds in told if holds),
    }


def _status(subject: Subject, person: Person, end: datetime, parts: Sequence[Part], share: float | None) -> str:
    if parts:
        return "present"
    if share == 0:
        return "not watched"
    if end <= person.created_at:
        return "not enrolled"
    return "not yet" if end > subject.now else "absent"


def _log(subject: Subject, people: Iterable[Person]) -> list[Row]:
    names = {person.person_id: person.name for person in people}
    rows: list[Row] = [
        {
            "at": event.at,
            "person_id": event.person_id,
            "name": names[event.person_id],
            "direction": "in" if event.kind is EventKind.ENTER else "out",
            "camera_id": event.camera_id,
            "inferred": event.inferred,
        }
        for event in sorted(subject.events, key=lambda each: (each.at, each.event_id))
        if event.person_id in names and subject.since <= event.at < subject.until
    ]
    return rows


def _nobody(subject: Subject, sessions: Sequence[Session]) -> tuple[str, ...]:
    if not subject.recorded or _anybody(sessions, subject):
        return ()
    return (subject.no_visits,)


def _anybody(sessions: Sequence[Session], subject: Subject) -> bool:
    """Whether anybody was in during the range, its first instant included."""
    return any(
        each.started_at < subject.until and (each.ended_at or subject.until) >= subject.since for each in sessions
    )
