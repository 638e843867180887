"""Runs the WSGI application of the pages behind the event loop of the server.

Threads only see whole requests and never wait for a browser: bodies are read before a thread starts, within a limit and
a time, and answers are taken from the thread in pieces, as fast as the browser reads them.
"""

from __future__ import annotations

import asyncio
import contextvars
import io
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Headers: TypeAlias = list[tuple[bytes, bytes]]

_PIECE_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploads:
    """The requests whose bodies may be larger. path: the end of their paths. at_once: how many are held in memory."""

    path: str
    max_body_bytes: int
    at_once: int


class Gateway:
    """An ASGI application around a WSGI application.

    threads: how many requests are computed at once. max_body_bytes, body_timeout_s: limits of the body of a request; a
    larger one is answered by 413, a slower one by 408. uploads: those that may be larger where they declare it.
    """

    def __init__(
        self,
        application: Application,
        *,
        threads: int,
        max_body_bytes: int,
        body_timeout_s: float,
        uploads: Uploads | None = None,
    ) -> None:
        self._application = application
        self._uploads = uploads
        self._upload_places = asyncio.Semaphore(0 if uploads is None else uploads.at_once)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="page")
        self._max_body_bytes = max_body_bytes
        self._body_timeout_s = body_timeout_s

    def close(self) -> None:
        """Let the threads end."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with AsyncExitStack() as places:
            try:
                async with asyncio.timeout(self._body_timeout_s):
                    limit = self._limit(scope)
                    if limit > self._max_body_bytes:
                        await places.enter_async_context(self._upload_places)
                    body = await self._body(receive, limit)
            except _TooLargeError:
                await _refuse(send, 413, b"The request is too large.")
            except TimeoutError:
                await _refuse(send, 408, b"The request takes too long.")
            else:
                if body is not None:
                    await self._answer(_Call(self._application, _environ(scope, body)), send)

    def _limit(self, scope: Scope) -> int:
        """How large the body of a request may be, bytes. Raises _TooLargeError where more is declared."""
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        length = int(declared) if declared.isdigit() else -1
        if 0 <= length <= self._max_body_bytes:
            return self._max_body_bytes
        uploads = self._uploads
        if length < 0 or uploads is None or length > uploads.max_body_bytes or not scope["path"].endswith(uploads.path):
            raise _TooLargeError
        return uploads.max_body_bytes

    async def _body(self, receive: Receive, limit: int) -> bytes | None:
        """The whole body; None when the browser has gone. Raises _TooLargeError."""
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            if len(body) > limit:
                raise _TooLargeError
            more = message.get("more_body", False)
        return bytes(body)

    async def _answer(self, call: _Call, send: Send) -> None:
        loop = asyncio.get_running_loop()
        try:
            piece, more = await loop.run_in_executor(self._pool, call.start)
            await send({"type": "http.response.start", "status": call.status, "headers": call.headers})
            await send({"type": "http.response.body", "body": piece, "more_body": more})
            while more:
                piece, more = await loop.run_in_executor(self._pool, call.piece)
                await send({"type": "http.response.body", "body": piece, "more_body": more})
        finally:
            call.close()


class _TooLargeError(Exception):
    """The body of a request is over the limit."""


class _Call:
    """One call of the application, whose answer is taken in pieces."""

    def __init__(self, application: Application, environ: dict[str, Any]) -> None:
        self._application = application
        self._environ = environ
        self._context = contextvars.Context()
        self._answer: Iterable[bytes] = ()
        self._parts: Iterator[bytes] = iter(())
        self.status = 500
        self.headers: Headers = []

    def start(self) -> tuple[bytes, bool]:
        """Call the application. Returns the first piece of its answer and whether there is more."""
        return self._context.run(self._start)

    def piece(self) -> tuple[bytes, bool]:
        """The next piece and whether there is more."""
        found = bytearray()
        for part in self._parts:
            found += part
            if len(found) >= _PIECE_BYTES:
                return bytes(found), True
        return bytes(found), False

    def close(self) -> None:
        """Free what the answer holds, such as a file."""
        close = getattr(self._answer, "close", None)
        if close is not None:
            close()

    def _start(self) -> tuple[bytes, bool]:
        self._answer = self._application(self._environ, self._start_response)
        self._parts = iter(self._answer)
        return self.piece()

    def _start_response(self, status: str, headers: list[tuple[str, str]], _error: object = None) -> None:
        self.status = int(status.split(" ", 1)[0])
        self.headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]


async def _refuse(send: Send, status: int, text: bytes) -> None:
    """Answer without the application, and close the connection, whose request may go on."""
    headers = [
        (b"content-type", b"text/plain"),
        (b"content-length", str(len(text)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})


def _environ(scope: Scope, body: bytes) -> dict[str, Any]:
    """The request as PEP 3333 has it."""
    server, client = scope.get("server") or ("localhost", 80), scope.get("client") or ("", 0)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or ""),
        "REMOTE_ADDR": client[0],
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in scope["headers"]:
        key = name.decode("latin-1").upper().replace("-", "_")
        if key == "CONTENT_TYPE":
            environ[key] = value.decode("latin-1")
        elif key not in {"CONTENT_LENGTH", "TRANSFER_ENCODING"} and b"_" not in name:  # A_B would pass for A-B
            key, text = f"HTTP_{key}", value.decode("latin-1")
            separator = "; " if key == "HTTP_COOKIE" else ","
            environ[key] = f"{environ[key]}{separator}{text}" if key in environ else text
    return environ
