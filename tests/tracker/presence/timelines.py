"""Visits for the tests of reports, written as times of a day in Berlin."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tracker.presence.events import Event
from tracker.presence.people import Person, PersonKind, Role
from tracker.presence.sessions import Rules, Session, sessions

BERLIN = ZoneInfo("Europe/Berlin")
DAY = datetime(2026, 1, 5, tzinfo=BERLIN)
MINUTE = 60
RULES = Rules(merge_gap=timedelta(minutes=5), min_visit=timedelta(minutes=1))


def at(clock: str, *, day: int = 0) -> datetime:
    """`9:30` on the day, `day` days on, in Berlin."""
    hour, minute = clock.split(":")
    return DAY + timedelta(days=day, hours=int(hour), minutes=int(minute))


def stay(person: str, begin: datetime | None, end: datetime | None, site: str = "gym") -> list[Event]:
    return [
        Event(kind=kind, site_id=site, camera_id="a", person_id=person, at=moment, track_id=f"{person}{begin}")
        for kind, moment in (("enter", begin), ("exit", end))
        if moment is not None
    ]


def visits_of(*stays: list[Event], now: datetime) -> list[Session]:
    return sessions([event for events in stays for event in events], rules=RULES, now=now)


def person(person_id: str, name: str, **fields: object) -> Person:
    return Person(person_id=person_id, name=name, created_at=DAY, **fields)


PEOPLE = [
    person("ada", "Ada"),
    person("bob", "Bob"),
    person("sam", "Sam", role=Role.STAFF),
    person("v-1", "Visitor 1", kind=PersonKind.VISITOR),
]
NOON = at("12:00")
