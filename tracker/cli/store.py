"""The two ways into a store: `reading` never uploads, `writing` does.

A store on this machine is opened, no more. For a shared store (firestore://), what is new there is downloaded first.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tracker.cli.options import Options, Reading

if TYPE_CHECKING:
    from config.settings import Settings
    from tracker.store.store import Store


@contextmanager
def reading(options: Options) -> Iterator[tuple[Settings, Store]]:
    """Settings and store for reading; the store must exist.

    With --offline nothing is downloaded, and stderr states the age of the local copy. Raises SettingsError,
    StoreError, CloudError, and CloudUnreachableError that names --offline as the fix.
    """
    settings = options.load()
    if settings.store.firestore is not None:
        from tracker.cli import replica

        if isinstance(options, Reading) and options.offline:
            replica.note_age(settings)
        else:
            replica.download(settings, options.reload)
            settings = options.load()
    with open_store(settings, create=False) as store:
        yield settings, store


@contextmanager
def writing(options: Options, *, create: bool = False) -> Iterator[tuple[Settings, Store]]:
    """Settings and store for changes, which are uploaded at the end.

    create: whether a missing store is created. Without network the change is made to the local copy, with a note on
    stderr, and the next `footfall sync` or agent uploads it. Raises SettingsError, StoreError, and CloudError where
    Firestore denies access.
    """
    settings = options.load()
    if settings.store.firestore is None:
        with open_store(settings, create=create) as store:
            yield settings, store
        return
    from tracker.cli import replica

    with open_store(settings) as store:
        replica.download_if_reachable(settings, store)
        yield options.load(), store
        replica.upload(settings, store)


def open_store(settings: Settings, *, create: bool = True) -> Store:
    """The store of the settings, open; close it or use it as a context manager. Raises StoreError."""
    from tracker.store.store import Store

    return Store(settings.store.path).open(create=create)
