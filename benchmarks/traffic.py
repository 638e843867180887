"""Network traffic: a TCP proxy that counts bytes and can be interrupted, and the test server in its own process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Self

from benchmarks.measure import ROOT

_CHUNK = 65_536


class CountingProxy:
    """Passes on to `target` (host:port) what comes to `host`, but while it is cut. A context manager.

    up, down: bytes of TCP payload so far.
    """

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._server = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._server.getsockname()[1]}"
        self.up = 0
        self.down = 0
        self._is_cut = False
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Close all connections, and reject new ones until the proxy is restored."""
        with self._lock:
            self._is_cut = True
            found, self._open = self._open, set()
        for each in found:
            _end(each)

    def mend(self) -> None:
        self._is_cut = False

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            with self._lock:
                if self._is_cut:
                    client.close()
                    continue
                server = socket.create_connection(self._target)
                self._open |= {client, server}
            for source, sink, upwards in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pump, args=(source, sink, upwards), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, upwards: bool) -> None:
        with suppress(OSError):
            while piece := source.recv(_CHUNK):
                sink.sendall(piece)
                with self._lock:
                    self.up += len(piece) * upwards
                    self.down += len(piece) * (not upwards)
        with self._lock:
            self._open -= {source, sink}
        _end(source)
        _end(sink)


def _end(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


@contextmanager
def server() -> Iterator[str]:
    """The host of a running server, which is where clients go that are made inside."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.firestore.server", "--until-eof"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    host = f"127.0.0.1:{int(process.stdout.readline())}"
    before = os.environ.get("FIRESTORE_EMULATOR_HOST")
    os.environ["FIRESTORE_EMULATOR_HOST"] = host
    try:
        yield host
    finally:
        process.communicate()
        if before is None:
            os.environ.pop("FIRESTORE_EMULATOR_HOST")
        else:
            os.environ["FIRESTORE_EMULATOR_HOST"] = before
