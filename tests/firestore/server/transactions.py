"""Transactions: a snapshot to read from, and validation of all reads at commit."""

from __future__ import annotations

import time
import uuid
from collections import deque
from collections.abc import Callable, Hashable
from typing import Any

from grpc import StatusCode

from tests.firestore.server.refusal import RefusedError, expect
from tests.firestore.server.values import stamp_us

MAX_AGE_S = 270.0
MAX_IDLE_S = 60.0

Reading = Callable[[int], Hashable]
"""The result of a read at a time in microseconds, in a comparable form."""


class Transaction:
    """One transaction. read_only ones keep no proof; the others are checked when they commit."""

    def __init__(self, database: str, *, read_only: bool, read_us: int | None) -> None:
        self.id = uuid.uuid4().bytes
        self.database = database
        self.read_only = read_only
        self.read_us = read_us
        self._readings: dict[Hashable, tuple[Reading, Hashable]] = {}
        self._began_s = self._used_s = time.monotonic()

    @property
    def expired(self) -> bool:
        now_s = time.monotonic()
        return now_s - self._began_s > MAX_AGE_S or now_s - self._used_s > MAX_IDLE_S

    def use(self) -> None:
        self._used_s = time.monotonic()

    def saw(self, what: Hashable, reading: Reading, result: Hashable) -> None:
        """Keep the proof of a read: what was asked, and what it gave."""
        if not self.read_only:
            self._readings.setdefault(what, (reading, result))

    def holds(self, now_us: int) -> bool:
        """True when every read would give the same now: the transaction is as if it had run in this moment."""
        return all(reading(now_us) == result for reading, result in self._readings.values())


class Transactions:
    """Those that are open. Not thread-safe: the caller holds the lock."""

    def __init__(self) -> None:
        self._open: dict[bytes, Transaction] = {}
        self._aborted: deque[bytes] = deque(maxlen=10_000)

    def begin(self, database: str, options: Any, read_us: Callable[[int | None], int]) -> Transaction:
        """Open one. A read-only one reads at the time it names, or now; others read at the time of their first read."""
        self._open = {key: each for key, each in self._open.items() if not each.expired}
        read_only = options.WhichOneof("mode") == "read_only"
        time_us = None
        if read_only:
            asked = options.read_only
            time_us = read_us(stamp_us(asked.read_time) if asked.HasField("read_time") else None)
        transaction = Transaction(database, read_only=read_only, read_us=time_us)
        self._open[transaction.id] = transaction
        return transaction

    def find(self, key: bytes, database: str) -> Transaction:
        found = self._open.get(key)
        if found is None or found.database != database or found.expired:
            raise RefusedError(
                StatusCode.INVALID_ARGUMENT, "The referenced transaction has expired or is no longer valid."
            )
        found.use()
        return found

    def end(self, key: bytes, database: str) -> Transaction:
        found = self.find(key, database)
        del self._open[key]
        return found

    def rollback(self, key: bytes, database: str) -> None:
        """Forget one; harmless for one that was aborted, which clients roll back too."""
        if key not in self._aborted:
            self.end(key, database)

    def check(self, transaction: Transaction, now_us: int, *, writes: bool) -> None:
        """Refuse to commit what read something that has changed since, or what may not write."""
        expect(not (transaction.read_only and writes), "Cannot modify entities in a read-only transaction.")
        if writes and not transaction.holds(now_us):
            self._aborted.append(transaction.id)
            raise RefusedError(
                StatusCode.ABORTED,
                "Too much contention on these documents. Please try again: what the transaction read has changed.",
            )
