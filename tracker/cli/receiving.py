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
    """Take in people, corrections and settings, and events of other machines, in the background while inside.

    Does nothing for a store of this machine alone, or without `reread`. Nothing ever waits for the network.
    Raises SettingsError and CloudError where there are no credentials that can be used.
    """
    if settings.store.firestore is None or reread is None:
        yield
        return
    require_cloud()
    from tracker.cloud.feed import Scope
    from tracker.cloud.sync import Link

    with Link(store, settings, wanted=Scope.EVERYTHING, reread=reread) as link:
        link.follow()
        yield


def receive(settings: Settings, store: Store, reread: Reload) -> None:
    """Take in, now, what others wrote. Raises as `receiving` does, and CloudUnreachableError."""
    require_cloud()
    from tracker.cloud.feed import Scope
    from tracker.cloud.sync import Link

    with DownloadBar() as bar, Link(store, settings, wanted=Scope.EVERYTHING, reread=reread) as link:
        link.catch_up(bar.show, patience_s=PATIENCE_S)
