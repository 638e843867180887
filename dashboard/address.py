"""What the address of a page holds: the range of days, filters, order, page and the opened visit."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Self, TypeVar
from urllib.parse import parse_qs, quote_plus

import dash

from dashboard.views import LONGEST_RANGE_DAYS, Days
from tracker.reports.visit_filter import Order, State, VisitFilter, Who

DEFAULT_DAYS = 7
PAGE_SIZE = 25
_LONGEST_TEXT = 100
_Choice = TypeVar("_Choice", bound=StrEnum)
_quoted = lru_cache(maxsize=4096)(quote_plus)
"""Lists have hundreds of links, with the same names and few other values."""


def place(path: str, parameters: Mapping[str, str] | None = None) -> str:
    """A link to a page of this dashboard, below `dashboard.base_path`."""
    relative: Callable[[str], str] = dash.get_relative_path
    found = relative(path)
    if not parameters:
        return found
    return f"{found}?{'&'.join(f'{_quoted(name)}={_quoted(value)}' for name, value in parameters.items())}"


def parsed(search: object) -> dict[str, str]:
    """The parameters of an address, the last of each name; none for anything but a text."""
    if not isinstance(search, str):
        return {}
    found = parse_qs(search.removeprefix("?"), max_num_fields=50, errors="replace") if len(search) < 4096 else {}
    return {name: values[-1] for name, values in found.items()}


def days_of(parameters: Mapping[str, str], today: date) -> tuple[Days, int | None]:
    """The range of an address, and its number of days where it ends on whatever day it is."""
    between = Days.picked([parameters.get("from"), parameters.get("to")])
    if between is not None:
        return between, None
    count = _whole(parameters.get("days"), 1, LONGEST_RANGE_DAYS) or DEFAULT_DAYS
    return Days.until(today, days=count), count


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitQuery:
    """What the page of visits shows. moving: the range's number of days, where it ends today.

    page: from 1 on. visit: id of the opened one, "" for none.
    """

    days: Days
    moving: int | None = DEFAULT_DAYS
    where: VisitFilter = field(default_factory=VisitFilter)
    order: Order = Order.ENTERED
    descending: bool = True
    page: int = 1
    visit: str = ""

    @classmethod
    def of_address(cls, search: object, today: date) -> Self:
        """From the query part of an address; what is malformed there is left out."""
        given = parsed(search)
        days, moving = days_of(given, today)
        sort = given.get("sort", "-entered")
        order = _choice(Order, sort.removeprefix("-"), Order.ENTERED)
        return cls(
            days=days,
            moving=moving,
            where=VisitFilter(
                text=given.get("q", "")[:_LONGEST_TEXT],
                who=_choice(Who, given.get("who"), Who.EVERYBODY),
                state=_choice(State, given.get("state"), State.ANY),
                camera_id=given.get("camera", ""),
                person_id=given.get("person", ""),
                begun=given.get("begun") == "1",
                hour=_whole(given.get("hour"), 0, 23),
                dwell_s=_lengths(given.get("dwell")),
            ),
            order=order,
            descending=sort.startswith("-"),
            page=_whole(given.get("page"), 1, 10**6) or 1,
            visit=given.get("visit", ""),
        )

    def parameters(self) -> dict[str, str]:
        """As an address has them; what is as usual is left out."""
        where, usual = self.where, VisitFilter()
        if self.moving is None:
            span = {"from": self.days.first.isoformat(), "to": self.days.last.isoformat()}
        else:
            span = {} if self.moving == DEFAULT_DAYS else {"days": str(self.moving)}
        sort = f"{'-' if self.descending else ''}{self.order}"
        found = {
            "q": where.text,
            "who": "" if where.who is usual.who else where.who,
            "state": "" if where.state is usual.state else where.state,
            "camera": where.camera_id,
            "person": where.person_id,
            "begun": "1" if where.begun else "",
            "hour": "" if where.hour is None else str(where.hour),
            "dwell": "" if where.dwell_s is None else "-".join(map(_number, where.dwell_s)),
            "sort": "" if sort == "-entered" else sort,
            "page": "" if self.page == 1 else str(self.page),
            "visit": self.visit,
        }
        return span | {name: value for name, value in found.items() if value}

    def link(self, path: str = "/visits") -> str:
        """The address of this query."""
        return place(path, self.parameters())

    def filtered(self, **conditions: object) -> Self:
        """The first page with other conditions, and no visit opened."""
        where: VisitFilter = replace(self.where, **conditions)  # type: ignore[arg-type] # by name
        return replace(self, where=where, page=1, visit="")


def _number(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")


def _choice(kind: type[_Choice], text: str | None, usual: _Choice) -> _Choice:
    return kind(text) if text in set(kind) else usual


def _whole(text: str | None, least: int, most: int) -> int | None:
    if text is None or not re.fullmatch("[0-9]{1,9}", text):
        return None
    return int(text) if least <= int(text) <= most else None


def _lengths(text: str | None) -> tuple[float, float] | None:
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)-([0-9]{1,9}(?:\.[0-9]{1,3})?)", text or "")
    return (float(found[1]), float(found[2])) if found else None
