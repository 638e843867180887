"""The parameters of an HTTPS report, and the report that they ask for. Imports pandas."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

from google.cloud import firestore

from config.errors import ReportError
from functions.report_data import Query, data_of
from functions.site import read_site
from tracker.presence.calendar import day_range
from tracker.reports import tables
from tracker.reports.attendance import attendance_report
from tracker.reports.data import ReportData
from tracker.reports.periods import Period, lies_too_early, start_of_default
from tracker.reports.sheets import Report

Parameters: TypeAlias = Mapping[str, str]
_WEEK = re.compile(r"\d{4}-?W\d\d", re.ASCII)
_STAFF = {"true": True, "false": False, "": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """One kind of report. default: the period whose default range holds without `from`; None is the local day.

    by: takes the parameter `by`. whole_days: does not begin before the first record. enrolled: needs every enrolled
    person, and the events.
    """

    make: Callable[[ReportData, Period], Report]
    default: Period | None = Period.DAY
    by: bool = False
    whole_days: bool = True
    enrolled: bool = False


_KINDS: Mapping[str, _Kind] = {
    "today": _Kind(make=lambda data, _: tables.today_report(data), default=None, whole_days=False),
    "visits": _Kind(make=lambda data, _: tables.visits_report(data), whole_days=False),
    "usage": _Kind(make=tables.usage_report, by=True),
    "dwell": _Kind(make=lambda data, _: tables.dwell_report(data), whole_days=False),
    "occupancy": _Kind(make=lambda data, _: tables.occupancy_report(data), default=Period.HOUR),
    "people": _Kind(make=lambda data, _: tables.people_report(data)),
    "attendance": _Kind(make=lambda data, _: attendance_report(data), enrolled=True),
}


def report_of(parameters: Parameters, client: firestore.Client, *, now: datetime) -> Report:
    """The report of the parameters of a request. Raises ReportError naming the parameter."""
    kind = _KINDS.get(parameters.get("kind", ""))
    if kind is None:
        raise ReportError("kind: unknown", fix=f"expected one of {', '.join(_KINDS)}")
    _require_known(parameters, kind)
    site = read_site(client, parameters.get("site", ""))
    period = _period(parameters.get("by")) or kind.default or Period.DAY
    since, until = _range(parameters, site.zone, now, None if kind.default is None else period)
    query = Query(
        since=since,
        until=until,
        now=now,
        whole_days=kind.whole_days,
        enrolled=kind.enrolled,
        staff=_staff(parameters.get("staff", "false")),
    )
    return kind.make(data_of(client, site, query), period)


def _require_known(parameters: Parameters, kind: _Kind) -> None:
    known = {"site", "kind", "staff"}
    known |= {"by"} if kind.by else set()
    known |= {"from", "to"} if kind.default is not None else set()
    unknown = sorted(parameters.keys() - known)
    if unknown:
        raise ReportError(f"{unknown[0][:50]}: unknown parameter", fix=f"expected {', '.join(sorted(known))}")


def _range(parameters: Parameters, zone: ZoneInfo, now: datetime, period: Period | None) -> tuple[datetime, datetime]:
    """The range as on the command line; period None: the local day."""
    if period is None:
        return day_range(now.astimezone(zone).date(), zone)
    until = _moment(parameters.get("to"), zone, "to", end_of_day=True) or now
    start = _moment(parameters.get("from"), zone, "from")
    if start is not None and start >= now:
        raise ReportError("from: lies in the future", fix="give a time in the past")
    if start is not None and start >= until:
        raise ReportError("from: does not lie before to", fix="give an earlier time")
    end = min(until, now)
    return start or start_of_default(period, end, zone), end


def _moment(text: str | None, zone: ZoneInfo, name: str, *, end_of_day: bool = False) -> datetime | None:
    """A day or moment on the site's clock -> UTC."""
    if not text:
        return None
    try:
        day = _day(text)
        if day is None:
            there = datetime.fromisoformat(text)
            at = (there if there.tzinfo else there.replace(tzinfo=zone)).astimezone(UTC)
        else:
            at = datetime.combine(day + timedelta(days=end_of_day), time(), zone).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ReportError(f"{name}: {text[:40]!r} is no date", fix="write 2026-01-31 or 2026-01-31T08:00") from error
    if lies_too_early(at, zone):
        raise ReportError(f"{name}: {text[:40]} lies before 1970", fix="give a later day")
    return at


def _day(text: str) -> date | None:
    """The day, where the text is one in any form of ISO 8601. Raises ValueError on a week."""
    if _WEEK.fullmatch(text):
        raise ValueError("expected a day")
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _period(text: str | None) -> Period | None:
    if text is None:
        return None
    if text not in tuple(Period):
        raise ReportError(f"by: got {text[:40]!r}", fix=f"by: expected {' or '.join(Period)}")
    return Period(text)


def _staff(text: str) -> bool:
    if text not in _STAFF:
        raise ReportError(f"staff: got {text[:40]!r}", fix="staff: expected true or false")
    return _STAFF[text]
