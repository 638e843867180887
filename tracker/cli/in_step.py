"""Write access for commands not converted yet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from config.settings import Settings
from tracker.cli import replica
from tracker.cli.store import open_store
from tracker.store.store import Store


@contextmanager
def in_step(settings: Settings, *, create: bool = False) -> Iterator[Store]:
    """As `store.writing`."""
    if settings.store.firestore is None:
        with open_store(settings, create=create) as store:
            yield store
        return
    with open_store(settings) as store:
        replica.download_if_reachable(settings, store)
        yield store
        replica.upload(settings, store)
