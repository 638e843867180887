"""Listening to a query or a document over the client's `on_snapshot`, which only fills a queue.

The client reconnects by itself. Where it gives up, or holds many documents, the replica reads what is missing by a
query, which raises the reason, and opens the listener again.
"""

from __future__ import annotations

import queue
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from google.cloud.firestore_v1.base_document import DocumentSnapshot
from google.cloud.firestore_v1.document import DocumentReference
from google.cloud.firestore_v1.watch import ChangeType, Watch

from tracker.cloud.reads import Page, document_of

FULL = 500
"""After so many documents a listener is opened again: the client keeps all of them, and copies its index for each."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One snapshot of a listener. page: consistent, complete up to the time at which it was read."""

    listener: Listener
    page: Page


class _Watch(Watch):
    """The client's listener, which would raise the reason of its end in a thread of its own."""

    def close(self, reason: Any = None) -> None:
        del reason
        super().close()


class Listener:
    """One open listener. It puts every snapshot into `snapshots`. `close` is thread-safe and idempotent."""

    def __init__(self, target: Any, snapshots: queue.SimpleQueue[Snapshot | None], *, name: str) -> None:
        self.name = name
        self.is_live = False
        """Whether the first snapshot was received."""
        self._snapshots = snapshots
        self._received = 0
        opened = _Watch.for_document if isinstance(target, DocumentReference) else _Watch.for_query
        self._watch = opened(target, self._on_snapshot, DocumentSnapshot)

    @property
    def is_active(self) -> bool:
        """Whether the client still listens."""
        return bool(self._watch.is_active)

    @property
    def is_full(self) -> bool:
        """Whether it should be opened again."""
        return self._received >= FULL

    def close(self) -> None:
        self._watch.unsubscribe()

    def _on_snapshot(self, documents: Sequence[DocumentSnapshot[Any]], changes: Sequence[Any], read_at: Any) -> None:
        """Called by the client; an exception in here would end the listener."""
        del documents
        if self.is_live:
            self._received += len(changes)
        self.is_live = True
        changed = tuple(document_of(each.document) for each in changes if each.type is not ChangeType.REMOVED)
        self._snapshots.put(Snapshot(self, Page(changed, read_at)))
