"""The directory of people: searched, filtered, sorted and cut into pages by SQLite."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from config.text import fold
from tracker.presence.events import time_text
from tracker.presence.people import Person
from tracker.store.people_rows import PEOPLE
from tracker.store.store_file import StoreFile
from tracker.store.tables import read_time

_OF_SITE = "FROM sessions s INDEXED BY sessions_person WHERE s.person_id = p.person_id AND s.site_id = :site"
_LAST = f"(SELECT max(s.started_at) {_OF_SITE})"
_VISITS = f"(SELECT count(*) {_OF_SITE} AND s.started_at >= :since)"
_LATEST = f"{_OF_SITE} ORDER BY s.started_at DESC LIMIT 1"


class Who(StrEnum):
    """Which people."""

    ENROLLED = "enrolled"
    MEMBERS = "members"
    STAFF = "staff"
    VISITORS = "visitors"
    NO_CONSENT = "no-consent"
    NO_ACCESS = "no-access"
    EXPIRED = "expired"
    EVERYBODY = "everybody"


class Order(StrEnum):
    """What people are sorted by."""

    NAME = "name"
    VISITS = "visits"
    SEEN = "seen"
    ADDED = "added"
    UNTIL = "until"


_IS_ENROLLED = "p.kind = 'enrolled'"
_WHO = {
    Who.ENROLLED: _IS_ENROLLED,
    Who.MEMBERS: f"{_IS_ENROLLED} AND p.role = 'member'",
    Who.STAFF: f"{_IS_ENROLLED} AND p.role = 'staff'",
    Who.VISITORS: "p.kind = 'visitor'",
    Who.NO_CONSENT: f"{_IS_ENROLLED} AND p.consented_at IS NULL",
    Who.NO_ACCESS: f"{_IS_ENROLLED} AND p.access = 0",
    Who.EXPIRED: f"{_IS_ENROLLED} AND p.valid_until < :today",
    Who.EVERYBODY: "TRUE",
}
_KEYS = {
    Order.NAME: "p.search_key",
    Order.VISITS: _VISITS,
    Order.SEEN: _LAST,
    Order.ADDED: "p.created_at",
    Order.UNTIL: "p.valid_until",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryQuery:
    """Which people of the store, and in which order. site_id: whose visits count, from `since` (UTC) on.

    text: each word of it is in the name or a group; accents and case do not matter. group: they are in it. today: the
    local day by which validity is expired.
    """

    site_id: str
    since: datetime
    today: date
    text: str = ""
    who: Who = Who.ENROLLED
    group: str = ""
    order: Order = Order.NAME
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryEntry:
    """A person, and what their visits to a site say.

    visits: that began since the instant of the query. seen_at: when the last visit ended, or where that is not known
    began; None without any. inside: that visit goes on.
    """

    person: Person
    visits: int
    seen_at: datetime | None
    inside: bool


class Directory:
    """People by query. Every method raises StoreError when the file or the disk fails."""

    def __init__(self, file: StoreFile) -> None:
        self._file = file

    def count(self, query: DirectoryQuery) -> int:
        """How many people fit."""
        conditions, values = _conditions(query)
        return int(self._file.rows(f"SELECT count(*) FROM people p WHERE {conditions}", values)[0][0])

    def page(self, query: DirectoryQuery, *, skip: int = 0, limit: int = 50) -> list[DirectoryEntry]:
        """Those who fit, in order, without the first `skip`. Who has no value to sort by is last."""
        conditions, values = _conditions(query)
        key, direction = _KEYS[query.order], "DESC" if query.descending else "ASC"
        ids = self._file.rows(
            f"SELECT p.person_id FROM people p WHERE {conditions}"
            f" ORDER BY {key} IS NULL, {key} {direction}, p.search_key, p.person_id LIMIT :limit OFFSET :skip",
            {**values, "limit": limit, "skip": skip},
        )
        return self.entries(query, [person_id for (person_id,) in ids])

    def entries(self, query: DirectoryQuery, person_ids: Sequence[str]) -> list[DirectoryEntry]:
        """The entries of these people, in the same order; who is not there is left out."""
        columns = ", ".join(f"p.{name}" for name in PEOPLE.columns)
        rows = self._file.rows(
            f"SELECT {columns}, {_VISITS}, {_LAST}, (SELECT s.ended_at {_LATEST}),"
            f" (SELECT s.ended_at IS NULL AND (s.due_at IS NULL OR s.due_at > :now) {_LATEST})"
            " FROM json_each(:ids) j JOIN people p ON p.person_id = j.value ORDER BY j.key",
            {
                "ids": json.dumps(list(person_ids)),
                "site": query.site_id,
                "since": time_text(query.since),
                "now": time_text(self._file.now()),
            },
        )
        people = PEOPLE.read(rows)
        return [
            DirectoryEntry(
                person=person,
                visits=visits,
                seen_at=None if begun is None else read_time(ended or begun),
                inside=bool(inside),
            )
            for person, (*_, visits, begun, ended, inside) in zip(people, rows, strict=True)
        ]

    def groups(self) -> list[str]:
        """The groups that anybody is in, sorted; of those that differ in case only one."""
        rows = self._file.rows(
            "SELECT min(g.value) FROM people p, json_each(p.groups) g WHERE p.groups <> '[]'"
            " GROUP BY g.value COLLATE NOCASE ORDER BY g.value COLLATE NOCASE"
        )
        return [group for (group,) in rows]


def _conditions(query: DirectoryQuery) -> tuple[str, dict[str, object]]:
    """What holds for those who fit, and the values in it."""
    words = {f"word{number}": word for number, word in enumerate(fold(query.text).split())}
    found = [_WHO[query.who], *(f"instr(p.search_key, :{name})" for name in words)]
    if query.group:
        found.append("EXISTS (SELECT 1 FROM json_each(p.groups) WHERE value = :group COLLATE NOCASE)")
    values: dict[str, object] = {
        "site": query.site_id,
        "since": time_text(query.since),
        "today": query.today.isoformat(),
        "group": query.group,
        **words,
    }
    return " AND ".join(found), values
