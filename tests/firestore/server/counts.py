"""Usage of a project: documents read, written and deleted as Google bills them, and calls per method."""

from __future__ import annotations

from collections import Counter
from typing import Any

INDEX_ENTRIES_A_READ = 1000


class Counts:
    """Counters of one project.

    reads, writes, deletes: by collection id (the last id before the document's own; "" where a read found nothing).
    calls: requests by method. answers: by method and status, as "Commit OK".
    request_bytes: the protocol messages that came in, by method.
    """

    def __init__(self) -> None:
        self.reads: Counter[str] = Counter()
        self.writes: Counter[str] = Counter()
        self.deletes: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()
        self.request_bytes: Counter[str] = Counter()

    def query_read(self, collection_id: str, documents: int) -> None:
        """A query costs what it returns or skips, and one read at least."""
        self.reads[collection_id] += max(documents, 1)

    def aggregation_read(self, collection_id: str, entries: int) -> None:
        self.reads[collection_id] += max(1, -(-entries // INDEX_ENTRIES_A_READ))

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers: totals, and the parts they are made of."""
        return {
            "reads": self.reads.total(),
            "writes": self.writes.total(),
            "deletes": self.deletes.total(),
            "reads_by_collection": dict(self.reads),
            "writes_by_collection": dict(self.writes),
            "deletes_by_collection": dict(self.deletes),
            "calls": dict(self.calls),
            "answers": dict(self.answers),
            "request_bytes": dict(self.request_bytes),
        }
