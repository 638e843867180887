"""Data of pages beyond the rows of reports: made by queries, rendered by pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from dashboard.coverage import CoverageView
from dashboard.wording import day
from tracker.presence.events import EventKind
from tracker.presence.people import PersonKind, Role
from tracker.reports.sheets import Row
from tracker.reports.usual import Usual

LONGEST_RANGE_DAYS = 3660
EARLIEST_DAY, LATEST_DAY = date(2000, 1, 1), date(9998, 12, 31)
"""Limits of ranges."""


@dataclass(frozen=True, slots=True)
class Days:
    """A range of local days, both included."""

    first: date
    last: date

    @classmethod
    def until(cls, last: date, *, days: int) -> Self:
        """So many days, the last of which is `last`."""
        return cls(last - timedelta(days=days - 1), last)

    @classmethod
    def picked(cls, value: object) -> Self | None:
        """From a date picker's two ISO days; None if one is missing or invalid."""
        if not isinstance(value, list | tuple) or len(value) != 2:
            return None
        try:
            first, last = sorted(date.fromisoformat(str(part)[:10]) for part in value)
        except ValueError:
            return None
        last = min(max(last, EARLIEST_DAY), LATEST_DAY)
        longest = last - timedelta(days=min(LONGEST_RANGE_DAYS, (last - EARLIEST_DAY).days))
        return cls(max(min(first, last), longest), last)

    @property
    def count(self) -> int:
        """How many days these are."""
        return (self.last - self.first).days + 1

    def words(self, today: date) -> str:
        """`today`, `on 14 Mar`, `from 8 Mar to 14 Mar`."""
        if self.first == self.last:
            return (
                day(self.first, today) if self.first == today else f"on {day(self.first, today)}".replace("on y", "y")
            )
        return f"from {day(self.first, today)} to {day(self.last, today)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """Where a visit began (enter) or ended (exit), or somebody who was not recognised crossed a door: without ids.

    inferred: no camera saw it happen.
    """

    session_id: str
    kind: EventKind
    name: str
    at: datetime
    camera_id: str
    inferred: bool


class Condition(StrEnum):
    """The condition of a camera, shown as a colour."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraRow:
    """A camera's health as text. watching: frames come. rate: frames a second, empty without frames.

    last_frame_at: None before the first frame. problem: why frames do not come, without secrets.
    """

    camera_id: str
    source: str
    condition: Condition
    words: str
    watching: bool
    last_frame_at: datetime | None
    problem: str = ""
    rate: str = ""

    @property
    def is_down(self) -> bool:
        """Whether frames should come and do not."""
        return not self.watching and self.condition in (Condition.WARN, Condition.BAD)


@dataclass(frozen=True, slots=True, kw_only=True)
class NowView:
    """Today so far. Everything counts everybody, staff included.

    started: this site has seen a person or a camera; other_sites: those that the store holds besides. inside: rows of
    the visits that go on, the latest first; `now_queries.people_rows` has their keys. figures: by the keys of `footfall
    report today --staff`. inside_notes: sentences about people who are in and in no row, or in a row and not in.
    points: occupancy. span: the time to show it over. watching: some camera gives frames now; None where none has
    reported. coverage: what was watched. usual: at this time of such a weekday. longest: a visit that lasts longer is
    reported. upload_problems: sentences. names: rows have them, and ids to link to.
    """

    now: datetime
    started: bool
    other_sites: tuple[str, ...]
    inside: Sequence[Row]
    inside_notes: tuple[str, ...]
    figures: Mapping[str, Any]
    points: Sequence[Row]
    span: tuple[datetime, datetime]
    events: tuple[EventRow, ...]
    cameras: tuple[CameraRow, ...]
    watching: bool | None
    coverage: CoverageView
    usual: Usual | None
    longest: timedelta
    upload_problems: tuple[str, ...]
    names: bool = True

    @property
    def people_in(self) -> int:
        """How many people are in, recognised or not."""
        return int(self.figures["occupancy"])


@dataclass(frozen=True, slots=True, kw_only=True)
class RollCall:
    """Who is in, and who has left since `since`, by name.

    rows: keys as in NowView.inside; ended_at is None for who is in. people_in, inside_notes, watching: as in NowView.
    """

    now: datetime
    since: datetime
    rows: Sequence[Row]
    people_in: int
    inside_notes: tuple[str, ...]
    cameras: tuple[CameraRow, ...]
    watching: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedVisit:
    """One visit. row: as in the report on visits. segments: (from, to) of its continuous parts, to None while open."""

    row: Row
    segments: tuple[tuple[datetime, datetime | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitsView:
    """A page of the visits of a range of days that fit a filter, staff included.

    rows: as in the report on visits, with the cameras at which each began and ended. visits, people, still_in: how
    many fit. of_range: visits of the range without the filter. page: of `pages`, from 1 on. person: name of the one
    person asked for, "" without. opened: the visit asked for, if there is one. coverage: what was watched. names: rows
    have them, and ids to link to.
    """

    rows: Sequence[Row]
    visits: int
    people: int
    still_in: int
    with_staff: bool
    of_range: int
    page: int
    pages: int
    person: str
    opened: OpenedVisit | None
    coverage: CoverageView
    names: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageView:
    """A range of days without staff.

    counted: entries and people in are those of doors that count everybody, staff included. doors: their rows. figures:
    by the keys of `footfall report usage`. dwell: the row of net lengths of `footfall report dwell`; bins: its
    histogram. hours: entries in each of the 24 hours of the day, summed over the days. capacity: how many people the
    site may hold, staff among them; None where staff were here, who are not in points. people: the rows of `footfall
    report people` that fit on the page, of people_count. hours_watched: the share of each of the 24 hours;
    days_watched: how many whole days. audience: rows as in the total of `footfall report audience`; None where no
    setting asks for it. names: rows have them, and ids to link to.
    """

    days: Days
    counted: bool
    doors: Sequence[Row]
    figures: Mapping[str, Any]
    dwell: Row
    bins: Sequence[Row]
    hours: Sequence[int]
    capacity: int | None
    points: Sequence[Row]
    span: tuple[datetime, datetime]
    people: Sequence[Row]
    people_count: int
    coverage: CoverageView
    hours_watched: tuple[float | None, ...]
    days_watched: float
    audience: Sequence[Row] | None = None
    names: bool = True


def tag(row: Row) -> str:
    """The word behind a name: visitor, staff, or nothing."""
    if row["role"] == Role.STAFF:
        return "staff"
    return "visitor" if row["kind"] == PersonKind.VISITOR else ""
