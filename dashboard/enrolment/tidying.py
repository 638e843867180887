"""Drops what is held in memory for a while only."""

from __future__ import annotations

import threading
from collections.abc import Callable

EVERY_S = 30.0


class Tidying:
    """Calls `tidy` every so often in a thread, from `begin` on until it returns that nothing is left. Thread-safe."""

    def __init__(self, tidy: Callable[[], bool], *, every_s: float = EVERY_S) -> None:
        self._tidy = tidy
        self._every_s = every_s
        self._lock = threading.Lock()
        self._running = False

    def begin(self) -> None:
        """There is something to drop later."""
        with self._lock:
            if self._running:
                return
            self._running = True
        threading.Thread(target=self._run, name="tidying", daemon=True).start()

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(self._every_s)
            with self._lock:
                if not self._tidy():
                    self._running = False
                    return
