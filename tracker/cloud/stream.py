"""Applying writes over a stream: who we are is said once, when it opens, and not with each request.

The first request of a Write stream names the database; each later one carries the newest token and writes, which are
applied all or none, before those of the next. What is refused ends the stream with its status. None can be resumed.
Source: google.firestore.v1.Firestore.Write in Google's firestore.proto; that idle streams are closed and others opened
whenever one ends is as Firebase's own clients do it.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from math import inf
from typing import Any

import grpc
from google.cloud.firestore_v1.types import firestore as messages

IDLE_S = 900.0
"""How long a stream is kept that nothing is sent over: three signs of life. Meanwhile it costs two pings."""
LIFE_S = 3000.0
"""How long a stream is kept at most: less than the hour of a token, after which Google ends it."""
OPENING_S = 10.0
"""How long opening may take; after that something on the way may not let streams through."""
_PAUSE_S, _LONGEST_PAUSE_S = 60.0, 3600.0

_Request = messages.WriteRequest.pb()
_ASK_LATER = (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.RESOURCE_EXHAUSTED)
"""Statuses after which nothing is gained by asking again at once."""

Start = Callable[[Iterator[Any]], Any]
"""Begins a call of the method Write with an iterator of requests; gives gRPC's call."""


class StreamEndedError(Exception):
    """The stream is over. code: as the server, the connection or our clock says. said: in words."""

    def __init__(self, code: grpc.StatusCode, said: str) -> None:
        super().__init__(said)
        self.code = code
        self.said = said


class WriteStream:
    """One stream. For one thread; `close` is for any."""

    def __init__(self, start: Start) -> None:
        self._requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._token = b""
        self._over = threading.Event()
        self._call = start(iter(self._requests.get, None))
        threading.Thread(target=self._listen, name="firestore-answers", daemon=True).start()

    @property
    def is_over(self) -> bool:
        """Whether the server or the connection has ended it."""
        return self._over.is_set()

    def open(self, database: str, *, timeout_s: float) -> None:
        """Raises StreamEndedError."""
        self._ask(_Request(database=database), timeout_s)

    def apply(self, writes: Sequence[Any], *, timeout_s: float) -> None:
        """Apply all writes or none. Raises StreamEndedError; whether they were applied may then be unknown."""
        self._ask(_Request(writes=writes, stream_token=self._token), timeout_s)

    def close(self) -> None:
        """End it; a request under way fails at once."""
        self._requests.put(None)
        self._call.cancel()

    def _ask(self, request: Any, timeout_s: float) -> None:
        until_s = time.monotonic() + timeout_s
        self._requests.put(request)
        results = -1
        while results != len(request.writes):  # an answer with no results but a new token answers no writes
            try:
                answer = self._answers.get(timeout=max(0.0, until_s - time.monotonic()))
            except queue.Empty:
                self.close()
                raise StreamEndedError(grpc.StatusCode.DEADLINE_EXCEEDED, f"no answer within {timeout_s:g} s") from None
            if isinstance(answer, StreamEndedError):
                raise answer
            self._token = answer.stream_token
            results = len(answer.write_results)

    def _listen(self) -> None:
        code, said = grpc.StatusCode.UNAVAILABLE, ""
        try:
            for answer in self._call:
                self._answers.put(answer)
        except grpc.RpcError as error:
            code, said = error.code(), error.details() or ""
        finally:
            self._over.set()
            self._answers.put(StreamEndedError(code, said or "the stream was ended"))
            self._requests.put(None)


class Streams:
    """The stream that is open, if one is: opened when something is to be sent, closed when it is old or idle.

    token: the one with which a stream would be opened now, None where that is not known, or is no more good; a stream
    does not outlive its own. For one thread; `close` is for any.
    """

    def __init__(
        self,
        start: Start,
        database: str,
        *,
        timeout_s: float,
        token: Callable[[], str | None] = lambda: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._start = start
        self._database = database
        self._timeout_s = timeout_s
        self._token = token
        self._monotonic = monotonic
        self._stream: WriteStream | None = None
        self._opened_with: str | None = None
        self._opened_s = self._used_s = 0.0
        self._failures = 0
        self._not_before_s = -inf
        self._closed = False

    @property
    def is_open(self) -> bool:
        """Whether one is open, as far as is known."""
        stream = self._stream
        return stream is not None and not stream.is_over

    def apply(self, writes: Sequence[Any]) -> bool:
        """Apply all writes or none; False where Commit is to be asked, whether or not they have been applied.

        Raises StreamEndedError where that would bring nothing: no answer in time, quota used up, closed by us.
        """
        self.rest()
        stream = self._stream or self._opened()
        if stream is None:
            return False
        try:
            stream.apply(writes, timeout_s=self._timeout_s)
        except StreamEndedError as ended:
            self._drop()
            self._failed()
            if self._closed or ended.code in _ASK_LATER:
                raise
            return False
        self._used_s, self._failures = self._monotonic(), 0
        return True

    def rest(self) -> None:
        """Close the stream if it is over, has been open or idle for long, or its token is not good any more."""
        stream = self._stream
        if stream is None:
            return
        now_s = self._monotonic()
        is_old = now_s - self._opened_s >= LIFE_S or now_s - self._used_s >= IDLE_S
        is_foreign = self._opened_with is not None and self._token() != self._opened_with
        if stream.is_over or is_old or is_foreign:
            self._drop()

    def close(self) -> None:
        """End the stream and open none any more."""
        self._closed = True
        self._drop()

    def _opened(self) -> WriteStream | None:
        if self._closed or self._monotonic() < self._not_before_s:
            return None
        try:
            stream = self._stream = WriteStream(self._start)
            stream.open(self._database, timeout_s=min(OPENING_S, self._timeout_s))
        except StreamEndedError as ended:
            self._drop()
            if self._closed:
                raise
            self._failed()
            if is_unknown(ended.code, ended.said):
                self._not_before_s = inf
            return None
        self._opened_s = self._used_s = self._monotonic()
        self._opened_with = self._token()
        return stream

    def _failed(self) -> None:
        """The first time costs nothing; while requests over streams only fail, streams are left alone, ever longer."""
        self._failures += 1
        if self._failures > 1:
            pause_s = min(_LONGEST_PAUSE_S, _PAUSE_S * 2.0 ** min(self._failures - 2, 30))
            self._not_before_s = self._monotonic() + pause_s

    def _drop(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()


def is_unknown(code: grpc.StatusCode | None, said: str) -> bool:
    """Whether a server says that it has no such method."""
    if code is grpc.StatusCode.UNKNOWN:
        return said.endswith("not implemented.")  # as the npm emulator puts it
    return code is grpc.StatusCode.UNIMPLEMENTED
