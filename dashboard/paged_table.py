"""Parts of tables that the server sorts and cuts into pages: headers that sort, and links to the other pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from dashboard import elements as html
from dashboard import shell
from dashboard.elements import Element


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """order: what its header sorts by, None for nothing. style: its class. largest_first: the first click sorts
    downwards.
    """

    order: StrEnum | None
    title: str
    style: str = ""
    hint: str = ""
    largest_first: bool = False


def header(column: Column, *, current: StrEnum, descending: bool, link: Callable[[Any, bool], str]) -> Element:
    """The header of a column. current, descending: the order of the table. link: the address of another order."""
    if column.order is None:
        return html.Th(column.title, scope="col", className=column.style, title=column.hint or None)
    is_current = column.order is current
    href = link(column.order, not descending if is_current else column.largest_first)
    direction = ("descending" if descending else "ascending") if is_current else None
    arrow = html.Span({"descending": "↓", "ascending": "↑"}.get(direction or "", ""), **shell.aria(hidden="true"))
    sorted_by: dict[str, Any] = shell.aria(sort=direction) if direction else {}
    linked = shell.link([column.title, " ", arrow], href, stay=True, title=column.hint or None)
    return html.Th(linked, scope="col", className=column.style, **sorted_by)


def pager(*, page: int, pages: int, size: int, rows: int, link: Callable[[int], str]) -> Element:
    """Which rows of all are shown, and links to the other pages. size: of a page. link: the address of a page."""
    first, last = (page - 1) * size + 1, min(page * size, rows)
    steps = (
        ("«", "First page", 1),
        ("‹", "Previous page", page - 1),
        ("›", "Next page", page + 1),
        ("»", "Last page", pages),
    )
    links = [
        shell.link(sign, link(number), class_name="pager-step", **shell.aria(label=name))
        if number != page and 1 <= number <= pages
        else html.Span(sign, className="pager-step pager-off", **shell.aria(hidden="true"))
        for sign, name, number in steps
    ]
    place = html.Span(f"Page {page:,} of {pages:,}", className="pager-place")
    return html.Nav(
        [
            html.Span(f"{first:,} to {last:,} of {rows:,}", className="pager-range"),
            *links[:2],
            place,
            *links[2:],
        ],
        className="pager",
        **shell.aria(label="Pages of the table"),
    )
