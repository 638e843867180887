"""What a command needs to upload its store to Firestore. The packages for it are loaded only where they are used."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from config.errors import SettingsError
from config.settings import Settings
from config.storage import FirestoreAddress
from tracker.store.store import Store

if TYPE_CHECKING:
    from tracker.cloud.uploader import Uploader

_STOP_S = 15.0


@contextmanager
def uploading(settings: Settings, store: Store) -> Iterator[None]:
    """Upload what is recorded inside, in the background, where the store is replicated to Firestore.

    Raises SettingsError when the packages for it are missing or the credentials are unusable; without network nothing
    is raised, and nothing waits for it.
    """
    if settings.store.firestore is None:
        yield
        return
    uploader, stop = uploader_of(settings, store, gentle=True), threading.Event()
    if settings.cloud.credentials is not None:
        _require_key(settings.cloud.credentials, settings.store.firestore)
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


def uploader_of(
    settings: Settings, store: Store, *, gentle: bool = False, progress: Callable[[int], None] = lambda _: None
) -> Uploader:
    """The uploader of a store, as the settings describe it. Raises SettingsError as `uploading` does."""
    if settings.store.firestore is None:
        raise SettingsError(
            f"{settings.store.url} is not replicated to Firestore", fix="give --store firestore://PROJECT"
        )
    if find_spec("firebase_admin") is None:
        raise SettingsError("the packages for Firestore are missing", fix="pip install 'footfall[cloud]'")
    from tracker.cloud.uploader import Uploader

    return Uploader.of(store, settings, gentle=gentle, progress=progress)


def _require_key(path: Path, address: FirestoreAddress) -> None:
    """Report at once what is wrong with the file, not hours later in a log."""
    from tracker.cloud.client import connect

    connect(address, path).close()
