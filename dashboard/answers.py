"""A cache of answers by query."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

_Answer = TypeVar("_Answer")


class Answers:
    """The latest answers by query, of which the oldest are dropped. Thread-safe.

    Threads with the same query wait for one answer; other queries do not wait for it.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: dict[tuple[object, ...], _Pending] = {}
        self._lock = threading.Lock()

    def get(
        self,
        query: tuple[object, ...],
        answer: Callable[[], _Answer],
        *,
        keep: Callable[[_Answer], bool] = lambda _answer: True,
    ) -> _Answer:
        """The answer to the query, from `answer` if it is not known; what that raises is raised and not kept.

        keep: whether an answer is for others too, or only for who asked.
        """
        with self._lock:
            pending = self._known.pop(query, None) or _Pending()
            self._known[query] = pending
            while len(self._known) > self._most:
                del self._known[next(iter(self._known))]
        with pending.lock:
            if pending.done:
                return pending.value  # type: ignore[return-value] # of this query
            found = answer()
            if keep(found):
                pending.value, pending.done = found, True
            return found


class _Pending:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.done = False
        self.value: object = None
