"""Commits over the wire: protobuf as it is, a deadline each, compressed, on a connection of our own.

Few writes go over a stream, where who we are is not said with each request. What comes of them there other than well is
asked again of Commit, whose word holds.

The client's own classes for messages (proto-plus) cost more than all the rest of sending, and its connection cannot be
told to come back quickly after an outage; so its credentials and address are used, and nothing else of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from enum import Enum, auto
from typing import Any, TypeAlias

import grpc
from google.auth import exceptions as auth_errors
from google.cloud.firestore_v1.services.firestore.transports.grpc import FirestoreGrpcTransport
from google.cloud.firestore_v1.types import firestore as messages
from google.cloud.firestore_v1.types import write as write_messages

from tracker.cloud.connect import Connection
from tracker.cloud.device_key import REFUSED
from tracker.cloud.stream import StreamEndedError, Streams, is_unknown

WriteMessage: TypeAlias = Any
"""A google.firestore.v1.Write; the generated classes have no types."""
Write = write_messages.Write.pb()
_CommitRequest = messages.CommitRequest.pb()
_CommitResponse = messages.CommitResponse.pb()
_BatchRequest = messages.BatchWriteRequest.pb()
_BatchResponse = messages.BatchWriteResponse.pb()
_StreamRequest = messages.WriteRequest.pb()
_StreamResponse = messages.WriteResponse.pb()

MOST_STREAMED = 50
"""More writes than these are a backlog: for them the token of a request is little."""
_SERVICE = "/google.firestore.v1.Firestore"
_OPTIONS = (
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # Pings find out a dead connection while a stream is idle. Unless told otherwise, gRPC's own servers end one on
    # which they come within five minutes of each other and nothing else does. A sign of life is as good as a ping.
    ("grpc.keepalive_time_ms", 330_000),
    ("grpc.http2.bdp_probe", 0),  # it measures how much could come down, by pings with each answer; little comes down
    ("grpc.initial_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 5_000),  # how often to ask is our own business
    ("grpc.use_local_subchannel_pool", 1),  # else it waits as long as any other connection of this process
)


class Verdict(Enum):
    """What a failed request means."""

    LATER = auto()
    """Nothing is wrong with it: the same again may succeed."""
    EXISTS = auto()
    """A document that was to be created is there."""
    REFUSED = auto()
    """We may not write one of its documents, or none at all."""
    INVALID = auto()
    """Something about it is wrong and stays wrong."""
    UNKNOWN_TO_THEM = auto()
    """They do not know us: the credentials are not, or no more, accepted."""
    MISPLACED = auto()
    """There is no such database, or it cannot do this: no request of ours will do."""


_VERDICTS = {
    grpc.StatusCode.ALREADY_EXISTS: Verdict.EXISTS,
    grpc.StatusCode.PERMISSION_DENIED: Verdict.REFUSED,
    grpc.StatusCode.INVALID_ARGUMENT: Verdict.INVALID,
    grpc.StatusCode.FAILED_PRECONDITION: Verdict.INVALID,
    grpc.StatusCode.OUT_OF_RANGE: Verdict.INVALID,
    grpc.StatusCode.UNAUTHENTICATED: Verdict.UNKNOWN_TO_THEM,
    grpc.StatusCode.NOT_FOUND: Verdict.MISPLACED,
    grpc.StatusCode.UNIMPLEMENTED: Verdict.MISPLACED,
}
_CODES = {code.value[0]: code for code in grpc.StatusCode}
_TOKEN_REFUSED = (REFUSED, "invalid_grant", "invalid_client", "unauthorized_client")
"""What stands in the text where gRPC says `unavailable` and means that it got no token."""


class WireError(Exception):
    """A request that failed, or one write of it. said: by the server, in a line."""

    def __init__(self, verdict: Verdict, said: str) -> None:
        super().__init__(said)
        self.verdict = verdict
        self.said = said


class Wire:
    """Sends writes to one database. For one thread, but `close` is for any. Closing again does nothing."""

    def __init__(
        self, connection: Connection, *, timeout_s: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        client = connection.client
        self.connection = connection
        self.database = f"projects/{client.project}/databases/{client._database}"  # noqa: SLF001 - no other way to ask
        self._timeout_s = timeout_s
        self._credentials = client._credentials  # noqa: SLF001
        emulator = client._emulator_host  # noqa: SLF001
        self._emulated = emulator is not None
        if emulator is not None:
            self._channel = grpc.insecure_channel(emulator, options=_OPTIONS)
        else:
            self._channel = FirestoreGrpcTransport.create_channel(
                client._target,  # noqa: SLF001
                credentials=self._credentials,
                options=_OPTIONS,
            )
        self._metadata = (
            ("google-cloud-resource-prefix", self.database),
            ("x-goog-request-params", f"database={self.database}"),
        )
        self._commit = self._method("Commit", _CommitRequest, _CommitResponse)
        self._batch_write = self._method("BatchWrite", _BatchRequest, _BatchResponse)
        self._write = self._channel.stream_stream(
            f"{_SERVICE}/Write",
            request_serializer=_StreamRequest.SerializeToString,
            response_deserializer=_StreamResponse.FromString,
        )
        self._streams = Streams(
            self._start, self.database, timeout_s=timeout_s, token=self._good_token, monotonic=monotonic
        )

    def commit(self, writes: Sequence[WriteMessage]) -> None:
        """Apply all writes or none. Raises WireError; after one that says LATER they may have been applied."""
        try:
            if len(writes) <= MOST_STREAMED and self._streams.apply(writes):
                return
        except StreamEndedError as ended:
            raise _error(ended.code, ended.said) from ended
        self._call(self._commit, _CommitRequest(database=self.database, writes=writes))

    def write_each(self, writes: Sequence[WriteMessage]) -> list[WireError | None]:
        """Apply each write by itself: what is wrong with it, or None. Raises WireError when none was tried."""
        answer = self._call(self._batch_write, _BatchRequest(database=self.database, writes=writes))
        return [None if each.code == 0 else _error(_CODES.get(each.code), each.message) for each in answer.status]

    def rest(self) -> None:
        """Nothing is to be sent: let go what is kept for it, when that has been so for long."""
        self._streams.rest()

    def close(self) -> None:
        """End the connection; a request under way fails."""
        self._streams.close()
        self._channel.close()
        self.connection.close()

    def _method(self, name: str, request: Any, response: Any) -> Any:
        return self._channel.unary_unary(
            f"{_SERVICE}/{name}",
            request_serializer=request.SerializeToString,
            response_deserializer=response.FromString,
        )

    def _start(self, requests: Iterator[Any]) -> Any:
        """Begin a stream. Who we are is settled here once, and with Commit where it cannot be."""
        try:
            metadata = (*self._metadata, *self._token())
        except auth_errors.GoogleAuthError as error:
            raise StreamEndedError(grpc.StatusCode.UNAUTHENTICATED, str(error)) from error
        try:
            return self._write(requests, metadata=metadata, compression=grpc.Compression.Gzip)
        except ValueError as error:
            raise StreamEndedError(grpc.StatusCode.CANCELLED, str(error)) from error

    def _good_token(self) -> str | None:
        return self._credentials.token if self._credentials.valid else None

    def _call(self, method: Any, request: Any) -> Any:
        try:
            metadata = (*self._metadata, *self._token())
            return method(request, timeout=self._timeout_s, metadata=metadata, compression=grpc.Compression.Gzip)
        except grpc.RpcError as error:
            raise _error(error.code(), error.details() or "") from error
        except ValueError as error:  # so gRPC says that the channel has been closed
            raise WireError(Verdict.LATER, str(error)) from error
        except auth_errors.RefreshError as error:
            raise WireError(Verdict.UNKNOWN_TO_THEM, str(error)) from error
        except auth_errors.GoogleAuthError as error:
            raise WireError(Verdict.LATER, str(error)) from error

    def _token(self) -> list[tuple[str, str]]:
        """An emulator is told who we are with each request; else the connection says so."""
        if not self._emulated:
            return []
        headers: dict[str, str] = {}
        self._credentials.before_request(None, "", "", headers)
        return [("authorization", headers.get("authorization", "Bearer owner"))]


def _error(code: grpc.StatusCode | None, details: str) -> WireError:
    said = " ".join(details.split())
    text = said if code is None else f"{code.name}: {said}"
    if any(each in said for each in _TOKEN_REFUSED):
        return WireError(Verdict.UNKNOWN_TO_THEM, text)
    if is_unknown(code, said):
        code = grpc.StatusCode.UNIMPLEMENTED
    return WireError(Verdict.LATER if code is None else _VERDICTS.get(code, Verdict.LATER), text)
