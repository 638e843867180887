"""A connection with a browser: how long it may take over the head of a request, and how many there may be."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_TIMEOUT_S = 10.0
MAX_CONNECTIONS = 512
MAX_HEAD_BYTES = 32 * 1024


class Connection(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it; a request whose head is not there in time ends the connection.

    Of too many connections one is closed that waits for a request, so that open ones keep nobody out.
    """

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        super().connection_made(transport)
        self._watch()
        if len(self.connections) > MAX_CONNECTIONS:
            waiting = (each for each in self.connections if isinstance(each, Connection) and each is not self)
            oldest = next((each for each in waiting if each.is_waiting), self)
            oldest.transport.abort()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_watch()
        super().connection_lost(exc)

    @property
    def is_waiting(self) -> bool:
        """Whether no request is being answered or read."""
        return self.conn.their_state is h11.IDLE

    def _watch(self) -> None:
        """Start the deadline at the first byte of a head, or the start; stop it when the head is there."""
        if not self.is_waiting:
            self._stop_watch()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_TIMEOUT_S, self.transport.abort)

    def _stop_watch(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def limits() -> dict[str, Any]:
    """The options of uvicorn that belong to these connections."""
    return {"http": Connection, "h11_max_incomplete_event_size": MAX_HEAD_BYTES, "timeout_keep_alive": 30}
