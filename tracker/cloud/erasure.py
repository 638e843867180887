"""Erasing in Firestore a person who was forgotten here, at every site of the store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from google.cloud.firestore_v1.base_query import FieldFilter

from tracker.cloud import paths
from tracker.cloud.client import Client
from tracker.cloud.commit import Committer, RejectedWrite
from tracker.cloud.errors import explained
from tracker.cloud.paths import Collection
from tracker.cloud.reads import NEVER
from tracker.cloud.writes import Kind, Write, deleted
from tracker.presence.events import SCHEMA
from tracker.store.outbox_messages import Erasure

_NAMING = (
    Collection.EVENTS,
    Collection.MATCHES,
    Collection.SESSIONS,
    Collection.ZONE_STAYS,
    Collection.CORRECTIONS,
)
"""The collections whose documents hold a person's id."""
_PAGE = 400
_TIMEOUT_S = 30.0


def erase(client: Client, committer: Committer, erasure: Erasure, site_ids: Sequence[str]) -> list[RejectedWrite]:
    """Write the tombstone of a person, then delete everything that names them; the first refusal ends it.

    Idempotent. Anonymous events that are still counted are uploaded again. Returns what was rejected, at most one
    write. Raises CloudError.
    """
    for site_id in site_ids:
        for writes in _writes(client, erasure, site_id):
            if rejected := committer.commit(writes):
                return rejected[:1]
    return []


def _writes(client: Client, erasure: Erasure, site_id: str) -> Iterator[list[Write]]:
    collection, person_id = erasure.deletion.collection, erasure.person_id
    yield [
        Write(
            kind=Kind.SET,
            path=paths.path_of(site_id, Collection.FORGOTTEN, erasure.digest),
            collection=collection,
            record_id=person_id,
            document={"at": erasure.at, "erase_history": erasure.erase_history, "schema": SCHEMA},
        )
    ]
    for page in _pages(client, person_id, site_id):
        yield [deleted(collection, person_id, path) for path in page]
    yield [deleted(collection, person_id, paths.path_of(site_id, Collection.PEOPLE, person_id))]


def _pages(client: Client, person_id: str, site_id: str) -> Iterator[list[str]]:
    """Paths of all documents that name the person, a page at a time; the pages before must be deleted."""
    queries = [client.collection(paths.embeddings_path(site_id, person_id)).limit(_PAGE)]
    for collection in _NAMING:
        named = FieldFilter("person_id", "==", person_id)
        queries.append(client.collection(paths.path_of(site_id, collection)).where(filter=named).limit(_PAGE))
    for query in queries:
        while True:
            with explained():
                found = [each.reference.path for each in query.get(timeout=_TIMEOUT_S, retry=NEVER)]
            if not found:
                break
            yield found
