"""Forgetting somebody in Firestore who was forgotten here."""

from __future__ import annotations

from collections.abc import Iterator

from google.cloud.firestore_v1.base_query import FieldFilter

from tracker.cloud import layout
from tracker.cloud.connect import Connection, explained
from tracker.cloud.delivery import Delivery, Refusal
from tracker.cloud.layout import Collection
from tracker.cloud.writes import Writer
from tracker.presence.events import SCHEMA
from tracker.store.outbox import Forgotten

_NAMING = (
    Collection.EVENTS,
    Collection.MATCHES,
    Collection.SESSIONS,
    Collection.USAGE,
    Collection.ZONE_STAYS,
    Collection.CORRECTIONS,
)
"""The collections whose documents hold a person's id."""
_PAGE = 400
_TIMEOUT_S = 30.0


def erase(
    connection: Connection, delivery: Delivery, writer: Writer, gone: Forgotten, *, site_id: str
) -> list[Refusal]:
    """Put up the tombstone, then delete all that names the person; what was counted comes up again without a name.

    Doing it again only does what is left. Raises CloudError and WireError.
    """
    tombstone = {"at": gone.at, "erase_history": gone.erase_history, "schema": SCHEMA}
    path = layout.path_of(site_id, Collection.FORGOTTEN, gone.digest)
    refusals = delivery.deliver([writer.replaced("people", gone.person_id, path, tombstone)])
    if refusals:
        return refusals
    profile = layout.path_of(site_id, Collection.PEOPLE, gone.person_id)
    for paths in _pages(connection, gone.person_id, site_id):
        refusals += delivery.deliver([writer.deleted("people", gone.person_id, each) for each in paths])
        if refusals:
            return refusals
    return delivery.deliver([writer.deleted("people", gone.person_id, profile)])


def _pages(connection: Connection, person_id: str, site_id: str) -> Iterator[list[str]]:
    """Paths of all documents that name the person, a page at a time; the pages before must be deleted."""
    client = connection.client
    queries = [client.collection(layout.embeddings_path(site_id, person_id)).limit(_PAGE)]
    for collection in _NAMING:
        named = FieldFilter("person_id", "==", person_id)
        queries.append(client.collection(layout.path_of(site_id, collection)).where(filter=named).limit(_PAGE))
    for query in queries:
        while True:
            with explained():
                found = [each.reference.path for each in query.get(timeout=_TIMEOUT_S)]
            if not found:
                break
            yield found
