"""The methods of google.firestore.v1.Firestore over the engine."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from queue import Empty
from typing import Any

from google.protobuf.empty_pb2 import Empty as Nothing
from grpc import RpcError, StatusCode

from tests.firestore.server import protos
from tests.firestore.server.aggregates import aggregated_paths, check_aggregations
from tests.firestore.server.engine import Engine, View
from tests.firestore.server.listeners import Stream
from tests.firestore.server.listings import list_collection_ids, list_documents, partition
from tests.firestore.server.names import document_place, field_path, project_of, split_name
from tests.firestore.server.queries import read_query
from tests.firestore.server.refusal import RefusedError
from tests.firestore.server.values import project_fields, set_time, stamp_us
from tests.firestore.server.write_streams import WriteStream

HEARTBEAT_S = 30.0


class Service:
    """One method a call of the protocol; each takes a request and gives a response or several."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.epoch = os.urandom(8)
        self._streams: set[Stream | WriteStream] = set()
        self._lock = threading.Lock()

    # Single documents

    def get_document(self, request: Any) -> Any:
        place = document_place(request.name)
        document = self.engine.get(place, self._view(place.database, request))
        if document is None:
            raise missing(place.name)
        return masked(document, request)

    def create_document(self, request: Any) -> Any:
        name = f"{request.parent}/{request.collection_id}/{request.document_id or os.urandom(10).hex()}"
        write = protos.Write(update=request.document)
        write.update.name = name
        write.current_document.exists = False
        return self._written(name, write, request)

    def update_document(self, request: Any) -> Any:
        write = protos.Write(update=request.document)
        if request.HasField("update_mask"):
            write.update_mask.CopyFrom(request.update_mask)
        if request.HasField("current_document"):
            write.current_document.CopyFrom(request.current_document)
        return self._written(request.document.name, write, request)

    def delete_document(self, request: Any) -> Any:
        write = protos.Write(delete=request.name)
        if request.HasField("current_document"):
            write.current_document.CopyFrom(request.current_document)
        self.engine.commit(document_place(request.name).database, [write], b"")
        return Nothing()

    def _written(self, name: str, write: Any, request: Any) -> Any:
        place = document_place(name)
        with self.engine.lock:
            self.engine.commit(place.database, [write], b"")
            version = self.engine.archive.database(place.database).newest(place.ids)
            return masked(version.document(), request)

    # Reads

    def batch_get_documents(self, request: Any) -> Iterator[Any]:
        places = [document_place(each) for each in dict.fromkeys(request.documents)]
        view = self._view(request.database, request)
        answers = [protos.BatchGetDocumentsResponse(transaction=view.opened)] if view.opened else []
        with self.engine.lock:
            found = [(place, self.engine.get(place, view)) for place in places]
        for place, document in found:
            answer = protos.BatchGetDocumentsResponse()
            if document is None:
                answer.missing = place.name
            else:
                answer.found.CopyFrom(masked(document, request))
            set_time(answer.read_time, view.time_us)
            answers.append(answer)
        yield from answers

    def run_query(self, request: Any) -> Iterator[Any]:
        query = read_query(request.parent, request.structured_query)
        view = self._view(query.database, request)
        found = self.engine.query(query, view)
        if view.opened:
            yield protos.RunQueryResponse(transaction=view.opened)
        if found.skipped or not found.documents:
            answer = protos.RunQueryResponse(skipped_results=found.skipped)
            set_time(answer.read_time, view.time_us)
            yield answer
        for document in found.documents:
            answer = protos.RunQueryResponse(document=document)
            set_time(answer.read_time, view.time_us)
            yield answer

    def run_aggregation_query(self, request: Any) -> Iterator[Any]:
        asked = request.structured_aggregation_query
        check_aggregations(asked)
        query = read_query(request.parent, asked.structured_query)
        view = self._view(query.database, request)
        answer = protos.RunAggregationQueryResponse(transaction=view.opened)
        answer.result.CopyFrom(self.engine.aggregate(query, asked, aggregated_paths(asked), view))
        set_time(answer.read_time, view.time_us)
        yield answer

    def list_documents(self, request: Any) -> Any:
        return list_documents(self.engine, request, self._view(split_name(request.parent).database, request))

    def list_collection_ids(self, request: Any) -> Any:
        return list_collection_ids(self.engine, request, self._view(split_name(request.parent).database, request))

    def partition_query(self, request: Any) -> Any:
        return partition(self.engine, request, self._view(split_name(request.parent).database, request))

    def _view(self, database: str, request: Any) -> View:
        fields = request.DESCRIPTOR.fields_by_name
        transaction = request.transaction if "transaction" in fields else b""
        opens = "new_transaction" in fields and request.HasField("new_transaction")
        timed = request.HasField("read_time")
        return self.engine.view(
            database,
            transaction=transaction,
            options=request.new_transaction if opens else None,
            read_us=stamp_us(request.read_time) if timed else None,
        )

    # Writes and transactions

    def begin_transaction(self, request: Any) -> Any:
        return protos.BeginTransactionResponse(transaction=self.engine.begin(request.database, request.options).id)

    def rollback(self, request: Any) -> Any:
        self.engine.rollback(request.database, request.transaction)
        return Nothing()

    def commit(self, request: Any) -> Any:
        results, time_us = self.engine.commit(request.database, request.writes, request.transaction)
        answer = protos.CommitResponse(write_results=results)
        set_time(answer.commit_time, time_us)
        return answer

    def batch_write(self, request: Any) -> Any:
        answer = protos.BatchWriteResponse()
        for result, refused in self.engine.batch_write(request.database, request.writes):
            answer.write_results.append(result or protos.WriteResult())
            code, reason = (0, "") if refused is None else (refused.code.value[0], refused.reason)
            answer.status.add(code=code, message=reason)
        return answer

    @contextmanager
    def writing(self, requests: Iterable[Any]) -> Iterator[WriteStream]:
        """A Write stream that can be cut, as long as the context lasts."""
        stream = WriteStream(self.engine)
        with self._lock:
            self._streams.add(stream)
        stream.take(requests)
        try:
            yield stream
        finally:
            with self._lock:
                self._streams.discard(stream)

    # Listening

    def listen(self, requests: Iterable[Any]) -> Iterator[Any]:
        """Answers of one stream, until the client leaves or the server cuts it."""
        requests = iter(requests)
        first = next(requests, None)
        if first is None:
            return
        stream = Stream(self.engine, first.database, self.epoch)
        with self._lock:
            self._streams.add(stream)
        stream.open()

        def take() -> None:
            stream.request(first)
            try:
                for request in requests:
                    stream.request(request)
            except RpcError:
                pass  # the client is gone
            finally:
                stream.answers.put(None)

        threading.Thread(target=take, name="listen-requests", daemon=True).start()
        try:
            yield from self._answers(stream)
        finally:
            stream.close()
            with self._lock:
                self._streams.discard(stream)

    def _answers(self, stream: Stream) -> Iterator[Any]:
        while True:
            try:
                answer = stream.answers.get(timeout=HEARTBEAT_S)
            except Empty:
                stream.heartbeat()
                continue
            if answer is None:
                return
            if isinstance(answer, RefusedError):
                raise answer
            yield answer

    def cut(self, project: str, code: StatusCode) -> int:
        """End the open streams of a project ("" for all) with a status; gives their number."""
        with self._lock:
            streams = [each for each in self._streams if project in ("", project_of(each.database))]
        for each in streams:
            each.end(RefusedError(code, "The stream was cut."))
        return len(streams)


def masked(document: Any, request: Any) -> Any:
    """The document with the fields that the request's mask names, all without a mask."""
    if not request.HasField("mask"):
        return document
    return project_fields(document, [field_path(each) for each in request.mask.field_paths])


def missing(name: str) -> RefusedError:
    return RefusedError(StatusCode.NOT_FOUND, f'Document "{name}" not found.')
