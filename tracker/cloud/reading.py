"""Reading documents of Firestore: a page of a collection, and a listener on what changes in it.

The client's own `on_snapshot` is not used: while no server answers it tries again without a pause, which takes a whole
core, and it keeps every document it ever saw. This speaks the same call, `Listen`, and leaves waiting to the caller.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
from google.api_core import exceptions as google_errors
from google.api_core.retry import Retry, if_transient_error
from google.cloud.firestore_v1.services.firestore import FirestoreClient
from google.cloud.firestore_v1.services.firestore.transports.grpc import FirestoreGrpcTransport
from google.cloud.firestore_v1.types import (
    BatchGetDocumentsRequest,
    BatchGetDocumentsResponse,
    Cursor,
    ListenRequest,
    ListenResponse,
    RunAggregationQueryRequest,
    RunAggregationQueryResponse,
    RunQueryRequest,
    RunQueryResponse,
    StructuredAggregationQuery,
    StructuredQuery,
    Target,
    TargetChange,
    Value,
)
from google.protobuf.timestamp_pb2 import Timestamp

from tracker.cloud.connect import Connection
from tracker.cloud.documents import RECEIVED_AT
from tracker.cloud.emulator import EmulatorClient
from tracker.cloud.parcel import Paper

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TARGET = 1
COUNTED_MOST = 1_000_000
ANSWER_S = 20.0
RENEW_AFTER_S = 30.0
CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.keepalive_time_ms", 30_000),  # a dead connection is found out while nothing is said
    ("grpc.initial_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 5_000),  # how often to ask is our own business
    ("grpc.use_local_subchannel_pool", 1),  # else it waits as long as any other connection of this process
)
_ENDS = (TargetChange.TargetChangeType.CURRENT, TargetChange.TargetChangeType.NO_CHANGE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where to read: the documents of a collection, or with `document_id` that one.

    parent: the path above the collection, without slashes at its ends.
    """

    parent: str
    collection: str
    document_id: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Documents, and the time by the server's clock at which it read them, None where it does not say."""

    papers: Sequence[Paper]
    read_at: datetime | None


class Reader:
    """Reads a database over a channel of its own. Safe to use from several threads. Closing again does nothing.

    connect: opens the connection, and opens it again for `renew`. Every method raises what Google's libraries raise,
    which `connect.explained` tells in words.
    """

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._renewed_s = time.monotonic()
        self.connection = connect()
        client = self.connection.client
        self._database = f"projects/{client.project}/databases/{client._database}"  # noqa: SLF001 - no other way to ask
        self._metadata = [
            ("google-cloud-resource-prefix", self._database),
            ("x-goog-request-params", f"database={self._database}"),
        ]
        self._channel, self._api = _opened(self.connection)

    def renew(self) -> None:
        """Connect anew, so that credentials that were renewed are found; now and then at most."""
        with self._lock:
            if time.monotonic() - self._renewed_s < RENEW_AFTER_S:
                return
            self._renewed_s = time.monotonic()
        connection = self._connect()
        old = (self._channel, self.connection)
        self.connection = connection
        self._channel, self._api = _opened(connection)
        for each in old:
            each.close()

    def close(self) -> None:
        """End the connection and all that is read over it."""
        self._channel.close()
        self.connection.close()

    def page(
        self, place: Place, *, limit: int, since: datetime | None = None, after: str = "", patience_s: float = 30.0
    ) -> Page:
        """The first `limit` documents in the order in which the server took them.

        since: only those taken then or later; after: of those taken just then only those behind that document.
        """
        request = RunQueryRequest(
            parent=self._path(place.parent), structured_query=self._query(place, limit=limit, since=since, after=after)
        )
        answers = self._api.run_query(request=request, metadata=self._metadata, **_patient(patience_s))
        return _page(answers)

    def document(self, place: Place, *, patience_s: float = 30.0, answer_s: float = ANSWER_S) -> Paper | None:
        """The document of a place that names one, None where there is none. answer_s: how long an answer may take."""
        name = f"{self._path(place.parent)}/{place.collection}/{place.document_id}"
        request = BatchGetDocumentsRequest(database=self._database, documents=[name])
        answers = self._api.batch_get_documents(
            request=request, metadata=self._metadata, **_patient(patience_s, answer_s)
        )
        messages = [BatchGetDocumentsResponse.pb(answer) for answer in answers]
        found = [_paper(message.found) for message in messages if message.HasField("found")]
        return found[0] if found else None

    def all_of(self, place: Place, *, limit: int, patience_s: float = 30.0) -> list[Paper]:
        """Up to `limit` documents of a small collection, by id."""
        query = StructuredQuery(from_=[{"collection_id": place.collection}], limit={"value": limit})
        answers = self._api.run_query(
            request=RunQueryRequest(parent=self._path(place.parent), structured_query=query),
            metadata=self._metadata,
            **_patient(patience_s),
        )
        return list(_page(answers).papers)

    def count(self, place: Place, *, since: datetime | None = None, patience_s: float = 30.0) -> int:
        """How many documents of a collection the server took then or later; a read a thousand."""
        query = self._query(place, limit=COUNTED_MOST, since=since, after="")
        aggregation = StructuredAggregationQuery(structured_query=query, aggregations=[{"alias": "n", "count": {}}])
        request = RunAggregationQueryRequest(parent=self._path(place.parent), structured_aggregation_query=aggregation)
        answers = self._api.run_aggregation_query(request=request, metadata=self._metadata, **_patient(patience_s))
        messages = [RunAggregationQueryResponse.pb(answer) for answer in answers]
        return sum(message.result.aggregate_fields["n"].integer_value for message in messages)

    def listen(self, place: Place, *, limit: int, since: datetime | None = None) -> Listening:
        """A listener on one document, or on the first `limit` documents of a collection from a time on."""
        if place.document_id:
            name = f"{self._path(place.parent)}/{place.collection}/{place.document_id}"
            target = Target(documents={"documents": [name]}, target_id=_TARGET)
        else:
            query = self._query(place, limit=limit, since=since, after="")
            target = Target(query={"parent": self._path(place.parent), "structured_query": query}, target_id=_TARGET)
        return Listening(self._api, ListenRequest(database=self._database, add_target=target), self._metadata)

    def _path(self, parent: str) -> str:
        return f"{self._database}/documents/{parent}".rstrip("/")

    def _query(self, place: Place, *, limit: int, since: datetime | None, after: str) -> StructuredQuery:
        field = StructuredQuery.FieldReference(field_path=RECEIVED_AT)
        query = StructuredQuery(
            from_=[{"collection_id": place.collection}], order_by=[{"field": field}], limit={"value": limit}
        )
        if since is not None:
            at = Value(timestamp_value=_stamp(since))
            operator = StructuredQuery.FieldFilter.Operator.GREATER_THAN_OR_EQUAL
            query.where = StructuredQuery.Filter(field_filter={"field": field, "op": operator, "value": at})
            if after:
                name = f"{self._path(place.parent)}/{place.collection}/{after}"
                query.order_by.append(StructuredQuery.Order(field={"field_path": "__name__"}))
                query.start_at = Cursor(values=[at, Value(reference_value=name)], before=False)
        return query


def _opened(connection: Connection) -> tuple[Any, Any]:
    """A channel, and the methods over it. The client's own waits up to two minutes after an outage."""
    client = connection.client
    if isinstance(client, EmulatorClient):
        host = client._emulator_host or ""  # noqa: SLF001 - no other way to ask
        channel = client.signed(grpc.insecure_channel(host, options=CHANNEL_OPTIONS))
    else:
        channel = FirestoreGrpcTransport.create_channel(
            client._target,  # noqa: SLF001
            credentials=client._credentials,  # noqa: SLF001
            options=CHANNEL_OPTIONS,
        )
    return channel, FirestoreClient(transport=FirestoreGrpcTransport(channel=channel))


class Listening:
    """One listener. `batches` ends, or raises, when the stream does or when somebody closes it."""

    def __init__(self, api: Any, request: ListenRequest, metadata: list[tuple[str, str]]) -> None:
        self._api = api
        self._request = request
        self._metadata = metadata
        self._closed = threading.Event()
        self._call: Any = None
        self._lock = threading.Lock()

    def batches(self) -> Iterator[Page]:
        """What is there, then what was added or changed since, together what one commit did; first maybe nothing.

        A document that is as it was said before is left out, and so is one that vanished.
        """
        known: dict[str, tuple[int, int]] = {}
        batch: list[Paper] = []
        try:
            with self._lock:
                if self._closed.is_set():
                    return
                # The stub itself: the method around it would wait for the first answer, and could not be ended.
                self._call = self._api.transport.listen(self._requests(), metadata=self._metadata)
            for answer in self._call:
                message = ListenResponse.pb(answer)
                if message.HasField("document_change") and _TARGET in message.document_change.target_ids:
                    document = message.document_change.document
                    updated = (document.update_time.seconds, document.update_time.nanos)
                    if known.get(document.name) != updated:
                        known[document.name] = updated
                        batch.append(_paper(document))
                elif message.HasField("target_change") and _is_whole(message.target_change):
                    yield Page(batch, _read_at(message.target_change.read_time))
                    batch = []
        except grpc.RpcError as error:
            if not self._closed.is_set():
                raise google_errors.from_grpc_error(error) from error
        finally:
            self._closed.set()

    def close(self) -> None:
        """End the listener, from any thread. Closing again does nothing."""
        self._closed.set()
        with self._lock:
            if self._call is not None:
                self._call.cancel()

    def _requests(self) -> Iterator[ListenRequest]:
        yield self._request
        self._closed.wait()  # the stream lasts as long as there may be another request


def _is_whole(change: Any) -> bool:
    """Whether all that belongs together has been said. Raises what the server says against the target."""
    if change.target_change_type == TargetChange.TargetChangeType.REMOVE:
        raise google_errors.from_grpc_status(change.cause.code or 13, change.cause.message or "the listener was ended")
    return change.target_change_type in _ENDS and change.HasField("read_time")


def _patient(patience_s: float, answer_s: float = ANSWER_S) -> dict[str, Any]:
    """How a call waits: what may pass by is tried again until so long has gone; an answer may take longer."""
    again = Retry(predicate=if_transient_error, initial=0.1, maximum=2.0, timeout=patience_s)
    return {"retry": again, "timeout": max(patience_s, answer_s)}


def _page(answers: Iterable[RunQueryResponse]) -> Page:
    messages = [RunQueryResponse.pb(answer) for answer in answers]
    papers = [_paper(message.document) for message in messages if message.HasField("document")]
    return Page(papers, _read_at(messages[-1].read_time) if messages else None)


def _read_at(stamp: Any) -> datetime | None:
    at = _time(stamp)
    return at if isinstance(at, datetime) and at > _EPOCH else None


def _paper(document: Any) -> Paper:
    return Paper(document.name.rsplit("/", 1)[1], {name: _value(value) for name, value in document.fields.items()})


def _value(value: Any) -> object:
    """What a value of the protocol means; references and places on the globe as text, for nothing of ours is one."""
    kind = value.WhichOneof("value_type")
    if kind == "timestamp_value":
        return _time(value.timestamp_value)
    if kind == "map_value":
        return {name: _value(each) for name, each in value.map_value.fields.items()}
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    if kind in (None, "null_value"):
        return None
    found = getattr(value, kind)
    return found if isinstance(found, str | int | float | bool | bytes) else str(found)


def _time(stamp: Any) -> datetime | str:
    """UTC, to the microsecond; the text of one that no calendar of ours holds."""
    try:
        return _EPOCH + timedelta(seconds=stamp.seconds, microseconds=stamp.nanos // 1000)
    except OverflowError:
        return str(stamp)


def _stamp(at: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp
