"""A site in Firestore with the functions at work on it in this process, and a machine's store with the same events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from functions import changes
from functions.delivery import Delivered
from tracker.cloud import documents
from tracker.cloud.layout import Collection, path_of, site_path, usage_id
from tracker.presence import rule_text
from tracker.presence.events import Correction, Event, EventKind
from tracker.presence.people import Person, PersonKind
from tracker.presence.projection import usage_by_day
from tracker.presence.rules import Rules
from tracker.presence.sessions import Session
from tracker.store.observation import Observation
from tracker.store.store import Store

if TYPE_CHECKING:
    from google.cloud.firestore import Client

SITE = "gym"
BERLIN = ZoneInfo("Europe/Berlin")
RULES = Rules(
    closes_at=time(22),
    zone=BERLIN,
    entrances=frozenset({"door-1"}),
    exits=frozenset({"door-1"}),
)
START = datetime(2026, 3, 2, 8, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def event(
    kind: str, minutes: float, who: str = "ada", camera: str = "door-1", track: str | None = None, **other: Any
) -> Event:
    """Something that a camera says, so many minutes after the start."""
    return Event(
        kind=EventKind(kind),
        site_id=SITE,
        camera_id=camera,
        person_id=who,
        at=at(minutes),
        track_id=track or f"{camera}-{minutes}",
        **other,
    )


def visit(begin: float, end: float, who: str = "ada") -> list[Event]:
    return [event("enter", begin, who), event("exit", end, who)]


@dataclass
class Gym:
    """A site whose visits the functions work out. now: what their clock says."""

    client: Client
    rules: Rules = RULES
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def open(self, **other: Any) -> None:
        """Write the site's document."""
        self.client.document(site_path(SITE)).set(
            {
                "name": "Gym",
                "time_zone": str(self.rules.zone),
                "capacity": 20,
                "settings": {},
                "rules": rule_text.written(self.rules),
                "visits_by": "functions",
                "schema": 1,
                **other,
            }
        )

    # -- what machines and operators write, without anybody hearing of it

    def put(self, events: Iterable[Event]) -> None:
        for batch in _batches(list(events)):
            writing = self.client.batch()
            for each in batch:
                path = path_of(SITE, Collection.EVENTS, each.event_id)
                writing.set(self.client.document(path), documents.event_document(each))
            writing.commit()

    def put_person(self, person_id: str, merged_into: str | None = None, **other: Any) -> dict[str, Any]:
        person = Person(person_id=person_id, name=person_id.title(), created_at=START, consented_at=START, **other)
        document = documents.person_document(person, merged_into=merged_into)
        self.client.document(path_of(SITE, Collection.PEOPLE, person_id)).set(document)
        return document

    def put_correction(self, correction: Correction, person_id: str) -> dict[str, Any]:
        document = documents.correction_document(correction, person_id)
        self.client.document(path_of(SITE, Collection.CORRECTIONS, correction.correction_id)).set(document)
        return document

    # -- what Firestore's triggers deliver

    def deliver(self, events: Iterable[Event]) -> None:
        for each in events:
            changes.event_created(self.delivered(each.event_id, documents.event_document(each)))

    def send(self, events: Iterable[Event]) -> None:
        """Write events and deliver each, in this order."""
        for each in events:
            self.put([each])
            self.deliver([each])

    def correct(self, correction: Correction, person_id: str = "ada") -> None:
        document = self.put_correction(correction, person_id)
        changes.correction_created(self.delivered(correction.correction_id, document))

    def merge(self, from_id: str, into_id: str | None) -> None:
        place = self.client.document(path_of(SITE, Collection.PEOPLE, from_id))
        before = place.get().to_dict()
        after = self.put_person(from_id, into_id)
        changes.person_written(self.delivered(from_id, after, before))

    def delivered(
        self, record_id: str, after: dict[str, Any] | None, before: dict[str, Any] | None = None
    ) -> Delivered:
        return Delivered(
            client=self.client, site_id=SITE, record_id=record_id, before=before, after=after, now=self.now
        )

    # -- what is there then

    def documents(self, collection: Collection) -> dict[str, dict[str, Any]]:
        found = self.client.collection(path_of(SITE, collection)).stream()
        return {each.id: {k: v for k, v in each.to_dict().items() if k != "received_at"} for each in found}

    def visits(self) -> list[tuple[float, float | None, str]]:
        """Each visit's start and end in minutes after the start, and whose it is."""
        found = self.documents(Collection.SESSIONS).values()
        return sorted((_minutes(each["started_at"]), _minutes(each["ended_at"]), each["person_id"]) for each in found)

    def sessions(self) -> dict[str, dict[str, Any]]:
        """The visits as machines write them."""
        own = ("clean", "due_at", "rules")
        return {
            name: {key: value for key, value in each.items() if key not in own}
            for name, each in self.documents(Collection.SESSIONS).items()
        }

    def usage(self) -> dict[str, dict[str, Any]]:
        return self.documents(Collection.USAGE)


def on_the_edge(
    events: Iterable[Event], path: Path, *, rules: Rules = RULES, work: Callable[[Store], None] | None = None
) -> Store:
    """A machine's store with these events. work: what else is done to it."""
    store = Store(path).open()
    store.sites.use_default_rules(rules)
    store.record(Observation(events=list(events)))
    if work is not None:
        work(store)
    return store


def assert_as_on_the_edge(gym: Gym, store: Store) -> None:
    """Every visit and every hour in Firestore is what the machine's store has at this moment, and no other is there."""
    found = store.sessions.select(site_id=SITE, rules=gym.rules, now=gym.now)
    assert gym.sessions() == {each.session_id: documents.session_document(each) for each in found}
    assert gym.usage() == usage_documents(found, gym.rules)
    assert _hours_of(gym.usage()) == _hours_in(store, gym)


def usage_documents(sessions: Iterable[Session], rules: Rules) -> dict[str, dict[str, Any]]:
    by_person: dict[str, list[Session]] = {}
    for each in sessions:
        by_person.setdefault(each.person_id, []).append(each)
    return {
        usage_id(day, who): documents.usage_document(who, day, getattr(rules.zone, "key", "UTC"), hours)
        for who, own in by_person.items()
        for day, hours in usage_by_day(own, rules.zone).items()
    }


def person(person_id: str, **other: Any) -> Person:
    return Person(person_id=person_id, name=person_id.title(), created_at=START, kind=PersonKind.ENROLLED, **other)


def day_of(minutes: float) -> date:
    return at(minutes).astimezone(BERLIN).date()


def _hours_of(usage: dict[str, dict[str, Any]]) -> dict[datetime, tuple[int, int]]:
    """Entries and exits by hour, summed over the people."""
    entries, exits = Counter[datetime](), Counter[datetime]()
    for each in usage.values():
        for hour in each["hours"]:
            entries[hour["at"]] += hour["entries"]
            exits[hour["at"]] += hour["exits"]
    return {hour: (entries[hour], exits[hour]) for hour in entries | exits if entries[hour] or exits[hour]}


def _hours_in(store: Store, gym: Gym) -> dict[datetime, tuple[int, int]]:
    first, last = START - timedelta(days=400), START + timedelta(days=400)
    rows = store.sessions.usage_hours(site_id=SITE, rules=gym.rules, now=gym.now, since=first, until=last)
    return {row.started_at: (row.entries, row.exits) for row in rows if row.entries or row.exits}


def _minutes(moment: datetime | None) -> float | None:
    return None if moment is None else (moment - START).total_seconds() / 60


def _batches(events: list[Event]) -> Iterable[list[Event]]:
    return (events[start : start + 400] for start in range(0, len(events), 400))
