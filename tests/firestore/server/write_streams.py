"""Write: a stream of requests, each atomic and in order, each with the token of the previous response.

What the documentation leaves open is as Google's server was seen to do it: a stream cannot be resumed
(github.com/googleapis/google-cloud-java/issues/6049), a request without a token is refused
(github.com/firebase/flutterfire/issues/5866).
"""

from __future__ import annotations

import os
import queue
import struct
import threading
from collections.abc import Iterable, Iterator
from typing import Any

from grpc import RpcError

from tests.firestore.server.engine import Engine
from tests.firestore.server.names import database_of
from tests.firestore.server.protos import WriteResponse
from tests.firestore.server.refusal import RefusedError, expect
from tests.firestore.server.values import set_time

TOKEN = struct.Struct(">4sQ")


class WriteStream:
    """One Write call. In `inbox` are requests; a RefusedError in it ends the call, None ends it quietly."""

    def __init__(self, engine: Engine) -> None:
        self.inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.database = ""
        self._engine = engine
        self._id = os.urandom(4)
        self._answered = 0
        self._known = 0
        self._ends = False

    @property
    def is_open(self) -> bool:
        """Whether the handshake is done."""
        return self._answered > 0

    def take(self, requests: Iterable[Any]) -> None:
        """Fill the inbox, in a thread of its own."""
        threading.Thread(target=self._take, args=(requests,), name="write-requests", daemon=True).start()

    def requests(self) -> Iterator[Any]:
        """The requests of the client until it has no more. Raises RefusedError when the stream is cut."""
        for each in iter(self.inbox.get, None):
            if isinstance(each, RefusedError):
                raise each
            yield each

    def end(self, refused: RefusedError) -> None:
        """End it with a status, after the request under way."""
        self.inbox.put(refused)

    def answer(self, request: Any) -> Any:
        """Carry out one request. Raises RefusedError, which ends the stream."""
        if not self.is_open:
            return self._opened(request)
        expect(request.stream_token, "missing stream token")
        self._acknowledge(request.stream_token)
        expect(not self._ends, "Only the last request may have no writes.")
        if not request.writes:
            self._ends = True
            return self._response()
        results, time_us = self._engine.commit(self.database, request.writes, b"")
        answer = self._response()
        answer.write_results.extend(results)
        set_time(answer.commit_time, time_us)
        return answer

    def _opened(self, request: Any) -> Any:
        self.database = database_of(request.database)
        expect(not request.stream_id and not request.stream_token, "resuming a stream not supported")
        expect(not request.writes, "the first request in the stream must not have any writes")
        answer = self._response()
        answer.stream_id = self._id.hex()
        return answer

    def _acknowledge(self, token: bytes) -> None:
        expect(len(token) == TOKEN.size, "Invalid stream token.")
        stream, position = TOKEN.unpack(token)
        expect(stream == self._id and self._known <= position <= self._answered, "Invalid stream token.")
        self._known = position

    def _response(self) -> Any:
        self._answered += 1
        return WriteResponse(stream_token=TOKEN.pack(self._id, self._answered))

    def _take(self, requests: Iterable[Any]) -> None:
        try:
            for each in requests:
                self.inbox.put(each)
        except RpcError:
            pass  # the client is gone
        finally:
            self.inbox.put(None)
