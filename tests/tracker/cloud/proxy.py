"""A TCP proxy with network faults: cut, delayed, truncated and reset connections."""

from __future__ import annotations

import socket
import struct
import threading
from enum import StrEnum
from typing import Self

_CHUNK = 16_384
_ABORT = struct.pack("ii", 1, 0)
"""SO_LINGER of no time: closing sends a reset."""


class Mode(StrEnum):
    PASS = "pass"
    CUT = "cut"
    """Every connection is closed as it comes; those that are open at once."""
    RESET = "reset"
    """The same, rudely."""
    HALVE = "halve"
    """Of each connection half of the next piece goes through, then it is closed."""
    DELAY = "delay"
    """Each piece is held up, until the line is good again at the latest."""
    SILENT = "silent"
    """Connections stay open and carry nothing: no cable, no word."""


class Proxy:
    """Listens on a free port and forwards to `target` (host:port). up, down: bytes forwarded; held: delayed chunks."""

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._delay_s = 0.0
        self._mode = Mode.PASS
        self._turned = threading.Condition()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._closing = False
        self.up = 0
        self.down = 0
        self.held = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._server.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def be(self, mode: Mode, *, delay_s: float = 0.05) -> None:
        """Behave like this from now on. delay_s: delay of a chunk."""
        with self._turned:
            self._mode, self._delay_s = mode, delay_s
            self._turned.notify_all()
        if mode in (Mode.CUT, Mode.RESET):
            self._end_all(rudely=mode is Mode.RESET)

    def close(self) -> None:
        with self._turned:
            self._closing = True
            self._turned.notify_all()
        self._server.shutdown(socket.SHUT_RDWR)  # wakes the accepting thread
        self._server.close()
        self._end_all(rudely=False)
        for thread in self._threads:
            thread.join(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        while not self._closing:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            if self._mode in (Mode.CUT, Mode.RESET):
                _end(client, rudely=self._mode is Mode.RESET)
                continue
            try:
                server = socket.create_connection(self._target, timeout=10)
            except OSError:
                _end(client, rudely=False)
                continue
            server.settimeout(None)
            with self._lock:
                self._open |= {client, server}
            for source, sink, upwards in ((client, server, True), (server, client, False)):
                thread = threading.Thread(target=self._pump, args=(source, sink, upwards), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _pump(self, source: socket.socket, sink: socket.socket, upwards: bool) -> None:
        try:
            while piece := source.recv(_CHUNK):
                self._hold_up()
                halved = self._mode is Mode.HALVE and upwards and len(piece) > 100
                sink.sendall(piece[: len(piece) // 2] if halved else piece)
                if upwards:
                    self.up += len(piece)
                else:
                    self.down += len(piece)
                if halved:
                    break
        except OSError:
            pass
        with self._lock:
            self._open -= {source, sink}
        _end(source, rudely=False)
        _end(sink, rudely=False)

    def _hold_up(self) -> None:
        with self._turned:
            mode = self._mode
            if mode in (Mode.SILENT, Mode.DELAY):
                longest_s = self._delay_s if mode is Mode.DELAY else None
                self.held += 1
                self._turned.wait_for(lambda: self._closing or self._mode is not mode, longest_s)
                self.held -= 1

    def _end_all(self, *, rudely: bool) -> None:
        with self._lock:
            found, self._open = self._open, set()
        for each in found:
            _end(each, rudely=rudely)


def _end(connection: socket.socket, *, rudely: bool) -> None:
    try:
        if rudely:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
            connection.shutdown(socket.SHUT_RD)  # wakes its readers; without it the socket is closed only when they end
        else:
            connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    connection.close()
