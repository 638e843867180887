"""Downloads of everything that others wrote, beside or before what a command does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from config.settings import Settings
from tracker.cli.options import Reload
from tracker.cli.replica import PATIENCE_S, DownloadBar, require_cloud
from tracker.store.store import Store


@contextmanager
def receiving(settings: Settings, store: Store, reread: Reload | None) -> Iterator[None]:
    """Download people, corrections, settings, and events of other machines, in the background while inside.

    Does nothing for a store of this machine alone, or without `reread`. Nothing waits for the network.
    Raises SettingsError and CloudError without usable credentials.
    """
    if settings.store.firestore is None or reread is None:
        yield
        return
    require_cloud()
    from tracker.cloud.download import Scope
    from tracker.cloud.replica import Replica

    with Replica.of(store, settings, scope=Scope.EVERYTHING, reread=reread) as replica:
        replica.follow()
        yield


def receive(settings: Settings, store: Store, reread: Reload) -> None:
    """Download, now, what others wrote. Raises as `receiving` does, and CloudUnreachableError."""
    require_cloud()
    from tracker.cloud.download import Scope
    from tracker.cloud.replica import Replica

    with DownloadBar() as bar, Replica.of(store, settings, scope=Scope.EVERYTHING, reread=reread) as replica:
        replica.catch_up(bar.show, patience_s=PATIENCE_S)
