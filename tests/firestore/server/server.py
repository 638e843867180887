"""The gRPC server around the service: statuses, counts and faults for every call."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import grpc
from google.protobuf.empty_pb2 import Empty as Nothing

from tests.firestore.server import protos
from tests.firestore.server.control import METHOD, Desk
from tests.firestore.server.engine import MAX_REQUEST_BYTES, Engine
from tests.firestore.server.faults import Fault, Faults
from tests.firestore.server.indexes import Indexes
from tests.firestore.server.journal import Journal
from tests.firestore.server.names import project_of
from tests.firestore.server.refusal import RefusedError, invalid
from tests.firestore.server.service import Service

LOG = logging.getLogger(__name__)
THREADS = 256
WIRE_LIMIT_BYTES = 64 * 1024 * 1024
NAMED_IN = ("database", "parent", "name")


class FirestoreServer:
    """A Firestore server in this process, on a port of this machine.

    port: 0 takes a free one. indexes: queries they do not serve are refused. data: a file that keeps every commit.
    """

    def __init__(self, *, port: int = 0, indexes: Path | None = None, data: Path | None = None) -> None:
        self.engine = Engine(
            indexes=None if indexes is None else Indexes.read(indexes), journal=None if data is None else Journal(data)
        )
        self.faults = Faults()
        self.service = Service(self.engine)
        self._desk = Desk(self.engine, self.faults, self.service.cut)
        self._server = grpc.server(
            ThreadPoolExecutor(THREADS, thread_name_prefix="firestore"),
            options=[("grpc.max_receive_message_length", WIRE_LIMIT_BYTES), ("grpc.so_reuseport", 0)],
        )
        self._server.add_generic_rpc_handlers((self._handlers(), self._control()))
        self.port = self._server.add_insecure_port(f"127.0.0.1:{port}")

    @property
    def host(self) -> str:
        """What FIRESTORE_EMULATOR_HOST has to say."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> Self:
        self._server.start()
        return self

    def stop(self, grace_s: float = 0.0) -> None:
        """Cut every call after the grace period and free the port."""
        self.faults.clear("")
        self.service.cut("", grpc.StatusCode.UNAVAILABLE)
        self._server.stop(grace_s).wait()
        self.engine.close()

    def wait(self) -> None:
        self._server.wait_for_termination()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *reason: object) -> None:
        self.stop()

    def _control(self) -> grpc.GenericRpcHandler:
        def do(text: bytes, context: grpc.ServicerContext) -> bytes:
            try:
                return self._desk.do(text)
            except (ValueError, KeyError, TypeError) as error:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"{type(error).__name__}: {error}")

        service, method = METHOD.strip("/").split("/")
        return grpc.method_handlers_generic_handler(service, {method: grpc.unary_unary_rpc_method_handler(do)})

    def _handlers(self) -> grpc.GenericRpcHandler:
        service = self.service
        unary = {
            "GetDocument": (service.get_document, protos.Document),
            "CreateDocument": (service.create_document, protos.Document),
            "UpdateDocument": (service.update_document, protos.Document),
            "DeleteDocument": (service.delete_document, Nothing),
            "ListDocuments": (service.list_documents, protos.ListDocumentsResponse),
            "ListCollectionIds": (service.list_collection_ids, protos.ListCollectionIdsResponse),
            "PartitionQuery": (service.partition_query, protos.PartitionQueryResponse),
            "BeginTransaction": (service.begin_transaction, protos.BeginTransactionResponse),
            "Commit": (service.commit, protos.CommitResponse),
            "Rollback": (service.rollback, Nothing),
            "BatchWrite": (service.batch_write, protos.BatchWriteResponse),
        }
        streaming = {
            "BatchGetDocuments": (service.batch_get_documents, protos.BatchGetDocumentsResponse),
            "RunQuery": (service.run_query, protos.RunQueryResponse),
            "RunAggregationQuery": (service.run_aggregation_query, protos.RunAggregationQueryResponse),
        }
        handlers = {}
        for name, (run, response) in unary.items():
            handlers[name] = grpc.unary_unary_rpc_method_handler(
                self._unary(name, run),
                request_deserializer=getattr(protos, f"{name}Request").FromString,
                response_serializer=response.SerializeToString,
            )
        for name, (run_all, response) in streaming.items():
            handlers[name] = grpc.unary_stream_rpc_method_handler(
                self._streaming(name, run_all),
                request_deserializer=getattr(protos, f"{name}Request").FromString,
                response_serializer=response.SerializeToString,
            )
        handlers["Write"] = grpc.stream_stream_rpc_method_handler(
            self._write,
            request_deserializer=protos.WriteRequest.FromString,
            response_serializer=protos.WriteResponse.SerializeToString,
        )
        handlers["Listen"] = grpc.stream_stream_rpc_method_handler(
            self._listen,
            request_deserializer=protos.ListenRequest.FromString,
            response_serializer=protos.ListenResponse.SerializeToString,
        )
        return grpc.method_handlers_generic_handler("google.firestore.v1.Firestore", handlers)

    def _unary(self, name: str, run: Callable[[Any], Any]) -> Callable[[Any, grpc.ServicerContext], Any]:
        def call(request: Any, context: grpc.ServicerContext) -> Any:
            with Call(self, name, request, context) as this:
                answer = run(request)
                this.done()
                return answer

        return call

    def _streaming(
        self, name: str, run: Callable[[Any], Iterator[Any]]
    ) -> Callable[[Any, grpc.ServicerContext], Iterator[Any]]:
        def call(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
            with Call(self, name, request, context) as this:
                answers = list(run(request))
                this.done()
                yield from answers

        return call

    def _listen(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        first = next(requests, None)
        if first is None:
            return
        with Call(self, "Listen", first, context):

            def all_requests() -> Iterator[Any]:
                yield first
                yield from requests

            yield from self.service.listen(all_requests())

    def _write(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        """Each request of a stream counts and fails like a call; opening the stream is one of "OpenWrite"."""
        try:
            with self.service.writing(requests) as stream:
                for request in stream.requests():
                    method = "Write" if stream.is_open else "OpenWrite"
                    with Call(self, method, request, context, database=stream.database) as this:
                        with self.engine.lock:
                            self.admit("Write", request, context)
                            answer = stream.answer(request)
                        this.done()
                    yield answer
        except RefusedError as cut:
            context.abort(cut.code, cut.reason)

    def admit(self, method: str, request: Any, context: grpc.ServicerContext) -> None:
        """Raises RefusedError where who asks may not do this; called before each request of a Write stream."""


class Call:
    """One call: counts it, carries out the fault ordered for it, and turns a refusal into its status."""

    def __init__(
        self,
        server: FirestoreServer,
        method: str,
        request: Any,
        context: grpc.ServicerContext,
        *,
        database: str = "",
    ) -> None:
        """database: of the stream that the request belongs to, which it does not name itself."""
        self._server = server
        self._method = method
        self._context = context
        self._size = request.ByteSize()
        self._project = project_of(database or _named(request))
        self._fault: Fault | None = None

    def __enter__(self) -> Self:
        counts = self._server.engine.counts(self._project)
        with self._server.engine.lock:
            counts.calls[self._method] += 1
            counts.request_bytes[self._method] += self._size
        fault = self._fault = self._server.faults.take(self._method, self._project)
        if fault is not None and not fault.applied:
            fault.hold()
            if fault.status:
                self._abort(grpc.StatusCode[fault.status], fault.reason)
        if self._size > MAX_REQUEST_BYTES:
            refused = invalid(f"Request payload size exceeds the limit: {MAX_REQUEST_BYTES} bytes.")
            self._abort(refused.code, refused.reason)
        return self

    def done(self) -> None:
        """The request has been carried out; what is left is the answer, unless a fault loses it."""
        fault = self._fault
        if fault is not None and fault.applied:
            fault.hold()
            if fault.status:
                self._abort(grpc.StatusCode[fault.status], fault.reason)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, RefusedError):
            self._abort(error.code, error.reason)
        if error is None or isinstance(error, GeneratorExit):
            self._count("OK")

    def _abort(self, code: grpc.StatusCode, reason: str) -> None:
        self._count(code.name)
        self._context.abort(code, reason)

    def _count(self, status: str) -> None:
        with self._server.engine.lock:
            self._server.engine.counts(self._project).answers[f"{self._method} {status}"] += 1


def _named(request: Any) -> str:
    fields = request.DESCRIPTOR.fields_by_name
    for name in NAMED_IN:
        if name in fields:
            return str(getattr(request, name))
    return str(request.document.name)
