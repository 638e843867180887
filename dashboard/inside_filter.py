"""Which of the people who are in the page Now lists, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from config.text import fold
from dashboard.address import parsed, place
from tracker.presence.people import PersonKind, Role, name_key
from tracker.reports.sheets import Row

SHOWN = 60
"""So many are rendered at first; a link shows all of them."""
_LONGEST_TEXT = 100
_GROUP = "group:"


class Show(StrEnum):
    """Whom to list."""

    EVERYBODY = "everybody"
    MEMBERS = "members"
    STAFF = "staff"
    VISITORS = "visitors"
    UNAUTHORISED = "unauthorised"


class Sort(StrEnum):
    NEWEST = "newest"
    LONGEST = "longest"


@dataclass(frozen=True, slots=True, kw_only=True)
class InsideFilter:
    """text: each word of it is in the name, a group or the camera's id; accents and case do not matter.

    group: only people in it, instead of `show`. everything: render all of them, not only the first SHOWN.
    """

    text: str = ""
    show: Show = Show.EVERYBODY
    group: str = ""
    sort: Sort = Sort.NEWEST
    everything: bool = False

    @classmethod
    def of_address(cls, search: object) -> Self:
        """From the query part of an address; what is malformed there is left out."""
        given = parsed(search)
        show, sort = given.get("show", ""), given.get("sort")
        return cls(
            text=given.get("q", "")[:_LONGEST_TEXT],
            show=Show(show) if show in set(Show) else Show.EVERYBODY,
            group=show.removeprefix(_GROUP)[:_LONGEST_TEXT] if show.startswith(_GROUP) else "",
            sort=Sort(sort) if sort in set(Sort) else Sort.NEWEST,
            everything=given.get("all") == "1",
        )

    @property
    def shown(self) -> str:
        """The value of the control that chooses whom to show."""
        return group_value(self.group) if self.group else str(self.show)

    def parameters(self) -> dict[str, str]:
        """As an address has them; what is as usual is left out."""
        found = {
            "q": self.text,
            "show": "" if self.shown == Show.EVERYBODY else self.shown,
            "sort": "" if self.sort is Sort.NEWEST else self.sort,
            "all": "1" if self.everything else "",
        }
        return {name: value for name, value in found.items() if value}

    def link(self) -> str:
        """The address of the page with this filter."""
        return place("/", self.parameters())

    def apply(self, rows: Sequence[Row]) -> list[Row]:
        """The rows for which it holds, in its order. rows: the latest first."""
        words = fold(self.text).split()
        found = [row for row in rows if self._shows(row) and all(word in _text(row) for word in words)]
        return found if self.sort is Sort.NEWEST else found[::-1]

    def _shows(self, row: Row) -> bool:
        if self.group:
            return name_key(self.group) in map(name_key, row["groups"])
        return _is(row, self.show)


def group_value(group: str) -> str:
    """The value of the control for a group."""
    return f"{_GROUP}{group}"


def groups_of(rows: Sequence[Row]) -> list[str]:
    """The groups of these people, by name."""
    return sorted({group for row in rows for group in row["groups"]}, key=fold)


def _text(row: Row) -> str:
    return fold(" ".join((row["name"], row["camera_id"], *row["groups"])))


def _is(row: Row, show: Show) -> bool:
    is_staff, is_visitor = bool(row["role"] == Role.STAFF), bool(row["kind"] == PersonKind.VISITOR)
    match show:
        case Show.EVERYBODY:
            return True
        case Show.MEMBERS:
            return not is_staff and not is_visitor
        case Show.STAFF:
            return is_staff
        case Show.VISITORS:
            return is_visitor
        case Show.UNAUTHORISED:
            return bool(row["refused"])
