"""Histories for the tests of this folder: written as times of a day in Berlin, or random."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from tracker.presence.coverage import Coverage, CoverageSpan
from tracker.presence.events import Event
from tracker.presence.people import Person, PersonKind, Role
from tracker.presence.rules import Rules
from tracker.presence.sessions import Session, sessions
from tracker.reports.data import ReportData, by_id
from tracker.reports.frames import Frames

BERLIN = ZoneInfo("Europe/Berlin")
DAY = datetime(2026, 1, 5, tzinfo=BERLIN)
"""A Monday."""
RULES = Rules(merge_gap=timedelta(minutes=5), min_visit=timedelta(minutes=1))


def person(person_id: str, name: str, **fields: object) -> Person:
    return Person(**{"person_id": person_id, "name": name, "created_at": DAY - timedelta(days=30), **fields})


PEOPLE = [
    person("ada", "Ada"),
    person("bob", "Bob"),
    person("sam", "Sam", role=Role.STAFF),
    person("v-1", "Visitor 1", kind=PersonKind.VISITOR),
]


def at(clock: str, *, day: int = 0) -> datetime:
    """`9:30` on the day, `day` days on, in Berlin."""
    hour, minute = clock.split(":")
    return datetime.combine(DAY.date() + timedelta(days=day), DAY.time().replace(int(hour), int(minute)), BERLIN)


def stay(person: str, begin: datetime | None, end: datetime | None, camera: str = "front") -> list[Event]:
    return [
        Event(kind=kind, site_id="gym", camera_id=camera, person_id=person, at=moment, track_id=f"{person}{begin}")
        for kind, moment in (("enter", begin), ("exit", end))
        if moment is not None
    ]


def data_of(
    *stays: list[Event],
    since: datetime,
    until: datetime,
    now: datetime,
    spans: Sequence[CoverageSpan] = (),
    people: Sequence[Person] = PEOPLE,
    capacity: int | None = None,
    staff: bool = False,
) -> ReportData:
    events = [event for each in stays for event in each]
    first = min((event.at for event in events), default=None)
    found = sessions(events, rules=RULES, now=now)
    starts = [session.started_at for session in found]
    return ReportData(
        frames=Frames.of_sessions(found, now=now),
        people=by_id(people),
        events=events,
        first_last=(min(starts), max(starts)) if starts else None,
        site_id="gym",
        site_name="The gym",
        zone=BERLIN,
        capacity=capacity,
        coverage=Coverage(spans, now=now, first_event_at=first),
        since=since.astimezone(UTC),
        until=until.astimezone(UTC),
        now=now.astimezone(UTC),
        staff=staff,
    )


def watch(begin: datetime, end: datetime, camera: str = "front") -> CoverageSpan:
    return CoverageSpan(site_id="gym", camera_id=camera, started_at=begin, ended_at=end)


# -- at random, over the night in which the clock goes back

FIRST = datetime(2026, 10, 23, 22, tzinfo=UTC)
"""Midnight in Berlin; the 25th has 25 hours."""
NOW = FIRST + timedelta(days=3, hours=1, minutes=30)


@st.composite
def histories(draw: st.DrawFn) -> list[Session]:
    """Visits of four people, some of them open, some of which only the exit was seen, some of no length."""
    minutes = st.integers(0, 3 * 24 * 60 + 60)
    events: list[Event] = []
    for person in PEOPLE:
        for number, begin in enumerate(sorted(draw(st.lists(minutes, max_size=6, unique=True)))):
            start = FIRST + timedelta(minutes=begin)
            length = draw(st.sampled_from([None, 0, 0.5, 3, 45, 200, 1000]))
            end = None if length is None else start + timedelta(minutes=length)
            track = f"{person.person_id}{number}"
            seen = draw(st.sampled_from(["both", "both", "both", "exit"])) if end else "both"
            for kind, moment in (("enter", start if seen == "both" else None), ("exit", end)):
                if moment is not None and moment <= NOW:
                    events.append(
                        Event(
                            kind=kind, site_id="gym", camera_id="a", person_id=person.person_id, at=moment,
                            track_id=track,
                        )
                    )  # fmt: skip
    return sessions(events, rules=RULES, now=NOW)
