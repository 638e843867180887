"""The circuit breaker: a collection that is denied as a whole is skipped for a while, and nothing is rejected.

A document that is refused while others of its collection are taken is at fault itself. Where all are denied, the rules
or the credentials are, and an administrator has to fix them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence

from tracker.cloud.commit import RejectedWrite
from tracker.cloud.writes import Write
from tracker.store.cursors import Stream

OPEN_S = 300.0
_WITH = {
    "aliases": "people",
    "matches": "events",
    "zone_stay deletion": "zone_stays",
    "session deletion": "sessions",
    "person deletion": "people",
}
"""What is uploaded along with a collection, and skipped with it."""


class CircuitBreaker:
    """Which collections are open, that is skipped, and why. For one thread.

    one_by_one: collections whose documents the rules judge each by its content, so that one refusal does not
    concern the others.
    """

    def __init__(
        self, monotonic: Callable[[], float] = time.monotonic, *, one_by_one: Collection[str] = frozenset()
    ) -> None:
        self._monotonic = monotonic
        self._apart = {"matches", *one_by_one}
        self._until_s: dict[str, float] = {}
        self._reasons: dict[str, str] = {}

    @property
    def open(self) -> dict[str, str]:
        """By collection why it is skipped."""
        now_s = self._monotonic()
        return {name: reason for name, reason in self._reasons.items() if self._until_s[name] > now_s}

    @property
    def open_streams(self) -> set[Stream]:
        """Streams to skip for now."""
        is_open = self.open
        return {stream for stream in Stream if _collection(stream) in is_open}

    def judge(self, writes: Iterable[Write], rejected: Sequence[RejectedWrite]) -> list[RejectedWrite]:
        """The rejected writes that are at fault themselves. Opens collections of which everything was denied."""
        denied = {id(each.write) for each in rejected if each.denied}
        taken = {_collection(each.collection) for each in writes if id(each) not in denied}
        for each in rejected:
            collection = _collection(each.write.collection)
            if id(each.write) in denied and collection not in taken and each.write.collection not in self._apart:
                self._reasons[collection] = each.reason
                self._until_s[collection] = self._monotonic() + OPEN_S
        is_open = self.open
        return [
            each
            for each in rejected
            if id(each.write) not in denied or _collection(each.write.collection) not in is_open
        ]


def _collection(name: str) -> str:
    return _WITH.get(name, name)
