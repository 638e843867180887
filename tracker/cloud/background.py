"""Uploads and downloads in the background, while something else runs. Nothing there waits for the network."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from config.settings import Settings
from tracker.cloud.client import connect
from tracker.cloud.download import Scope
from tracker.cloud.replica import Replica, Reread
from tracker.cloud.uploader import Uploader
from tracker.store.store import Store

_STOP_S = 15.0


@contextmanager
def uploading(store: Store, settings: Settings) -> Iterator[None]:
    """Upload what is recorded inside. Raises SettingsError and CloudError at once on unusable credentials."""
    uploader, stop = Uploader.of(store, settings, gentle=True), threading.Event()
    if settings.store.firestore is not None and settings.cloud.credentials is not None:
        connect(settings.store.firestore, settings.cloud.credentials).close()
    thread = threading.Thread(target=uploader.run, args=(stop,), name="uploader", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(_STOP_S)
        if thread.is_alive():  # in a request that is not answered
            uploader.close()
            thread.join(_STOP_S)


@contextmanager
def downloading(store: Store, settings: Settings, reread: Reread) -> Iterator[None]:
    """Download people, corrections, settings, and events of other machines. Raises as `uploading` does."""
    with Replica.of(store, settings, scope=Scope.EVERYTHING, reread=reread) as replica:
        replica.follow()
        yield
