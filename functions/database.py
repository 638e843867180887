"""Access to Firestore: one client a process, documents as they are read, and transactions that are retried."""

from __future__ import annotations

import logging
import os
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeAlias, TypeVar

import firebase_admin
from google.api_core import exceptions as google_errors
from google.cloud import firestore
from google.cloud.firestore import DocumentSnapshot
from google.cloud.firestore_v1.base_query import FieldFilter

from config.errors import RecordError
from tracker.cloud.documents import RECEIVED_AT
from tracker.cloud.paths import record_id
from tracker.presence.sessions import SessionState

LOG = logging.getLogger(__name__)
Snapshot: TypeAlias = DocumentSnapshot[Any]
Fields: TypeAlias = dict[str, Any]
_Result = TypeVar("_Result")
_Item = TypeVar("_Item")

_ATTEMPTS = 5
_ROUNDS = 4
_PAUSE_S = 0.1
_MAX_IN = 30
"""Values that Firestore accepts in one `in` filter."""
_DELETE_BATCH = 400


class ContentionError(Exception):
    """The transaction kept conflicting with others; the event must be delivered again."""


@lru_cache(maxsize=4)
def client_of(project: str, database: str) -> firestore.Client:
    """The client of a database; kept, because each has connections of its own."""
    return firestore.Client(project=project, database=database)


def app() -> firebase_admin.App:
    """The Firebase app whose ID tokens are accepted. Callable functions need it too."""
    try:
        return firebase_admin.get_app()
    except ValueError:
        return firebase_admin.initialize_app()


def project() -> str:
    """The project that the functions run in."""
    return os.environ.get("GOOGLE_CLOUD_PROJECT") or os.environ["GCLOUD_PROJECT"]


def fields_of(snapshot: Snapshot) -> Fields:
    """The fields of a document; empty where it does not exist."""
    return snapshot.to_dict() or {}


def content_of(snapshot: Snapshot) -> Fields:
    """The fields without the server's time stamp, to compare documents by."""
    return {name: value for name, value in fields_of(snapshot).items() if name != RECEIVED_AT}


def decoded(snapshots: Iterable[Snapshot], decode: Callable[[str, Fields], _Result]) -> Iterator[_Result]:
    """The records of documents. What cannot be decoded is logged and left out. decode: takes the id and the fields."""
    for each in snapshots:
        try:
            yield decode(record_id(each.id), fields_of(each))
        except RecordError as error:
            LOG.error("%s left out: %s", each.reference.path, error)


def stamped(document: Fields) -> Fields:
    """The document with the server's time stamp, which readers use as their cursor."""
    return {**document, RECEIVED_AT: firestore.SERVER_TIMESTAMP}


def equals_any(name: str, values: Sequence[str]) -> FieldFilter:
    """The filter for a field with one of the values, at most 30."""
    return FieldFilter(name, "==", values[0]) if len(values) == 1 else FieldFilter(name, "in", list(values))


def chunks(items: Iterable[_Item], size: int = _MAX_IN) -> Iterator[list[_Item]]:
    """The items in lists of at most `size`."""
    chunk: list[_Item] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def pages(query: Any, size: int) -> Iterator[Snapshot]:
    """All documents of a query, read in pages of `size`."""
    page = list(query.limit(size).stream())
    while page:
        yield from page
        page = list(query.limit(size).start_after(page[-1]).stream()) if len(page) == size else []


def sessions_touching(sessions: Any, since: datetime, until: datetime) -> tuple[Any, ...]:
    """The queries that together find the sessions of a collection that touch [since, until) or are open."""
    begun = sessions.where(filter=FieldFilter("started_at", ">=", since))
    earlier = sessions.where(filter=FieldFilter("started_at", "<", since))
    return (
        begun.where(filter=FieldFilter("started_at", "<", until)),
        earlier.where(filter=FieldFilter("ended_at", ">=", since)),
        sessions.where(filter=FieldFilter("state", "==", SessionState.OPEN.value)),
    )


def delete_documents(client: firestore.Client, references: Iterable[Any]) -> int:
    """Delete documents; one that does not exist is no error. Returns how many."""
    count = 0
    for chunk in chunks(references, _DELETE_BATCH):
        batch = client.batch()
        for reference in chunk:
            batch.delete(reference)
        batch.commit()
        count += len(chunk)
    return count


def in_transaction(client: firestore.Client, work: Callable[[firestore.Transaction], _Result]) -> _Result:
    """Run `work` in a transaction; after a conflict, run it again from its reads on, with exponential backoff.

    work: reads before it writes, and has no effect outside of the transaction. Raises ContentionError after 20
    attempts, and what Google's client raises where the database cannot be reached.
    """
    run = firestore.transactional(work)
    for number in range(_ROUNDS):
        try:
            result: _Result = run(client.transaction(max_attempts=_ATTEMPTS))
            return result
        except google_errors.Aborted as error:  # while reading
            cause: BaseException = error
        except ValueError as error:  # raised by the client when its attempts are used up
            if not isinstance(error.__cause__, google_errors.Aborted):
                raise
            cause = error.__cause__
        LOG.warning("transaction conflict, round %d of %d: %s", number + 1, _ROUNDS, cause)
        time.sleep(random.uniform(0.5, 1.5) * _PAUSE_S * 2**number)  # noqa: S311 - jitter, no secret
    raise ContentionError("the transaction kept conflicting with others")
