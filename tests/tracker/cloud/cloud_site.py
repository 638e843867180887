"""A site in Firestore for tests, written as its machines write it, and replicas of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from google.cloud.firestore import SERVER_TIMESTAMP

from config.storage import FirestoreAddress
from tests.firestore.fixtures import Firestore
from tracker.cloud import documents, paths
from tracker.cloud.client import connect
from tracker.cloud.download import Scope
from tracker.cloud.paths import Collection
from tracker.cloud.replica import Replica
from tracker.presence.events import Event, EventKind
from tracker.store.store import Store

if TYPE_CHECKING:
    from google.cloud.firestore import Client

SITE = "gym"
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
NOW = START + timedelta(days=1)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def event(seconds: float, kind: str = "enter", person: str = "p-ada", camera: str = "front") -> Event:
    return Event(
        kind=EventKind(kind),
        site_id=SITE,
        camera_id=camera,
        person_id=person,
        at=at(seconds),
        track_id=f"{camera}-{seconds:g}",
    )


class CloudSite:
    """Documents of a site, written with Google's client."""

    def __init__(self, firestore: Firestore, site_id: str = SITE) -> None:
        self.firestore = firestore
        self.client: Client = firestore.client()
        self.site_id = site_id

    def put(self, collection: Collection, record_id: str, document: dict[str, Any]) -> None:
        """Write one document unchanged, with the server's time of receipt."""
        path = paths.path_of(self.site_id, collection, record_id)
        self.client.document(path).set({**document, documents.RECEIVED_AT: SERVER_TIMESTAMP})

    def put_events(self, events: Iterable[Event]) -> None:
        """Write events, five hundred a commit."""
        every = list(events)
        for start in range(0, len(every), 500):
            batch = self.client.batch()
            for each in every[start : start + 500]:
                path = paths.path_of(self.site_id, Collection.EVENTS, each.event_id)
                stamped = {**documents.event_document(each), documents.RECEIVED_AT: SERVER_TIMESTAMP}
                batch.set(self.client.document(path), stamped)
            batch.commit()

    def put_site(self, **fields: Any) -> None:
        """Write the document of the site."""
        self.client.document(paths.site_path(self.site_id)).set(fields)

    def replica(self, store: Store, scope: Scope = Scope.HISTORY, **options: Any) -> Replica:
        """A replica of the site in a store."""
        opened = partial(connect, FirestoreAddress(self.firestore.project), None)
        return Replica(store, opened, site_id=self.site_id, scope=scope, **options)


def wait_until(holds: Callable[[], bool], *, within_s: float = 10.0) -> None:
    """Return when the condition is true; fail on a timeout."""
    deadline, never = time.monotonic() + within_s, threading.Event()
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        never.wait(0.01)
