"""The report on the audience: sums of the groups that may be published, and of nothing else."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from tracker.presence.audience import LABELS, MIN_PEOPLE, REST, Attribute, AudienceGroup
from tracker.reports.periods import Period, edges_of, names_of
from tracker.reports.sheets import Column, Kind, Report, Row, Sheet

OFF = "No audience is counted: set expression or age to true under [audience] in the settings (docs/audience.md)."
WAITING = (
    f"No hour of this range had {MIN_PEOPLE} people whose faces were seen well enough. The current hour is shown when"
    " it is over; counts are only on the machine of the camera."
)
NOTES = (
    f"Hours with fewer than {MIN_PEOPLE} people are left out; labels with fewer are part of '{REST}'.",
    "Everybody counts once an hour, staff and people who were not recognised not at all.",
)
_COUNTS = (
    Column("attribute", "attribute", Kind.WORD),
    Column("label", "looks", Kind.WORD),
    Column("people", "people", Kind.COUNT),
    Column("share", "share", Kind.SHARE),
)
_Key = tuple[int, Attribute]


def audience_report(
    groups: Sequence[AudienceGroup],
    period: Period,
    *,
    site_id: str,
    site_name: str,
    zone: ZoneInfo,
    since: datetime,
    until: datetime,
    now: datetime,
    counted: bool,
    filters: str = "",
) -> Report:
    """How many people looked like what, by period and over the range [since, until), UTC.

    groups: as published. counted: whether settings ask for an audience. Raises ReportError for too many periods.
    """
    edges = edges_of(period, since, until, zone)
    names = names_of(period, edges, zone)
    sums = _sums(groups, edges)
    rows = [
        {"period": names[place], "started_at": edges[place], "ended_at": edges[place + 1], **row}
        for place, attribute in sorted(sums)
        for row in _rows(attribute, sums[place, attribute])
    ]
    empty = WAITING if counted else OFF
    by_period = Sheet(
        name="audience",
        title=f"Audience by {period.value}",
        columns=(
            Column("period", period.value, Kind.WORD),
            Column("started_at", "from", Kind.MOMENT, shown=False),
            Column("ended_at", "to", Kind.MOMENT, shown=False),
            *_COUNTS,
        ),
        rows=rows,
        empty=empty,
    )
    total = Sheet(name="total", title="Total", columns=_COUNTS, rows=total_rows(groups), empty=empty)
    return Report(
        name="audience",
        title=f"Audience by {period.value}",
        site_id=site_id,
        site_name=site_name,
        zone=zone,
        since=since,
        until=until,
        now=now,
        sheets=(by_period, total) if rows else (by_period,),
        filters=filters,
        notes=NOTES if rows else (),
    )


def total_rows(groups: Iterable[AudienceGroup]) -> list[Row]:
    """How many people of published groups have each label, and their share, by attribute."""
    sums: dict[Attribute, Counter[str]] = {}
    for each in groups:
        sums.setdefault(each.attribute, Counter()).update(each.people)
    return [row for attribute in sorted(sums) for row in _rows(attribute, sums[attribute])]


def _sums(groups: Iterable[AudienceGroup], edges: Sequence[datetime]) -> dict[_Key, Counter[str]]:
    """By place of the period and attribute how many have each label."""
    sums: dict[_Key, Counter[str]] = {}
    for each in groups:
        place = bisect_right(edges, each.hour) - 1
        sums.setdefault((place, each.attribute), Counter()).update(each.people)
    return sums


def _rows(attribute: Attribute, people: Mapping[str, int]) -> list[Row]:
    """One row a label, in the order of the attribute, the rest last."""
    total = sum(people.values())
    return [
        {"attribute": attribute.value, "label": label, "people": people[label], "share": people[label] / total}
        for label in (*LABELS[attribute], REST)
        if label in people
    ]
