"""The document of a site: who derives its sessions, and the settings that its machines share."""

from __future__ import annotations

from collections.abc import Mapping

from google.api_core import exceptions as google_errors
from google.cloud import firestore

from config.errors import CloudError
from tracker.cloud import paths
from tracker.cloud.client import Client, Connection
from tracker.cloud.documents import RECEIVED_AT, deriver_of
from tracker.cloud.errors import explained
from tracker.presence.events import SCHEMA
from tracker.store.store import Store

_TIMEOUT_S = 15.0
_TRIES = 5


class Derivation:
    """For which sites this machine derives the sessions. For one thread.

    The first machine claims a site; all others write no sessions of it.
    fields: of the document of the home site, where there is none yet.
    """

    def __init__(self, store: Store, connection: Connection, *, home_site: str, fields: Mapping[str, object]) -> None:
        self._store = store
        self._client = connection.client
        self._fields = {home_site: fields}
        self._machine_id = store.outbox.machine_id()
        self._claimed: dict[str, str] = {}

    def sites(self) -> frozenset[str]:
        """The sites of the store whose sessions are derived here. Raises CloudError where that cannot be read."""
        return frozenset(each for each in self._store.outbox.sites() if self._deriver(each) == self._machine_id)

    def _deriver(self, site_id: str) -> str:
        """By the downloaded document, else by the one in Firestore, which is read once."""
        known = deriver_of(self._store.inbox.site_document(site_id) or {})
        if known:
            return known
        if site_id not in self._claimed:
            with explained():
                self._claimed[site_id] = claim(
                    self._client, site_id, self._machine_id, fields=self._fields.get(site_id, {})
                )
        return self._claimed[site_id]


def claim(client: Client, site_id: str, machine_id: str, *, fields: Mapping[str, object]) -> str:
    """Return who derives the sessions of a site: this machine, if it has no deriver yet.

    fields: of the document, where there is none yet.
    """
    reference = client.document(paths.site_path(site_id))
    claimed = {"derived_by": machine_id, RECEIVED_AT: firestore.SERVER_TIMESTAMP}
    for _ in range(_TRIES):
        found = reference.get(timeout=_TIMEOUT_S, retry=None)
        deriver = deriver_of(found.to_dict() or {})
        if deriver:
            return deriver
        try:  # a precondition instead of a transaction: the client retries those for a minute
            if found.exists:
                option = client.write_option(last_update_time=found.update_time)
                reference.update(claimed, option=option, timeout=_TIMEOUT_S, retry=None)
            else:
                reference.create({"schema": SCHEMA, **fields, **claimed}, timeout=_TIMEOUT_S, retry=None)
        except (google_errors.AlreadyExists, google_errors.FailedPrecondition):
            continue  # another machine changed the document meanwhile
        return machine_id
    raise CloudError(f"the document of site {site_id} changes all the time", fix="it is retried")


def publish(connection: Connection, site_id: str, fields: Mapping[str, object]) -> None:
    """Write these fields into the document of a site; its others stay. Raises CloudError."""
    reference = connection.client.document(paths.site_path(site_id))
    stamped = {"schema": SCHEMA, **fields, RECEIVED_AT: firestore.SERVER_TIMESTAMP}
    with explained():
        reference.set(stamped, merge=True, timeout=_TIMEOUT_S, retry=None)
