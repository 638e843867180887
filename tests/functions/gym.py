"""A site in Firestore whose triggers run in this process, and a machine's store with the same events."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from functions import handlers
from functions.database import stamped
from functions.triggers import Change
from tracker.cloud import documents
from tracker.cloud.documents import FUNCTIONS
from tracker.cloud.paths import Collection, path_of, site_path
from tracker.presence.events import Correction, Event, EventKind
from tracker.presence.people import Person, PersonKind
from tracker.presence.rules import Rules, encode_rules
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
    """An event of a camera, so many minutes after the start."""
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
    """A site whose sessions the functions derive. now: their clock."""

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
                "rules": encode_rules(self.rules),
                "derived_by": FUNCTIONS,
                "schema": 1,
                **other,
            }
        )

    # -- what machines and operators write, without running a trigger

    def put(self, events: Iterable[Event]) -> None:
        for batch in _batches(list(events)):
            writing = self.client.batch()
            for each in batch:
                path = path_of(SITE, Collection.EVENTS, each.event_id)
                writing.set(self.client.document(path), stamped(documents.event_document(each)))
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

    # -- runs the triggers

    def deliver(self, events: Iterable[Event]) -> None:
        for each in events:
            handlers.event_created(self.change(each.event_id, documents.event_document(each)))

    def send(self, events: Iterable[Event]) -> None:
        """Write events and deliver each, in this order."""
        for each in events:
            self.put([each])
            self.deliver([each])

    def correct(self, correction: Correction, person_id: str = "ada") -> None:
        document = self.put_correction(correction, person_id)
        handlers.correction_created(self.change(correction.correction_id, document))

    def merge(self, from_id: str, into_id: str | None) -> None:
        place = self.client.document(path_of(SITE, Collection.PEOPLE, from_id))
        before = place.get().to_dict()
        after = self.put_person(from_id, into_id)
        handlers.person_written(self.change(from_id, after, before))

    def change(self, record_id: str, after: dict[str, Any] | None, before: dict[str, Any] | None = None) -> Change:
        return Change(client=self.client, site_id=SITE, record_id=record_id, before=before, after=after, now=self.now)

    # -- what Firestore has

    def documents(self, collection: Collection) -> dict[str, dict[str, Any]]:
        found = self.client.collection(path_of(SITE, collection)).stream()
        return {each.id: {k: v for k, v in each.to_dict().items() if k != "received_at"} for each in found}

    def site_document(self) -> dict[str, Any]:
        found = self.client.document(site_path(SITE)).get().to_dict()
        return {name: value for name, value in found.items() if name != "received_at"}

    def visits(self) -> list[tuple[float, float | None, str]]:
        """Start and end of each session, in minutes after the start, and the person."""
        found = self.documents(Collection.SESSIONS).values()
        return sorted((_minutes(each["started_at"]), _minutes(each["ended_at"]), each["person_id"]) for each in found)

    def sessions(self) -> dict[str, dict[str, Any]]:
        """The sessions as machines write them."""
        own = ("clean", "due_at", "rules")
        return {
            name: {key: value for key, value in each.items() if key not in own}
            for name, each in self.documents(Collection.SESSIONS).items()
        }


def on_the_edge(
    events: Iterable[Event],
    path: Path,
    *,
    rules: Rules = RULES,
    now: datetime | None = None,
    work: Callable[[Store], None] | None = None,
) -> Store:
    """A machine's store with these events. now: its clock. work: further writes."""
    store = Store(path, clock=lambda: now or datetime.now(UTC)).open()
    store.sites.use_default_rules(rules)
    store.record(Observation(events=list(events)))
    if work is not None:
        work(store)
    return store


def assert_as_on_the_edge(gym: Gym, store: Store) -> None:
    """Firestore has exactly the sessions of the machine's store."""
    found = store.sessions.select(site_id=SITE, now=gym.now)
    assert gym.sessions() == {each.session_id: documents.session_document(each) for each in found}


def person(person_id: str, **other: Any) -> Person:
    return Person(person_id=person_id, name=person_id.title(), created_at=START, kind=PersonKind.ENROLLED, **other)


def _minutes(moment: datetime | None) -> float | None:
    return None if moment is None else (moment - START).total_seconds() / 60


def _batches(events: list[Event]) -> Iterable[list[Event]]:
    return (events[start : start + 400] for start in range(0, len(events), 400))
