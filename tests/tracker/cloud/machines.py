"""Machines for tests: a store with visits, its uploader, and the resulting documents in Firestore."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from config.storage import FirestoreAddress
from tests.firestore.fixtures import Firestore
from tracker.cloud import documents
from tracker.cloud.client import Connection, connect
from tracker.cloud.retry import Backoff
from tracker.cloud.upload import Terms
from tracker.cloud.uploader import Uploader
from tracker.presence.events import Event, EventKind, Match
from tracker.presence.sessions import Session, SessionState
from tracker.store.observation import Observation
from tracker.store.store import Store

SITE = "gym"
START = datetime(2026, 1, 5, 8, tzinfo=UTC)
LATER = START + timedelta(days=400)
"""When every visit is over."""


def wait_until(done: Callable[[], bool], *, seconds: float = 20.0) -> None:
    """Return when the condition is true; fail on a timeout."""
    pause, ends_s = threading.Event(), time.monotonic() + seconds
    while not done():
        assert time.monotonic() < ends_s, "it did not happen"
        pause.wait(0.02)


def person(number: int) -> str:
    return f"p-{number:012x}"


def visits(count: int, *, first: int = 0, people: int = 40, camera: str = "front") -> tuple[list[Event], list[Match]]:
    """So many visits of half an hour by members, one a minute, each with the match that named its track."""
    events: list[Event] = []
    matches: list[Match] = []
    for number in range(first, first + count):
        who, track = person(number % people), f"{camera}-{number}"
        at = START + timedelta(minutes=number)
        named: dict[str, Any] = {"site_id": SITE, "camera_id": camera, "track_id": track, "person_id": who}
        events.append(Event(kind=EventKind.ENTER, at=at, x_frac=0.5, y_frac=0.25, **named))
        events.append(Event(kind=EventKind.EXIT, at=at + timedelta(minutes=30), x_frac=0.5, y_frac=0.75, **named))
        reason = f"{who} by 4 sightings, nearest 0.41, the next 0.20 farther"
        matches.append(Match(at=at, distance=0.41, margin=0.2, quality=0.8, authorised=True, reason=reason, **named))
    return events, matches


class Machine:
    """A store and its uploader. The clock is long after all sessions."""

    def __init__(self, path: Path, firestore: Firestore, **terms: Any) -> None:
        self.now = LATER
        self.store = Store(path, busy_timeout_s=5.0, clock=lambda: self.now).open()
        self.store.outbox.begin()
        self.firestore = firestore
        self.terms = Terms(**({"site_id": SITE, "version": "1", "timeout_s": 10.0} | terms))
        self.stop = threading.Event()
        self.sent: list[int] = []
        self._thread: threading.Thread | None = None

    def record(self, count: int, **which: Any) -> None:
        events, matches = visits(count, **which)
        self.store.record(Observation(events=events, matches=matches))

    def connect(self) -> Connection:
        return connect(FirestoreAddress(self.firestore.project), None)

    def uploader(self, connecting: Callable[[], Connection] | None = None, **how: Any) -> Uploader:
        pauses = {name: Backoff(0.05, 0.3) for name in ("soon", "late")}
        return Uploader(self.store, connecting or self.connect, self.terms, now=lambda: self.now, **{**pauses, **how})

    def drain(self, *, patience_s: float = 10.0, **how: Any) -> int:
        """Upload everything; returns the number of writes."""
        return self.uploader(progress=self.sent.append, **how).drain(self.stop, patience_s=patience_s)

    def start(self, uploader: Uploader | None = None) -> None:
        """Upload in a thread, as an agent does."""
        self._thread = threading.Thread(target=(uploader or self.uploader()).run, args=(self.stop,), daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop after uploading the latest records."""
        self.stop.set()
        if self._thread is not None:
            self._thread.join(30)
            assert not self._thread.is_alive()

    def close(self) -> None:
        self.end()
        self.store.close()

    def is_drained(self) -> bool:
        sites = self.store.outbox.state("upload derives").get("", "")
        if not sites and self.store.outbox.state("upload made here"):
            return False  # whose sessions it derives is not known yet
        return self.store.outbox.backlog(sessions=sites not in ("", "[]")).total == 0


class Cloud:
    """The documents of the site in Firestore."""

    def __init__(self, firestore: Firestore) -> None:
        self._client = firestore.client()

    def close(self) -> None:
        self._client.close()

    def documents(self, collection: str) -> dict[str, dict[str, Any]]:
        """Documents of a collection under the site by their ids."""
        found = self._client.collection(f"sites/{SITE}/{collection}").get()
        return {each.id: each.to_dict() or {} for each in found}

    def written_again(self, collection: str) -> list[str]:
        """Ids of documents that were written after they had been created."""
        found = self._client.collection(f"sites/{SITE}/{collection}").get()
        return [each.id for each in found if each.update_time != each.create_time]

    def document(self, path: str) -> dict[str, Any] | None:
        return self._client.document(path).get().to_dict()

    def events(self) -> list[Event]:
        found = [documents.event_of(SITE, one_id, each) for one_id, each in self.documents("events").items()]
        return sorted(found, key=lambda event: (event.at, event.event_id))

    def sessions(self, now: datetime = LATER) -> list[Session]:
        found = [
            documents.session_of(SITE, each, content, now=now) for each, content in self.documents("sessions").items()
        ]
        return sorted(found, key=lambda session: session.session_id)


def closed(store: Store, now: datetime = LATER) -> list[Session]:
    """The sessions of a store, all closed."""
    found = store.sessions.select(site_id=SITE, now=now)
    assert all(session.state is SessionState.CLOSED for session in found)
    return sorted(found, key=lambda session: session.session_id)


def assert_same(cloud: Cloud, stores: Iterable[Store]) -> None:
    """Firestore has exactly the events and sessions of the stores."""
    events = {event.event_id: event for store in stores for event in store.events.select()}
    assert {event.event_id: event for event in cloud.events()} == events
    for store in stores:
        assert cloud.sessions() == closed(store)


def assert_days(cloud: Cloud, store: Store) -> None:
    """The sums over all days equal those of the sessions."""
    assert sum(each["entries"] for each in cloud.documents("days").values()) == len(closed(store))
