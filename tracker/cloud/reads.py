"""Reads of Firestore over the official client, each with a limit on how long it may take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from google.api_core.retry import Retry, if_transient_error
from google.cloud.firestore_v1.base_document import DocumentSnapshot
from google.cloud.firestore_v1.base_query import BaseQuery
from google.cloud.firestore_v1.document import DocumentReference

from tracker.cloud.documents import RECEIVED_AT

ANSWER_S = 20.0
NEVER = Retry(predicate=lambda _: False)
"""The client's queries need a retry object; ours are retried as a whole, by `patiently`."""
_HASTE = timedelta(seconds=10)
"""The servers' clocks differ by less; a document that was received later than it was read is wrong."""

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Document:
    """A document: its id in the collection, and its fields."""

    document_id: str
    fields: Mapping[str, Any]

    @property
    def received_at(self) -> datetime | None:
        """When the server took it, None where the document has no such time."""
        value = self.fields.get(RECEIVED_AT)
        return value if isinstance(value, datetime) and value.tzinfo is not None else None


@dataclass(frozen=True, slots=True)
class Page:
    """Documents, and the time by the server's clock at which they were read, None where it is not known."""

    documents: tuple[Document, ...]
    read_at: datetime | None

    @property
    def received(self) -> list[datetime]:
        """When the documents were received, without times that cannot be."""
        latest = (self.read_at or datetime.now(UTC)) + _HASTE
        times = (each.received_at for each in self.documents)
        return [at for at in times if at is not None and at <= latest]


def patiently(call: Callable[[], _Answer], patience_s: float) -> _Answer:
    """The answer of a call, which is retried after transient errors for `patience_s`."""
    retry = Retry(predicate=if_transient_error, initial=0.1, maximum=2.0, timeout=patience_s)
    return retry(call)()


def page_of(query: BaseQuery, *, patience_s: float) -> Page:
    """The documents of a query."""
    answer_s = max(patience_s, ANSWER_S)
    found: Any = patiently(lambda: query.get(retry=NEVER, timeout=answer_s), patience_s)
    return Page(tuple(map(document_of, found)), found[-1].read_time if found else None)


def count_of(query: BaseQuery, *, patience_s: float) -> int:
    """How many documents a query has; a read a thousand."""
    answer_s = max(patience_s, ANSWER_S)
    counted: Any = query.count(alias="n")
    found = patiently(lambda: counted.get(retry=NEVER, timeout=answer_s), patience_s)
    return int(found[0][0].value)


def single(reference: DocumentReference, *, patience_s: float) -> Page:
    """A page with one document, or none where it does not exist."""
    answer_s = max(patience_s, ANSWER_S)
    found = patiently(lambda: reference.get(retry=None, timeout=answer_s), patience_s)
    return Page((document_of(found),) if found.exists else (), found.read_time)


def document_of(snapshot: DocumentSnapshot[Any]) -> Document:
    """The document of the client's snapshot."""
    return Document(snapshot.id, snapshot.to_dict() or {})
