"""What the address of the page of people holds: search, filters, order, page, and the opened person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

from dashboard.address import parsed, place
from tracker.store.directory import Order, Who

PAGE_SIZE = 50
PATH = "/people"
_LONGEST_TEXT = 100
_LONGEST_ID = 200
USUAL_SORT = "name"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleQuery:
    """What the page of people shows. page: from 1 on. person: id of the opened one, "" for none."""

    text: str = ""
    who: Who = Who.ENROLLED
    group: str = ""
    order: Order = Order.NAME
    descending: bool = False
    page: int = 1
    person: str = ""

    @classmethod
    def of_address(cls, search: object) -> Self:
        """From the query part of an address; what is malformed there is left out."""
        given = parsed(search)
        sort = given.get("sort", USUAL_SORT)
        order = sort.removeprefix("-")
        page = given.get("page", "")
        return cls(
            text=given.get("q", "")[:_LONGEST_TEXT],
            who=Who(given["who"]) if given.get("who") in set(Who) else Who.ENROLLED,
            group=given.get("group", "")[:_LONGEST_TEXT],
            order=Order(order) if order in set(Order) else Order.NAME,
            descending=sort.startswith("-"),
            page=max(1, int(page)) if page.isascii() and page.isdecimal() and len(page) < 7 else 1,
            person=given.get("person", "")[:_LONGEST_ID],
        )

    @property
    def sort(self) -> str:
        """The order as an address has it."""
        return f"{'-' if self.descending else ''}{self.order}"

    def parameters(self) -> dict[str, str]:
        """As an address has them; what is as usual is left out."""
        found: Mapping[str, str] = {
            "q": self.text,
            "who": "" if self.who is Who.ENROLLED else self.who,
            "group": self.group,
            "sort": "" if self.sort == USUAL_SORT else self.sort,
            "page": "" if self.page == 1 else str(self.page),
            "person": self.person,
        }
        return {name: value for name, value in found.items() if value}

    def link(self, path: str = PATH) -> str:
        """The address of this query."""
        return place(path, self.parameters())

    def opened(self, person_id: str) -> str:
        """The address of a person's profile, from which one comes back to this list."""
        return replace(self, person=person_id).link()


def profile_link(person_id: str) -> str:
    """The address of a person's profile."""
    return PeopleQuery(person=person_id).link()
