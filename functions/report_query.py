"""The parameters of an HTTPS report, and the report that they ask for. Imports pandas."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from google.cloud import firestore

from config.errors import ReportError
from functions.report_data import Query, data_of
from functions.site import read_site
from tracker.presence.calendar import day_range
from tracker.reports import tables
from tracker.reports.attendance import attendance_report
from tracker.reports.data import ReportData
from tracker.reports.periods import Period
from tracker.reports.ranges import range_of
from tracker.reports.sheets import Report

Parameters: TypeAlias = Mapping[str, str]
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
    if kind.default is None:
        since, until = day_range(now.astimezone(site.zone).date(), site.zone)
    else:
        texts = (parameters.get("from") or None, parameters.get("to") or None)
        since, until = range_of(*texts, site.zone, now=now, default=period)
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
